-- What a film's key and those of its caption files have in common, as SHA-256. Empty for assets of earlier versions.
ALTER TABLE assets ADD COLUMN family_sha256 TEXT NOT NULL DEFAULT '';
CREATE INDEX assets_by_family ON assets (family_sha256, bucket) WHERE family_sha256 <> '';
