-- A notice is one row without a receiver until it is addressed, and then one row for each receiver.
CREATE TABLE outbox_of_receivers (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL,
    receiver   TEXT NOT NULL DEFAULT '',
    asset      INTEGER NOT NULL REFERENCES assets (arrival),
    kind       TEXT NOT NULL,
    body       TEXT NOT NULL,
    tries      INTEGER NOT NULL,
    owed_at_ms INTEGER NOT NULL,
    due_at_ms  INTEGER NOT NULL,
    UNIQUE (id, receiver)
) STRICT;
INSERT INTO outbox_of_receivers (number, id, asset, kind, body, tries, owed_at_ms, due_at_ms)
SELECT number, id, asset, kind, body, tries, min(due_at_ms, coalesce(body ->> 'at_ms', due_at_ms)), due_at_ms
FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_of_receivers RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (due_at_ms);
CREATE INDEX outbox_receiver ON outbox (receiver, number);
