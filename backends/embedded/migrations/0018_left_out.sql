-- What of an upload is not in its renditions, as a JSON list. Erasure removes it.
CREATE TABLE left_out (
    asset     INTEGER PRIMARY KEY REFERENCES assets (arrival),
    left_out  TEXT NOT NULL
) STRICT;
