//! Taking a batch in: each version once, and never an older one over a newer one; the checkpoint moves with it.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::ids::AssetId;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity;
use reelgate_ports::order::{self, prefix_of};
use reelgate_ports::records::{EventKind, ExternalScanEvent, Ingested, MediaEvent};
use reelgate_ports::unit::{AssetRow, Deletion, check_event, new_row};
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::load::key_hash;
use crate::locks::Locks;
use crate::rows::large;
use crate::time::number;
use crate::transact::WriteCall;
use crate::unit::Unit;
use crate::{deletions, scans_and_refused_events, shards};

/// Takes a batch in, in order, and moves its checkpoint.
pub(crate) struct Ingest<'a>(pub &'a EventBatch);

impl WriteCall for Ingest<'_> {
    type Output = Vec<Ingested>;

    const WHAT: &'static str = "take events in";

    /// Of two versions of a key that arrive at the same time, one must see the other.
    fn locks(&self) -> Option<Locks> {
        Some(Locks::keys(self.keys()))
    }

    async fn run(&self, conn: &mut PgConnection, unit: &mut Unit) -> DbResult<Vec<Ingested>> {
        let batch = self.0;
        for event in &batch.events {
            check_event(event)?;
        }
        if let Some(checkpoint) = &batch.checkpoint {
            shards::advance(conn, checkpoint).await?;
        }
        let scans = scans_and_refused_events::write_scans(conn, unit.work.now_ms, &batch.scans).await?;
        scans_and_refused_events::write_refused(conn, unit.work.now_ms, &batch.refused).await?;
        take_scans(conn, unit, &scans).await?;
        let keys: Vec<i64> = self.keys().into_iter().collect();
        if keys.is_empty() {
            unit.follow_up(conn).await?;
            return Ok(Vec::new());
        }
        let of_kind = |kind| batch.events.iter().filter(move |event| event.kind == kind);
        let deleted: Vec<Deletion> = of_kind(EventKind::Deleted).map(Deletion::of).collect();
        let created: Vec<&MediaEvent> = of_kind(EventKind::Created).collect();
        deletions::write(conn, unit.work.now_ms, &deleted).await?;
        unit.load_versions(conn, &keys).await?;
        let remembered = deletions::of_keys(conn, &keys).await?;
        let ingested = create(conn, unit, &created, &remembered).await?;
        unit.work.delete(&deleted)?;
        unit.follow_up(conn).await?;
        Ok(ingested)
    }
}

impl Ingest<'_> {
    fn keys(&self) -> BTreeSet<i64> {
        self.0.events.iter().map(|event| key_hash(&event.source.key)).collect()
    }
}

/// Tells assets what a scanner outside found in them.
async fn take_scans(conn: &mut PgConnection, unit: &mut Unit, scans: &[&ExternalScanEvent]) -> DbResult<()> {
    let about = scans.iter().filter_map(|scan| Some((scan.about()?, *scan)));
    let about: Vec<(AssetId, &ExternalScanEvent)> = about.collect();
    let ids: Vec<AssetId> = about.iter().map(|(id, _)| id.clone()).collect();
    unit.load(conn, &ids).await?;
    for (id, scan) in about {
        unit.work.scanned(&id, scan)?;
    }
    Ok(())
}

/// Takes uploads in; every known version of their keys is loaded.
async fn create(
    conn: &mut PgConnection,
    unit: &mut Unit,
    events: &[&MediaEvent],
    deletions: &[Deletion],
) -> DbResult<Vec<Ingested>> {
    let mut ingested = Vec::with_capacity(events.len());
    let mut rows = Vec::new();
    let mut again = Vec::new();
    let mut seen = BTreeSet::new();
    for event in events {
        let asset = identity::asset_id(&event.source);
        let stored = unit.work.loaded.get(&asset).map(|loaded| loaded.row.arrival);
        let new = stored.is_none() && seen.insert(asset.clone());
        if new {
            rows.push(new_row(unit.work.now_ms, event, &asset));
        }
        again.extend(stored);
        ingested.push(Ingested { asset, new });
    }
    count_again(conn, &again).await?;
    if rows.is_empty() {
        return Ok(ingested);
    }
    assign_arrivals(conn, &mut rows).await?;
    assign_places(conn, &mut rows).await?;
    let fresh: Vec<AssetId> = rows.iter().map(|row| row.id.clone()).collect();
    for row in rows {
        unit.fresh.insert(row.id.clone());
        unit.work.add(row);
    }
    for id in &fresh {
        let deleted = {
            let row = &unit.work.at(id)?.row;
            deletions.iter().any(|deletion| deletion.hides(row))
        };
        unit.work.arrive(id, deleted)?;
    }
    Ok(ingested)
}

/// Events that came again only count.
async fn count_again(conn: &mut PgConnection, assets: &[i64]) -> DbResult<()> {
    if assets.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE assets SET deliveries = deliveries + n
         FROM (SELECT asset, count(*)::integer AS n FROM unnest($1::bigint[]) AS asset GROUP BY asset) AS again
         WHERE arrival = again.asset",
        assets,
    )
    .execute(conn)
    .await
    .map_err(db("count upload events"))?;
    Ok(())
}

/// Numbers new assets in order.
async fn assign_arrivals(conn: &mut PgConnection, rows: &mut [AssetRow]) -> DbResult<()> {
    let mut arrivals = sqlx::query_scalar!(
        r#"SELECT nextval('arrivals') AS "arrival!" FROM generate_series(1, $1::bigint)"#,
        i64::try_from(rows.len()).unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await
    .map_err(db("number uploads"))?;
    arrivals.sort_unstable();
    for (row, arrival) in rows.iter_mut().zip(arrivals) {
        row.arrival = arrival;
    }
    Ok(())
}

/// Gives every row its place, in order, and remembers where the next one of each prefix goes. Two calls at the same
/// time may give the same place twice, which only makes two uploads of one producer equal.
async fn assign_places(conn: &mut PgConnection, rows: &mut [AssetRow]) -> DbResult<()> {
    let mut queues: BTreeMap<(String, String, String), Option<u64>> =
        rows.iter().map(|row| (queue(row), None)).collect();
    let (buckets, prefixes, priorities) = columns(queues.keys());
    let stored = sqlx::query!(
        r#"SELECT q.bucket AS "bucket!", q.prefix AS "prefix!", q.priority AS "priority!", latest.behind
           FROM unnest($1::text[], $2::text[], $3::text[]) AS q (bucket, prefix, priority),
           LATERAL (SELECT p.behind FROM prefixes AS p
                    WHERE p.bucket = q.bucket AND p.prefix = q.prefix AND p.priority = q.priority
                    ORDER BY p.behind DESC LIMIT 1) AS latest"#,
        &buckets,
        &prefixes,
        &priorities,
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for the places of prefixes"))?;
    for row in stored {
        queues.insert((row.bucket, row.prefix, row.priority), Some(large(row.behind, "prefixes.behind")?));
    }
    for row in rows.iter_mut() {
        let behind = queues.entry(queue(row)).or_default();
        row.place = order::place(row.received_ms, row.priority, *behind);
        *behind = Some(order::after(row.place, row.source.size_bytes));
    }
    let behind: Vec<i64> = queues.values().map(|behind| number(behind.unwrap_or(0))).collect();
    sqlx::query!(
        "INSERT INTO prefixes (bucket, prefix, priority, behind)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])",
        &buckets,
        &prefixes,
        &priorities,
        &behind,
    )
    .execute(conn)
    .await
    .map_err(db("write the places of prefixes"))?;
    Ok(())
}

fn queue(row: &AssetRow) -> (String, String, String) {
    let id = &row.source.id;
    (id.bucket.clone(), prefix_of(&id.key).to_owned(), row.priority.as_str().to_owned())
}

fn columns<'a>(
    queues: impl Iterator<Item = &'a (String, String, String)>,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (bucket, prefix, priority) in queues {
        columns.0.push(bucket.clone());
        columns.1.push(prefix.clone());
        columns.2.push(priority.clone());
    }
    columns
}
