//! What operators and security officers ask of an asset, and what is looked at again when its time is over.

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::Decision;

use super::WriteCall;
use super::relatives::{follow_up, load_versions_of};
use crate::session::{Answer, Lock, Session};
use crate::work::UnitOfWork;

/// Assets looked at in one call, so that work waits for none of them long.
const REVIEWS_AT_ONCE: u32 = 1_000;

/// Gives a failed or rejected asset another try.
#[derive(Debug)]
pub struct Redrive<'a>(pub &'a AssetId);

/// Makes part of a published asset anew.
#[derive(Debug)]
pub struct Redo<'a>(pub &'a AssetId, pub reelgate_flow::asset::Redo);

/// Carries out what somebody decided.
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

impl WriteCall for Redo<'_> {
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
        with_versions(session, self.0, |work| work.decide(self.0, self.1)).await
    }
}

/// Does what is asked of an asset, with every version of its key loaded.
async fn with_versions<S: Session>(
    session: &mut S,
    asset: &AssetId,
    wish: impl FnOnce(&mut UnitOfWork) -> PortResult<()> + Send,
) -> Answer<(), S> {
    session.load(std::slice::from_ref(asset)).await?;
    load_versions_of(session, asset).await?;
    wish(session.work())?;
    follow_up(session).await
}

/// Ends releases that are over, and owes reminders for what was quarantined this long ago, milliseconds; returns how many.
#[derive(Debug)]
pub struct Review(pub u64);

impl WriteCall for Review {
    type Output = u64;

    const OPERATION: &'static str = "look for decisions that are due";

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
