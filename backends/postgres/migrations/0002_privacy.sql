-- What people and policy decide about personal data, and the audit log.

-- Words parted by spaces: what policy asks for, then `cleared`, `held`, `redacted`.
ALTER TABLE assets ADD COLUMN marks text NOT NULL DEFAULT '';
UPDATE assets SET marks = CASE severity WHEN 'high' THEN 'quarantine' WHEN 'medium' THEN 'publish_tagged' ELSE 'log' END;

-- Who decided what, and why; the latest one of a kind counts.
CREATE TABLE decisions (
    number         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asset          bigint NOT NULL,
    what           text NOT NULL,
    decided_by     text NOT NULL,
    approver       text,
    reason         text NOT NULL,
    expires_at_ms  bigint,
    at_ms          bigint NOT NULL
);
CREATE INDEX decisions_by_asset ON decisions (asset);
CREATE INDEX decisions_expiring ON decisions (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- What encoding anew leaves out of an asset, as a document.
CREATE TABLE redactions (
    asset      bigint PRIMARY KEY,
    redaction  text NOT NULL
);

-- What is set apart, with when somebody was last reminded of it.
CREATE INDEX assets_quarantined ON assets (ended_at_ms) WHERE phase = 'quarantined';
CREATE TABLE reminders (
    asset  bigint PRIMARY KEY,
    at_ms  bigint NOT NULL
);

-- Lists of lines that are still to be chained to the audit log; who commits first is chained first.
CREATE TABLE audit_pending (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asset   bigint,
    lines   text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
-- The chain. No row is ever changed or removed.
CREATE TABLE audit (
    number  bigint PRIMARY KEY,
    line    text NOT NULL
);

-- In the same transaction as the lines themselves, whoever writes them.
CREATE FUNCTION audit_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_pending (asset, lines) SELECT asset, lines FROM fresh ORDER BY number;
    RETURN NULL;
END $$;
CREATE TRIGGER history_audited AFTER INSERT ON history
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION audit_history();
CREATE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_pending (asset, lines)
    SELECT NULL, json_build_array(json_build_object(
        'sequence', 0, 'at_ms', at_ms, 'what', 'refused', 'detail', why))::text FROM fresh;
    RETURN NULL;
END $$;
CREATE TRIGGER refused_events_audited AFTER INSERT ON refused_events
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION audit_refused();
INSERT INTO audit_pending (asset, lines) SELECT asset, lines FROM history ORDER BY number;
