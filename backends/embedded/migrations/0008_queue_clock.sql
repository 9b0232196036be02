-- How far the clock of the queue is ahead of the kernel's monotonic clock since this start of the machine.
CREATE TABLE queue_clock (
    id         INTEGER PRIMARY KEY CHECK (id = 0),
    boot       TEXT NOT NULL,
    offset_ms  INTEGER NOT NULL
) STRICT;
