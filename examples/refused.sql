-- Which producers upload what is refused, and why: the folder, the code (docs/reference/reasons.md), how often, how many bytes, and the last
-- time (milliseconds since 1970). Runs on SQLite and on PostgreSQL.
SELECT prefix AS producer,
       reason_code,
       count(*) AS uploads,
       sum(size_bytes) AS bytes,
       max(ended_at_ms) AS last_refused_at_ms
FROM assets
WHERE phase = 'rejected'
GROUP BY prefix, reason_code
ORDER BY uploads DESC, prefix, reason_code;
