-- Days of the ledger that are over and were judged.
CREATE TABLE closed_days (
    day      INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL
) STRICT;

-- Shares of what nobody used alone on a day. The asset is 0 where nobody worked.
CREATE TABLE ledger_shares (
    day              INTEGER NOT NULL,
    asset            INTEGER NOT NULL,
    resource         TEXT NOT NULL,
    node_type        TEXT NOT NULL,
    quantity         INTEGER NOT NULL,
    unit_price_nanos INTEGER NOT NULL,
    unit             INTEGER NOT NULL,
    price_date       TEXT NOT NULL,
    amount_nanos     INTEGER NOT NULL,
    method           TEXT NOT NULL,
    PRIMARY KEY (day, asset, resource, node_type)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_shares_asset ON ledger_shares (asset);

-- From when until when a process of a node was up on a day, and what its time costs.
CREATE TABLE node_uptimes (
    day      INTEGER NOT NULL,
    node     TEXT NOT NULL,
    process  TEXT NOT NULL,
    rate     TEXT NOT NULL,
    from_ms  INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (day, node, process)
) STRICT, WITHOUT ROWID;
