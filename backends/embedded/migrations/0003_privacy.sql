-- What people and policy decide about personal data, and the audit log.

-- Words parted by spaces: what policy asks for, then `cleared`, `held`, `redacted`.
ALTER TABLE assets ADD COLUMN marks TEXT NOT NULL DEFAULT '';
UPDATE assets SET marks = CASE severity WHEN 'high' THEN 'quarantine' WHEN 'medium' THEN 'publish_tagged' ELSE 'log' END;

-- Who found it: `local` or `macie`.
ALTER TABLE findings ADD COLUMN source TEXT NOT NULL DEFAULT 'local';

-- Who decided what, and why; the latest one of a kind counts.
CREATE TABLE decisions (
    number        INTEGER PRIMARY KEY,
    asset         INTEGER NOT NULL REFERENCES assets (arrival),
    what          TEXT NOT NULL,
    decided_by    TEXT NOT NULL,
    approver      TEXT,
    reason        TEXT NOT NULL,
    expires_at_ms INTEGER,
    at_ms         INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_expiring ON decisions (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- What encoding anew leaves out of an asset, as a document.
CREATE TABLE redactions (
    asset      INTEGER PRIMARY KEY REFERENCES assets (arrival),
    redaction  TEXT NOT NULL
) STRICT;

-- When somebody was last reminded of an asset that was set apart.
CREATE TABLE reminders (
    asset  INTEGER PRIMARY KEY REFERENCES assets (arrival),
    at_ms  INTEGER NOT NULL
) STRICT;

-- Lines that are still to be chained to the audit log, in the order in which they were committed.
CREATE TABLE audit_pending (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    asset   TEXT NOT NULL,
    line    TEXT NOT NULL
) STRICT;
-- The chain. No row is ever changed or removed.
CREATE TABLE audit (
    number  INTEGER PRIMARY KEY,
    line    TEXT NOT NULL
) STRICT;

-- In the same transaction as the line itself, whoever writes it.
CREATE TRIGGER history_audited AFTER INSERT ON history WHEN NEW.what NOT IN ('due', 'claimed')
BEGIN
    INSERT INTO audit_pending (asset, line)
    SELECT id, json_object('sequence', NEW.sequence, 'at_ms', NEW.at_ms, 'what', NEW.what, 'task', NEW.task,
                           'attempt', NEW.attempt, 'node', NEW.node, 'wall_ms', NEW.wall_ms, 'detail', NEW.detail)
    FROM assets WHERE arrival = NEW.asset;
END;
CREATE TRIGGER refused_events_audited AFTER INSERT ON refused_events
BEGIN
    INSERT INTO audit_pending (asset, line)
    VALUES ('', json_object('sequence', 0, 'at_ms', NEW.at_ms, 'what', 'refused', 'detail', NEW.why));
END;
INSERT INTO audit_pending (asset, line)
SELECT a.id, json_object('sequence', h.sequence, 'at_ms', h.at_ms, 'what', h.what, 'task', h.task,
                         'attempt', h.attempt, 'node', h.node, 'wall_ms', h.wall_ms, 'detail', h.detail)
FROM history AS h JOIN assets AS a ON a.arrival = h.asset WHERE h.what NOT IN ('due', 'claimed')
ORDER BY h.at_ms, h.asset, h.sequence;
