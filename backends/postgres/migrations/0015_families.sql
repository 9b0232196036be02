-- What a film's key and those of its caption files have in common: the first eight bytes of its SHA-256. Null for assets of earlier
-- versions.
ALTER TABLE assets ADD COLUMN family_hash bigint;
CREATE INDEX assets_by_family ON assets (family_hash) WHERE family_hash IS NOT NULL;
