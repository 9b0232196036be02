//! A unit of work: the assets one call concerns, stepped in memory, written in bulk at its end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use reelgate_flow::asset::{Effect, Input, NoticeKind, Phase, TwinEnd};
use reelgate_flow::ids::AssetId;
use reelgate_flow::invariants::{self, check_step};
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::{PortError, PortResult, Trouble};
use reelgate_ports::records::HistoryRecord;
use reelgate_ports::telling::{self, By};
use sqlx::SqliteConnection;

use super::error::{corrupt, db};
use super::rows::{self, AssetRow, TaskExtra};
use super::write::Learned;

/// An asset and its tasks, as they stand within this call.
pub(super) struct Loaded {
    pub row: AssetRow,
    pub extras: BTreeMap<TaskKey, TaskExtra>,
    /// Tasks to write.
    pub touched: BTreeSet<TaskKey>,
    /// More of the asset's own row is to be written than its count of history lines.
    pub changed: bool,
    /// So is the hash of its content.
    pub hashed: bool,
    /// So is its count of history lines.
    pub told: bool,
}

/// What one step causes at other assets.
pub(super) enum FollowUp {
    /// Those linked to this one.
    Followers(AssetId, TwinEnd),
    /// Older versions of the same key.
    Older(AssetId),
}

/// The unit of work.
pub(super) struct Work {
    pub now_ms: u64,
    pub loaded: BTreeMap<AssetId, Loaded>,
    pub history: Vec<(AssetId, HistoryRecord)>,
    pub owed: Vec<(AssetId, NoticeKind)>,
    pub learned: Vec<Learned>,
    pub follow_ups: VecDeque<FollowUp>,
    pub violations: Vec<String>,
}

impl Work {
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            now_ms,
            loaded: BTreeMap::new(),
            history: Vec::new(),
            owed: Vec::new(),
            learned: Vec::new(),
            follow_ups: VecDeque::new(),
            violations: Vec::new(),
        }
    }

    /// Brings assets and their tasks into memory; unknown ids are left out.
    pub(super) async fn load(&mut self, conn: &mut SqliteConnection, ids: &[AssetId]) -> PortResult<()> {
        let loaded = self.load_rows(conn, ids).await?;
        if loaded.is_empty() {
            return Ok(());
        }
        let arrivals: Vec<i64> = loaded.keys().copied().collect();
        let tasks = sqlx::query("SELECT * FROM tasks WHERE asset IN (SELECT value FROM json_each(?))")
            .bind(json(&arrivals)?)
            .fetch_all(conn)
            .await
            .map_err(db("load tasks"))?;
        for row in &tasks {
            let (key, record, extra) = rows::task(row)?;
            let unknown = || corrupt("tasks.asset", "a known asset");
            let id = loaded.get(&rows::get::<i64>(row, "asset")?).ok_or_else(unknown)?;
            let loaded = self.at(id)?;
            loaded.row.core.tasks.insert(key, record);
            loaded.extras.insert(key, extra);
        }
        Ok(())
    }

    /// Brings only the assets' own rows into memory, for calls that step nothing; returns the new ones by arrival.
    pub(super) async fn load_rows(
        &mut self,
        conn: &mut SqliteConnection,
        ids: &[AssetId],
    ) -> PortResult<BTreeMap<i64, AssetId>> {
        let wanted: Vec<&str> =
            ids.iter().filter(|id| !self.loaded.contains_key(*id)).map(AssetId::as_str).collect();
        let mut loaded = BTreeMap::new();
        if wanted.is_empty() {
            return Ok(loaded);
        }
        let assets = sqlx::query("SELECT * FROM assets WHERE id IN (SELECT value FROM json_each(?))")
            .bind(json(&wanted)?)
            .fetch_all(conn)
            .await
            .map_err(db("load assets"))?;
        for row in &assets {
            let row = AssetRow::read(row)?;
            loaded.insert(row.arrival, row.id.clone());
            self.add(row);
        }
        Ok(loaded)
    }

    pub(super) fn add(&mut self, row: AssetRow) {
        let loaded = Loaded {
            row,
            extras: BTreeMap::new(),
            touched: BTreeSet::new(),
            changed: false,
            hashed: false,
            told: false,
        };
        self.loaded.insert(loaded.row.id.clone(), loaded);
    }

    /// An asset that was loaded.
    pub(super) fn at(&mut self, id: &AssetId) -> PortResult<&mut Loaded> {
        let missing = || PortError::new(Trouble::Missing, "load asset", format!("no asset {id}"));
        self.loaded.get_mut(id).ok_or_else(missing)
    }

    /// Feeds one input to the core and notes what must be written; false where it was stale.
    pub(super) fn step(&mut self, id: &AssetId, input: Input, by: By<'_>) -> PortResult<bool> {
        let now_ms = self.now_ms;
        let loaded = self.at(id)?;
        let core = loaded.row.core.clone();
        let before = core.phase;
        let mut effects = Vec::new();
        let applied = loaded.row.core.step(input.clone(), &mut effects).is_ok();
        let checked = check_step(&core, &input, &loaded.row.core, &effects)
            .and_then(|()| invariants::check(&loaded.row.core));
        if let Err(violation) = checked {
            tracing::error!(asset = %id, invariant = violation.id, "{}", violation.sentence);
            self.violations.push(violation.id.to_owned());
        }
        let loaded = self.at(id)?;
        if !applied {
            return Ok(false);
        }
        let phase = loaded.row.core.phase;
        loaded.changed = true;
        if phase != before {
            loaded.row.ended_ms = phase.is_ended().then_some(now_ms);
        }
        let twin = loaded.row.linked_to.clone();
        if !loaded.row.core.linked {
            loaded.row.linked_to = None;
        }
        for effect in effects {
            self.apply(id, effect, by, twin.as_ref())?;
        }
        if phase == Phase::Published && before != Phase::Published {
            self.follow_ups.push_back(FollowUp::Older(id.clone()));
        }
        Ok(true)
    }

    fn apply(&mut self, id: &AssetId, effect: Effect, by: By<'_>, twin: Option<&AssetId>) -> PortResult<()> {
        let now_ms = self.now_ms;
        match effect {
            Effect::Start { task, delay_ms } => {
                self.at(id)?.touch(task, now_ms.saturating_add(delay_ms));
            }
            Effect::Settle { task, .. } => self.at(id)?.touch(task, now_ms),
            Effect::Owe(kind) => self.owed.push((id.clone(), kind)),
            Effect::TellFollowers(end) => self.follow_ups.push_back(FollowUp::Followers(id.clone(), end)),
            Effect::Note(note) => {
                let line = telling::note_line(now_ms, &note, by, twin);
                self.note(id, line)?;
            }
        }
        Ok(())
    }

    /// Adds a line to an asset's history, numbered.
    pub(super) fn note(&mut self, id: &AssetId, line: HistoryRecord) -> PortResult<()> {
        let loaded = self.at(id)?;
        loaded.told = true;
        loaded.row.history_lines += 1;
        let sequence = loaded.row.history_lines;
        self.history.push((id.clone(), HistoryRecord { sequence, ..line }));
        Ok(())
    }
}

impl Loaded {
    /// The task's row is to be written, its lease cleared.
    fn touch(&mut self, task: TaskKey, ready_at_ms: u64) {
        let extra = self.extras.entry(task).or_insert_with(|| TaskExtra::due(ready_at_ms));
        extra.ready_at_ms = ready_at_ms;
        extra.lease_owner = None;
        self.touched.insert(task);
    }
}

/// Rows as one bound JSON text, read back with `json_each`: one statement however many rows.
pub(super) fn json<T: serde::Serialize>(rows: &T) -> PortResult<String> {
    serde_json::to_string(rows)
        .map_err(|error| PortError::new(Trouble::Invalid, "write rows as JSON", error.to_string()))
}
