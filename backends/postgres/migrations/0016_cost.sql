-- What attempts used, and what it cost. Lines are only added.
CREATE TABLE ledger (
    asset            bigint NOT NULL REFERENCES assets (arrival),
    attempt          integer NOT NULL,
    waste            boolean NOT NULL,
    at_ms            bigint NOT NULL,
    quantity         bigint NOT NULL,
    unit_price_nanos bigint NOT NULL,
    unit             bigint NOT NULL,
    amount_nanos     bigint NOT NULL,
    task             text NOT NULL,
    resource         text NOT NULL,
    node_type        text NOT NULL,
    price_date       text NOT NULL,
    method           text NOT NULL,
    PRIMARY KEY (asset, task, attempt, resource)
);

-- Orders to the whole fleet to begin no work of a lane.
CREATE TABLE lane_pauses (
    lane     text PRIMARY KEY,
    reason   text NOT NULL,
    by_name  text NOT NULL,
    by_how   text NOT NULL,
    at_ms    bigint NOT NULL
);
