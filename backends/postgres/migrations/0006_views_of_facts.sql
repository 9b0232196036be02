-- Columns take the words that the program, its guide and its metrics use.
ALTER TABLE assets RENAME COLUMN door TO exit;
ALTER TABLE assets RENAME COLUMN marks TO flags;
ALTER TABLE assets RENAME COLUMN place TO queue_position;
ALTER TABLE tasks RENAME COLUMN excused TO uncounted;
ALTER TABLE tasks RENAME COLUMN blameless TO not_producers_fault;
ALTER TABLE tasks RENAME COLUMN place TO queue_position;
ALTER TABLE tasks RENAME COLUMN born TO claimable_since;
ALTER TABLE tasks_settled RENAME COLUMN excused TO uncounted;
ALTER TABLE tasks_settled RENAME COLUMN blameless TO not_producers_fault;
ALTER TABLE prefixes RENAME COLUMN behind TO queue_end;
ALTER TABLE decisions RENAME COLUMN what TO kind;
ALTER TABLE refused_events RENAME COLUMN place TO location;
ALTER TABLE refused_events RENAME COLUMN why TO reason;
ALTER INDEX tasks_born RENAME TO tasks_claimable_since;

CREATE OR REPLACE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_pending (asset, lines)
    SELECT NULL, json_build_array(json_build_object(
        'sequence', 0, 'at_ms', at_ms, 'what', 'refused', 'detail', reason))::text FROM fresh;
    RETURN NULL;
END $$;

-- The same for words in rows: the external scan was called `scan`, and quarantining `set_apart`.
UPDATE tasks SET task = 'external_scan' WHERE task = 'scan';
UPDATE tasks_settled SET task = 'external_scan' WHERE task = 'scan';
UPDATE products SET task = 'external_scan' WHERE task = 'scan';
UPDATE history
SET lines = replace(replace(lines, '"task":"scan"', '"task":"external_scan"'), '"what":"set_apart"', '"what":"quarantining"')
WHERE lines LIKE '%"task":"scan"%' OR lines LIKE '%"what":"set!_apart"%' ESCAPE '!';
UPDATE audit_pending
SET lines = replace(replace(lines, '"task":"scan"', '"task":"external_scan"'), '"what":"set_apart"', '"what":"quarantining"');

-- What people ask about has the names and columns that a SQLite file has too: here they are views, which cost nothing
-- when something is written. The tables that the program writes make way for them.
ALTER TABLE tasks RENAME TO open_tasks;
ALTER TABLE tasks_settled RENAME TO settled_tasks;
ALTER TABLE media RENAME TO media_facts;
ALTER TABLE findings RENAME TO finding_lists;
ALTER TABLE history RENAME TO history_commits;

-- A stored document as JSON that any of its texts can be taken from: those hold no zero bytes here.
CREATE FUNCTION stored_json(document text) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT replace(document, '\u0000', '\ufffd')::json $$;
-- A number of a document, which may be as large as 2^64 - 1; one that is too large for a column is the largest.
CREATE FUNCTION stored_number(number numeric) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT least(number, 9223372036854775807)::bigint $$;

CREATE VIEW tasks AS
SELECT t.asset, t.task,
       CASE WHEN t.task LIKE 'video-%' OR t.task IN ('audio', 'enrich') THEN 'heavy' ELSE 'light' END AS lane,
       CASE t.task WHEN 'withdraw' THEN 0 WHEN 'publish' THEN 1 WHEN 'restore' THEN 1 WHEN 'package' THEN 2
                   WHEN 'screen' THEN 2 WHEN 'external_scan' THEN 2 WHEN 'validate' THEN 3 ELSE 4 END AS urgency,
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

CREATE VIEW outputs AS
SELECT p.asset, p.task, o.ordinality - 1 AS ordinal, o.name, o.location, stored_number(o.size_bytes) AS size_bytes,
       o.sha256
FROM products AS p,
     ROWS FROM (json_to_recordset(stored_json(p.outputs)) AS (name text, location text, size_bytes numeric, sha256 text))
         WITH ORDINALITY AS o;

CREATE VIEW media AS
SELECT m.asset, f.container, f.brand, stored_number(f.declared_duration_ns) AS declared_duration_ns,
       stored_number(f.duration_ns) AS duration_ns, stored_number(f.bitrate_bps) AS bitrate_bps, f.other_tracks
FROM media_facts AS m,
     json_to_record(stored_json(m.facts))
         AS f (container text, brand text, declared_duration_ns numeric, duration_ns numeric, bitrate_bps numeric,
               other_tracks bigint);

CREATE VIEW video_tracks AS
SELECT m.asset, v.ordinality - 1 AS ordinal, v.track, v.codec, v.profile, v.level, v.width, v.height,
       (v.pixel_aspect ->> 'num')::bigint AS pixel_aspect_num, (v.pixel_aspect ->> 'den')::bigint AS pixel_aspect_den,
       (v.rotation ->> 'degrees')::bigint AS rotation_degrees, (v.rotation ->> 'mirrored')::boolean AS mirrored,
       (v.frame_rate ->> 'num')::bigint AS frame_rate_num, (v.frame_rate ->> 'den')::bigint AS frame_rate_den,
       v.variable_rate, v.interlaced, v.bit_depth, v.chroma, v.colour ->> 'primaries' AS primaries,
       v.colour ->> 'transfer' AS transfer, v.colour ->> 'matrix' AS matrix, v.colour ->> 'range' AS range,
       v.colour ->> 'mastering' AS mastering, stored_number(v.frames) AS frames, stored_number(v.start_ns) AS start_ns,
       stored_number(v.end_ns) AS end_ns, stored_number(v.bytes) AS bytes, stored_number(v.keyframes) AS keyframes,
       v.gop_frames_max, v.language, v.decodable
FROM media_facts AS m,
     ROWS FROM (json_to_recordset(stored_json(m.facts) -> 'video')
         AS (track bigint, codec text, profile text, level text, width bigint, height bigint, pixel_aspect json,
             rotation json, frame_rate json, variable_rate boolean, interlaced boolean, bit_depth bigint, chroma text,
             colour json, frames numeric, start_ns numeric, end_ns numeric, bytes numeric, keyframes numeric,
             gop_frames_max bigint, language text, decodable boolean)) WITH ORDINALITY AS v;

CREATE VIEW audio_tracks AS
SELECT m.asset, a.ordinality - 1 AS ordinal, a.track, a.codec, a.sample_rate, a.channels,
       stored_number(a.start_ns) AS start_ns, stored_number(a.end_ns) AS end_ns, stored_number(a.bytes) AS bytes,
       stored_number(a.packets) AS packets, a.language, a.decodable
FROM media_facts AS m,
     ROWS FROM (json_to_recordset(stored_json(m.facts) -> 'audio')
         AS (track bigint, codec text, sample_rate bigint, channels bigint, start_ns numeric, end_ns numeric,
             bytes numeric, packets numeric, language text, decodable boolean)) WITH ORDINALITY AS a;

CREATE VIEW subtitle_tracks AS
SELECT m.asset, s.ordinality - 1 AS ordinal, s.track, s.codec, stored_number(s.cues) AS cues, s.language
FROM media_facts AS m,
     ROWS FROM (json_to_recordset(stored_json(m.facts) -> 'subtitles')
         AS (track bigint, codec text, cues numeric, language text)) WITH ORDINALITY AS s;

CREATE VIEW tags AS
SELECT m.asset, t.ordinality - 1 AS ordinal, t.track, t.name, t.value
FROM media_facts AS m,
     ROWS FROM (json_to_recordset(stored_json(m.facts) -> 'tags') AS (track bigint, name text, value text))
         WITH ORDINALITY AS t;

CREATE VIEW chapters AS
SELECT m.asset, c.ordinality - 1 AS ordinal, stored_number(c.start_ns) AS start_ns, stored_number(c.end_ns) AS end_ns,
       c.title
FROM media_facts AS m,
     ROWS FROM (json_to_recordset(stored_json(m.facts) -> 'chapters') AS (start_ns numeric, end_ns numeric, title text))
         WITH ORDINALITY AS c;

CREATE VIEW renditions AS
SELECT l.asset, r.ordinality - 1 AS ordinal, r.name, r.codec, r.width, r.height,
       stored_number(r.bitrate_bps) AS bitrate_bps, r.segments, stored_number(r.samples) AS samples,
       stored_number(r.duration_ms) AS duration_ms
FROM ladders AS l,
     ROWS FROM (json_to_recordset(stored_json(l.renditions))
         AS (name text, codec text, width bigint, height bigint, bitrate_bps numeric, segments bigint, samples numeric,
             duration_ms numeric)) WITH ORDINALITY AS r;

CREATE VIEW findings AS
SELECT l.asset, f.ordinality - 1 AS ordinal, f.kind, f.severity, stored_number(f.count) AS count,
       f.locations::text AS locations, coalesce(f.source, 'local') AS source
FROM finding_lists AS l,
     ROWS FROM (json_to_recordset(stored_json(l.findings))
         AS (kind text, severity text, count numeric, locations json, source text)) WITH ORDINALITY AS f;

-- A claim is written once its lease ends; until then the task holds it.
CREATE VIEW history AS
SELECT asset, row_number() OVER (PARTITION BY asset ORDER BY at_ms, number, line, task) AS sequence, at_ms, event, task,
       attempt, node, wall_ms, detail
FROM (SELECT h.asset, h.number, l.ordinality AS line, l.at_ms, l.what AS event, l.task, l.attempt, l.node, l.wall_ms,
             l.detail
      FROM history_commits AS h,
           ROWS FROM (json_to_recordset(stored_json(h.lines))
               AS (at_ms bigint, what text, task text, attempt bigint, node text, wall_ms bigint, detail text))
               WITH ORDINALITY AS l
      UNION ALL
      SELECT asset, 9223372036854775807, 0, claimed_at_ms, 'claimed', task, attempts, lease_owner, NULL, ''
      FROM open_tasks
      WHERE lease_owner IS NOT NULL) AS lines;
