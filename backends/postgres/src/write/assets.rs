//! Writes assets, the lines of their history, and the notices they owe.

use std::collections::BTreeMap;

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_ports::caption_files::family_sha256;
use reelgate_ports::error::PortResult;
use reelgate_ports::order::prefix_of;
use reelgate_ports::records::{HistoryEvent, HistoryRecord};
use reelgate_store::history_lines;
use reelgate_store::work::Loaded;
use sqlx::PgConnection;

use crate::documents::json;
use crate::error::{DbResult, db};
use crate::locks;
use crate::outbox::Owed;
use crate::time::number;
use crate::unit::Unit;

/// Columns of `assets` that change, one list each.
#[derive(Default)]
struct States {
    arrival: Vec<i64>,
    phase: Vec<&'static str>,
    verdict: Vec<&'static str>,
    severity: Vec<&'static str>,
    redrives: Vec<i32>,
    ended_at_ms: Vec<Option<i64>>,
    sha256: Vec<Option<String>>,
    reason_code: Vec<Option<&'static str>>,
    reason_detail: Vec<Option<String>>,
    exit: Vec<Option<&'static str>>,
    linked_to: Vec<Option<String>>,
    location: Vec<String>,
    published_location: Vec<Option<String>>,
    flags: Vec<String>,
    surfaces: Vec<String>,
    priority: Vec<&'static str>,
    queue_position: Vec<i64>,
}

impl States {
    fn push(&mut self, loaded: &Loaded) {
        let (row, core) = (&loaded.row, &loaded.row.core);
        self.arrival.push(row.arrival);
        self.phase.push(core.phase.as_str());
        self.verdict.push(core.verdict.as_str());
        self.severity.push(core.severity.as_str());
        self.redrives.push(i32::try_from(core.redrives).unwrap_or(i32::MAX));
        self.ended_at_ms.push(row.ended_ms.map(number));
        self.sha256.push(row.sha256.clone());
        self.reason_code.push(core.reason.as_ref().map(|fault| fault.code.as_str()));
        self.reason_detail.push(core.reason.as_ref().map(|fault| storable(&fault.detail)));
        self.exit.push(core.exit.map(|exit| exit.as_str()));
        self.linked_to.push(row.linked_to.as_ref().map(|id| id.as_str().to_owned()));
        self.location.push(row.source.location.clone());
        self.published_location.push(row.published_location.clone());
        self.flags.push(core.flags.text());
        self.surfaces.push(row.surfaces_text());
        self.priority.push(row.priority.as_str());
        self.queue_position.push(number(row.queue_position));
    }
}

/// Writes new assets, in their state at the end of the call.
pub(super) async fn insert(conn: &mut PgConnection, unit: &Unit) -> DbResult<()> {
    if unit.fresh.is_empty() {
        return Ok(());
    }
    let mut states = States::default();
    let fresh: Vec<&Loaded> = unit.fresh.iter().filter_map(|id| unit.work.loaded.get(id)).collect();
    fresh.iter().for_each(|loaded| states.push(loaded));
    let column = |of: fn(&Loaded) -> String| fresh.iter().map(|loaded| of(loaded)).collect::<Vec<String>>();
    let numbers = |of: fn(&Loaded) -> i64| fresh.iter().map(|loaded| of(loaded)).collect::<Vec<i64>>();
    let forced: Vec<bool> = fresh.iter().map(|loaded| loaded.row.forced).collect();
    sqlx::query!(
        "INSERT INTO assets (arrival, id, bucket, key, version, key_hash, sequencer, size_bytes, location, forced,
                             priority, prefix, queue_position, received_at_ms, phase, verdict, severity, redrives, exit,
                             reason_code, reason_detail, ended_at_ms, flags, key_sha256, family_hash)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                              $8::bigint[], $9::text[], $10::boolean[], $11::text[], $12::text[], $13::bigint[],
                              $14::bigint[], $15::text[], $16::text[], $17::text[], $18::integer[], $19::text[],
                              $20::text[], $21::text[], $22::bigint[], $23::text[], $24::text[], $25::bigint[])",
        &states.arrival,
        &column(|l| l.row.id.as_str().to_owned()),
        &column(|l| l.row.source.id.bucket.clone()),
        &column(|l| l.row.source.id.key.clone()),
        &column(|l| l.row.source.id.version.clone()),
        &numbers(|l| locks::hash(&l.row.key_sha256)),
        &column(|l| String::from(l.row.source.sequencer.clone())),
        &numbers(|l| number(l.row.source.size_bytes)),
        &states.location,
        &forced,
        &states.priority as _,
        &column(|l| prefix_of(&l.row.source.id.key).to_owned()),
        &states.queue_position,
        &numbers(|l| number(l.row.received_ms)),
        &states.phase as _,
        &states.verdict as _,
        &states.severity as _,
        &states.redrives,
        &states.exit as _,
        &states.reason_code as _,
        &states.reason_detail as _,
        &states.ended_at_ms as _,
        &states.flags,
        &column(|l| l.row.key_sha256.clone()),
        &numbers(|l| locks::hash(&family_sha256(&l.row.source.id.key))),
    )
    .execute(conn)
    .await
    .map_err(db("insert uploads"))?;
    Ok(())
}

/// Writes what changed of known assets, history, contents, counts and notices in one statement; returns the
/// transaction's number.
pub(super) async fn write(conn: &mut PgConnection, unit: &Unit, owed: Owed) -> DbResult<Option<String>> {
    let (told, lines) = history(unit)?;
    let mut states = States::default();
    let known = |loaded: &&Loaded| loaded.changed && !unit.fresh.contains(&loaded.row.id);
    unit.work.loaded.values().filter(known).for_each(|loaded| states.push(loaded));
    let (content, with_content) = contents(unit);
    let (phases, changes) = phases(unit);
    if told.is_empty() && states.arrival.is_empty() {
        return Ok(None);
    }
    let xid = sqlx::query_scalar!(
        r#"WITH states AS (
             UPDATE assets SET phase = u.phase, verdict = u.verdict, severity = u.severity, redrives = u.redrives,
                 ended_at_ms = u.ended_at_ms, sha256 = u.sha256, reason_code = u.reason_code,
                 reason_detail = u.reason_detail, exit = u.exit, linked_to = u.linked_to, location = u.location,
                 published_location = u.published_location, flags = u.flags, surfaces = u.surfaces,
                 priority = u.priority, queue_position = u.queue_position
             FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::bigint[], $7::text[],
                         $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $25::text[],
                         $26::text[], $27::text[], $28::bigint[])
                 AS u (arrival, phase, verdict, severity, redrives, ended_at_ms, sha256, reason_code, reason_detail,
                       exit, linked_to, location, published_location, flags, surfaces, priority, queue_position)
             WHERE assets.arrival = u.arrival
         ), contents AS (
             INSERT INTO contents (content_hash, asset) SELECT * FROM unnest($14::bigint[], $15::bigint[])
             ON CONFLICT DO NOTHING
         ), counts AS (
             INSERT INTO phase_counts (phase, change) SELECT * FROM unnest($16::text[], $17::bigint[])
         ), notices AS (
             INSERT INTO outbox (id, asset, kind, body, tries, owed_at_ms, due_at_ms)
             SELECT *, 0, $22::bigint, $22::bigint FROM unnest($18::text[], $19::bigint[], $20::text[], $21::text[])
         ), new_history AS (
             INSERT INTO history_commits (asset, lines) SELECT * FROM unnest($23::bigint[], $24::text[])
         )
         SELECT pg_current_xact_id()::text AS "xid!""#,
        &states.arrival,
        &states.phase as _,
        &states.verdict as _,
        &states.severity as _,
        &states.redrives,
        &states.ended_at_ms as _,
        &states.sha256 as _,
        &states.reason_code as _,
        &states.reason_detail as _,
        &states.exit as _,
        &states.linked_to as _,
        &states.location,
        &states.published_location as _,
        &content,
        &with_content,
        &phases as _,
        &changes,
        &owed.id,
        &owed.asset,
        &owed.kind as _,
        &owed.body,
        number(unit.work.now_ms),
        &told,
        &lines,
        &states.flags,
        &states.surfaces,
        &states.priority as _,
        &states.queue_position,
    )
    .fetch_one(conn)
    .await
    .map_err(db("write assets"))?;
    Ok(Some(xid))
}

/// The new lines of history, one list for each asset. The line of a claim is written when its lease ends, so that a
/// claim itself writes no history; until then it is read from the task.
fn history(unit: &Unit) -> PortResult<(Vec<i64>, Vec<String>)> {
    let mut told: BTreeMap<&AssetId, Vec<HistoryRecord>> = BTreeMap::new();
    for (id, loaded) in &unit.work.loaded {
        for task in &loaded.touched {
            let Some(lease) = unit.leases.get(&(loaded.row.arrival, *task)) else { continue };
            told.entry(id).or_default().push(HistoryRecord {
                task: Some(*task),
                attempt: Some(lease.attempt),
                node: Some(NodeId::new(lease.owner.clone())),
                ..history_lines::line(lease.claimed_at_ms, HistoryEvent::Claimed, "")
            });
        }
    }
    for (id, line) in &unit.work.history {
        told.entry(id).or_default().push(line.clone());
    }
    let mut assets = Vec::with_capacity(told.len());
    let mut lists = Vec::with_capacity(told.len());
    for (id, lines) in told {
        let Some(loaded) = unit.work.loaded.get(id) else { continue };
        assets.push(loaded.row.arrival);
        lists.push(json(&lines)?);
    }
    Ok((assets, lists))
}

fn contents(unit: &Unit) -> (Vec<i64>, Vec<i64>) {
    let hashed = unit.work.loaded.values().filter(|loaded| loaded.hashed);
    hashed.filter_map(|l| Some((locks::hash(l.row.sha256.as_ref()?), l.row.arrival))).unzip()
}

fn phases(unit: &Unit) -> (Vec<&'static str>, Vec<i64>) {
    let mut changes: BTreeMap<&'static str, i64> = BTreeMap::new();
    for loaded in unit.work.loaded.values() {
        let now = loaded.row.core.phase.as_str();
        let before = unit.counted.get(&loaded.row.arrival).copied();
        if before == Some(now) {
            continue;
        }
        *changes.entry(now).or_default() += 1;
        if let Some(before) = before {
            *changes.entry(before).or_default() -= 1;
        }
    }
    changes.into_iter().filter(|(_, change)| *change != 0).unzip()
}

/// Text as the database takes it: it holds no zero bytes.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
