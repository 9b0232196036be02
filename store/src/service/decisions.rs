//! Requests of operators and security officers about an asset, and the review of decisions that expire.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{Approval, Decision, DecisionOutcome, Principal};

use super::budgets::reserve_anyway;
use super::relatives::{follow_up, learn_findings, load_family_of, load_versions_of};
use super::write_call::WriteCall;
use crate::history_lines::rule_line;
use crate::session::{Answer, Lock, Session};
use crate::work::{UnitOfWork, needs_two_people};

/// Maximum number of assets in one review, so that other calls do not wait long for it.
const REVIEWS_AT_ONCE: u32 = 1_000;

/// Redrives a failed or rejected asset.
#[derive(Debug)]
pub struct Redrive<'a>(pub &'a AssetId);

/// Makes part of a published asset again.
#[derive(Debug)]
pub struct RedoAsset<'a>(pub &'a AssetId, pub reelgate_flow::asset::Redo);

/// Carries out a decision about an asset and keeps who decided, why and when. Where policy asks for two people, a release or an erasure is
/// kept as a proposal instead.
#[derive(Debug)]
pub struct Decide<'a>(pub &'a AssetId, pub &'a Decision);

impl WriteCall for Redrive<'_> {
    type Output = ();

    const OPERATION: &'static str = "redrive asset";

    fn locks(&self) -> Option<Vec<Lock>> {
        None
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<(), S> {
        with_versions(session, self.0, |work| work.redrive(self.0)).await?;
        reserve_anyway(session, self.0).await
    }
}

impl WriteCall for RedoAsset<'_> {
    type Output = ();

    const OPERATION: &'static str = "redo asset";

    fn locks(&self) -> Option<Vec<Lock>> {
        None
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<(), S> {
        with_versions(session, self.0, |work| work.redo(self.0, self.1)).await
    }
}

/// Carries out the proposal that waits for an asset.
#[derive(Debug)]
pub struct Approve<'a>(pub &'a AssetId, pub &'a Approval);

impl WriteCall for Decide<'_> {
    type Output = DecisionOutcome;

    const OPERATION: &'static str = "decide about an asset";

    fn locks(&self) -> Option<Vec<Lock>> {
        None
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<DecisionOutcome, S> {
        session.load(std::slice::from_ref(self.0)).await?;
        record_rule(session, &self.1.by).await?;
        if needs_two_people(&self.1.what) && session.work().loaded.contains_key(self.0) {
            learn_findings(session, BTreeSet::from([self.0.clone()])).await?;
        }
        let valid_ms = session.work().policy.approval_ms.filter(|_| needs_two_people(&self.1.what));
        with_versions(session, self.0, |work| match valid_ms {
            Some(valid_ms) => {
                Ok(DecisionOutcome::Proposed(Box::new(work.propose(self.0, self.1, valid_ms)?)))
            }
            None => work.decide(self.0, self.1, None).map(|()| DecisionOutcome::CarriedOut),
        })
        .await
    }
}

impl WriteCall for Approve<'_> {
    type Output = Decision;

    const OPERATION: &'static str = "approve a decision";

    fn locks(&self) -> Option<Vec<Lock>> {
        None
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<Decision, S> {
        session.load(std::slice::from_ref(self.0)).await?;
        record_rule(session, &self.1.by).await?;
        if session.work().loaded.contains_key(self.0) {
            learn_findings(session, BTreeSet::from([self.0.clone()])).await?;
        }
        let waiting = session.proposal_of(self.0).await?;
        with_versions(session, self.0, |work| work.approve(self.0, waiting, self.1)).await
    }
}

/// Writes into the audit log that the rule of two people was switched on or off, in the transaction of the first decision under the new
/// setting: so a decision that one person made alone always has the line before it.
async fn record_rule<S: Session>(session: &mut S, by: &Principal) -> Answer<(), S> {
    let is_on = session.work().policy.approval_ms.is_some();
    if session.two_people_rule().await? == is_on {
        return Ok(());
    }
    let line = rule_line(session.work().now_ms, is_on, by);
    session.keep_two_people_rule(is_on, &line).await
}

/// Loads an asset with every version of its key, changes it, and carries out the consequences.
async fn with_versions<S: Session, T: Send>(
    session: &mut S,
    asset: &AssetId,
    change: impl FnOnce(&mut UnitOfWork) -> PortResult<T> + Send,
) -> Answer<T, S> {
    session.load(std::slice::from_ref(asset)).await?;
    load_versions_of(session, asset).await?;
    load_family_of(session, asset).await?;
    let changed = change(session.work())?;
    follow_up(session).await?;
    Ok(changed)
}

/// Ends expired releases, and sends reminders about assets that have been in quarantine for this many milliseconds; returns
/// how many assets it changed.
#[derive(Debug)]
pub struct Review(pub u64);

impl WriteCall for Review {
    type Output = u64;

    const OPERATION: &'static str = "review decisions";

    async fn run<S: Session>(&self, session: &mut S) -> Answer<u64, S> {
        let until_ms = session.work().now_ms.saturating_sub(self.0);
        let over = session.expired_releases(REVIEWS_AT_ONCE).await?;
        let long = session.unreviewed(until_ms, REVIEWS_AT_ONCE).await?;
        let all: Vec<AssetId> = over.iter().chain(&long).cloned().collect();
        if all.is_empty() {
            return Ok(0);
        }
        session.load(&all).await?;
        let mut done = 0;
        for id in &over {
            done += u64::from(session.work().expire(id)?);
        }
        for id in &long {
            session.work().remind(id)?;
            done += 1;
        }
        session.keep_reminders(&long).await?;
        follow_up(session).await?;
        Ok(done)
    }
}
