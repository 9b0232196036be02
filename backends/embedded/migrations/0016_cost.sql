-- What attempts used, and what it cost. Lines are only added.
CREATE TABLE ledger (
    asset            INTEGER NOT NULL REFERENCES assets (arrival),
    task             TEXT NOT NULL,
    attempt          INTEGER NOT NULL,
    resource         TEXT NOT NULL,
    at_ms            INTEGER NOT NULL,
    node_type        TEXT NOT NULL,
    quantity         INTEGER NOT NULL,
    unit_price_nanos INTEGER NOT NULL,
    unit             INTEGER NOT NULL,
    price_date       TEXT NOT NULL,
    amount_nanos     INTEGER NOT NULL,
    method           TEXT NOT NULL,
    waste            INTEGER NOT NULL,
    PRIMARY KEY (asset, task, attempt, resource)
) STRICT, WITHOUT ROWID;

-- Orders to the whole fleet to begin no work of a lane.
CREATE TABLE lane_pauses (
    lane     TEXT PRIMARY KEY,
    reason   TEXT NOT NULL,
    by_name  TEXT NOT NULL,
    by_how   TEXT NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
