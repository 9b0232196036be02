-- Days of the ledger that are over and were judged.
CREATE TABLE closed_days (
    day      integer PRIMARY KEY,
    at_ms    bigint NOT NULL
);

-- Shares of what nobody used alone on a day. The asset is 0 where nobody worked.
CREATE TABLE ledger_shares (
    day              integer NOT NULL,
    asset            bigint NOT NULL,
    quantity         bigint NOT NULL,
    unit_price_nanos bigint NOT NULL,
    unit             bigint NOT NULL,
    amount_nanos     bigint NOT NULL,
    resource         text COLLATE "C" NOT NULL,
    node_type        text COLLATE "C" NOT NULL,
    price_date       text NOT NULL,
    method           text NOT NULL,
    PRIMARY KEY (day, asset, resource, node_type)
);
CREATE INDEX ledger_shares_asset ON ledger_shares (asset);

-- From when until when a process of a node was up on a day, and what its time costs.
CREATE TABLE node_uptimes (
    day      integer NOT NULL,
    from_ms  bigint NOT NULL,
    until_ms bigint NOT NULL,
    node     text NOT NULL,
    process  text NOT NULL,
    rate     text NOT NULL,
    PRIMARY KEY (day, node, process)
);
