//! The unit of work: steps loaded assets and collects what must be written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use reelgate_flow::asset::{Effect, Input, NoticeKind, OriginalEnd, Phase, TaskRecord, WithFilm};
use reelgate_flow::ids::AssetId;
use reelgate_flow::invariants::{self, check_step};
use reelgate_flow::policy::Policy;
use reelgate_flow::task::TaskKey;

use super::rows::{AssetRow, LearnedFact, Loaded, TaskExtra};
use crate::history_lines::{self, Attribution};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{AccountSums, AssetBudget, FindingRecord, HistoryRecord, LedgerRecord};

/// A consequence of one step for other assets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FollowUp {
    /// The original ended like this: step the duplicates linked to it.
    Duplicates(AssetId, OriginalEnd),
    /// The asset was published or attached: supersede the older versions of its key.
    Older(AssetId),
    /// The asset was quarantined: quarantine the older versions of its key and, if a person decided so, every asset with the
    /// same content, because they hold the same data.
    SameKey {
        /// The asset that is quarantined.
        id: AssetId,
        /// A person decided about its content.
        same_content: bool,
    },
    /// A person has the asset redacted: every other asset with the same content gets the same redaction.
    Redaction(AssetId),
    /// The caption file has come: step its films.
    ReadByFilms(AssetId),
    /// The caption file is quarantined: quarantine its films.
    QuarantineFilms(AssetId),
    /// Step the caption files of the film.
    CaptionFiles(AssetId, WithFilm),
    /// A look at the content found this: policy answers it for every other asset with the same content.
    SameContent {
        /// The asset for which was looked.
        id: AssetId,
        /// What was found in the content.
        findings: Vec<FindingRecord>,
    },
}

/// What one writing call has loaded and changed.
#[derive(Debug)]
pub struct UnitOfWork {
    /// The store's clock at the start of the call, milliseconds since 1970.
    pub now_ms: u64,
    /// The loaded assets.
    pub loaded: BTreeMap<AssetId, Loaded>,
    /// Lines of history to add, in order; each has its number within its asset.
    pub history: Vec<(AssetId, HistoryRecord)>,
    /// Notices to put into the outbox.
    pub owed: Vec<(AssetId, NoticeKind)>,
    /// Results of reports and decisions to write, in order.
    pub learned: Vec<LearnedFact>,
    /// Lines of the ledger to add. A line whose attempt already has one for the resource is left out.
    pub ledger: Vec<LedgerRecord>,
    /// The money of assets to write.
    pub budgets: BTreeMap<AssetId, AssetBudget>,
    /// Changes of accounts to write, by name.
    pub account_changes: BTreeMap<String, AccountSums>,
    /// Ids of violated invariants.
    pub violations: Vec<String>,
    /// How findings are answered now.
    pub policy: Arc<Policy>,
    /// What was stored as found in some of the assets before this call.
    pub known: BTreeMap<AssetId, Vec<FindingRecord>>,
    /// What the releases of some of the assets cover.
    pub covered: BTreeMap<AssetId, Vec<FindingRecord>>,
    pub(super) follow_ups: VecDeque<FollowUp>,
    /// Assets that ended in this call and whose cost is not booked yet.
    pub(super) ended: BTreeSet<AssetId>,
}

impl UnitOfWork {
    /// An empty unit of work; `now_ms` is the store's clock.
    pub fn new(now_ms: u64, policy: Arc<Policy>) -> Self {
        Self {
            now_ms,
            loaded: BTreeMap::new(),
            history: Vec::new(),
            owed: Vec::new(),
            learned: Vec::new(),
            ledger: Vec::new(),
            budgets: BTreeMap::new(),
            account_changes: BTreeMap::new(),
            violations: Vec::new(),
            policy,
            known: BTreeMap::new(),
            covered: BTreeMap::new(),
            follow_ups: VecDeque::new(),
            ended: BTreeSet::new(),
        }
    }

    /// Those of these assets that are not loaded yet.
    pub fn not_loaded<'a>(&self, ids: &'a [AssetId]) -> Vec<&'a str> {
        ids.iter().filter(|id| !self.loaded.contains_key(*id)).map(AssetId::as_str).collect()
    }

    /// Adds a loaded asset row, without its tasks.
    pub fn add(&mut self, row: AssetRow) {
        self.loaded.insert(row.id.clone(), Loaded::new(row));
    }

    /// Adds a loaded task of a loaded asset; `Missing` if its asset is not loaded.
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

    /// A loaded asset; `Missing` if it is not loaded.
    pub fn at(&mut self, id: &AssetId) -> PortResult<&mut Loaded> {
        let missing =
            || PortError::new(Port::Store, ErrorKind::Missing, "load asset", format!("no asset {id}"));
        self.loaded.get_mut(id).ok_or_else(missing)
    }

    /// Lets the core step an asset and collects what must be written; false if the input was stale.
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
        let ends = phase != before && phase.is_ended();
        let original = loaded.row.linked_to.clone();
        if !loaded.row.core.linked {
            loaded.row.linked_to = None;
        }
        if ends {
            self.ended.insert(id.clone());
        }
        for effect in effects {
            self.apply(id, effect, by, original.as_ref())?;
        }
        if phase != before && matches!(phase, Phase::Published | Phase::Attached) {
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
            Effect::ReadByFilm => self.follow_ups.push_back(FollowUp::ReadByFilms(id.clone())),
            Effect::QuarantineFilm => self.follow_ups.push_back(FollowUp::QuarantineFilms(id.clone())),
            Effect::StepCaptionFiles(change) => {
                self.follow_ups.push_back(FollowUp::CaptionFiles(id.clone(), change));
            }
            Effect::RedactSameContent => self.follow_ups.push_back(FollowUp::Redaction(id.clone())),
            Effect::NotifyDuplicates(end) => self.follow_ups.push_back(FollowUp::Duplicates(id.clone(), end)),
            Effect::Note(note) => {
                let line = history_lines::note_line(now_ms, &note, by, original);
                self.note(id, line)?;
            }
        }
        Ok(())
    }

    /// Adds a line to the history of a loaded asset and numbers it.
    pub fn note(&mut self, id: &AssetId, line: HistoryRecord) -> PortResult<()> {
        let loaded = self.at(id)?;
        loaded.history_added = true;
        loaded.row.history_lines += 1;
        let sequence = loaded.row.history_lines;
        self.history.push((id.clone(), HistoryRecord { sequence, ..line }));
        Ok(())
    }
}
