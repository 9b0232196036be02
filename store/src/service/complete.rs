//! Commits reports: the core decides, and one transaction writes.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;
use reelgate_ports::records::{Applied, Ending, Success, TaskReport};

use super::budgets::{ask, asked};
use super::relatives::{follow_up, learn_findings, learn_releases};
use super::write_call::WriteCall;
use crate::session::{Answer, Lock, Session};

/// Applies reports in order and returns one result per report. If one report cannot be written, none is; the caller may then
/// try them one by one.
#[derive(Debug)]
pub struct Complete<'a>(pub &'a [TaskReport]);

impl WriteCall for Complete<'_> {
    type Output = Vec<Applied>;

    const OPERATION: &'static str = "complete tasks";

    /// Locks contents: if two uploads with the same content are validated at the same time, one must see the other.
    fn locks(&self) -> Option<Vec<Lock>> {
        let validated =
            |report: &&TaskReport| matches!(report.ending, Ending::Success(Success::Validated { .. }));
        let contents = self.0.iter().filter(validated).filter_map(|report| report.sha256.clone());
        let accounts = self.0.iter().any(|report| asked(report).is_some()).then_some(Lock::Accounts);
        let locks: Vec<Lock> = contents.map(Lock::Content).chain(accounts).collect();
        (!locks.is_empty()).then_some(locks)
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<Vec<Applied>, S> {
        let ids: Vec<AssetId> = self.0.iter().map(|report| report.fence.asset.clone()).collect();
        session.load(&ids).await?;
        let work = session.work();
        let contents: BTreeSet<String> =
            self.0.iter().filter_map(|report| work.content_to_look_for(report)).collect();
        if !contents.is_empty() {
            session.load_shareable(&contents).await?;
        }
        let work = session.work();
        let families: BTreeSet<String> =
            self.0.iter().filter_map(|report| work.family_to_look_for(report)).collect();
        if !families.is_empty() {
            session.load_families(&families).await?;
        }
        let searched = session.work().searched_contents(self.0);
        if !searched.is_empty() {
            session.load_same_content(&searched).await?;
        }
        let wanted = session.work().findings_to_look_for(self.0, &searched);
        if !wanted.is_empty() {
            learn_findings(session, wanted).await?;
            learn_releases(session).await?;
        }
        let mut applied = Vec::with_capacity(self.0.len());
        for report in self.0 {
            let mut done = session.work().report(report)?;
            if let (Applied::Committed(phase), Some(asked)) = (&mut done, asked(report)) {
                ask(session, &report.fence.asset, asked).await?;
                *phase = session.work().at(&report.fence.asset)?.row.core.phase;
            }
            applied.push(done);
        }
        follow_up(session).await?;
        Ok(applied)
    }
}
