-- A notice is one row without a receiver until it is addressed, and then one row for each receiver. The defaults are what a
-- node of the previous version writes.
ALTER TABLE outbox
    ADD COLUMN receiver text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN owed_at_ms bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    DROP CONSTRAINT outbox_id_key,
    ADD CONSTRAINT outbox_id_receiver_key UNIQUE (id, receiver);
CREATE INDEX outbox_receiver ON outbox (receiver, number);
