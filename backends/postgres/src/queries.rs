//! Questions that change nothing. They go to the writer too, on connections of their own: a reader may be behind.

use std::collections::BTreeSet;

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::task::Lane;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{AssetDetail, AssetRecord, HistoryEvent, HistoryRecord, TaskRow};
use reelgate_ports::store::{AssetFilter, Backlog, ListFrom};
use reelgate_store::history_lines;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::claim::lane_of;
use crate::documents::document;
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::rows::{self, TaskCells, TaskRead, asset_query, large, phase};
use crate::time::count;
use crate::{metadata, pooled_connection, products};

/// Most ids that [`PgStore::find_ids`] returns.
const FIND_MAX: i64 = 10;

impl PgStore {
    /// All queries in this transaction see one snapshot.
    async fn moment(&self) -> DbResult<Transaction<'static, Postgres>> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        pooled_connection::begin(&self.readers, begin, "read as of one moment").await
    }

    /// One asset with everything about it.
    pub(crate) async fn read_asset(&self, id: &AssetId) -> DbResult<AssetDetail> {
        let mut moment = self.moment().await?;
        let cells = asset_query!("WHERE a.id = $1", id.as_str())
            .fetch_optional(&mut *moment)
            .await
            .map_err(db("read asset"))?
            .ok_or_else(|| missing(id))?;
        let arrival = cells.arrival;
        let asset = cells.read()?.record();
        let shown = asset.linked_to.as_ref().unwrap_or(id);
        let mut tasks = Vec::new();
        for task in read_tasks(&mut moment, arrival).await? {
            tasks.push(TaskRow {
                task: task.key,
                lane: task.key.lane(),
                state: task.record.state,
                attempts: task.record.attempts,
                wall_ms: task.extra.wall_ms,
                cpu_ms: task.extra.cpu_ms,
            });
        }
        tasks.sort_by_key(|row| row.task);
        Ok(AssetDetail {
            facts: products::facts(&mut moment, id).await?,
            tasks,
            renditions: products::renditions(&mut moment, shown).await?,
            findings: products::findings(&mut moment, arrival).await?,
            metadata: metadata::read(&mut moment, id).await?,
            asset,
        })
    }

    /// Assets in order of arrival, or in the reverse order.
    pub(crate) async fn read_assets(&self, filter: &AssetFilter) -> DbResult<Vec<AssetRecord>> {
        let what = "list assets";
        let mut edge = None;
        if let Some(id) = filter.from.edge() {
            let arrival = sqlx::query_scalar!("SELECT arrival FROM assets WHERE id = $1", id.as_str())
                .fetch_optional(&self.readers)
                .await
                .map_err(db(what))?;
            edge = Some(arrival.ok_or_else(|| missing(id))?);
        }
        let phases: Vec<String> = filter.phases.iter().map(|phase| phase.as_str().to_owned()).collect();
        // Each pair is counted once, however often it is asked for.
        let wanted: BTreeSet<(String, String)> = filter.metadata.iter().cloned().collect();
        let (names, values): (Vec<String>, Vec<String>) = wanted.into_iter().unzip();
        let rows = match filter.from {
            ListFrom::Oldest(_) => {
                asset_query!(
                    "WHERE a.arrival > $1 AND (cardinality($2::text[]) = 0 OR a.phase = ANY($2))
                         AND (cardinality($4::text[]) = 0 OR a.arrival IN (
                             SELECT m.asset FROM unnest($4, $5::text[]) AS w (name, value)
                             JOIN metadata AS m ON (m.name, m.value) = (w.name, w.value)
                             GROUP BY m.asset HAVING count(*) = cardinality($4)))
                     ORDER BY a.arrival LIMIT $3",
                    edge.unwrap_or(0),
                    &phases,
                    i64::from(filter.limit),
                    &names,
                    &values,
                )
                .fetch_all(&self.readers)
                .await
            }
            ListFrom::Newest(_) => {
                asset_query!(
                    "WHERE a.arrival < $1 AND (cardinality($2::text[]) = 0 OR a.phase = ANY($2))
                         AND (cardinality($4::text[]) = 0 OR a.arrival IN (
                             SELECT m.asset FROM unnest($4, $5::text[]) AS w (name, value)
                             JOIN metadata AS m ON (m.name, m.value) = (w.name, w.value)
                             GROUP BY m.asset HAVING count(*) = cardinality($4)))
                     ORDER BY a.arrival DESC LIMIT $3",
                    edge.unwrap_or(i64::MAX),
                    &phases,
                    i64::from(filter.limit),
                    &names,
                    &values,
                )
                .fetch_all(&self.readers)
                .await
            }
        };
        let rows = rows.map_err(db(what))?;
        let records = rows.into_iter().map(|cells| Ok(cells.read()?.record()));
        Ok(records.collect::<PortResult<_>>()?)
    }

    /// The other assets of an asset's family of names, in order of arrival.
    pub(crate) async fn read_family(&self, id: &AssetId) -> DbResult<Vec<AssetRecord>> {
        let rows = asset_query!(
            "JOIN assets AS own ON own.family_hash = a.family_hash AND own.bucket = a.bucket
             WHERE own.id = $1 AND a.id <> own.id ORDER BY a.arrival",
            id.as_str()
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("read a family of names"))?;
        let records = rows.into_iter().map(|cells| Ok(cells.read()?.record()));
        Ok(records.collect::<PortResult<_>>()?)
    }

    /// Asset ids that begin with the text.
    pub(crate) async fn find_ids(&self, prefix: &str) -> DbResult<Vec<AssetId>> {
        if !AssetId::can_begin(prefix) {
            return Ok(Vec::new());
        }
        // `{` is the character after `z`, the last one of an id.
        let ids = sqlx::query_scalar!(
            "SELECT id FROM assets WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3",
            prefix,
            format!("{prefix}{{"),
            FIND_MAX,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("find assets"))?;
        Ok(ids.into_iter().map(AssetId::new).collect())
    }

    /// Which of these assets are known.
    pub(crate) async fn known_ids(&self, assets: &[AssetId]) -> DbResult<BTreeSet<AssetId>> {
        let ids: Vec<String> = assets.iter().map(|id| id.as_str().to_owned()).collect();
        let known = sqlx::query_scalar!("SELECT id FROM assets WHERE id = ANY($1)", &ids)
            .fetch_all(&self.readers)
            .await
            .map_err(db("look for known uploads"))?;
        Ok(known.into_iter().map(AssetId::new).collect())
    }

    /// The history of an asset in order. Numbered here, so that two nodes that add to it need not agree on numbers.
    pub(crate) async fn read_history(&self, id: &AssetId) -> DbResult<Vec<HistoryRecord>> {
        let what = "read history";
        let mut moment = self.moment().await?;
        let arrival = sqlx::query_scalar!("SELECT arrival FROM assets WHERE id = $1", id.as_str())
            .fetch_optional(&mut *moment)
            .await
            .map_err(db(what))?
            .ok_or_else(|| missing(id))?;
        let stored = sqlx::query_scalar!(
            "SELECT lines FROM history_commits WHERE asset = $1 ORDER BY number",
            arrival
        )
        .fetch_all(&mut *moment)
        .await
        .map_err(db(what))?;
        let mut lines: Vec<HistoryRecord> = Vec::new();
        for text in stored {
            lines.extend(document::<Vec<HistoryRecord>>(&text, "history_commits.lines")?);
        }
        // A claim is written once its lease ends; until then it is read from the task.
        for task in read_tasks(&mut moment, arrival).await? {
            let Some(lease) = task.lease else { continue };
            lines.push(HistoryRecord {
                task: Some(task.key),
                attempt: Some(lease.attempt),
                node: Some(NodeId::new(lease.owner)),
                ..history_lines::line(lease.claimed_at_ms, HistoryEvent::Claimed, "")
            });
        }
        lines.sort_by_key(|line| line.at_ms);
        for (sequence, line) in (1..).zip(&mut lines) {
            line.sequence = sequence;
        }
        Ok(lines)
    }

    /// Milliseconds until something is to be done: a task to claim, a lease to end, a notice to send.
    pub(crate) async fn until_due_ms(&self) -> DbResult<Option<u64>> {
        let due = sqlx::query!(
            r#"SELECT least((SELECT min(ready_at_ms) FROM open_tasks WHERE due AND lease_owner IS NULL),
                            (SELECT min(ready_at_ms) FROM open_tasks WHERE NOT due),
                            (SELECT min(lease_until_ms) FROM open_tasks WHERE lease_owner IS NOT NULL),
                            (SELECT min(due_at_ms) FROM outbox)) AS due_ms,
                      coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS "now_ms!""#,
            self.time.given(),
        )
        .fetch_one(&self.readers)
        .await
        .map_err(db("look for the next due time"))?;
        Ok(due.due_ms.map(|due_ms| count(due_ms.saturating_sub(due.now_ms))))
    }

    /// Counts for health and progress.
    pub(crate) async fn count_backlog(&self) -> DbResult<Backlog> {
        let rows = sqlx::query!(
            r#"WITH clock AS MATERIALIZED (
                   SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
               )
               SELECT 'ready' AS "what!", urgency AS "urgency?", NULL AS "phase?", count(*) AS "n!" FROM open_tasks
                   WHERE lease_owner IS NULL GROUP BY urgency
               UNION ALL SELECT 'leased', urgency, NULL, count(*) FROM open_tasks, clock
                   WHERE lease_owner IS NOT NULL AND lease_until_ms > ms GROUP BY urgency
               UNION ALL SELECT 'assets', NULL, phase, sum(change)::bigint FROM phase_counts GROUP BY phase
               UNION ALL SELECT 'outbox', NULL, NULL, count(*) FROM outbox"#,
            self.time.given(),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("count the backlog"))?;
        let mut backlog = Backlog::default();
        for row in rows {
            let number = large(row.n, "a count")?;
            match (row.what.as_str(), row.urgency, row.phase) {
                ("ready", Some(urgency), _) => {
                    add(&mut backlog.ready, lane_of(rows::urgency(urgency)?), number)
                }
                ("leased", Some(urgency), _) => {
                    add(&mut backlog.leased, lane_of(rows::urgency(urgency)?), number)
                }
                ("assets", _, Some(word)) if number > 0 => backlog.assets.push((phase(&word)?, number)),
                ("outbox", ..) => backlog.outbox = number,
                _ => {}
            }
        }
        backlog.ready.sort();
        backlog.leased.sort();
        backlog.assets.sort();
        Ok(backlog)
    }
}

async fn read_tasks(conn: &mut PgConnection, arrival: i64) -> DbResult<Vec<TaskRead>> {
    let rows = sqlx::query_as!(
        TaskCells,
        r#"SELECT asset AS "asset!", task AS "task!", NULL AS "state?", attempts AS "attempts!",
                      uncounted AS "uncounted!", not_producers_fault AS "not_producers_fault!", answered AS "answered!",
                      wall_ms AS "wall_ms!", cpu_ms AS "cpu_ms!", memory_bytes_max AS "memory_bytes_max!",
                      ready_at_ms AS "ready_at_ms?", lease_owner AS "lease_owner?",
                      lease_until_ms AS "lease_until_ms?", claimed_at_ms AS "claimed_at_ms?"
               FROM open_tasks WHERE asset = $1
               UNION ALL
               SELECT asset, task, state, attempts, uncounted, not_producers_fault, answered, wall_ms, cpu_ms, memory_bytes_max,
                      NULL, NULL, NULL, NULL
               FROM settled_tasks WHERE asset = $1"#,
        arrival,
    )
    .fetch_all(conn)
    .await
    .map_err(db("read tasks"))?;
    Ok(rows.into_iter().map(TaskCells::read).collect::<PortResult<_>>()?)
}

fn add(counts: &mut Vec<(Lane, u64)>, lane: Lane, number: u64) {
    match counts.iter_mut().find(|(known, _)| *known == lane) {
        Some((_, count)) => *count += number,
        None => counts.push((lane, number)),
    }
}

fn missing(id: &AssetId) -> PortError {
    PortError::new(
        Port::Store,
        ErrorKind::Missing,
        "find asset",
        format!("no asset {id}; `reelgate list` shows them"),
    )
}
