//! Leases that end without a report, and the operator's redrive and redo.

use reelgate_flow::asset::{Input, Phase, Redo};
use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::limits::REDRIVES_MAX;
use reelgate_flow::reason::{Code, Fault};

use super::steps::UnitOfWork;
use crate::history_lines::Attribution;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{Fence, UnarchivedResult};

impl UnitOfWork {
    /// Ends a lease as a lost attempt. False if it is stale because another lost task of the same call has just ended the
    /// asset, and the lease with it.
    pub fn lose(&mut self, fence: &Fence, node: &NodeId, why: &'static str) -> PortResult<bool> {
        let fault = Fault::new(Code::WorkerLost, why);
        let by = Attribution { node: Some(node), ..Attribution::default() };
        let (task, attempt) = (fence.task, fence.attempt);
        self.step(&fence.asset, Input::Failed { task, attempt, fault }, by)
    }

    /// Redrives a failed or rejected asset; every version of its key is loaded.
    pub fn redrive(&mut self, id: &AssetId) -> PortResult<()> {
        let core = &self.at(id)?.row.core;
        let (phase, held) = (core.phase, core.flags.held);
        if !self.begin_again(id, Attribution::default())? {
            let hold = if held { ", under hold, whose outputs must not be replaced" } else { "" };
            let detail = format!(
                "expected a failed or rejected asset that was not redriven too often, found {}{hold}",
                phase.as_str()
            );
            return Err(PortError::new(Port::Store, ErrorKind::Conflict, "redrive asset", detail));
        }
        Ok(())
    }

    /// Redrives an asset if it failed because its upload was archived; every version of its key is loaded.
    pub fn redrive_unarchived(&mut self, id: &AssetId) -> PortResult<UnarchivedResult> {
        let Some(loaded) = self.loaded.get(id) else { return Ok(UnarchivedResult::Unknown) };
        let core = &loaded.row.core;
        let is_archived = core.reason.as_ref().is_some_and(|fault| fault.code == Code::SourceArchived);
        if core.phase != Phase::Failed || !is_archived {
            return Ok(UnarchivedResult::NotWaiting);
        }
        let by =
            Attribution { cause: Some("its upload was restored from the archive"), ..Attribution::default() };
        let is_redriven = self.begin_again(id, by)?;
        Ok(if is_redriven { UnarchivedResult::Redriven } else { UnarchivedResult::Refused })
    }

    /// Redrives an asset; false if it cannot be. A newer version of its key supersedes it at once.
    pub(super) fn begin_again(&mut self, id: &AssetId, by: Attribution<'_>) -> PortResult<bool> {
        let published = self.at(id)?.row.published_location.is_some();
        if !self.step(id, Input::Redrive { published }, by)? {
            return Ok(false);
        }
        if self.versions(id)?.iter().any(|other| other.newer) {
            self.step(id, Input::Superseded, Attribution::default())?;
        }
        Ok(true)
    }

    /// Starts to make part of a published asset again; every version of its key is loaded.
    pub fn redo(&mut self, id: &AssetId, what: Redo) -> PortResult<()> {
        let refuse = |found: String| {
            let detail = format!(
                "expected a published asset that can be redone from {}, found {found}",
                what.as_str()
            );
            Err(PortError::new(Port::Store, ErrorKind::Conflict, "redo asset", detail))
        };
        if self.versions(id)?.iter().any(|other| other.newer) {
            return refuse("a newer upload of its key, which replaces it".to_owned());
        }
        let core = &self.at(id)?.row.core;
        let (phase, linked, redrives, held) = (core.phase, core.linked, core.redrives, core.flags.held);
        if self.step(id, Input::Redo(what), Attribution::default())? {
            return Ok(());
        }
        match phase {
            Phase::Published if held => {
                refuse("one under hold, whose outputs must not be replaced; end the hold first".to_owned())
            }
            Phase::Published if linked && what != Redo::Validate => refuse(
                "a copy of an earlier upload's outputs: redo that one, or this one from validate".to_owned(),
            ),
            Phase::Published if redrives >= REDRIVES_MAX => {
                refuse(format!("one that was already redriven {redrives} times"))
            }
            Phase::Published => refuse("one without such a part".to_owned()),
            other => refuse(format!("it {}", other.as_str())),
        }
    }
}
