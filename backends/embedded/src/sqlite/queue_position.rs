//! Where new assets queue: behind the one before them of the same producer and priority.

use std::collections::BTreeMap;

use reelgate_ports::error::PortResult;
use reelgate_ports::order::{self, prefix_of};
use reelgate_ports::unit::AssetRow;
use sqlx::SqliteConnection;

use super::error::db;
use super::rows;
use super::work::json;

/// Gives every row its place, in order, and remembers where the next one of each prefix goes.
pub(super) async fn assign(conn: &mut SqliteConnection, rows: &mut [AssetRow]) -> PortResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut behind = BTreeMap::new();
    let keys: Vec<_> = rows.iter().map(queue).collect();
    let stored = sqlx::query(
        "SELECT bucket, prefix, priority, behind FROM prefixes
         WHERE (bucket, prefix, priority) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))",
    )
    .bind(json(&keys)?)
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for the places of prefixes"))?;
    for row in &stored {
        let key = (rows::text(row, "bucket")?, rows::text(row, "prefix")?, rows::text(row, "priority")?);
        behind.insert(key, rows::count(row, "behind")?);
    }
    for (row, key) in rows.iter_mut().zip(keys) {
        row.place = order::place(row.received_ms, row.priority, behind.get(&key).copied());
        behind.insert(key, order::after(row.place, row.source.size_bytes));
    }
    let cells: Vec<_> = behind.into_iter().map(|((b, p, q), behind)| (b, p, q, behind)).collect();
    sqlx::query(
        "INSERT INTO prefixes (bucket, prefix, priority, behind)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
         ON CONFLICT (bucket, prefix, priority) DO UPDATE SET behind = excluded.behind",
    )
    .bind(json(&cells)?)
    .execute(conn)
    .await
    .map_err(db("write the places of prefixes"))?;
    Ok(())
}

fn queue(row: &AssetRow) -> (String, String, String) {
    let id = &row.source.id;
    (id.bucket.clone(), prefix_of(&id.key).to_owned(), row.priority.as_str().to_owned())
}
