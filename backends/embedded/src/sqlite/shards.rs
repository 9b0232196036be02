//! Shard leases and checkpoints.

use async_trait::async_trait;
use reelgate_flow::ids::NodeId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::shards::{Checkpoint, Position, ShardLease, ShardRow, Shards};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::error::{corrupt, db};
use super::rows;
use super::sqlite_store::SqliteStore;
use super::work::json;

/// Moves a checkpoint within the transaction of the events it covers.
pub(super) async fn advance(conn: &mut SqliteConnection, checkpoint: &Checkpoint) -> PortResult<()> {
    let lease = &checkpoint.lease;
    let moved = sqlx::query(
        "UPDATE shards SET position = ?1
         WHERE stream = ?2 AND shard = ?3 AND owner = ?4 AND epoch = ?5 AND position = ?6",
    )
    .bind(checkpoint.to.as_str())
    .bind(&lease.stream)
    .bind(&lease.shard)
    .bind(lease.owner.as_str())
    .bind(number(lease.epoch))
    .bind(checkpoint.from.as_str())
    .execute(conn)
    .await
    .map_err(db("move a checkpoint"))?;
    if moved.rows_affected() == 1 {
        return Ok(());
    }
    let detail = "expected this node's lease on the shard and its last checkpoint, found others: another node reads the shard";
    Err(PortError::new(Port::Store, ErrorKind::Conflict, "move a checkpoint", detail))
}

#[async_trait]
impl Shards for SqliteStore {
    async fn shards(&self, stream: &str) -> PortResult<Vec<ShardRow>> {
        let rows = sqlx::query("SELECT * FROM shards WHERE stream = ? ORDER BY shard")
            .bind(stream)
            .fetch_all(&self.readers)
            .await
            .map_err(db("read shards"))?;
        rows.iter().map(read).collect()
    }

    async fn add_shards(&self, stream: &str, shards: &[ShardRow]) -> PortResult<()> {
        let cells = shards.iter().map(|row| (&row.shard, &row.parents, row.position.as_str()));
        sqlx::query(
            "INSERT INTO shards (stream, shard, parents, position, counter, epoch)
             SELECT ?1, value ->> 0, value ->> 1, value ->> 2, 0, 0 FROM json_each(?2) WHERE true
             ON CONFLICT (stream, shard) DO NOTHING",
        )
        .bind(stream)
        .bind(json(&cells.collect::<Vec<_>>())?)
        .execute(&self.writer)
        .await
        .map_err(db("add shards"))?;
        Ok(())
    }

    async fn take_shard(
        &self,
        stream: &str,
        shard: &str,
        node: &NodeId,
        seen_counter: u64,
    ) -> PortResult<Option<(ShardLease, Position)>> {
        let taken = sqlx::query(
            "UPDATE shards SET owner = ?1, counter = counter + 1, epoch = epoch + 1, wanted_by = NULL
             WHERE stream = ?2 AND shard = ?3 AND counter = ?4 RETURNING epoch, position",
        )
        .bind(node.as_str())
        .bind(stream)
        .bind(shard)
        .bind(number(seen_counter))
        // To the end: the commit comes after the last row, and may fail.
        .fetch_all(&self.writer)
        .await
        .map_err(db("take a shard"))?;
        let Some(row) = taken.first() else { return Ok(None) };
        let lease = ShardLease {
            stream: stream.to_owned(),
            shard: shard.to_owned(),
            owner: node.clone(),
            epoch: rows::count(row, "epoch")?,
        };
        Ok(Some((lease, Position::parse(&rows::text(row, "position")?))))
    }

    async fn renew_shards(&self, leases: &[ShardLease]) -> PortResult<Vec<ShardLease>> {
        let cells = leases.iter().map(|l| (&l.stream, &l.shard, l.owner.as_str(), l.epoch));
        let held = sqlx::query(
            "UPDATE shards SET counter = counter + 1
             FROM (SELECT value ->> 0 AS s, value ->> 1 AS h, value ->> 2 AS o, value ->> 3 AS e FROM json_each(?))
             WHERE stream = s AND shard = h AND owner = o AND epoch = e RETURNING stream, shard",
        )
        .bind(json(&cells.collect::<Vec<_>>())?)
        .fetch_all(&self.writer)
        .await
        .map_err(db("renew shards"))?;
        let mut kept = Vec::with_capacity(held.len());
        for row in &held {
            kept.push((rows::text(row, "stream")?, rows::text(row, "shard")?));
        }
        let lost = |l: &&ShardLease| !kept.iter().any(|(s, h)| *s == l.stream && *h == l.shard);
        Ok(leases.iter().filter(lost).cloned().collect())
    }

    async fn want_shard(&self, stream: &str, shard: &str, node: &NodeId) -> PortResult<()> {
        sqlx::query("UPDATE shards SET wanted_by = ?1 WHERE stream = ?2 AND shard = ?3 AND owner <> ?1")
            .bind(node.as_str())
            .bind(stream)
            .bind(shard)
            .execute(&self.writer)
            .await
            .map_err(db("ask for a shard"))?;
        Ok(())
    }

    async fn release_shard(&self, lease: &ShardLease) -> PortResult<()> {
        sqlx::query(
            "UPDATE shards SET owner = NULL, counter = counter + 1
             WHERE stream = ? AND shard = ? AND owner = ? AND epoch = ?",
        )
        .bind(&lease.stream)
        .bind(&lease.shard)
        .bind(lease.owner.as_str())
        .bind(number(lease.epoch))
        .execute(&self.writer)
        .await
        .map_err(db("release a shard"))?;
        Ok(())
    }

    async fn forget_shards(&self, stream: &str, shards: &[String]) -> PortResult<()> {
        sqlx::query(
            "DELETE FROM shards WHERE stream = ?1 AND position = 'ended'
                 AND shard IN (SELECT value FROM json_each(?2))",
        )
        .bind(stream)
        .bind(json(&shards)?)
        .execute(&self.writer)
        .await
        .map_err(db("forget shards"))?;
        Ok(())
    }
}

fn read(row: &SqliteRow) -> PortResult<ShardRow> {
    let parents: String = row.try_get("parents").map_err(db("read shards"))?;
    Ok(ShardRow {
        shard: rows::text(row, "shard")?,
        parents: serde_json::from_str(&parents).map_err(|_| corrupt("shards.parents", "a list of shards"))?,
        position: Position::parse(&rows::text(row, "position")?),
        owner: rows::get::<Option<String>>(row, "owner")?.map(NodeId::new),
        counter: rows::count(row, "counter")?,
        wanted_by: rows::get::<Option<String>>(row, "wanted_by")?.map(NodeId::new),
    })
}

/// A counter as SQLite stores it.
fn number(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}
