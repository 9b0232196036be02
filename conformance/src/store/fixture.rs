//! A store with a clock, and steps that several tests of stores share.

use std::sync::Arc;

use reelgate_flow::asset::{Phase, Screening, Severity};
use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::place::TextPlace;
use reelgate_flow::policy::Policy;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use serde_json::json;

use super::StoreHome;
pub use crate::samples::event;
use crate::{ManualClock, samples};
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{
    Applied, Claim, Ending, Finder, FindingLocation, FindingRecord, KeptSource, StagedOutput, Success, Taken,
    TaskJob, TaskReport, WithdrawalRecord,
};
use reelgate_ports::store::Store;

pub const LEASE_MS: u64 = 30_000;

/// SHA-256 of the empty text; any well-formed hash would do.
pub const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub struct StoreFixture {
    pub store: Arc<dyn Store>,
    pub clock: Arc<ManualClock>,
}

impl StoreFixture {
    pub async fn new(home: &dyn StoreHome) -> Self {
        let clock = Arc::new(ManualClock::default());
        Self { store: home.open(clock.clone()).await, clock }
    }

    /// A store whose findings this policy answers.
    pub async fn with_policy(home: &dyn StoreHome, policy: Policy) -> Self {
        let clock = Arc::new(ManualClock::default());
        Self { store: home.open_with(clock.clone(), policy).await, clock }
    }

    /// Ingests one upload and returns its asset.
    pub async fn upload(&self, key: &str, version: u64) -> AssetId {
        let taken = self.store.ingest(&EventBatch::of([event(key, version)])).await.unwrap();
        taken[0].asset.clone()
    }

    pub async fn claim(&self, lane: Lane, tasks_max: u16) -> Vec<Claim> {
        self.store.claim(&node(), lane, tasks_max, LEASE_MS).await.unwrap()
    }

    /// Claims all due tasks of both lanes.
    pub async fn claim_all(&self) -> Vec<Claim> {
        let mut claims = self.claim(Lane::Light, 100).await;
        claims.extend(self.claim(Lane::Heavy, 100).await);
        claims
    }

    /// Claims one task, which must be this one.
    pub async fn claim_one(&self, task: TaskKey) -> Claim {
        let mut claims = self.claim(task.lane(), 1).await;
        let claim = claims.pop().expect("a due task");
        assert_eq!(claim.fence.task, task);
        claim
    }

    pub async fn report(&self, claim: &Claim, ending: Ending) -> Applied {
        self.store.complete(&[report(claim, ending)]).await.unwrap()[0]
    }

    pub async fn fail(&self, claim: &Claim, code: Code) -> Applied {
        self.report(claim, Ending::Fault(Fault::new(code, "found 0"))).await
    }

    /// Validates with a content of its own, so that nothing is linked.
    pub async fn validate(&self, asset: &AssetId) {
        let sha256 = reelgate_ports::identity::key_sha256(asset.as_str());
        self.validate_content(asset, &sha256).await;
    }

    /// Claims the next due validation and reports one chunk of video without audio.
    pub async fn validate_content(&self, asset: &AssetId, sha256: &str) {
        let claim = self.claim_one(TaskKey::Validate).await;
        assert_eq!(&claim.fence.asset, asset);
        let applied = self.store.complete(&[validated(&claim, sha256)]).await.unwrap();
        assert!(matches!(applied[0], Applied::Committed(_)), "validation was stale");
    }

    /// Claims all tasks and reports success until no task is due.
    pub async fn run(&self, severity: Severity) {
        loop {
            let claims = self.claim_all().await;
            if claims.is_empty() {
                return;
            }
            for claim in claims {
                // Stale if another task's report has just caused the asset's withdrawal.
                self.store.complete(&[well(&claim, severity)]).await.unwrap();
            }
        }
    }

    pub async fn phase(&self, asset: &AssetId) -> Phase {
        self.store.asset(asset).await.unwrap().asset.phase
    }

    pub async fn attempts(&self, asset: &AssetId, task: TaskKey) -> u32 {
        let tasks = self.store.asset(asset).await.unwrap().tasks;
        tasks.iter().find(|row| row.task == task).map_or(0, |row| row.attempts)
    }

    /// Details of the history lines of one event, in order.
    pub async fn details(&self, asset: &AssetId, event: &str) -> Vec<String> {
        let history = self.store.history(asset).await.unwrap();
        history.into_iter().filter(|line| line.event.as_str() == event).map(|line| line.detail).collect()
    }
}

pub fn node() -> NodeId {
    NodeId::new("node-a")
}

pub fn report(claim: &Claim, ending: Ending) -> TaskReport {
    samples::report(&claim.fence, &node(), ending)
}

pub fn validated(claim: &Claim, sha256: &str) -> TaskReport {
    let plan = json!({"chunks": 1});
    let jobs = vec![job(TaskKey::Video { chunk: 0 }, 20), job(TaskKey::Enrich, 3)];
    let ending = Ending::Success(Success::Validated {
        priority: None,
        video_chunks: 1,
        audio: false,
        captions: false,
        plan,
        jobs,
    });
    let metadata = [("unit".to_owned(), "7".to_owned())].into();
    TaskReport { sha256: Some(sha256.to_owned()), metadata: Some(metadata), ..report(claim, ending) }
}

/// The job of a task for this many nanoseconds of media.
pub fn job(task: TaskKey, media_ns: u64) -> TaskJob {
    TaskJob {
        task,
        media_ns,
        job: json!({"job of": task.text(), "text": "O'Neil \"🎬\" \u{0}", "end_ns": u64::MAX}),
    }
}

pub fn output(name: &str) -> StagedOutput {
    StagedOutput { name: name.into(), location: format!("work/{name}"), size_bytes: 5, sha256: SHA256.into() }
}

/// A finding of the classifier on this surface.
pub fn found(kind: &str, severity: Severity, surface: &str) -> FindingRecord {
    let place = TextPlace::untimed(surface, "text", None);
    FindingRecord {
        source: Finder::Local,
        kind: kind.into(),
        severity,
        count: 1,
        locations: vec![FindingLocation { place, value: None }],
    }
}

/// What a screening of this severity finds in the content.
fn findings_of(severity: Severity) -> Vec<FindingRecord> {
    if severity == Severity::None { Vec::new() } else { vec![found("BADGE", severity, "tag")] }
}

/// The report of a claimed task that succeeded.
pub fn well(claim: &Claim, severity: Severity) -> TaskReport {
    let success = match claim.fence.task {
        TaskKey::Validate => {
            return validated(claim, &reelgate_ports::identity::key_sha256(claim.fence.asset.as_str()));
        }
        TaskKey::Video { .. } | TaskKey::Audio | TaskKey::Captions | TaskKey::Enrich => {
            let name = format!("{}.m4s", claim.fence.task);
            Success::Produced { result: json!({"frames": 48}), outputs: vec![output(&name)] }
        }
        TaskKey::Screen => {
            let (screening, findings) = (Screening::of(severity), findings_of(severity));
            Success::Screened { screening, findings, redaction: None, shared: claim.linked, result: None }
        }
        TaskKey::ExternalScan => {
            Success::ExternallyScanned { screening: Screening::of(severity), findings: findings_of(severity) }
        }
        TaskKey::Package => Success::Packaged {
            result: json!({"ladder": 1}),
            renditions: Vec::new(),
            left_out: Vec::new(),
            outputs: vec![output("main.m3u8")],
        },
        TaskKey::Publish => Success::Published { location: "published/x".into() },
        TaskKey::Withdraw => Success::Withdrawn {
            source_location: "rejected/x".into(),
            withdrawal_record: WithdrawalRecord {
                taken: vec![Taken { area: "published".into(), name: "v.m4s".into(), size_bytes: 3 }],
                looked_at: 1,
                left: Vec::new(),
            },
        },
        TaskKey::Restore => Success::Restored {
            source_location: "released/x".into(),
            published_location: Some("published/x".into()),
        },
        TaskKey::KeepSource => Success::SourceKept(KeptSource::Copied("rejected/kept".into())),
    };
    report(claim, Ending::Success(success))
}
