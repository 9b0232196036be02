//! The rule of two people: a release or an erasure is proposed by one and approved by another, who approves exactly what was proposed.

use data_encoding::HEXLOWER;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{Approval, Decided, Decision, Proposal};
use sha2::{Digest, Sha256};

use super::decisions::{refuse, unfit_principal};
use super::rows::LearnedFact;
use super::steps::UnitOfWork;
use crate::history_lines;

/// Whether a decision of this kind needs two people, where the rule is on. The others hide or keep something, and can be taken back.
pub fn needs_two_people(what: &Decided) -> bool {
    matches!(what, Decided::Release | Decided::Erase)
}

impl UnitOfWork {
    /// Keeps a decision as a proposal that waits `valid_ms` for a second person. A decision that would be refused now is refused.
    pub fn propose(&mut self, id: &AssetId, decision: &Decision, valid_ms: u64) -> PortResult<Proposal> {
        self.check_decision(id, decision)?;
        let until_ms = self.now_ms.saturating_add(valid_ms);
        let known = self.known_sha256(id)?;
        let proposal = Proposal::new(id.as_str(), decision.clone(), known, until_ms);
        self.note(id, history_lines::proposal_line(self.now_ms, &proposal))?;
        self.learned.push(LearnedFact::Proposal(id.clone(), Some(proposal.clone())));
        Ok(proposal)
    }

    /// Carries out the proposal that waits for this asset, if the approval is of a second person and means this proposal, and nothing
    /// was found since it was made. Returns what was decided.
    pub fn approve(
        &mut self,
        id: &AssetId,
        waiting: Option<Proposal>,
        approval: &Approval,
    ) -> PortResult<Decision> {
        if let Some(expected) = unfit_principal("an approver", &approval.by) {
            return refuse(&expected, "other text");
        }
        let Some(proposal) = waiting else {
            return refuse("an asset with a proposal to release or to erase it", "one without");
        };
        if proposal.id != approval.proposal {
            return refuse(&format!("the proposal that waits, {}", proposal.id), "the name of another one");
        }
        if proposal.valid_until_ms <= self.now_ms {
            return refuse("a proposal that is still valid", "one that has expired; propose it again");
        }
        if proposal.decision.by.may_be(&approval.by) {
            let found = "the one who proposed it, or the same account under another name";
            return refuse("the approval of a second person", found);
        }
        if self.known_sha256(id)? != proposal.known_sha256 {
            let found = "other findings; look at the asset and propose it again";
            return refuse("the findings that were known when it was proposed", found);
        }
        self.decide(id, &proposal.decision, Some(&approval.by))?;
        self.learned.push(LearnedFact::Proposal(id.clone(), None));
        Ok(proposal.decision)
    }

    /// A hash of everything that is known as found in an asset.
    fn known_sha256(&self, id: &AssetId) -> PortResult<String> {
        let known = serde_json::to_vec(self.known_of(id)).map_err(|error| {
            PortError::new(Port::Store, ErrorKind::Invalid, "bind a proposal to findings", error.to_string())
        })?;
        Ok(HEXLOWER.encode(&Sha256::digest(known)))
    }
}
