-- How much work a line was used for, so that the cost of other work can be estimated.
ALTER TABLE ledger ADD COLUMN part text NOT NULL DEFAULT '';
ALTER TABLE ledger ADD COLUMN units bigint NOT NULL DEFAULT 0;

CREATE INDEX ledger_work ON ledger (at_ms) WHERE units > 0;

-- The money of an asset: what it was estimated to cost, what is reserved for it and where, and what of its cost is booked.
CREATE TABLE budgets (
    asset          bigint PRIMARY KEY REFERENCES assets (arrival),
    p50_nanos      bigint,
    p90_nanos      bigint,
    reserved_nanos bigint NOT NULL,
    booked_nanos   bigint NOT NULL,
    cost_nanos     bigint,
    accounts       text NOT NULL
);

-- What is spent and reserved in a day, in a month, and for the uploads of a prefix in a month.
CREATE TABLE accounts (
    name           text PRIMARY KEY,
    spent_nanos    bigint NOT NULL,
    reserved_nanos bigint NOT NULL
);

CREATE INDEX assets_waiting_for_money ON assets (arrival) WHERE reason_code = 'budget_exceeded';
