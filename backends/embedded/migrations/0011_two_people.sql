-- How the callers were known who decided and approved: a user's number and machine, or an ARN. Empty for decisions before this step.
ALTER TABLE decisions ADD COLUMN decided_how TEXT NOT NULL DEFAULT '';
ALTER TABLE decisions ADD COLUMN approver_how TEXT;

-- The proposal to release or erase an asset that waits for a second person, as a document.
CREATE TABLE proposals (
    asset     INTEGER PRIMARY KEY REFERENCES assets (arrival),
    proposal  TEXT NOT NULL
) STRICT;

-- Rules of policy whose changes the audit log names, as they were at the last decision.
CREATE TABLE recorded_rules (
    rule   TEXT PRIMARY KEY,
    is_on  INTEGER NOT NULL
) STRICT;
