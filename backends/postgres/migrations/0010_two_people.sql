-- How the callers were known who decided and approved: a user's number and machine, or an ARN. Empty for decisions before this step.
ALTER TABLE decisions ADD COLUMN decided_how text NOT NULL DEFAULT '';
ALTER TABLE decisions ADD COLUMN approver_how text;

-- The proposal to release or erase an asset that waits for a second person, as a document.
CREATE TABLE proposals (
    asset     bigint PRIMARY KEY REFERENCES assets (arrival),
    proposal  text NOT NULL
);

-- Rules of policy whose changes the audit log names, as they were at the last decision.
CREATE TABLE recorded_rules (
    rule   text PRIMARY KEY,
    is_on  boolean NOT NULL
);
