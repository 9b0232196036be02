-- What producers say about their uploads: metadata and tags of objects. Values are what a person wrote: possibly personal.
CREATE TABLE metadata (
    asset INTEGER NOT NULL REFERENCES assets (arrival),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (asset, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX metadata_value ON metadata (name, value);
