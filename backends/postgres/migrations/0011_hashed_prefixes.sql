-- A prefix may be personal, and a queue outlives the assets in it: it is known by its SHA-256. The ends of queues so far are forgotten,
-- so the next upload of each producer is placed as its first.
DELETE FROM prefixes;
ALTER TABLE prefixes RENAME COLUMN prefix TO prefix_sha256;
