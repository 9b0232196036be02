//! Shard leases and checkpoints.

use async_trait::async_trait;
use reelgate_flow::ids::NodeId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::shards::{Checkpoint, Position, ShardLease, ShardRow, Shards};
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::rows::large;
use crate::time::number;

/// Moves a checkpoint within the transaction of the events it covers.
pub(crate) async fn advance(conn: &mut PgConnection, checkpoint: &Checkpoint) -> DbResult<()> {
    let lease = &checkpoint.lease;
    let what = "move a checkpoint";
    let moved = sqlx::query!(
        "UPDATE shards SET position = $1
         WHERE stream = $2 AND shard = $3 AND owner = $4 AND epoch = $5 AND position = $6",
        checkpoint.to.as_str(),
        lease.stream,
        lease.shard,
        lease.owner.as_str(),
        number(lease.epoch),
        checkpoint.from.as_str(),
    )
    .execute(conn)
    .await
    .map_err(db(what))?;
    if moved.rows_affected() == 1 {
        return Ok(());
    }
    let detail = "expected this node's lease on the shard and its last checkpoint, found others: another node reads the shard";
    Err(PortError::new(Port::Store, ErrorKind::Conflict, what, detail).into())
}

#[async_trait]
impl Shards for PgStore {
    async fn shards(&self, stream: &str) -> PortResult<Vec<ShardRow>> {
        let rows = sqlx::query!(
            "SELECT shard, parents, position, owner, counter, wanted_by FROM shards WHERE stream = $1
             ORDER BY shard",
            stream
        )
        .fetch_all(&self.writers)
        .await
        .map_err(db("read shards"))?;
        let mut shards = Vec::with_capacity(rows.len());
        for row in rows {
            shards.push(ShardRow {
                shard: row.shard,
                parents: row.parents,
                position: Position::parse(&row.position),
                owner: row.owner.map(NodeId::new),
                counter: large(row.counter, "shards.counter")?,
                wanted_by: row.wanted_by.map(NodeId::new),
            });
        }
        Ok(shards)
    }

    async fn add_shards(&self, stream: &str, shards: &[ShardRow]) -> PortResult<()> {
        for row in shards {
            sqlx::query!(
                "INSERT INTO shards (stream, shard, parents, position, counter, epoch) VALUES ($1, $2, $3, $4, 0, 0)
                 ON CONFLICT (stream, shard) DO NOTHING",
                stream,
                row.shard,
                &row.parents,
                row.position.as_str(),
            )
            .execute(&self.writers)
            .await
            .map_err(db("add shards"))?;
        }
        Ok(())
    }

    async fn take_shard(
        &self,
        stream: &str,
        shard: &str,
        node: &NodeId,
        seen_counter: u64,
    ) -> PortResult<Option<(ShardLease, Position)>> {
        let taken = sqlx::query!(
            "UPDATE shards SET owner = $1, counter = counter + 1, epoch = epoch + 1, wanted_by = NULL
             WHERE stream = $2 AND shard = $3 AND counter = $4 RETURNING epoch, position",
            node.as_str(),
            stream,
            shard,
            number(seen_counter),
        )
        .fetch_optional(&self.writers)
        .await
        .map_err(db("take a shard"))?;
        let Some(row) = taken else { return Ok(None) };
        let lease = ShardLease {
            stream: stream.to_owned(),
            shard: shard.to_owned(),
            owner: node.clone(),
            epoch: large(row.epoch, "shards.epoch")?,
        };
        Ok(Some((lease, Position::parse(&row.position))))
    }

    async fn renew_shards(&self, leases: &[ShardLease]) -> PortResult<Vec<ShardLease>> {
        let column = |of: fn(&ShardLease) -> &str| {
            leases.iter().map(|lease| of(lease).to_owned()).collect::<Vec<String>>()
        };
        let epochs: Vec<i64> = leases.iter().map(|lease| number(lease.epoch)).collect();
        let held = sqlx::query!(
            "WITH held AS MATERIALIZED (
                 SELECT s.stream, s.shard FROM shards AS s
                 JOIN unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS l (stream, shard, owner, epoch)
                     ON s.stream = l.stream AND s.shard = l.shard AND s.owner = l.owner AND s.epoch = l.epoch
                 ORDER BY s.stream, s.shard FOR UPDATE OF s
             )
             UPDATE shards SET counter = counter + 1 FROM held
             WHERE shards.stream = held.stream AND shards.shard = held.shard RETURNING shards.stream, shards.shard",
            &column(|lease| &lease.stream),
            &column(|lease| &lease.shard),
            &column(|lease| lease.owner.as_str()),
            &epochs,
        )
        .fetch_all(&self.writers)
        .await
        .map_err(db("renew shards"))?;
        let lost = |l: &&ShardLease| !held.iter().any(|row| row.stream == l.stream && row.shard == l.shard);
        Ok(leases.iter().filter(lost).cloned().collect())
    }

    async fn want_shard(&self, stream: &str, shard: &str, node: &NodeId) -> PortResult<()> {
        sqlx::query!(
            "UPDATE shards SET wanted_by = $1 WHERE stream = $2 AND shard = $3 AND owner <> $1",
            node.as_str(),
            stream,
            shard,
        )
        .execute(&self.writers)
        .await
        .map_err(db("ask for a shard"))?;
        Ok(())
    }

    async fn release_shard(&self, lease: &ShardLease) -> PortResult<()> {
        sqlx::query!(
            "UPDATE shards SET owner = NULL, counter = counter + 1
             WHERE stream = $1 AND shard = $2 AND owner = $3 AND epoch = $4",
            lease.stream,
            lease.shard,
            lease.owner.as_str(),
            number(lease.epoch),
        )
        .execute(&self.writers)
        .await
        .map_err(db("release a shard"))?;
        Ok(())
    }

    async fn forget_shards(&self, stream: &str, shards: &[String]) -> PortResult<()> {
        sqlx::query!(
            "DELETE FROM shards WHERE stream = $1 AND position = 'ended' AND shard = ANY($2)",
            stream,
            shards,
        )
        .execute(&self.writers)
        .await
        .map_err(db("forget shards"))?;
        Ok(())
    }
}
