//! The unit of work: steps assets in memory and notes what must be written.

use std::collections::{BTreeMap, VecDeque};

use reelgate_flow::asset::{Effect, Input, NoticeKind, OriginalEnd, Phase, TaskRecord};
use reelgate_flow::ids::AssetId;
use reelgate_flow::invariants::{self, check_step};
use reelgate_flow::task::TaskKey;

use super::rows::{AssetRow, LearnedFact, Loaded, TaskExtra};
use crate::history_lines::{self, Attribution};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::HistoryRecord;

/// What one step causes at other assets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FollowUp {
    /// Those linked to this one.
    Duplicates(AssetId, OriginalEnd),
    /// Older versions of the same key.
    Older(AssetId),
    /// Older versions of the same key and, where the content is the reason, every asset with the same content: what
    /// was found lies in them too.
    SameKey {
        /// The asset that is quarantined.
        id: AssetId,
        /// The content is the reason.
        same_content: bool,
    },
}

/// The unit of work.
#[derive(Debug)]
pub struct UnitOfWork {
    /// The store's time of this call, milliseconds since 1970.
    pub now_ms: u64,
    /// Assets in memory.
    pub loaded: BTreeMap<AssetId, Loaded>,
    /// Lines to add, numbered, in order.
    pub history: Vec<(AssetId, HistoryRecord)>,
    /// Notices to owe.
    pub owed: Vec<(AssetId, NoticeKind)>,
    /// What reports told, in order.
    pub learned: Vec<LearnedFact>,
    /// Ids of invariants found broken.
    pub violations: Vec<String>,
    pub(super) follow_ups: VecDeque<FollowUp>,
}

impl UnitOfWork {
    /// An empty unit at this time.
    pub fn new(now_ms: u64) -> Self {
        Self {
            now_ms,
            loaded: BTreeMap::new(),
            history: Vec::new(),
            owed: Vec::new(),
            learned: Vec::new(),
            violations: Vec::new(),
            follow_ups: VecDeque::new(),
        }
    }

    /// Those of these assets that are not in memory.
    pub fn not_loaded<'a>(&self, ids: &'a [AssetId]) -> Vec<&'a str> {
        ids.iter().filter(|id| !self.loaded.contains_key(*id)).map(AssetId::as_str).collect()
    }

    /// Brings an asset's own row into memory.
    pub fn add(&mut self, row: AssetRow) {
        self.loaded.insert(row.id.clone(), Loaded::new(row));
    }

    /// Brings a task of a loaded asset into memory.
    pub fn add_task(
        &mut self,
        id: &AssetId,
        key: TaskKey,
        record: TaskRecord,
        extra: TaskExtra,
    ) -> PortResult<()> {
        let loaded = self.at(id)?;
        loaded.row.core.tasks.insert(key, record);
        loaded.extras.insert(key, extra);
        Ok(())
    }

    /// An asset that was loaded.
    pub fn at(&mut self, id: &AssetId) -> PortResult<&mut Loaded> {
        let missing =
            || PortError::new(Port::Store, ErrorKind::Missing, "load asset", format!("no asset {id}"));
        self.loaded.get_mut(id).ok_or_else(missing)
    }

    /// Feeds one input to the core and notes what must be written; false where it was stale.
    pub fn step(&mut self, id: &AssetId, input: Input, by: Attribution<'_>) -> PortResult<bool> {
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
        let original = loaded.row.linked_to.clone();
        if !loaded.row.core.linked {
            loaded.row.linked_to = None;
        }
        for effect in effects {
            self.apply(id, effect, by, original.as_ref())?;
        }
        if phase == Phase::Published && before != Phase::Published {
            self.follow_ups.push_back(FollowUp::Older(id.clone()));
        }
        Ok(true)
    }

    fn apply(
        &mut self,
        id: &AssetId,
        effect: Effect,
        by: Attribution<'_>,
        original: Option<&AssetId>,
    ) -> PortResult<()> {
        let now_ms = self.now_ms;
        match effect {
            Effect::Start { task, delay_ms } => {
                self.at(id)?.touch(task, now_ms.saturating_add(delay_ms));
            }
            Effect::Settle { task, .. } => self.at(id)?.touch(task, now_ms),
            Effect::Owe(kind) => self.owed.push((id.clone(), kind)),
            Effect::CloseOver { same_content } => {
                self.follow_ups.push_back(FollowUp::SameKey { id: id.clone(), same_content });
            }
            Effect::NotifyDuplicates(end) => self.follow_ups.push_back(FollowUp::Duplicates(id.clone(), end)),
            Effect::Note(note) => {
                let line = history_lines::note_line(now_ms, &note, by, original);
                self.note(id, line)?;
            }
        }
        Ok(())
    }

    /// Adds a line to an asset's history, numbered.
    pub fn note(&mut self, id: &AssetId, line: HistoryRecord) -> PortResult<()> {
        let loaded = self.at(id)?;
        loaded.told = true;
        loaded.row.history_lines += 1;
        let sequence = loaded.row.history_lines;
        self.history.push((id.clone(), HistoryRecord { sequence, ..line }));
        Ok(())
    }
}
