-- Times are milliseconds since 1970 UTC on the database's clock (`*_ms`), sizes are bytes, words are those of
-- reelgate-flow. Documents that only Reelgate reads are text: they may hold characters that jsonb refuses.
--
-- Rows that change often are in small tables of their own (`tasks`, `outbox`), apart from what only grows. What
-- would be one row changed by everybody (`prefixes`, `phase_counts`) is appended to and folded up later, because
-- while some long transaction is open nothing that was changed can be tidied away.

CREATE SEQUENCE arrivals AS bigint;

-- One upload. The id is a hash of bucket, key and version, so its uniqueness is theirs. No column of an index
-- changes in its life except `linked_to`, so that an update stays within its page (heap-only).
CREATE TABLE assets (
    arrival             bigint PRIMARY KEY,
    id                  text COLLATE "C" NOT NULL UNIQUE CHECK (length(id) = 26),
    bucket              text NOT NULL,
    key                 text NOT NULL,
    version             text NOT NULL,
    -- The first eight bytes of SHA-256 of the key: what versions of one key are found and locked by.
    key_hash            bigint NOT NULL,
    sequencer           text NOT NULL,
    size_bytes          bigint NOT NULL CHECK (size_bytes >= 0),
    location            text NOT NULL,
    forced              boolean NOT NULL,
    priority            text NOT NULL CHECK (priority IN ('high', 'normal', 'low')),
    prefix              text NOT NULL,
    place               bigint NOT NULL,
    received_at_ms      bigint NOT NULL,
    deliveries          integer NOT NULL DEFAULT 1,
    phase               text NOT NULL,
    verdict             text NOT NULL,
    severity            text NOT NULL,
    redrives            integer NOT NULL,
    ended_at_ms         bigint,
    sha256              text,
    reason_code         text,
    reason_detail       text,
    door                text,
    linked_to           text COLLATE "C",
    published_location  text,
    -- Of the media's facts, what notices tell.
    container           text,
    duration_ns         bigint
) WITH (fillfactor = 60);
CREATE INDEX assets_by_key ON assets (key_hash);
CREATE INDEX assets_linked ON assets (linked_to) WHERE linked_to IS NOT NULL;

-- Which assets have which content: the first eight bytes of its SHA-256.
CREATE TABLE contents (
    content_hash  bigint NOT NULL,
    asset         bigint NOT NULL,
    PRIMARY KEY (content_hash, asset)
);

-- Assets by phase, as changes to be summed up.
CREATE TABLE phase_counts (
    phase  text NOT NULL,
    change bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Tasks that may be claimed, will be, or are. `attempts` is the fence: it only grows, in the statement that leases.
CREATE TABLE tasks (
    asset             bigint NOT NULL,
    task              text COLLATE "C" NOT NULL,
    -- What goes first: the kind, then the asset's place.
    urgency           smallint NOT NULL,
    place             bigint NOT NULL,
    -- When it last became claimable, milliseconds, under its urgency in the bits from 2^50: one number, so that
    -- what is new of one kind is one stretch of an index.
    born              bigint NOT NULL,
    -- False while it waits for `ready_at_ms`.
    due               boolean NOT NULL,
    ready_at_ms       bigint NOT NULL,
    attempts          integer NOT NULL,
    excused           integer NOT NULL,
    blameless         integer NOT NULL,
    answered          integer NOT NULL,
    wall_ms           bigint NOT NULL,
    cpu_ms            bigint NOT NULL,
    memory_bytes_max  bigint NOT NULL,
    lease_owner       text,
    lease_until_ms    bigint,
    claimed_at_ms     bigint,
    -- Which claim took it, so that one whose answer got lost finds what it took.
    claim             bigint,
    PRIMARY KEY (asset, task),
    CHECK ((lease_owner IS NULL) = (lease_until_ms IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
CREATE INDEX tasks_claimable ON tasks (urgency, place, asset, task) WHERE due AND lease_owner IS NULL;
CREATE INDEX tasks_born ON tasks (born, place) WHERE due AND lease_owner IS NULL;
CREATE INDEX tasks_waiting ON tasks (ready_at_ms) WHERE NOT due;
CREATE INDEX tasks_leased ON tasks (lease_until_ms) WHERE lease_owner IS NOT NULL;

-- Tasks that nobody will claim unless they are started again; kept for their attempts, the fence.
CREATE TABLE tasks_settled (
    asset             bigint NOT NULL,
    task              text COLLATE "C" NOT NULL,
    state             text NOT NULL CHECK (state IN ('parked', 'done', 'dead', 'dropped')),
    attempts          integer NOT NULL,
    excused           integer NOT NULL,
    blameless         integer NOT NULL,
    answered          integer NOT NULL,
    wall_ms           bigint NOT NULL,
    cpu_ms            bigint NOT NULL,
    memory_bytes_max  bigint NOT NULL,
    PRIMARY KEY (asset, task)
);

-- What a finished task left for later stages: its document, and its files as a list.
CREATE TABLE products (
    asset    bigint NOT NULL,
    task     text COLLATE "C" NOT NULL,
    attempt  integer NOT NULL,
    result   text NOT NULL,
    outputs  text NOT NULL,
    PRIMARY KEY (asset, task)
);

-- What inspection told. The facts may hold what a person wrote: possibly personal.
CREATE TABLE media (
    asset  bigint PRIMARY KEY,
    facts  text NOT NULL
);
-- The ladder as it came out.
CREATE TABLE ladders (
    asset       bigint PRIMARY KEY,
    renditions  text NOT NULL
);
-- What screening found, without the values.
CREATE TABLE findings (
    asset     bigint PRIMARY KEY,
    findings  text NOT NULL
);

-- Notices owed to the outside; a row leaves only after its delivery. One that a node holds is due again later.
CREATE TABLE outbox (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         text COLLATE "C" NOT NULL UNIQUE,
    asset      bigint NOT NULL,
    kind       text NOT NULL,
    body       text NOT NULL,
    tries      integer NOT NULL,
    due_at_ms  bigint NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);

-- Everything that happened to an asset: a row holds what one call added, as a list of lines. By month, so that
-- what is no longer kept goes in one piece. Lines are numbered when they are read.
CREATE SEQUENCE history_numbers AS bigint;
CREATE TABLE history (
    asset       bigint NOT NULL,
    number      bigint NOT NULL DEFAULT nextval('history_numbers'),
    written_at  timestamptz NOT NULL DEFAULT now(),
    lines       text NOT NULL
) PARTITION BY RANGE (written_at);
CREATE INDEX history_by_asset ON history (asset);
-- Where no month was prepared in time: nothing may fail for want of a partition.
CREATE TABLE history_other PARTITION OF history DEFAULT;

-- Where the next upload of a producer's prefix queues behind the one before it: the largest counts.
CREATE TABLE prefixes (
    bucket    text COLLATE "C" NOT NULL,
    prefix    text COLLATE "C" NOT NULL,
    priority  text COLLATE "C" NOT NULL,
    behind    bigint NOT NULL
);
CREATE INDEX prefixes_latest ON prefixes (bucket, prefix, priority, behind);

-- Deletions, so that an older upload that comes after one is not processed. An empty version hides every older one.
CREATE TABLE deletions (
    key_hash   bigint NOT NULL,
    bucket     text NOT NULL,
    key        text NOT NULL,
    version    text NOT NULL,
    sequencer  text NOT NULL,
    at_ms      bigint NOT NULL
);
CREATE INDEX deletions_by_key ON deletions (key_hash);

-- Findings of a scanner outside, each once.
CREATE TABLE scans (
    id        text COLLATE "C" PRIMARY KEY,
    kind      text NOT NULL,
    severity  text NOT NULL,
    sample    boolean NOT NULL,
    bucket    text,
    key       text,
    version   text,
    summary   text NOT NULL,
    at_ms     bigint NOT NULL
);

-- Messages that are none of ours, or damaged: where they lie, not what they say.
CREATE TABLE refused_events (
    place   text COLLATE "C" PRIMARY KEY,
    sha256  text NOT NULL,
    why     text NOT NULL,
    at_ms   bigint NOT NULL
);

-- Who reads which shard of a stream, and how far it has come.
CREATE TABLE shards (
    stream     text COLLATE "C" NOT NULL,
    shard      text COLLATE "C" NOT NULL,
    parents    text[] NOT NULL,
    position   text NOT NULL,
    owner      text,
    counter    bigint NOT NULL,
    epoch      bigint NOT NULL,
    wanted_by  text,
    PRIMARY KEY (stream, shard)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Nodes as they told of themselves last.
CREATE TABLE nodes (
    node              text COLLATE "C" PRIMARY KEY,
    report            text NOT NULL,
    first_seen_at_ms  bigint NOT NULL,
    seen_at_ms        bigint NOT NULL,
    drain_ordered     boolean NOT NULL
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
