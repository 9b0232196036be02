-- Many nodes, many producers: who goes first, who is there, who reads which shard, and what came besides uploads.

ALTER TABLE assets ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal' CHECK (priority IN ('high', 'normal', 'low'));
ALTER TABLE assets ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
UPDATE assets SET place = received_at_ms,
                  prefix = CASE WHEN instr(key, '/') > 0 THEN substr(key, 1, instr(key, '/') - 1) ELSE '' END;

ALTER TABLE tasks ADD COLUMN urgency INTEGER NOT NULL DEFAULT 4;
ALTER TABLE tasks ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
UPDATE tasks SET place = (SELECT place FROM assets WHERE arrival = asset),
                 urgency = CASE task WHEN 'withdraw' THEN 0 WHEN 'publish' THEN 1 WHEN 'package' THEN 2
                                     WHEN 'screen' THEN 2 WHEN 'validate' THEN 3 ELSE 4 END;
DROP INDEX tasks_claimable;
CREATE INDEX tasks_claimable ON tasks (lane, urgency, place, asset, task)
    WHERE state = 'ready' AND lease_owner IS NULL;

-- Where the next upload of a producer's prefix queues behind the one before it.
CREATE TABLE prefixes (
    bucket    TEXT NOT NULL,
    prefix    TEXT NOT NULL,
    priority  TEXT NOT NULL,
    behind    INTEGER NOT NULL,
    PRIMARY KEY (bucket, prefix, priority)
) STRICT, WITHOUT ROWID;

-- Deletions, so that an older upload that comes after one is not processed. An empty version hides every older one.
CREATE TABLE deletions (
    key_sha256  TEXT NOT NULL,
    bucket      TEXT NOT NULL,
    key         TEXT NOT NULL,
    version     TEXT NOT NULL,
    sequencer   TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (key_sha256, bucket, key, version)
) STRICT, WITHOUT ROWID;

-- Findings of a scanner outside, each once.
CREATE TABLE scans (
    id        TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    severity  TEXT NOT NULL,
    sample    INTEGER NOT NULL,
    bucket    TEXT,
    key       TEXT,
    version   TEXT,
    summary   TEXT NOT NULL,
    at_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that are none of ours, or damaged: where they lie, not what they say.
CREATE TABLE refused_events (
    place     TEXT PRIMARY KEY,
    sha256    TEXT NOT NULL,
    why       TEXT NOT NULL,
    at_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who reads which shard of a stream, and how far it has come.
CREATE TABLE shards (
    stream     TEXT NOT NULL,
    shard      TEXT NOT NULL,
    parents    TEXT NOT NULL,
    position   TEXT NOT NULL,
    owner      TEXT,
    counter    INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    wanted_by  TEXT,
    PRIMARY KEY (stream, shard)
) STRICT, WITHOUT ROWID;

-- Nodes as they told of themselves last.
CREATE TABLE nodes (
    node              TEXT PRIMARY KEY,
    report            TEXT NOT NULL,
    first_seen_at_ms  INTEGER NOT NULL,
    seen_at_ms        INTEGER NOT NULL,
    drain_ordered     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
