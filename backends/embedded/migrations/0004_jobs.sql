-- The job of each media task, beside the plan that it was made from: a task reads its own job, not the jobs of all.
CREATE TABLE jobs (
    asset     INTEGER NOT NULL REFERENCES assets (arrival),
    task      TEXT NOT NULL,
    media_ns  INTEGER NOT NULL CHECK (media_ns >= 0),
    job       TEXT NOT NULL,
    PRIMARY KEY (asset, task)
) STRICT, WITHOUT ROWID;
