-- How much work a line was used for, so that the cost of other work can be estimated.
ALTER TABLE ledger ADD COLUMN part TEXT NOT NULL DEFAULT '';
ALTER TABLE ledger ADD COLUMN units INTEGER NOT NULL DEFAULT 0;

CREATE INDEX ledger_work ON ledger (at_ms) WHERE units > 0;

-- The money of an asset: what it was estimated to cost, what is reserved for it and where, and what of its cost is booked.
CREATE TABLE budgets (
    asset          INTEGER PRIMARY KEY REFERENCES assets (arrival),
    p50_nanos      INTEGER,
    p90_nanos      INTEGER,
    reserved_nanos INTEGER NOT NULL,
    booked_nanos   INTEGER NOT NULL,
    cost_nanos     INTEGER,
    accounts       TEXT NOT NULL
) STRICT;

-- What is spent and reserved in a day, in a month, and for the uploads of a prefix in a month.
CREATE TABLE accounts (
    name           TEXT PRIMARY KEY,
    spent_nanos    INTEGER NOT NULL,
    reserved_nanos INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX assets_waiting_for_money ON assets (arrival) WHERE reason_code = 'budget_exceeded';
