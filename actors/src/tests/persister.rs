//! Persister: nothing is lost when the store fails, and no task runs here that another node may own.

use std::time::Duration;

use actix::{Actor, Addr};
use reelgate_conformance::fault_plan::CallFault;
use reelgate_flow::asset::Phase;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::records::{
    AttemptCost, Claim, Ending, HistoryEvent, Success, TaskJob, TaskReport, UsageRecord, WithdrawalRecord,
};
use reelgate_ports::store::{Queries as _, Queue as _};
use serde_json::json;
use tokio::time::Instant;

use super::fixture::{
    CREDITS, Fixture, LEASE_MS, drain, in_virtual_time, node, other_node, recording_stages, until,
};
use crate::availability::DrainReason;
use crate::messages::{Role, Stage, StageReplaced, TaskEnded};
use crate::persister::{Persister, Recipients};
use crate::spans::TraceParent;

/// A persister whose stages record their claims and do nothing: the test ends the tasks.
fn start(fixture: &Fixture) -> Addr<Persister> {
    let recorder = fixture.recorder();
    let recipients =
        Recipients { notifier: recorder.clone().recipient(), node_maintenance: recorder.clone().recipient() };
    let stages = recording_stages(&recorder).into_iter().collect();
    Persister::new(fixture.context.clone(), stages, recipients, fixture.guard(Role::Persister)).start()
}

async fn claims(fixture: &Fixture, count: usize) -> Vec<Claim> {
    until(&format!("{count} claims"), async || fixture.received.claims().len() >= count).await;
    fixture.received.claims()
}

async fn end(persister: &Addr<Persister>, claim: &Claim, ending: Ending) {
    let report = TaskReport {
        fence: claim.fence.clone(),
        node: node(),
        sha256: None,
        facts: None,
        metadata: None,
        ending,
        usage: UsageRecord::default(),
        cost: AttemptCost::default(),
    };
    let trace_parent = TraceParent::of_asset(&claim.fence.asset);
    persister.send(TaskEnded { report, trace_parent }).await.unwrap();
}

/// A plan of one chunk of video without audio.
fn validated() -> Ending {
    let job = |task| TaskJob { task, media_ns: 1, job: json!({}) };
    let jobs = vec![job(TaskKey::Video { chunk: 0 }), job(TaskKey::Enrich)];
    Ending::Success(Success::Validated {
        priority: None,
        video_chunks: 1,
        audio: false,
        captions: false,
        plan: json!({}),
        jobs,
    })
}

fn fault(code: Code) -> Ending {
    Ending::Fault(Fault::new(code, "in a test"))
}

#[test]
fn a_commit_that_fails_is_retried_until_it_succeeds_and_nothing_is_lost() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let assets = [fixture.upload("a").await, fixture.upload("b").await];
        let persister = start(&fixture);
        let claimed = claims(&fixture, 2).await;
        for nth in 1..=3 {
            fixture.store_faults.at("complete", nth, CallFault::Fail(ErrorKind::Unavailable));
        }
        let since = Instant::now();
        for claim in &claimed {
            end(&persister, claim, validated()).await;
        }
        for asset in &assets {
            until("its validation is committed", async || {
                fixture.history_count(asset, HistoryEvent::Finished).await == 1
            })
            .await;
            assert_eq!(fixture.attempts(asset, TaskKey::Validate).await, 1, "no attempt was lost");
        }
        assert!(since.elapsed() >= Duration::from_millis(400), "a store that fails is not called in a loop");
        assert_eq!(fixture.store_faults.unmet(), []);
        assert_eq!(fixture.counted("reelgate_store_failures_total", Some("complete")), 3);
        claims(&fixture, 2 + usize::from(CREDITS.heavy)).await;
    });
}

#[test]
fn a_commit_whose_answer_is_lost_is_repeated_and_counts_once() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let asset = fixture.upload("a").await;
        let persister = start(&fixture);
        let claimed = claims(&fixture, 1).await;
        fixture.store_faults.next("complete", CallFault::LoseAnswer);
        end(&persister, &claimed[0], validated()).await;
        claims(&fixture, 3).await;
        assert_eq!(fixture.store_faults.calls("complete"), 2);
        assert_eq!(fixture.history_count(&asset, HistoryEvent::Finished).await, 1);
        assert_eq!(fixture.counted("reelgate_reports_stale_total", None), 1);
    });
}

#[test]
fn tasks_are_stopped_before_a_lease_ends_that_cannot_be_renewed() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        let _persister = start(&fixture);
        let claimed = claims(&fixture, 1).await;
        fixture.store_faults.set_down(true);
        let since = Instant::now();
        until("the task is cancelled", async || fixture.received.is_cancelled(&claimed[0].fence)).await;
        let lease = Duration::from_millis(LEASE_MS);
        assert!(since.elapsed() > lease / 2, "cancelled too early: {:?}", since.elapsed());
        assert!(since.elapsed() < lease, "cancelled too late: {:?}", since.elapsed());
        assert_eq!(fixture.counted("reelgate_leases_lost_total", None), 1);
    });
}

#[test]
fn a_task_that_is_claimed_at_the_end_of_an_outage_keeps_running() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        let persister = start(&fixture);
        let before = claims(&fixture, 1).await;
        fixture.store_faults.set_down(true);
        until("the first is cancelled", async || fixture.received.is_cancelled(&before[0].fence)).await;
        end(&persister, &before[0], Ending::GivenBack).await;
        // The store answers again between two renewals.
        tokio::time::sleep(Duration::from_millis(LEASE_MS / 6)).await;
        fixture.store_faults.set_down(false);
        let after = claims(&fixture, 2).await;
        tokio::time::sleep(Duration::from_millis(3 * LEASE_MS)).await;
        assert!(!fixture.received.is_cancelled(&after[1].fence), "killed for the outage before its claim");
        assert_eq!(fixture.counted("reelgate_leases_lost_total", None), 1);
    });
}

#[test]
fn a_task_whose_claim_was_answered_late_keeps_running() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        // The call hangs for most of an outage, and is then carried out.
        fixture.store_faults.next("claim", CallFault::Delay(Duration::from_millis(LEASE_MS * 5 / 6)));
        let _persister = start(&fixture);
        let claimed = claims(&fixture, 1).await;
        tokio::time::sleep(Duration::from_millis(3 * LEASE_MS)).await;
        assert!(!fixture.received.is_cancelled(&claimed[0].fence));
        assert_eq!(fixture.counted("reelgate_leases_lost_total", None), 0);
    });
}

#[test]
fn a_task_is_stopped_for_its_own_lease_while_others_keep_running() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        let _persister = start(&fixture);
        let first = claims(&fixture, 1).await;
        // The renewals of the first task fail, and a second one is claimed meanwhile.
        for nth in 1..=2 {
            fixture.store_faults.at("heartbeat", nth, CallFault::Fail(ErrorKind::Unavailable));
        }
        tokio::time::sleep(Duration::from_millis(LEASE_MS / 2)).await;
        fixture.upload("b").await;
        let second = claims(&fixture, 2).await;
        until("the first is cancelled", async || fixture.received.is_cancelled(&first[0].fence)).await;
        assert!(!fixture.received.is_cancelled(&second[1].fence), "its lease has just begun");
    });
}

#[test]
fn leases_are_renewed_for_as_long_as_a_task_runs() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let asset = fixture.upload("a").await;
        let _persister = start(&fixture);
        let claimed = claims(&fixture, 1).await;
        tokio::time::sleep(Duration::from_millis(10 * LEASE_MS)).await;
        assert!(!fixture.received.is_cancelled(&claimed[0].fence));
        assert_eq!(fixture.attempts(&asset, TaskKey::Validate).await, 1);
        assert!(fixture.store_faults.calls("heartbeat") >= 29);
    });
}

#[test]
fn a_task_that_another_node_owns_now_is_stopped_and_its_report_changes_nothing() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let asset = fixture.upload("a").await;
        let persister = start(&fixture);
        let claimed = claims(&fixture, 1).await;
        let other =
            fixture.store.lease_task(&other_node(), &asset, TaskKey::Validate, 100 * LEASE_MS).unwrap();
        assert_eq!(other.fence.attempt, 2);
        let since = Instant::now();
        until("the task is cancelled", async || fixture.received.is_cancelled(&claimed[0].fence)).await;
        assert!(since.elapsed() <= Duration::from_millis(LEASE_MS / 2), "{:?}", since.elapsed());
        end(&persister, &claimed[0], validated()).await;
        until("the report is refused", async || fixture.counted("reelgate_reports_stale_total", None) == 1)
            .await;
        assert_eq!(fixture.history_count(&asset, HistoryEvent::Finished).await, 0);
    });
}

#[test]
fn an_expired_lease_of_a_dead_node_is_reaped_and_its_task_runs_here() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let asset = fixture.upload("a").await;
        let dead = fixture.store.claim(&other_node(), Lane::Light, 1, 5_000).await.unwrap();
        assert_eq!(dead.len(), 1);
        let _persister = start(&fixture);
        let claimed = claims(&fixture, 1).await;
        assert_eq!((&claimed[0].fence.asset, claimed[0].fence.attempt), (&asset, 2));
    });
}

#[test]
fn leases_that_an_earlier_process_of_this_node_left_are_reclaimed_at_once() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        fixture.store.claim(&node(), Lane::Light, 1, 1_000 * LEASE_MS).await.unwrap();
        let _persister = start(&fixture);
        let claimed = claims(&fixture, 1).await;
        assert_eq!(claimed[0].fence.attempt, 2);
        assert_eq!(fixture.store_faults.calls("reclaim"), 1);
    });
}

#[test]
fn no_more_tasks_are_in_flight_than_there_are_credits() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        for key in 0..20 {
            fixture.upload(&key.to_string()).await;
        }
        let persister = start(&fixture);
        let light = usize::from(CREDITS.light);
        let claimed = claims(&fixture, light).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(fixture.received.claims().len(), light);
        for claim in &claimed[..3] {
            end(&persister, claim, validated()).await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(fixture.received.claims_of(Lane::Light), light + 3);
        assert_eq!(fixture.received.claims_of(Lane::Heavy), usize::from(CREDITS.heavy));
    });
}

#[test]
fn claims_that_the_store_could_not_make_are_made_later() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        fixture.store_faults.at("claim", 1, CallFault::Fail(ErrorKind::Unavailable));
        let _persister = start(&fixture);
        claims(&fixture, 1).await;
        assert_eq!(fixture.counted("reelgate_store_failures_total", Some("claim")), 1);
    });
}

#[test]
fn a_drain_claims_nothing_and_gives_running_tasks_back_after_the_grace_time() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        let persister = start(&fixture);
        let claimed = claims(&fixture, 1).await;
        let since = Instant::now();
        persister.send(drain(Duration::from_secs(5))).await.unwrap();
        fixture.upload("b").await;
        until("the task is cancelled", async || fixture.received.is_cancelled(&claimed[0].fence)).await;
        assert!(since.elapsed() >= Duration::from_secs(5), "cancelled before the grace time was over");
        assert!(persister.connected(), "a task still runs");
        end(&persister, &claimed[0], Ending::GivenBack).await;
        until("the persister has ended", async || !persister.connected()).await;
        assert_eq!(fixture.received.claims().len(), 1, "nothing was claimed after the drain began");
        let others = fixture.store.claim(&other_node(), Lane::Light, 10, LEASE_MS).await.unwrap();
        assert_eq!(others.len(), 2, "another node may claim both tasks at once");
    });
}

#[test]
fn tasks_that_a_turn_claims_after_a_drain_began_are_given_back_before_the_persister_ends() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        fixture.store_faults.next("claim", CallFault::Delay(Duration::from_secs(2)));
        let persister = start(&fixture);
        until("the claim has begun", async || fixture.store_faults.calls("claim") == 1).await;
        persister.send(drain(Duration::from_secs(60))).await.unwrap();
        until("the persister has ended", async || !persister.connected()).await;
        assert_eq!(fixture.received.claims().len(), 0, "no work begins in a drain");
        let others = fixture.store.claim(&other_node(), Lane::Light, 10, LEASE_MS).await.unwrap();
        assert_eq!(others.len(), 1, "another node may claim the task at once");
    });
}

#[test]
fn a_stage_that_was_built_again_runs_the_tasks_that_the_old_one_lost() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let asset = fixture.upload("a").await;
        let persister = start(&fixture);
        claims(&fixture, 1).await;
        let recipient = fixture.recorder().recipient();
        persister
            .send(StageReplaced { stage: Stage::Transcoder, recipient: recipient.clone() })
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(fixture.received.claims().len(), 1, "another stage's tasks are not lost");
        persister.send(StageReplaced { stage: Stage::Validator, recipient }).await.unwrap();
        let claimed = claims(&fixture, 2).await;
        assert_eq!((&claimed[1].fence.asset, claimed[1].fence.attempt), (&asset, 2));
    });
}

#[test]
fn a_node_whose_tasks_all_fail_by_its_own_fault_claims_nothing_until_its_self_test_passes() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        for key in 0..20 {
            fixture.upload(&key.to_string()).await;
        }
        let persister = start(&fixture);
        let mut ended = 0;
        while fixture.received.look().node_suspected == 0 {
            let claimed = claims(&fixture, ended + 1).await;
            end(&persister, &claimed[ended], fault(Code::DecoderCrashed)).await;
            ended += 1;
            assert!(ended < 20, "never suspected");
        }
        assert!(fixture.context.availability.reason(DrainReason::Unfit).is_some());
        tokio::time::sleep(Duration::from_secs(5)).await;
        let before = fixture.received.claims().len();
        for claim in &fixture.received.claims()[ended..] {
            end(&persister, claim, Ending::GivenBack).await;
        }
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(fixture.received.claims().len(), before, "claimed while unfit");
        fixture.context.availability.release(DrainReason::Unfit);
        claims(&fixture, before + 1).await;
    });
}

/// Refuses the only upload, and ends its withdrawal.
async fn reject(fixture: &Fixture, persister: &Addr<Persister>) {
    let claimed = claims(fixture, 1).await;
    end(persister, &claimed[0], fault(Code::Truncated)).await;
    let claimed = claims(fixture, 2).await;
    assert_eq!(claimed[1].fence.task, TaskKey::Withdraw);
    assert_eq!(fixture.received.look().notices_owed, 0);
    let withdrawal_record = WithdrawalRecord { looked_at: 1, ..WithdrawalRecord::default() };
    let withdrawn = Success::Withdrawn { source_location: "x".into(), withdrawal_record };
    end(persister, &claimed[1], Ending::Success(withdrawn)).await;
}

#[test]
fn the_notifier_is_notified_when_an_asset_has_ended() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let asset = fixture.upload("a").await;
        let persister = start(&fixture);
        reject(&fixture, &persister).await;
        until("the notifier is notified", async || fixture.received.look().notices_owed == 1).await;
        assert_eq!(fixture.store.asset(&asset).await.unwrap().asset.phase, Phase::Rejected);
        assert_eq!(fixture.object_faults.calls("discard_staging"), 1);
    });
}

#[test]
fn staged_files_that_could_not_be_removed_are_removed_later() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        for call in 1..=3 {
            fixture.object_faults.at("discard_staging", call, CallFault::Fail(ErrorKind::Unavailable));
        }
        let persister = start(&fixture);
        reject(&fixture, &persister).await;
        until("they are removed", async || fixture.object_faults.calls("discard_staging") == 4).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(fixture.object_faults.calls("discard_staging"), 4);
    });
}
