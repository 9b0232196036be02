//! Decisions of people and findings of external scanners, as steps of assets.

use std::collections::BTreeSet;

use reelgate_flow::asset::{Cause, Input, Phase};
use reelgate_flow::ids::AssetId;
use reelgate_flow::plain::is_plain;

use super::rows::LearnedFact;
use super::steps::UnitOfWork;
use crate::history_lines::{self, Attribution};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{Decided, Decision, ExternalScanEvent, HistoryEvent, Principal};

/// The findings whose ids were just written, each once.
pub fn fresh_scans<'a>(scans: &'a [ExternalScanEvent], written: &[String]) -> Vec<&'a ExternalScanEvent> {
    let mut left: BTreeSet<&str> = written.iter().map(String::as_str).collect();
    scans.iter().filter(|scan| left.remove(scan.id.as_str())).collect()
}

/// Longest name of a person, characters.
const PERSON_CHARS_MAX: usize = 200;
/// Longest reason, characters.
const REASON_CHARS_MAX: usize = 2_000;

/// Longest description of how a caller is known, characters: an ARN has up to 2,048 bytes.
const HOW_CHARS_MAX: usize = 2_048;

/// The first of these texts that is empty, too long or cannot be shown as it is, as what was expected. The audit log keeps these texts
/// for ever, each record in one line that must be readable again.
fn unfit(texts: &[(&str, usize, &str)]) -> Option<String> {
    let is_fit = |text: &str, chars_max: usize| {
        !text.trim().is_empty() && text.chars().count() <= chars_max && text.chars().all(is_plain)
    };
    let (name, chars_max, _) = texts.iter().find(|(_, chars_max, text)| !is_fit(text, *chars_max))?;
    Some(format!(
        "{name} of 1 to {chars_max} characters in one line, without control or invisible characters"
    ))
}

/// What is expected of a person's name and account, if it is not fit for the audit log.
pub(super) fn unfit_principal(who: &str, by: &Principal) -> Option<String> {
    unfit(&[
        (&format!("the name of {who}"), PERSON_CHARS_MAX, &by.name),
        (&format!("the account of {who}"), HOW_CHARS_MAX, &by.how),
    ])
}

/// A refusal of a decision.
pub(super) fn refuse<T>(expected: &str, found: &str) -> PortResult<T> {
    let detail = format!("expected {expected}, found {found}");
    Err(PortError::new(Port::Store, ErrorKind::Conflict, "decide about an asset", detail))
}

/// The step of the asset that a decision is; `None` if it is only recorded.
fn input(what: &Decided) -> Option<Input> {
    Some(match what {
        Decided::Quarantine => Input::Quarantine(Cause::Person),
        Decided::Release => Input::Release,
        Decided::Erase => Input::Erase,
        Decided::Hold => Input::Hold(true),
        Decided::Unhold => Input::Hold(false),
        Decided::Redact { parts, .. } => Input::Redact(parts.clone()),
        Decided::FalsePositive { .. } => return None,
    })
}

impl UnitOfWork {
    /// Carries out a decision; every version of the asset's key is loaded, and what was found in it is known. `Conflict` says why it is
    /// refused. With a second person, the record names both.
    pub fn decide(
        &mut self,
        id: &AssetId,
        decision: &Decision,
        approver: Option<&Principal>,
    ) -> PortResult<()> {
        self.check_decision(id, decision)?;
        // The history shows the decision before its consequences.
        let now_ms = self.now_ms;
        self.note(id, history_lines::decision_line(now_ms, decision, approver))?;
        self.learned.push(LearnedFact::Decision(id.clone(), decision.clone(), approver.cloned()));
        if let Decided::Redact { redaction, .. } = &decision.what {
            self.learned.push(LearnedFact::Redaction(id.clone(), redaction.clone()));
        }
        let Some(input) = input(&decision.what) else { return Ok(()) };
        if !self.step(id, input, Attribution::default())? {
            return refuse("an asset that can be decided about", "one that has just changed");
        }
        match decision.what {
            Decided::Unhold => self.supersede_after_hold(id),
            Decided::Release => self.cover(id),
            _ => Ok(()),
        }
    }

    /// Refuses a decision that cannot be recorded, or that changes nothing of the asset as it is now.
    pub(super) fn check_decision(&mut self, id: &AssetId, decision: &Decision) -> PortResult<()> {
        let words = unfit_principal("the one who decides", &decision.by)
            .or_else(|| unfit(&[("a reason", REASON_CHARS_MAX, &decision.reason)]));
        if let Some(expected) = words {
            return refuse(&expected, "other text");
        }
        let newer = self.versions(id)?.iter().any(|other| other.newer);
        let row = &self.at(id)?.row;
        let (phase, held, cleared) = (row.core.phase, row.core.flags.held, row.core.flags.cleared);
        let replacing = phase == Phase::Screened && row.published_location.is_some();
        if newer && matches!(decision.what, Decided::Release | Decided::Redact { .. }) {
            return refuse("the newest upload of its key", "a newer one, which replaces it");
        }
        if replacing && decision.what == Decided::Hold {
            let found = "one whose outputs are just being replaced; try again when it is published";
            return refuse("an asset whose outputs stay", found);
        }
        if let Some(film) = self.decided_with(id, &decision.what) {
            let found = format!("a caption file, which goes with its film {film}; decide about the film");
            return refuse("an asset that stands alone", &found);
        }
        let row = &self.at(id)?.row;
        // The core itself says whether the decision applies: it is asked with a copy.
        let applies =
            input(&decision.what).is_none_or(|input| row.core.clone().step(input, &mut Vec::new()).is_ok());
        if applies {
            return Ok(());
        }
        let found = format!("it {}", phase.as_str());
        match decision.what {
            Decided::Erase | Decided::Redact { .. } if held => {
                refuse("an asset that is not under hold", "one that is under hold")
            }
            Decided::Erase => refuse("an asset that has ended", &found),
            Decided::Release => refuse("a quarantined asset", &found),
            Decided::Redact { .. } if cleared => refuse(
                "an asset that no person released",
                "a released one; quarantine it, and upload it again to redact it",
            ),
            Decided::Redact { .. } => refuse("a published asset with such parts", &found),
            Decided::Hold if phase == Phase::Withdrawing && !held => refuse(
                "an asset whose outputs stay",
                "one whose outputs are just being removed; try again when it has ended",
            ),
            Decided::Hold | Decided::Unhold => refuse("an asset whose hold changes", &found),
            Decided::Quarantine | Decided::FalsePositive { .. } => {
                refuse("an asset that is not quarantined or erased", &found)
            }
        }
    }

    /// Steps an asset with a finding of an external scanner, and then every other asset with the content that it is in. False
    /// if the asset is unknown or the finding changes nothing of it. The stored findings of released assets are known.
    pub fn scanned(&mut self, id: &AssetId, scan: &ExternalScanEvent) -> PortResult<bool> {
        if scan.sample || !self.loaded.contains_key(id) {
            return Ok(false);
        }
        let now_ms = self.now_ms;
        let detail = format!("{}, severity {}", scan.kind, scan.severity.as_str());
        self.note(id, history_lines::line(now_ms, HistoryEvent::Scanned, detail))?;
        let findings = scan.records();
        self.found_in_content(id, &findings);
        self.add_findings(id, &findings, Cause::Scanner)
    }

    /// Quarantines an asset again after its release has expired. False if the asset is no longer published.
    pub fn expire(&mut self, id: &AssetId) -> PortResult<bool> {
        let core = &self.at(id)?.row.core;
        if core.phase != Phase::Published || !core.flags.cleared {
            return Ok(false);
        }
        self.step(id, Input::Quarantine(Cause::Expired), Attribution::default())
    }

    /// Puts a reminder into the outbox that an asset has been in quarantine for long.
    pub fn remind(&mut self, id: &AssetId) -> PortResult<()> {
        let now_ms = self.now_ms;
        self.note(
            id,
            history_lines::line(now_ms, HistoryEvent::ReviewDue, "in quarantine for long without a decision"),
        )?;
        self.owed.push((id.clone(), reelgate_flow::asset::NoticeKind::ReviewDue));
        Ok(())
    }
}
