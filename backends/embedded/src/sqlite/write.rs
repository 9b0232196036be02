//! Writing what a unit of work changed: a few statements, each for all rows of its table.

use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{FindingRecord, RenditionRecord, StagedOutput};
use sqlx::SqliteConnection;

use super::error::{corrupt, db};
use super::work::{Loaded, Work, json};
use super::{facts, outbox, products};

/// What a finished task told beyond the core's state.
pub(super) enum Learned {
    /// For later stages.
    Product {
        asset: AssetId,
        task: TaskKey,
        attempt: u32,
        result: serde_json::Value,
        outputs: Vec<StagedOutput>,
    },
    /// The media's facts.
    Facts(AssetId, Box<reelgate_flow::facts::MediaFacts>),
    /// The ladder.
    Renditions(AssetId, Vec<RenditionRecord>),
    /// Screening's findings.
    Findings(AssetId, Vec<FindingRecord>),
}

impl Work {
    /// Writes everything; returns the invariants that were found broken, by id.
    pub(super) async fn write(mut self, conn: &mut SqliteConnection) -> PortResult<Vec<String>> {
        self.write_assets(conn).await?;
        self.write_tasks(conn).await?;
        self.write_history(conn).await?;
        for learned in std::mem::take(&mut self.learned) {
            match learned {
                Learned::Product { asset, task, attempt, result, outputs } => {
                    products::write(conn, &asset, task, attempt, &result, &outputs).await?;
                }
                Learned::Facts(asset, media) => facts::write(conn, &asset, &media).await?,
                Learned::Renditions(asset, rows) => products::write_renditions(conn, &asset, &rows).await?,
                Learned::Findings(asset, rows) => products::write_findings(conn, &asset, &rows).await?,
            }
        }
        outbox::owe(conn, &self).await?;
        Ok(self.violations)
    }

    async fn write_assets(&self, conn: &mut SqliteConnection) -> PortResult<()> {
        let changed: Vec<&Loaded> = self.loaded.values().filter(|loaded| loaded.changed).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = changed.iter().map(|loaded| asset_cells(loaded)).collect();
        sqlx::query(UPDATE_ASSETS)
            .bind(json(&rows)?)
            .execute(&mut *conn)
            .await
            .map_err(db("write assets"))?;
        // Locations hold what a person wrote; bound one by one they may hold any character.
        for loaded in changed.iter().filter(|loaded| loaded.moved) {
            sqlx::query("UPDATE assets SET location = ?, published_location = ? WHERE id = ?")
                .bind(&loaded.row.source.location)
                .bind(loaded.row.published_location.as_deref())
                .bind(loaded.row.id.as_str())
                .execute(&mut *conn)
                .await
                .map_err(db("write an asset's location"))?;
        }
        Ok(())
    }

    async fn write_tasks(&self, conn: &mut SqliteConnection) -> PortResult<()> {
        let mut rows = Vec::new();
        for loaded in self.loaded.values() {
            for key in &loaded.touched {
                rows.push(task_cells(loaded, *key)?);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(UPSERT_TASKS).bind(json(&rows)?).execute(conn).await.map_err(db("write tasks"))?;
        Ok(())
    }

    async fn write_history(&self, conn: &mut SqliteConnection) -> PortResult<()> {
        if self.history.is_empty() {
            return Ok(());
        }
        let cells = self.history.iter().map(|(asset, line)| {
            let node = line.node.as_ref().map(|node| node.as_str());
            (
                asset.as_str(),
                line.sequence,
                line.at_ms,
                line.what.as_str(),
                line.task,
                line.attempt,
                node,
                line.wall_ms,
                line.detail.as_str(),
            )
        });
        let rows = json(&cells.collect::<Vec<_>>())?;
        sqlx::query(INSERT_HISTORY).bind(rows).execute(conn).await.map_err(db("write history"))?;
        Ok(())
    }
}

const UPDATE_ASSETS: &str = "
    UPDATE assets SET
        sha256 = j.value ->> 1, phase = j.value ->> 2, verdict = j.value ->> 3, severity = j.value ->> 4,
        reason_code = j.value ->> 5, reason_detail = j.value ->> 6, door = j.value ->> 7,
        linked_to = j.value ->> 8, redrives = j.value ->> 9, ended_at_ms = j.value ->> 10,
        history_lines = j.value ->> 11
    FROM json_each(?) AS j WHERE assets.id = j.value ->> 0";

fn asset_cells(loaded: &Loaded) -> impl serde::Serialize + '_ {
    let (row, core) = (&loaded.row, &loaded.row.core);
    (
        row.id.as_str(),
        row.sha256.as_deref(),
        core.phase.as_str(),
        core.verdict.as_str(),
        core.severity.as_str(),
        core.reason.as_ref().map(|fault| fault.code.as_str()),
        core.reason.as_ref().map(|fault| fault.detail.as_str()),
        core.door.map(|door| door.as_str()),
        row.linked_to.as_ref().map(AssetId::as_str),
        core.redrives,
        row.ended_ms,
        row.history_lines,
    )
}

const UPSERT_TASKS: &str = "
    INSERT INTO tasks (asset, task, arrival, lane, state, attempts, excused, blameless, answered, ready_at_ms,
                       wall_ms, cpu_ms, memory_bytes_max)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12
    FROM json_each(?) WHERE true
    ON CONFLICT (asset, task) DO UPDATE SET
        state = excluded.state, attempts = excluded.attempts, excused = excluded.excused,
        blameless = excluded.blameless, answered = excluded.answered, ready_at_ms = excluded.ready_at_ms,
        lease_owner = NULL, lease_until_ms = NULL, wall_ms = excluded.wall_ms, cpu_ms = excluded.cpu_ms,
        memory_bytes_max = excluded.memory_bytes_max";

fn task_cells(loaded: &Loaded, key: TaskKey) -> PortResult<impl serde::Serialize + '_> {
    let lost = || corrupt("tasks.task", "a task of this asset");
    let record = loaded.row.core.tasks.get(&key).ok_or_else(lost)?;
    let extra = loaded.extras.get(&key).ok_or_else(lost)?;
    Ok((
        loaded.row.id.as_str(),
        key,
        loaded.row.arrival,
        key.lane().as_str(),
        record.state.as_str(),
        record.attempts,
        record.excused,
        record.blameless,
        record.answered,
        extra.ready_at_ms,
        extra.wall_ms,
        extra.cpu_ms,
        extra.memory_bytes_max,
    ))
}

const INSERT_HISTORY: &str = "
    INSERT INTO history (asset, sequence, at_ms, what, task, attempt, node, wall_ms, detail)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 7, value ->> 8
    FROM json_each(?)";
