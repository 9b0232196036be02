-- Seals of the audit log that went out in a notice.
CREATE TABLE announced_seals (
    records  INTEGER PRIMARY KEY,
    head     TEXT NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT;

-- A notice may concern no asset.
CREATE TABLE outbox_of_all (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL,
    receiver   TEXT NOT NULL DEFAULT '',
    asset      INTEGER REFERENCES assets (arrival),
    kind       TEXT NOT NULL,
    body       TEXT NOT NULL,
    tries      INTEGER NOT NULL,
    owed_at_ms INTEGER NOT NULL,
    due_at_ms  INTEGER NOT NULL,
    UNIQUE (id, receiver)
) STRICT;
INSERT INTO outbox_of_all SELECT number, id, receiver, asset, kind, body, tries, owed_at_ms, due_at_ms FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_of_all RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (due_at_ms);
CREATE INDEX outbox_receiver ON outbox (receiver, number);
