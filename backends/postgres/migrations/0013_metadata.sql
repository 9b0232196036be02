-- What producers say about their uploads: metadata and tags of objects. Values are what a person wrote: possibly personal.
CREATE TABLE metadata (
    asset  bigint NOT NULL REFERENCES assets (arrival),
    name   text NOT NULL,
    value  text NOT NULL,
    PRIMARY KEY (asset, name)
);
CREATE INDEX metadata_value ON metadata (name, value);
