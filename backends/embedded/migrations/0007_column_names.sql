-- Columns take the words that the program, its guide and its metrics use. Indices and triggers follow by themselves.
ALTER TABLE assets RENAME COLUMN door TO exit;
ALTER TABLE assets RENAME COLUMN marks TO flags;
ALTER TABLE assets RENAME COLUMN place TO queue_position;
ALTER TABLE tasks RENAME COLUMN excused TO uncounted;
ALTER TABLE tasks RENAME COLUMN blameless TO not_producers_fault;
ALTER TABLE tasks RENAME COLUMN place TO queue_position;
ALTER TABLE prefixes RENAME COLUMN behind TO queue_end;
ALTER TABLE decisions RENAME COLUMN what TO kind;
ALTER TABLE history RENAME COLUMN what TO event;
ALTER TABLE refused_events RENAME COLUMN place TO location;
ALTER TABLE refused_events RENAME COLUMN why TO reason;

-- The same for words in rows: the external scan was called `scan`, and quarantining `set_apart`.
PRAGMA defer_foreign_keys = ON;
UPDATE tasks SET task = 'external_scan' WHERE task = 'scan';
UPDATE products SET task = 'external_scan' WHERE task = 'scan';
UPDATE outputs SET task = 'external_scan' WHERE task = 'scan';
UPDATE history SET task = 'external_scan' WHERE task = 'scan';
UPDATE history SET event = 'quarantining' WHERE event = 'set_apart';
UPDATE audit_pending
SET line = replace(replace(line, '"task":"scan"', '"task":"external_scan"'), '"what":"set_apart"', '"what":"quarantining"');
