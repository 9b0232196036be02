//! Writing calls as a backend runs them: what they lock, and what a call leaves for the next one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use reelgate_conformance::ManualClock;
use reelgate_flow::ids::{AssetId, NodeId, Sequencer, SourceId};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::clock::Clock;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::key_sha256;
use reelgate_ports::order::Priority;
use reelgate_ports::records::{
    Applied, AttemptCost, Ending, EventKind, Fence, MediaEvent, Success, TaskReport, UsageRecord,
};
use reelgate_ports::store::{Intake, Queue};
use reelgate_store::memory::MemoryStore;
use reelgate_store::service::{Complete, Ingest, Reap, Transact, WriteCall};
use reelgate_store::session::Lock;
use serde_json::Value;

fn event(kind: EventKind, key: &str) -> MediaEvent {
    MediaEvent {
        kind,
        priority: Priority::Normal,
        source: SourceId { bucket: "ingest".into(), key: key.into(), version: "1".into() },
        sequencer: Sequencer::from_nanos(1),
        size_bytes: 1,
        location: format!("ingest/{key}"),
        force: false,
    }
}

fn report(ending: Ending, content: &str) -> TaskReport {
    TaskReport {
        fence: Fence { asset: AssetId::new("a"), task: TaskKey::Validate, attempt: 1 },
        node: NodeId::new("node-a"),
        sha256: Some(content.to_owned()),
        facts: None,
        metadata: None,
        ending,
        usage: UsageRecord::default(),
        cost: AttemptCost::default(),
    }
}

#[test]
fn an_ingest_locks_every_key_of_its_uploads_and_deletions() {
    let batch = EventBatch::of([event(EventKind::Created, "a"), event(EventKind::Deleted, "b")]);
    let mut locks = Ingest(&batch).locks().unwrap();
    let mut expected = ["a", "b"].map(|key| Lock::Key(key_sha256(key)));
    locks.sort();
    expected.sort();
    assert_eq!(locks, expected);
}

#[test]
fn a_commit_locks_the_contents_of_its_validations_and_no_others() {
    let plan = Value::Null;
    let validated = Ending::Success(Success::Validated {
        priority: None,
        video_chunks: 1,
        audio: false,
        captions: false,
        plan,
        jobs: Vec::new(),
    });
    let failed = report(Ending::Fault(Fault::new(Code::NotMedia, "")), "c");
    let reports = [report(validated.clone(), "a"), failed.clone(), report(validated, "b")];
    let expected = ["a", "b"].map(|content| Lock::Content(content.to_owned()));
    assert_eq!(Complete(&reports).locks().unwrap(), expected);
    assert_eq!(Complete(&[failed]).locks(), None, "it begins by loading its asset");
}

#[tokio::test]
async fn a_full_reap_leaves_the_rest_to_the_next_one() {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::new(clock.clone());
    let uploads = (0..501).map(|number| event(EventKind::Created, &format!("key-{number}")));
    store.ingest(&EventBatch::of(uploads.collect::<Vec<_>>())).await.unwrap();
    store.claim(&NodeId::new("node-a"), Lane::Light, 501, 30_000).await.unwrap();
    clock.advance_ms(120_000);
    let full = store.transact(&Reap { after_ms: None }).await.unwrap();
    assert_eq!((full.ended, full.until_ms), (500, None));
    let rest = store.transact(&Reap { after_ms: None }).await.unwrap();
    assert_eq!((rest.ended, rest.until_ms), (1, Some(clock.now_ms() - 60_000)));
}

#[tokio::test]
async fn a_report_of_an_attempt_that_was_claimed_over_leaves_nothing() {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::new(clock.clone());
    let batch = EventBatch::of([event(EventKind::Created, "a")]);
    let asset = store.ingest(&batch).await.unwrap().remove(0).asset;
    let lease = || store.lease_task(&NodeId::new("node-a"), &asset, TaskKey::Validate, 30_000).unwrap();
    let first = lease();
    clock.advance_ms(30_000);
    assert_eq!(lease().fence.attempt, 2);
    let late = report(Ending::Fault(Fault::new(Code::NotMedia, "")), "content");
    let usage = UsageRecord { wall_ms: 5, ..UsageRecord::default() };
    let late = TaskReport { fence: first.fence, usage, ..late };
    assert_eq!(store.complete(&[late]).await.unwrap(), [Applied::Stale]);
    let kept =
        store.inspect(&asset, |seen| (seen.row.sha256.clone(), seen.extras[&TaskKey::Validate].wall_ms));
    assert_eq!(kept, Some((None, 0)));
}
