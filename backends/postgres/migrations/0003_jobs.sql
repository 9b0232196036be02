-- The job of each media task, beside the plan that it was made from: a task reads its own job, not the jobs of all.
CREATE TABLE jobs (
    asset     bigint NOT NULL,
    task      text COLLATE "C" NOT NULL,
    media_ns  bigint NOT NULL CHECK (media_ns >= 0),
    job       text NOT NULL,
    PRIMARY KEY (asset, task)
);
