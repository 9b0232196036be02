-- A deletion names its key by hash alone, so that an erasure leaves none, whenever S3 tells of the erased source.
CREATE TABLE deletions_by_hash (
    key_sha256  TEXT NOT NULL,
    bucket      TEXT NOT NULL,
    version     TEXT NOT NULL,
    sequencer   TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (key_sha256, bucket, version)
) STRICT, WITHOUT ROWID;
INSERT INTO deletions_by_hash SELECT key_sha256, bucket, version, max(sequencer), max(at_ms) FROM deletions
GROUP BY key_sha256, bucket, version;
DROP TABLE deletions;
ALTER TABLE deletions_by_hash RENAME TO deletions;
CREATE INDEX deletions_by_age ON deletions (at_ms);

-- Findings of a scanner outside about uploads that have not come yet; the document names the asset and no key.
CREATE TABLE unlinked_scans (
    id     TEXT PRIMARY KEY,
    asset  TEXT NOT NULL,
    scan   TEXT NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX unlinked_scans_by_asset ON unlinked_scans (asset);
