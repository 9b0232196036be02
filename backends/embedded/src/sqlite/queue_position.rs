//! The ends of producers' queues: new assets queue behind them.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_ports::error::PortResult;
use reelgate_store::session::ProducerQueue;
use sqlx::SqliteConnection;

use super::error::db;
use super::queue_clock::QueueTime;
use super::rows;
use super::work::json;

/// The ends of these queues.
pub(super) async fn ends(
    conn: &mut SqliteConnection,
    time: QueueTime,
    queues: &BTreeSet<ProducerQueue>,
) -> PortResult<BTreeMap<ProducerQueue, u64>> {
    let stored = sqlx::query(
        "SELECT bucket, prefix_sha256, priority, queue_end FROM prefixes
         WHERE (bucket, prefix_sha256, priority) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))",
    )
    .bind(json(queues)?)
    .fetch_all(conn)
    .await
    .map_err(db("read the queue ends of prefixes"))?;
    let mut ends = BTreeMap::new();
    for row in &stored {
        let priority = rows::priority(&rows::text(row, "priority")?)?;
        let queue = (rows::text(row, "bucket")?, rows::text(row, "prefix_sha256")?, priority);
        ends.insert(queue, time.to_day(rows::count(row, "queue_end")?));
    }
    Ok(ends)
}

/// Stores where the next asset of each queue goes.
pub(super) async fn move_ends(
    conn: &mut SqliteConnection,
    time: QueueTime,
    ends: &BTreeMap<ProducerQueue, u64>,
) -> PortResult<()> {
    let cells: Vec<_> = ends.iter().map(|((b, p, q), end)| (b, p, q.as_str(), time.of_day(*end))).collect();
    sqlx::query(
        "INSERT INTO prefixes (bucket, prefix_sha256, priority, queue_end)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
         ON CONFLICT (bucket, prefix_sha256, priority) DO UPDATE SET queue_end = excluded.queue_end",
    )
    .bind(json(&cells)?)
    .execute(conn)
    .await
    .map_err(db("write the queue ends of prefixes"))?;
    Ok(())
}
