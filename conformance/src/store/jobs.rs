//! A claim carries the job of its task, and the bytes that a chunk reads do not grow with the number of chunks.

use reelgate_flow::asset::Severity;
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::Code;
use reelgate_flow::task::{Lane, TaskKey};
use serde_json::json;

use super::StoreHome;
use super::fixture::{StoreFixture, job, validated, well};
use reelgate_ports::records::{Claim, Ending, MediaProgress, Success, TaskJob, TaskReport};

/// A lowercase SHA-256 that no other test of the suite reports.
const CONTENT: &str = "6a6f62736a6f62736a6f62736a6f62736a6f62736a6f62736a6f62736a6f6273";

pub async fn a_claim_carries_the_job_of_its_task_and_no_other(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let validate = fixture.claim_one(TaskKey::Validate).await;
    assert_eq!(validate.job, None);
    fixture.store.complete(&[validated(&validate, CONTENT)]).await.unwrap();
    let claims = fixture.claim(Lane::Heavy, 10).await;
    let carried: Vec<_> = claims.iter().map(|claim| (claim.fence.task, claim.job.clone())).collect();
    let expected = [TaskKey::Video { chunk: 0 }, TaskKey::Enrich].map(|task| (task, Some(job(task, 0).job)));
    assert_eq!(carried, expected);
    // A task that is given back is due at once.
    fixture.report(&claims[0], Ending::GivenBack).await;
    let again = fixture.claim_one(TaskKey::Video { chunk: 0 }).await;
    assert_eq!(
        (again.fence.asset.clone(), again.job),
        (asset, Some(job(TaskKey::Video { chunk: 0 }, 0).job))
    );
}

pub async fn progress_is_the_share_of_planned_media_whose_tasks_are_done(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let progress = async || fixture.store.media_progress(&asset).await.unwrap();
    assert_eq!(progress().await, MediaProgress::default());
    fixture.validate(&asset).await;
    assert_eq!(progress().await, MediaProgress { planned_ns: 23, done_ns: 0 });
    let claims = fixture.claim(Lane::Heavy, 10).await;
    assert_eq!(claims[0].fence.task, TaskKey::Video { chunk: 0 });
    fixture.store.complete(&[well(&claims[0], Severity::None)]).await.unwrap();
    assert_eq!(progress().await, MediaProgress { planned_ns: 23, done_ns: 20 });
    let unknown = AssetId::new("aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(fixture.store.media_progress(&unknown).await.unwrap(), MediaProgress::default());
}

pub async fn a_new_plan_replaces_the_jobs_of_the_old_one(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.store.complete(&[with_chunks(&claim, 3)]).await.unwrap();
    let claims = fixture.claim(Lane::Heavy, 10).await;
    fixture.fail(&claims[0], Code::NoFrameDecodes).await;
    fixture.run(Severity::None).await;
    fixture.store.redrive(&asset).await.unwrap();
    fixture.validate(&asset).await;
    let progress = fixture.store.media_progress(&asset).await.unwrap();
    assert_eq!(progress, MediaProgress { planned_ns: 23, done_ns: 0 });
}

/// Compares a film of half an hour with one of six hours, in chunks of five seconds. It counts everything that a chunk reads:
/// its claim, the redaction, and the progress.
pub async fn the_bytes_that_a_chunk_reads_do_not_grow_with_the_film(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let short = bytes_per_chunk(&fixture, "short", 360).await;
    let long = bytes_per_chunk(&fixture, "long", 4_320).await;
    assert!(short > 0 && short.abs_diff(long) * 10 <= short, "{short} bytes of 360 chunks, {long} of 4,320");
}

async fn bytes_per_chunk(fixture: &StoreFixture, key: &str, chunks: u16) -> usize {
    let asset = fixture.upload(key, 1).await;
    let validate = fixture.claim_one(TaskKey::Validate).await;
    fixture.store.complete(&[with_chunks(&validate, chunks)]).await.unwrap();
    let (mut bytes, mut claimed) = (0, 0);
    // Finished chunks leave results, which a later chunk must not read.
    for _ in 0..4 {
        let claims = fixture.claim(Lane::Heavy, 50).await;
        for claim in &claims {
            assert_eq!(claim.fence.asset, asset);
            let redaction = fixture.store.redaction(&asset).await.unwrap();
            let progress = fixture.store.media_progress(&asset).await.unwrap();
            bytes += format!("{claim:?}{redaction:?}{progress:?}").len();
        }
        claimed += claims.len();
        let reports: Vec<TaskReport> = claims.iter().map(|claim| well(claim, Severity::None)).collect();
        fixture.store.complete(&reports).await.unwrap();
    }
    assert_eq!(claimed, 200);
    // The enrichment was claimed too. After this, only the tasks of the other film can be claimed.
    let last = fixture.claim_one(TaskKey::Video { chunk: 199 }).await;
    fixture.fail(&last, Code::NoFrameDecodes).await;
    fixture.run(Severity::None).await;
    bytes / claimed
}

/// A validation that planned this many chunks.
fn with_chunks(claim: &Claim, chunks: u16) -> TaskReport {
    let jobs: Vec<TaskJob> = (0..chunks).map(|chunk| job(TaskKey::Video { chunk }, 5_000_000_000)).collect();
    let plan = json!({"jobs": jobs.iter().map(|job| job.job.clone()).collect::<Vec<_>>()});
    let ending = Ending::Success(Success::Validated {
        priority: None,
        video_chunks: chunks,
        audio: false,
        captions: false,
        plan,
        jobs,
    });
    TaskReport {
        ending,
        ..validated(claim, &reelgate_ports::identity::key_sha256(claim.fence.asset.as_str()))
    }
}
