//! Requests of operators and security officers about an asset, and the review of decisions that expire.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{Decided, Decision};

use super::relatives::{follow_up, learn_findings, load_versions_of};
use super::write_call::WriteCall;
use crate::session::{Answer, Lock, Session};
use crate::work::UnitOfWork;

/// Maximum number of assets in one review, so that other calls do not wait long for it.
const REVIEWS_AT_ONCE: u32 = 1_000;

/// Redrives a failed or rejected asset.
#[derive(Debug)]
pub struct Redrive<'a>(pub &'a AssetId);

/// Makes part of a published asset again.
#[derive(Debug)]
pub struct RedoAsset<'a>(pub &'a AssetId, pub reelgate_flow::asset::Redo);

/// Carries out a decision about an asset and keeps who decided, why and when.
#[derive(Debug)]
pub struct Decide<'a>(pub &'a AssetId, pub &'a Decision);

impl WriteCall for Redrive<'_> {
    type Output = ();

    const OPERATION: &'static str = "redrive asset";

    fn locks(&self) -> Option<Vec<Lock>> {
        None
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<(), S> {
        with_versions(session, self.0, |work| work.redrive(self.0)).await
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

impl WriteCall for Decide<'_> {
    type Output = ();

    const OPERATION: &'static str = "decide about an asset";

    fn locks(&self) -> Option<Vec<Lock>> {
        None
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<(), S> {
        session.load(std::slice::from_ref(self.0)).await?;
        if self.1.what == Decided::Release && session.work().loaded.contains_key(self.0) {
            learn_findings(session, BTreeSet::from([self.0.clone()])).await?;
        }
        with_versions(session, self.0, |work| work.decide(self.0, self.1)).await
    }
}

/// Loads an asset with every version of its key, changes it, and carries out the consequences.
async fn with_versions<S: Session>(
    session: &mut S,
    asset: &AssetId,
    change: impl FnOnce(&mut UnitOfWork) -> PortResult<()> + Send,
) -> Answer<(), S> {
    session.load(std::slice::from_ref(asset)).await?;
    load_versions_of(session, asset).await?;
    change(session.work())?;
    follow_up(session).await
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
