-- Which producers upload what is refused, and why: the folder, the code (docs/reference/reasons.md), how often, and the last time.
SELECT CASE WHEN instr(key, '/') > 0 THEN substr(key, 1, instr(key, '/') - 1) ELSE '' END AS producer,
       reason_code,
       count(*) AS uploads,
       sum(size_bytes) AS bytes,
       datetime(max(ended_at_ms) / 1000, 'unixepoch') AS last_refused
FROM assets
WHERE phase = 'rejected'
GROUP BY producer, reason_code
ORDER BY uploads DESC, producer, reason_code;
