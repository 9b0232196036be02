//! Redrives assets whose upload was restored from an archive storage class.

use std::collections::BTreeSet;

use reelgate_flow::ids::{AssetId, SourceId};
use reelgate_ports::identity;
use reelgate_ports::records::UnarchivedResult;

use super::relatives::follow_up;
use super::write_call::WriteCall;
use crate::session::{Answer, Lock, Session};

/// Redrives the assets of these uploads that failed because their upload was archived. The object store tells the end of a
/// restoration for every object, wanted or not, and more than once, so any other asset is left as it is.
#[derive(Debug)]
pub struct RedriveUnarchived<'a>(pub &'a [SourceId]);

impl RedriveUnarchived<'_> {
    fn keys(&self) -> BTreeSet<String> {
        self.0.iter().map(|upload| identity::key_sha256(&upload.key)).collect()
    }
}

impl WriteCall for RedriveUnarchived<'_> {
    type Output = Vec<UnarchivedResult>;

    const OPERATION: &'static str = "redrive restored uploads";

    /// Locks keys, as ingesting does: a newer version that arrives at the same time supersedes the asset.
    fn locks(&self) -> Option<Vec<Lock>> {
        Some(self.keys().into_iter().map(Lock::Key).collect())
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<Vec<UnarchivedResult>, S> {
        session.load_versions(&self.keys()).await?;
        let assets: Vec<AssetId> = self.0.iter().map(identity::asset_id).collect();
        let mut results = Vec::with_capacity(assets.len());
        for asset in &assets {
            results.push(session.work().redrive_unarchived(asset)?);
        }
        follow_up(session).await?;
        Ok(results)
    }
}
