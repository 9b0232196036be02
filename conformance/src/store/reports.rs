//! Committing reports of attempts.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use reelgate_flow::asset::{Phase, Severity, TaskState, Verdict};
use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::limits::BACKOFF_MAX_MS;
use reelgate_flow::reason::Code;
use reelgate_flow::task::{Lane, TaskKey};

use super::StoreHome;
use super::fixture::{SHA256, StoreFixture, event, report, validated, well};
use super::records::facts;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{Applied, Ending};

pub async fn a_run_through_all_tasks_ends_published(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.run(Severity::Low).await;
    let detail = fixture.store.asset(&asset).await.unwrap();
    assert_eq!(detail.asset.phase, Phase::Published);
    assert_eq!((detail.asset.verdict, detail.asset.severity), (Verdict::Clean, Severity::Low));
    assert_eq!(detail.asset.published_location.as_deref(), Some("published/x"));
    assert_eq!(detail.asset.ended_ms, Some(detail.asset.received_ms), "the clock did not move");
    assert!(detail.tasks.iter().all(|task| task.state == TaskState::Done && task.attempts == 1));
    assert!(detail.tasks.iter().all(|task| (task.wall_ms, task.cpu_ms) == (12, 7)));
    assert_eq!(detail.tasks.len(), 6);
}

pub async fn a_report_of_an_earlier_attempt_changes_nothing(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let first = fixture.claim_one(TaskKey::Validate).await;
    fixture.fail(&first, Code::StoreUnavailable).await;
    fixture.clock.advance_ms(BACKOFF_MAX_MS);
    fixture.claim_one(TaskKey::Validate).await;
    let before = fixture.store.history(&asset).await.unwrap();
    let late = fixture.store.complete(&[validated(&first, SHA256)]).await.unwrap();
    assert_eq!(late, [Applied::Stale]);
    assert_eq!(fixture.store.history(&asset).await.unwrap(), before);
    assert_eq!(fixture.store.asset(&asset).await.unwrap().asset.sha256, None);
}

pub async fn a_report_of_another_node_changes_nothing(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let mut foreign = validated(&claim, SHA256);
    foreign.node = NodeId::new("node-b");
    assert_eq!(fixture.store.complete(&[foreign]).await.unwrap(), [Applied::Stale]);
    assert_eq!(fixture.phase(&asset).await, Phase::Received);
}

pub async fn a_repeated_report_changes_nothing(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let twice = [validated(&claim, SHA256), validated(&claim, SHA256)];
    let applied = fixture.store.complete(&twice).await.unwrap();
    assert_eq!(applied, [Applied::Committed(Phase::Processing), Applied::Stale]);
    let history = fixture.store.history(&asset).await.unwrap();
    assert_eq!(fixture.store.complete(&twice).await.unwrap(), [Applied::Stale, Applied::Stale]);
    assert_eq!(fixture.store.history(&asset).await.unwrap(), history);
}

pub async fn a_report_for_an_unknown_asset_is_stale(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    let mut claim = fixture.claim_one(TaskKey::Validate).await;
    claim.fence.asset = AssetId::new("aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(fixture.fail(&claim, Code::NotMedia).await, Applied::Stale);
}

pub async fn faults_of_ours_are_retried_with_growing_delays_and_then_given_up(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let mut waits = Vec::new();
    for _ in 1..Code::WorkerUnavailable.attempts_max() {
        let claim = fixture.claim_one(TaskKey::Validate).await;
        assert_eq!(fixture.fail(&claim, Code::WorkerUnavailable).await, Applied::Committed(Phase::Received));
        let wait = fixture.store.next_due_ms().await.unwrap().expect("a retry is due");
        fixture.clock.advance_ms(wait - 1);
        assert_eq!(fixture.claim_all().await, [], "a millisecond early");
        fixture.clock.advance_ms(1);
        waits.push(wait);
    }
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "waits {waits:?}");
    let last = fixture.claim_one(TaskKey::Validate).await;
    assert_eq!(fixture.fail(&last, Code::WorkerUnavailable).await, Applied::Committed(Phase::Failed));
    let detail = fixture.store.asset(&asset).await.unwrap();
    assert_eq!(detail.tasks[0].state, TaskState::Dead);
    let reason = detail.asset.reason.expect("a failed asset has a reason");
    assert_eq!((reason.code, reason.detail.as_str()), (Code::WorkerUnavailable, "found 0"));
    assert_eq!(fixture.details(&asset, "gave_up").await, ["worker_unavailable: found 0"]);
}

pub async fn a_service_that_is_away_is_waited_out_and_a_withdrawal_never_gives_up(home: &dyn StoreHome) {
    const TRIES: u32 = 30;
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    for number in 1..=TRIES {
        let claim = fixture.claim_one(TaskKey::Validate).await;
        assert_eq!(claim.fence.attempt, number);
        assert_eq!(fixture.fail(&claim, Code::ObjectUnavailable).await, Applied::Committed(Phase::Received));
        let wait_ms = fixture.store.next_due_ms().await.unwrap().expect("a retry is due");
        fixture.clock.advance_ms(wait_ms);
    }
    let claim = fixture.claim_one(TaskKey::Validate).await;
    assert_eq!(fixture.fail(&claim, Code::NotMedia).await, Applied::Committed(Phase::Withdrawing));
    for number in 1..=TRIES {
        let claim = fixture.claim_one(TaskKey::Withdraw).await;
        assert_eq!(claim.fence.attempt, number);
        // One that no waiting mends, for other tasks.
        let code = if number % 2 == 0 { Code::Internal } else { Code::ObjectUnavailable };
        assert_eq!(fixture.fail(&claim, code).await, Applied::Committed(Phase::Withdrawing));
        let wait_ms = fixture.store.next_due_ms().await.unwrap().expect("a retry is due");
        fixture.clock.advance_ms(wait_ms);
    }
    fixture.run(Severity::None).await;
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.reason.map(|reason| reason.code)), (Phase::Rejected, Some(Code::NotMedia)));
}

pub async fn a_fault_of_the_producers_withdraws_and_then_rejects(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    assert_eq!(fixture.fail(&claim, Code::NotMedia).await, Applied::Committed(Phase::Withdrawing));
    let claim = fixture.claim_one(TaskKey::Withdraw).await;
    assert_eq!(claim.exit, Some(reelgate_flow::asset::Exit::Reject));
    let withdrawn = fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
    assert_eq!(withdrawn, [Applied::Committed(Phase::Rejected)]);
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!(row.reason.map(|reason| reason.code), Some(Code::NotMedia));
    assert_eq!(row.source.location, "rejected/x");
    assert_eq!(row.published_location, None);
}

pub async fn facts_of_a_failed_attempt_are_kept(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let mut failed = report(&claim, Ending::Fault(reelgate_flow::reason::Fault::new(Code::Truncated, "")));
    failed.sha256 = Some(SHA256.to_owned());
    failed.facts = Some(Box::new(facts()));
    fixture.store.complete(&[failed]).await.unwrap();
    let detail = fixture.store.asset(&asset).await.unwrap();
    assert_eq!((detail.asset.sha256.as_deref(), detail.facts), (Some(SHA256), Some(facts())));
}

pub async fn a_task_given_back_is_due_at_once_and_its_start_is_uncounted(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    for attempt in 1..=20 {
        let claim = fixture.claim_one(TaskKey::Validate).await;
        assert_eq!(claim.fence.attempt, attempt);
        assert_eq!(fixture.report(&claim, Ending::GivenBack).await, Applied::Committed(Phase::Received));
    }
    assert_eq!(fixture.details(&asset, "given_back").await.len(), 20);
}

pub async fn findings_of_high_severity_quarantine(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.run(Severity::High).await;
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.verdict), (Phase::Quarantined, Verdict::Flagged));
    assert_eq!(row.reason.map(|reason| reason.code), Some(Code::PersonalData));
}

pub async fn a_failed_asset_can_be_redriven_and_then_ends_well(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    for _ in 0..Code::Internal.attempts_max() {
        let claim = fixture.claim_one(TaskKey::Validate).await;
        fixture.fail(&claim, Code::Internal).await;
        fixture.clock.advance_ms(BACKOFF_MAX_MS);
    }
    assert_eq!(fixture.phase(&asset).await, Phase::Failed);
    fixture.store.redrive(&asset).await.unwrap();
    fixture.run(Severity::None).await;
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.redrives, row.reason), (Phase::Published, 1, None));
    assert_eq!(fixture.attempts(&asset, TaskKey::Validate).await, 3);
}

pub async fn a_rejected_asset_can_be_redriven_from_the_beginning(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.fail(&claim, Code::NotMedia).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Rejected);
    fixture.store.redrive(&asset).await.unwrap();
    assert_eq!(fixture.store.asset(&asset).await.unwrap().asset.ended_ms, None);
    assert_eq!(fixture.claim_one(TaskKey::Validate).await.source.location, "rejected/x");
}

pub async fn redriving_an_asset_that_is_neither_failed_nor_rejected_is_a_conflict(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let refused = fixture.store.redrive(&asset).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    let unknown = fixture.store.redrive(&AssetId::new("aaaaaaaaaaaaaaaaaaaaaaaaaa")).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Missing);
}

pub async fn a_batch_with_good_and_stale_reports_applies_the_good_ones(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.store.ingest(&EventBatch::of([event("a", 1), event("b", 1), event("c", 1)])).await.unwrap();
    let claims = fixture.claim(Lane::Light, 3).await;
    let mut reports: Vec<_> = claims.iter().map(|claim| well(claim, Severity::None)).collect();
    reports[1].fence.attempt = 9;
    let applied = fixture.store.complete(&reports).await.unwrap();
    let good = Applied::Committed(Phase::Processing);
    assert_eq!(applied, [good, Applied::Stale, good]);
}

/// Drops the commit after every possible number of polls, as a lost connection or a killed process would.
pub async fn a_dropped_call_is_committed_as_a_whole_or_not_at_all(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let mut dropped = 0;
    for round in 0..200_u64 {
        let asset = fixture.upload(&format!("key-{round}"), 1).await;
        let claim = fixture.claim_one(TaskKey::Validate).await;
        let reports = [well(&claim, Severity::None)];
        let finished = poll_at_most(fixture.store.complete(&reports), round).await;
        dropped += u32::from(!finished);
        // The store may still commit what was sent before the drop, so a later read may see the commit.
        let ours = async || {
            let claims = fixture.claim(Lane::Heavy, 10).await;
            claims.iter().filter(|claim| claim.fence.asset == asset).count()
        };
        let mut heavy = ours().await;
        let lines = fixture.store.history(&asset).await.unwrap();
        let detail = fixture.store.asset(&asset).await.unwrap();
        let done = detail.tasks.iter().any(|t| t.task == TaskKey::Validate && t.state == TaskState::Done);
        if done {
            heavy += ours().await;
        }
        let seen = (detail.asset.phase, detail.asset.sha256.is_some(), detail.tasks.len(), heavy);
        if done {
            assert_eq!(seen, (Phase::Processing, true, 3, 2), "after {round} polls");
        } else {
            assert_eq!(seen, (Phase::Received, false, 1, 0), "after {round} polls");
            let events: Vec<&str> = lines.iter().map(|line| line.event.as_str()).collect();
            assert_eq!(events, ["event", "entered", "due", "claimed"], "after {round} polls");
        }
        if finished {
            assert!(done && dropped > 0);
            return;
        }
    }
    panic!("the commit did not end within 200 polls");
}

/// Polls a future up to `polls` times, each time it wakes; returns whether it ended.
async fn poll_at_most<F: Future>(future: F, mut polls: u64) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(false);
        }
        polls -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

pub async fn the_usage_of_all_attempts_is_added_up(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.fail(&claim, Code::StoreUnavailable).await;
    fixture.clock.advance_ms(BACKOFF_MAX_MS);
    fixture.validate(&asset).await;
    let detail = fixture.store.asset(&asset).await.unwrap();
    let validate = detail.tasks.iter().find(|task| task.task == TaskKey::Validate).unwrap();
    assert_eq!((validate.wall_ms, validate.cpu_ms), (24, 14));
}
