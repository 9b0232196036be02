-- Versions of a key are known by its hash, which stays when an erasure takes the key.
ALTER TABLE assets ADD COLUMN key_sha256 text;
UPDATE assets SET key_sha256 = encode(sha256(convert_to(key, 'UTF8')), 'hex');
ALTER TABLE assets ALTER COLUMN key_sha256 SET NOT NULL;

-- A deletion names its key by hash alone, so that an erasure leaves none, whenever S3 tells of the erased source. The
-- sequencer is padded, so that it compares as text.
ALTER TABLE deletions RENAME TO deletions_before;
CREATE TABLE deletions (
    key_sha256  text COLLATE "C" NOT NULL,
    bucket      text NOT NULL,
    version     text NOT NULL,
    sequencer   text COLLATE "C" NOT NULL,
    at_ms       bigint NOT NULL,
    PRIMARY KEY (key_sha256, bucket, version)
);
INSERT INTO deletions
SELECT encode(sha256(convert_to(key, 'UTF8')), 'hex'), bucket, version, max(rpad(lower(sequencer), 64, '0') COLLATE "C"),
       max(at_ms)
FROM deletions_before GROUP BY 1, 2, 3;
DROP TABLE deletions_before;
CREATE INDEX deletions_by_age ON deletions (at_ms);

-- Findings of a scanner outside about uploads that have not come yet; the document names the asset and no key.
CREATE TABLE unlinked_scans (
    id     text COLLATE "C" PRIMARY KEY,
    asset  text COLLATE "C" NOT NULL,
    scan   text NOT NULL,
    at_ms  bigint NOT NULL
);
CREATE INDEX unlinked_scans_by_asset ON unlinked_scans (asset);
