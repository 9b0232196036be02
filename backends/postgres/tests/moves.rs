//! Steps that tests with several stores share.

pub use reelgate_conformance::samples::event;
use reelgate_conformance::samples::report;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::NodeId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{Claim, Ending, Success, TaskReport};
use reelgate_ports::store::Store;

pub const LEASE_MS: u64 = 30_000;

pub fn node(name: &str) -> NodeId {
    NodeId::new(name)
}

/// Keys `0`, `1` … as one batch.
pub fn uploads(count: u64) -> EventBatch {
    EventBatch::of((0..count).map(|key| event(&key.to_string(), 1)).collect::<Vec<_>>())
}

/// Refuses an upload, or finishes its withdrawal.
pub fn refused(claim: &Claim, node: &NodeId) -> TaskReport {
    let ending = match claim.fence.task {
        TaskKey::Withdraw => Ending::Success(Success::Withdrawn {
            source_location: "rejected/x".into(),
            withdrawal_record: reelgate_ports::records::WithdrawalRecord::default(),
        }),
        _ => Ending::Fault(Fault::new(Code::NotMedia, "found 0 of 12 known signatures")),
    };
    report(&claim.fence, node, ending)
}

/// A validation that found this content, one chunk of video.
pub fn validated(claim: &Claim, node: &NodeId, sha256: &str) -> TaskReport {
    let plan = serde_json::json!({"chunks": 1});
    let ending = Ending::Success(Success::Validated {
        priority: None,
        video_chunks: 1,
        audio: false,
        captions: false,
        plan,
        jobs: Vec::new(),
    });
    TaskReport { sha256: Some(sha256.to_owned()), ..report(&claim.fence, node, ending) }
}

pub async fn claim_light(store: &impl Store, node: &NodeId, tasks_max: u16) -> Vec<Claim> {
    store.claim(node, Lane::Light, tasks_max, LEASE_MS).await.unwrap()
}

/// How many assets there are in a phase.
pub async fn count_of(store: &impl Store, phase: Phase) -> u64 {
    let backlog = store.backlog().await.unwrap();
    backlog.assets.iter().find(|(known, _)| *known == phase).map_or(0, |(_, count)| *count)
}
