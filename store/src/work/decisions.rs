//! What people and scanners outside decide about assets, as steps.

use std::collections::BTreeSet;

use reelgate_flow::asset::{Cause, Input, Phase};
use reelgate_flow::ids::AssetId;

use super::rows::Learned;
use super::steps::Work;
use crate::history_lines::{self, By};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{Decided, Decision, HistoryEvent, ScanEvent};

/// Those of these findings whose ids were just written, each once.
pub fn fresh_scans<'a>(scans: &'a [ScanEvent], written: &[String]) -> Vec<&'a ScanEvent> {
    let mut left: BTreeSet<&str> = written.iter().map(String::as_str).collect();
    scans.iter().filter(|scan| left.remove(scan.id.as_str())).collect()
}

impl Work {
    /// Carries a decision out; every version of the asset's key is loaded.
    pub fn decide(&mut self, id: &AssetId, decision: &Decision) -> PortResult<()> {
        let newer = self.versions(id)?.iter().any(|other| other.newer);
        let core = &self.at(id)?.row.core;
        let (phase, held, linked) = (core.phase, core.marks.held, core.linked);
        let refuse = |expected: &str, found: &str| {
            let detail = format!("expected {expected}, found {found}");
            Err(PortError::new(Port::Store, ErrorKind::Conflict, "decide about an asset", detail))
        };
        if newer && matches!(decision.what, Decided::Release | Decided::Redact { .. }) {
            return refuse("the newest upload of its key", "a newer one, which takes its place");
        }
        // The decision is told before what follows from it.
        let now_ms = self.now_ms;
        self.note(id, history_lines::decision_line(now_ms, decision))?;
        self.learned.push(Learned::Decision(id.clone(), decision.clone()));
        let input = match &decision.what {
            Decided::Quarantine => Input::SetApart(Cause::Person),
            Decided::Release => Input::Release,
            Decided::Erase => Input::Erase,
            Decided::Hold => Input::Hold(true),
            Decided::Unhold => Input::Hold(false),
            Decided::Redact { parts, redaction } => {
                self.learned.push(Learned::Redaction(id.clone(), redaction.clone()));
                Input::Redact(parts.clone())
            }
            Decided::FalsePositive { .. } => return Ok(()),
        };
        if self.step(id, input, By::default())? {
            return Ok(());
        }
        let found = format!("it {}", phase.as_str());
        match decision.what {
            Decided::Erase if held => refuse("an asset that is not under hold", "one that is"),
            Decided::Erase => refuse("an asset that has ended", &found),
            Decided::Release => refuse("a quarantined asset", &found),
            Decided::Redact { .. } if linked => {
                refuse("an asset with encodes of its own", "a copy of an earlier upload's outputs")
            }
            Decided::Redact { .. } => refuse("a published asset with such parts", &found),
            Decided::Hold | Decided::Unhold => refuse("an asset that is not so already", &found),
            Decided::Quarantine | Decided::FalsePositive { .. } => {
                refuse("an asset that is not set apart or erased", &found)
            }
        }
    }

    /// Takes in what a scanner outside found; the asset is loaded, or unknown. False where it changes nothing.
    pub fn scanned(&mut self, id: &AssetId, scan: &ScanEvent) -> PortResult<bool> {
        if scan.sample || !self.loaded.contains_key(id) {
            return Ok(false);
        }
        let now_ms = self.now_ms;
        let detail = format!("{}, severity {}", scan.kind, scan.severity.as_str());
        self.note(id, history_lines::line(now_ms, HistoryEvent::Scanned, detail))?;
        if !scan.findings.is_empty() && self.at(id)?.row.core.phase != Phase::Erased {
            self.learned.push(Learned::Found(id.clone(), scan.findings.clone()));
        }
        let input = Input::Found { severity: scan.severity, response: scan.response };
        self.step(id, input, By::default())
    }

    /// Sets an asset apart again whose release is over. False where it is gone from sight already.
    pub fn expire(&mut self, id: &AssetId) -> PortResult<bool> {
        let core = &self.at(id)?.row.core;
        if core.phase != Phase::Published || !core.marks.cleared {
            return Ok(false);
        }
        self.step(id, Input::SetApart(Cause::Expired), By::default())
    }

    /// Owes the reminder that an asset was set apart long ago.
    pub fn remind(&mut self, id: &AssetId) -> PortResult<()> {
        let now_ms = self.now_ms;
        self.note(
            id,
            history_lines::line(now_ms, HistoryEvent::ReviewDue, "set apart long ago and nobody has decided"),
        )?;
        self.owed.push((id.clone(), reelgate_flow::asset::NoticeKind::ReviewDue));
        Ok(())
    }
}
