-- Seals of the audit log that went out in a notice.
CREATE TABLE announced_seals (
    records  bigint PRIMARY KEY,
    head     text NOT NULL,
    at_ms    bigint NOT NULL
);

-- A notice may concern no asset. A node of the previous version passes such a notice over.
ALTER TABLE outbox ALTER COLUMN asset DROP NOT NULL;
