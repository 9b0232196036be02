-- Times are milliseconds since 1970 UTC (`*_at_ms`), sizes are bytes, words are those of reelgate-flow.
-- STRICT tables, so that a value of the wrong type is refused when written instead of found when read.

-- One upload. The id is a hash of bucket, key and version, so its uniqueness is theirs. Other tables name an
-- asset by its number in the order of arrival: what happens at the same time then lies on the same pages.
CREATE TABLE assets (
    arrival             INTEGER PRIMARY KEY,
    id                  TEXT NOT NULL UNIQUE CHECK (length(id) = 26),
    bucket              TEXT NOT NULL,
    key                 TEXT NOT NULL,
    version             TEXT NOT NULL,
    key_sha256          TEXT NOT NULL,
    sequencer           TEXT NOT NULL,
    size_bytes          INTEGER NOT NULL CHECK (size_bytes >= 0),
    location            TEXT NOT NULL,
    forced              INTEGER NOT NULL CHECK (forced IN (0, 1)),
    sha256              TEXT,
    phase               TEXT NOT NULL,
    verdict             TEXT NOT NULL,
    severity            TEXT NOT NULL,
    reason_code         TEXT,
    reason_detail       TEXT,
    door                TEXT,
    linked_to           TEXT REFERENCES assets (id),
    redrives            INTEGER NOT NULL,
    published_location  TEXT,
    received_at_ms      INTEGER NOT NULL,
    ended_at_ms         INTEGER,
    history_lines       INTEGER NOT NULL
) STRICT;
CREATE INDEX assets_by_key ON assets (key_sha256, bucket);
CREATE INDEX assets_by_content ON assets (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX assets_linked ON assets (linked_to) WHERE linked_to IS NOT NULL;
CREATE INDEX assets_by_phase ON assets (phase, arrival);

-- Upload events as they came; a repeated one only counts.
CREATE TABLE events (
    asset        INTEGER NOT NULL REFERENCES assets (arrival),
    sequencer    TEXT NOT NULL,
    size_bytes   INTEGER NOT NULL,
    first_at_ms  INTEGER NOT NULL,
    last_at_ms   INTEGER NOT NULL,
    deliveries   INTEGER NOT NULL,
    PRIMARY KEY (asset, sequencer)
) STRICT, WITHOUT ROWID;

-- Units of work. `attempts` is the fence: it only grows, and grows in the statement that leases.
CREATE TABLE tasks (
    asset             INTEGER NOT NULL REFERENCES assets (arrival),
    task              TEXT NOT NULL,
    lane              TEXT NOT NULL CHECK (lane IN ('light', 'heavy')),
    state             TEXT NOT NULL CHECK (state IN ('ready', 'parked', 'done', 'dead', 'dropped')),
    attempts          INTEGER NOT NULL,
    excused           INTEGER NOT NULL,
    blameless         INTEGER NOT NULL,
    answered          INTEGER NOT NULL,
    ready_at_ms       INTEGER NOT NULL,
    lease_owner       TEXT,
    lease_until_ms    INTEGER,
    wall_ms           INTEGER NOT NULL,
    cpu_ms            INTEGER NOT NULL,
    memory_bytes_max  INTEGER NOT NULL,
    PRIMARY KEY (asset, task),
    CHECK ((lease_owner IS NULL) = (lease_until_ms IS NULL))
) STRICT, WITHOUT ROWID;
-- Only what can be claimed, or is claimed, is in these two, so they stay small however long the table grows.
CREATE INDEX tasks_claimable ON tasks (lane, asset, task) WHERE state = 'ready' AND lease_owner IS NULL;
CREATE INDEX tasks_leased ON tasks (lease_until_ms) WHERE lease_owner IS NOT NULL;

-- What a finished task left for later stages.
CREATE TABLE products (
    asset    INTEGER NOT NULL REFERENCES assets (arrival),
    task     TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    result   TEXT NOT NULL,
    PRIMARY KEY (asset, task)
) STRICT, WITHOUT ROWID;
CREATE TABLE outputs (
    asset       INTEGER NOT NULL,
    task        TEXT NOT NULL,
    ordinal     INTEGER NOT NULL,
    name        TEXT NOT NULL,
    location    TEXT NOT NULL,
    size_bytes  INTEGER NOT NULL,
    sha256      TEXT NOT NULL,
    PRIMARY KEY (asset, task, ordinal),
    FOREIGN KEY (asset, task) REFERENCES products (asset, task) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What inspection told, typed.
CREATE TABLE media (
    asset                 INTEGER PRIMARY KEY REFERENCES assets (arrival),
    container             TEXT NOT NULL,
    brand                 TEXT NOT NULL,
    declared_duration_ns  INTEGER,
    duration_ns           INTEGER NOT NULL,
    bitrate_bps           INTEGER NOT NULL,
    other_tracks          INTEGER NOT NULL
) STRICT;
CREATE TABLE video_tracks (
    asset             INTEGER NOT NULL REFERENCES media (asset) ON DELETE CASCADE,
    ordinal           INTEGER NOT NULL,
    track             INTEGER NOT NULL,
    codec             TEXT NOT NULL,
    profile           TEXT NOT NULL,
    level             TEXT NOT NULL,
    width             INTEGER NOT NULL,
    height            INTEGER NOT NULL,
    pixel_aspect_num  INTEGER NOT NULL,
    pixel_aspect_den  INTEGER NOT NULL,
    rotation_degrees  INTEGER NOT NULL,
    mirrored          INTEGER NOT NULL,
    frame_rate_num    INTEGER,
    frame_rate_den    INTEGER,
    variable_rate     INTEGER NOT NULL,
    interlaced        INTEGER NOT NULL,
    bit_depth         INTEGER NOT NULL,
    chroma            TEXT NOT NULL,
    primaries         TEXT NOT NULL,
    transfer          TEXT NOT NULL,
    matrix            TEXT NOT NULL,
    range             TEXT NOT NULL,
    mastering         TEXT NOT NULL,
    frames            INTEGER NOT NULL,
    start_ns          INTEGER NOT NULL,
    end_ns            INTEGER NOT NULL,
    bytes             INTEGER NOT NULL,
    keyframes         INTEGER NOT NULL,
    gop_frames_max    INTEGER NOT NULL,
    language          TEXT NOT NULL,
    decodable         INTEGER NOT NULL,
    PRIMARY KEY (asset, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE audio_tracks (
    asset        INTEGER NOT NULL REFERENCES media (asset) ON DELETE CASCADE,
    ordinal      INTEGER NOT NULL,
    track        INTEGER NOT NULL,
    codec        TEXT NOT NULL,
    sample_rate  INTEGER NOT NULL,
    channels     INTEGER NOT NULL,
    start_ns     INTEGER NOT NULL,
    end_ns       INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    packets      INTEGER NOT NULL,
    language     TEXT NOT NULL,
    decodable    INTEGER NOT NULL,
    PRIMARY KEY (asset, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE subtitle_tracks (
    asset     INTEGER NOT NULL REFERENCES media (asset) ON DELETE CASCADE,
    ordinal   INTEGER NOT NULL,
    track     INTEGER NOT NULL,
    codec     TEXT NOT NULL,
    cues      INTEGER NOT NULL,
    language  TEXT NOT NULL,
    PRIMARY KEY (asset, ordinal)
) STRICT, WITHOUT ROWID;
-- Values of tags and titles of chapters are what a person wrote: possibly personal.
CREATE TABLE tags (
    asset    INTEGER NOT NULL REFERENCES media (asset) ON DELETE CASCADE,
    ordinal  INTEGER NOT NULL,
    track    INTEGER,
    name     TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (asset, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE chapters (
    asset     INTEGER NOT NULL REFERENCES media (asset) ON DELETE CASCADE,
    ordinal   INTEGER NOT NULL,
    start_ns  INTEGER NOT NULL,
    end_ns    INTEGER,
    title     TEXT NOT NULL,
    PRIMARY KEY (asset, ordinal)
) STRICT, WITHOUT ROWID;

-- The ladder as it came out.
CREATE TABLE renditions (
    asset        INTEGER NOT NULL REFERENCES assets (arrival),
    ordinal      INTEGER NOT NULL,
    name         TEXT NOT NULL,
    codec        TEXT NOT NULL,
    width        INTEGER NOT NULL,
    height       INTEGER NOT NULL,
    bitrate_bps  INTEGER NOT NULL,
    segments     INTEGER NOT NULL,
    samples      INTEGER NOT NULL,
    duration_ms  INTEGER NOT NULL,
    PRIMARY KEY (asset, ordinal)
) STRICT, WITHOUT ROWID;

-- What screening found, without the values; `locations` is a JSON array of places.
CREATE TABLE findings (
    asset      INTEGER NOT NULL REFERENCES assets (arrival),
    ordinal    INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    severity   TEXT NOT NULL,
    count      INTEGER NOT NULL,
    locations  TEXT NOT NULL,
    PRIMARY KEY (asset, ordinal)
) STRICT, WITHOUT ROWID;

-- Notices owed to the outside; a row leaves only after its delivery.
CREATE TABLE outbox (
    number    INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    asset     INTEGER NOT NULL REFERENCES assets (arrival),
    kind      TEXT NOT NULL,
    body      TEXT NOT NULL,
    tries     INTEGER NOT NULL,
    due_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at_ms);

-- Everything that happened to an asset, numbered from 1 without gaps.
CREATE TABLE history (
    asset     INTEGER NOT NULL REFERENCES assets (arrival),
    sequence  INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    what      TEXT NOT NULL,
    task      TEXT,
    attempt   INTEGER,
    node      TEXT,
    wall_ms   INTEGER,
    detail    TEXT NOT NULL,
    PRIMARY KEY (asset, sequence)
) STRICT, WITHOUT ROWID;
