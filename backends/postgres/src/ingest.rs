//! What a batch of uploads writes in addition to its assets: numbers, repeated events, and the ends of producers' queues.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_store::session::ProducerQueue;
use reelgate_store::work::AssetRow;
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::rows::{large, priority};
use crate::time::number;

/// Repeated events are only counted.
pub(crate) async fn count_again(conn: &mut PgConnection, assets: &[i64]) -> DbResult<()> {
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
pub(crate) async fn assign_arrivals(conn: &mut PgConnection, rows: &mut [AssetRow]) -> DbResult<()> {
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

/// The ends of these queues.
pub(crate) async fn queue_ends(
    conn: &mut PgConnection,
    queues: &BTreeSet<ProducerQueue>,
) -> DbResult<BTreeMap<ProducerQueue, u64>> {
    let (buckets, prefixes, priorities) = columns(queues.iter());
    let stored = sqlx::query!(
        r#"SELECT q.bucket AS "bucket!", q.prefix AS "prefix!", q.priority AS "priority!", latest.queue_end
           FROM unnest($1::text[], $2::text[], $3::text[]) AS q (bucket, prefix, priority),
           LATERAL (SELECT p.queue_end FROM prefixes AS p
                    WHERE p.bucket = q.bucket AND p.prefix_sha256 = q.prefix AND p.priority = q.priority
                    ORDER BY p.queue_end DESC LIMIT 1) AS latest"#,
        &buckets,
        &prefixes,
        &priorities,
    )
    .fetch_all(conn)
    .await
    .map_err(db("read the queue ends of prefixes"))?;
    let mut ends = BTreeMap::new();
    for row in stored {
        let queue = (row.bucket, row.prefix, priority(&row.priority)?);
        ends.insert(queue, large(row.queue_end, "prefixes.queue_end")?);
    }
    Ok(ends)
}

/// Remembers where the next asset of each queue goes. Two calls at the same time may give the same position twice, which
/// only makes two uploads of one producer equal.
pub(crate) async fn move_queue_ends(
    conn: &mut PgConnection,
    ends: &BTreeMap<ProducerQueue, u64>,
) -> DbResult<()> {
    let (buckets, prefixes, priorities) = columns(ends.keys());
    let queue_ends: Vec<i64> = ends.values().map(|end| number(*end)).collect();
    sqlx::query!(
        "INSERT INTO prefixes (bucket, prefix_sha256, priority, queue_end)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])",
        &buckets,
        &prefixes,
        &priorities,
        &queue_ends,
    )
    .execute(conn)
    .await
    .map_err(db("write the queue ends of prefixes"))?;
    Ok(())
}

fn columns<'a>(queues: impl Iterator<Item = &'a ProducerQueue>) -> (Vec<String>, Vec<String>, Vec<String>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (bucket, prefix, priority) in queues {
        columns.0.push(bucket.clone());
        columns.1.push(prefix.clone());
        columns.2.push(priority.as_str().to_owned());
    }
    columns
}
