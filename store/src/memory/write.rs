//! Writes what a unit of work changed into the maps, and maintains their indexes.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::{NoticeKind, Phase, Severity};
use reelgate_flow::task::TaskKey;
use reelgate_ports::caption_files::family_sha256;
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::external_scanner::findings::join;
use reelgate_ports::identity;
use reelgate_ports::records::{AssetRecord, Decided, Decision, HistoryEvent, NoticeRecord};
use reelgate_ports::store::Product;

use super::state::{Owed, State, Stored};
use crate::history_lines::{self, MediaSummary};
use crate::work::{AssetRow, Deletion, LearnedFact, Loaded, UnitOfWork};

/// Inserts a new asset as it is before its first step.
pub(super) fn insert(state: &mut State, row: AssetRow) {
    state.arrivals.insert(row.id.clone(), row.arrival);
    state.by_key.entry(row.key_sha256.clone()).or_default().insert(row.arrival);
    let family = family_sha256(&row.source.id.key);
    state.by_family.entry(family).or_default().insert(row.arrival);
    state.assets.push(Stored::new(row));
}

/// Keeps deletions; of two deletions of one version the later one is kept.
pub(super) fn keep_deletions(state: &mut State, now_ms: u64, deletions: Vec<Deletion>) {
    for deletion in deletions {
        let identity = deletion.identity();
        let (known, kept_ms) = state.deletions.entry(identity).or_insert_with(|| (deletion.clone(), now_ms));
        *kept_ms = now_ms;
        if known.sequencer < deletion.sequencer {
            *known = deletion;
        }
    }
}

/// Keeps the locations of messages that could not be parsed, each once.
pub(super) fn refuse(state: &mut State, now_ms: u64, refused: Vec<RefusedEvent>) {
    for event in refused {
        if state.refused.contains_key(&event.location) {
            continue;
        }
        let line = history_lines::line(now_ms, HistoryEvent::Refused, event.reason.clone());
        state.unsealed.push_back((String::new(), line));
        state.refused.insert(event.location.clone(), (event, now_ms));
    }
}

/// The latest decision to release an asset.
pub(super) fn latest_release(stored: &Stored) -> Option<&Decision> {
    stored.decisions.iter().rfind(|decision| decision.what == Decided::Release)
}

/// Writes everything that a unit of work changed; returns the ids of violated invariants.
pub(super) fn write(state: &mut State, mut work: UnitOfWork) -> Vec<String> {
    for loaded in work.loaded.values() {
        write_asset(state, loaded);
    }
    for (id, line) in std::mem::take(&mut work.history) {
        if let Some(arrival) = state.arrivals.get(&id).copied() {
            state.add_history(arrival, line);
        }
    }
    for learned in std::mem::take(&mut work.learned) {
        write_learned(state, learned);
    }
    for record in std::mem::take(&mut work.ledger) {
        let Some(arrival) = state.arrivals.get(&record.asset).copied() else { continue };
        let position = (arrival, record.task.text(), record.attempt, record.charge.resource.as_str());
        state.ledger.entry(position).or_insert(record);
    }
    for (id, budget) in std::mem::take(&mut work.budgets) {
        if let Some(arrival) = state.arrivals.get(&id).copied() {
            state.budgets.insert(arrival, budget);
        }
    }
    for (name, change) in std::mem::take(&mut work.account_changes) {
        let sums = state.accounts.entry(name).or_default();
        // Both sums are of amounts that have room together: every change of them was added up before.
        sums.spent = sums.spent.plus(change.spent).unwrap_or(sums.spent);
        sums.reserved = sums.reserved.plus(change.reserved).unwrap_or(sums.reserved);
    }
    for (id, kind) in &work.owed {
        if let Some(loaded) = work.loaded.get(id) {
            owe(state, &work, loaded, *kind);
        }
    }
    work.violations
}

fn write_asset(state: &mut State, loaded: &Loaded) {
    if !loaded.changed && !loaded.hashed && !loaded.history_added && loaded.touched.is_empty() {
        return;
    }
    let row = &loaded.row;
    let arrival = row.arrival;
    // Another position is that of all its tasks.
    let moved = state.at(arrival).is_some_and(|stored| stored.row.queue_position != row.queue_position);
    let tasks: Vec<TaskKey> = match moved {
        true => row.core.tasks.keys().copied().collect(),
        false => loaded.touched.iter().copied().collect(),
    };
    for task in &tasks {
        state.forget_task(arrival, *task);
    }
    let Some(stored) = state.at_mut(arrival) else { return };
    let before = std::mem::replace(&mut stored.row, row.clone());
    stored.extras = loaded.extras.clone();
    for task in &tasks {
        state.index_task(arrival, *task);
    }
    if before.sha256 != row.sha256 {
        unlist(&mut state.by_content, before.sha256, arrival);
        list(&mut state.by_content, row.sha256.clone(), arrival);
    }
    if before.linked_to != row.linked_to {
        unlist(&mut state.by_link, before.linked_to, arrival);
        list(&mut state.by_link, row.linked_to.clone(), arrival);
    }
}

fn list<K: Ord>(index: &mut BTreeMap<K, BTreeSet<i64>>, key: Option<K>, arrival: i64) {
    if let Some(key) = key {
        index.entry(key).or_default().insert(arrival);
    }
}

fn unlist<K: Ord>(index: &mut BTreeMap<K, BTreeSet<i64>>, key: Option<K>, arrival: i64) {
    if let Some(numbers) = key.and_then(|key| index.get_mut(&key)) {
        numbers.remove(&arrival);
    }
}

fn write_learned(state: &mut State, learned: LearnedFact) {
    let id = learned.asset().clone();
    let Some(arrival) = state.arrivals.get(&id).copied() else { return };
    let Some(stored) = state.at_mut(arrival) else { return };
    match learned {
        LearnedFact::Product { task, result, outputs, .. } => {
            stored.products.insert(task, Product { task, result, outputs });
        }
        LearnedFact::Jobs(_, jobs) => {
            stored.jobs = jobs.into_iter().map(|job| (job.task, job)).collect();
        }
        LearnedFact::Facts(_, facts) => stored.facts = Some(*facts),
        LearnedFact::Metadata(_, metadata) => stored.metadata = metadata,
        LearnedFact::Packaged { renditions, left_out, .. } => {
            (stored.renditions, stored.left_out) = (renditions, Some(left_out));
        }
        LearnedFact::Findings(_, rows) => stored.findings = rows,
        LearnedFact::MoreFindings(_, rows) => stored.findings = join(&stored.findings, &rows),
        LearnedFact::Redaction(_, redaction) => stored.redaction = Some(redaction),
        LearnedFact::SameRedaction { original, .. } => {
            let same = state.find(&original).and_then(|original| original.redaction.clone());
            if let (Some(same), Some(stored)) = (same, state.at_mut(arrival)) {
                stored.redaction = Some(same);
            }
        }
        LearnedFact::Decision(_, decision, _) => stored.decisions.push(decision),
        LearnedFact::Proposal(_, proposal) => stored.proposal = proposal,
        LearnedFact::Erased(_) => erase(state, arrival),
    }
}

/// Removes the key of an erased asset and everything that holds text of it. What remains shows that the asset existed and was
/// erased.
fn erase(state: &mut State, arrival: i64) {
    let Some(stored) = state.at_mut(arrival) else { return };
    let source = stored.row.source.id.clone();
    stored.facts = None;
    stored.metadata.clear();
    stored.products.clear();
    stored.jobs.clear();
    stored.renditions.clear();
    stored.left_out = None;
    stored.findings.clear();
    stored.redaction = None;
    stored.proposal = None;
    stored.row.source.location.clear();
    stored.row.source.id.key.clear();
    state.scans.retain(|_, (scan, _)| scan.source.as_ref() != Some(&source));
}

/// Puts a notice into the outbox. Its body is made after everything else of the unit of work is written.
fn owe(state: &mut State, work: &UnitOfWork, loaded: &Loaded, kind: NoticeKind) {
    let asset = loaded.row.record();
    let id = identity::notice_id(&asset.id, kind, loaded.row.notice_number(kind, work.now_ms));
    let body = history_lines::notice_body(&id, kind, work.now_ms, &asset, &summary(state, &asset));
    put(state, NoticeRecord { id, asset: asset.id, kind, body, tries: 0 }, work.now_ms);
}

/// Puts a whole notice into the outbox.
pub(super) fn put(state: &mut State, notice: NoticeRecord, now_ms: u64) {
    state.notices += 1;
    state.outbox.insert(state.notices, Owed { notice, receiver: None, owed_ms: now_ms, due_ms: now_ms });
}

fn summary(state: &State, asset: &AssetRecord) -> MediaSummary {
    let mut media = MediaSummary::default();
    let Some(stored) = state.find(&asset.id) else { return media };
    if let Some(facts) = &stored.facts {
        media.container = Some(facts.container.as_str().to_owned());
        media.duration_ns = Some(facts.duration_ns);
    }
    if asset.phase == Phase::Published {
        let shown = state.find(asset.linked_to.as_ref().unwrap_or(&asset.id));
        if let Some(shown) = shown {
            media.renditions = shown.renditions.clone();
            media.left_out = shown.left_out.clone();
        }
    }
    if asset.severity > Severity::None {
        media.findings = stored.findings.clone();
    }
    media
}
