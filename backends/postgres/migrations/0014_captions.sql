-- The view of tasks knows the task that reads the cues of subtitles and captions.
CREATE OR REPLACE VIEW tasks AS
SELECT t.asset, t.task,
       CASE WHEN t.task LIKE 'video-%' OR t.task IN ('audio', 'enrich') THEN 'heavy' ELSE 'light' END AS lane,
       CASE t.task WHEN 'withdraw' THEN 0 WHEN 'publish' THEN 1 WHEN 'restore' THEN 1 WHEN 'keep_source' THEN 1
                   WHEN 'captions' THEN 2 WHEN 'package' THEN 2 WHEN 'screen' THEN 2 WHEN 'external_scan' THEN 2 WHEN 'validate' THEN 3
                   ELSE 4 END AS urgency,
       a.queue_position, t.state, t.attempts, t.uncounted, t.not_producers_fault, t.answered, t.ready_at_ms,
       t.lease_owner, t.lease_until_ms, t.wall_ms, t.cpu_ms, t.memory_bytes_max
FROM (SELECT asset, task, 'ready' AS state, attempts, uncounted, not_producers_fault, answered, ready_at_ms,
             lease_owner, lease_until_ms, wall_ms, cpu_ms, memory_bytes_max
      FROM open_tasks
      UNION ALL
      SELECT asset, task, state, attempts, uncounted, not_producers_fault, answered, NULL, NULL, NULL, wall_ms, cpu_ms,
             memory_bytes_max
      FROM settled_tasks) AS t
JOIN assets AS a ON a.arrival = t.asset;
