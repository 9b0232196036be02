use alloc::vec;

use super::*;
use crate::limits::{BACKOFF_MAX_MS, BACKOFF_MIN_MS, STARTS_MAX, UNCOUNTED_MAX, WITHDRAWAL_BACKOFF_MAX_MS};

fn delay_ms(life: &Life) -> u64 {
    let delay =
        |effect: &Effect| if let Effect::Start { delay_ms, .. } = effect { Some(*delay_ms) } else { None };
    life.effects.iter().find_map(delay).expect("the step retries a task")
}

#[test]
fn bad_media_is_refused_at_once() {
    let life = Life::rejected();
    assert_eq!((life.asset.phase, life.reason()), (Phase::Rejected, Some(Code::DamagedStream)));
    assert_eq!(life.owed(), vec![NoticeKind::Rejected]);
}

#[test]
fn a_fault_of_ours_is_retried_and_then_fails_the_asset() {
    let mut life = Life::processing();
    for _ in 1..Code::WorkerUnavailable.attempts_max() {
        life.fail(video(0), Code::WorkerUnavailable);
        assert_eq!(life.asset.phase, Phase::Processing);
    }
    life.fail(video(0), Code::WorkerUnavailable);
    assert_eq!((life.asset.phase, life.reason()), (Phase::Failed, Some(Code::WorkerUnavailable)));
    assert_eq!(life.state(video(0)), Some(TaskState::Dead));
    assert_eq!(life.state(video(1)), Some(TaskState::Parked));
    assert_eq!(life.owed(), vec![NoticeKind::Failed]);
}

#[test]
fn delays_double_up_to_the_maximum_plus_at_most_a_quarter() {
    let mut life = Life::processing();
    for doubling in 0..11 {
        life.fail(video(0), Code::WorkerLost);
        let base = (BACKOFF_MIN_MS << doubling).min(BACKOFF_MAX_MS);
        let range = base..base + base / 4;
        assert!(range.contains(&delay_ms(&life)), "{} in {range:?}", delay_ms(&life));
    }
}

#[test]
fn a_service_that_is_away_is_waited_out_and_uses_up_no_attempts() {
    const WAITS: u32 = 600;
    for code in Code::ALL.iter().copied().filter(|code| code.is_waited_out()) {
        let mut life = Life::processing();
        let mut waited_ms = 0;
        for _ in 0..WAITS {
            life.fail(video(0), code);
            assert_eq!(life.asset.phase, Phase::Processing, "{}", code.as_str());
            assert!(delay_ms(&life) <= BACKOFF_MAX_MS + BACKOFF_MAX_MS / 4);
            waited_ms += delay_ms(&life);
        }
        assert!(waited_ms > 8 * 3_600_000, "{}: only {waited_ms} ms", code.as_str());
        life.fail(video(0), Code::DecoderCrashed);
        assert_eq!(life.asset.phase, Phase::Processing, "the first crash that counts");
        life.fail(video(0), Code::DecoderCrashed);
        assert_eq!(life.asset.exit, Some(Exit::Reject), "faults of the file count as before");
    }
}

/// A life whose first chunk has used up every start that does not count.
fn tired() -> Life {
    let mut life = Life::processing();
    let tired = TaskRecord {
        attempts: UNCOUNTED_MAX,
        uncounted: UNCOUNTED_MAX,
        answered: UNCOUNTED_MAX,
        ..TaskRecord::NEW
    };
    life.asset.tasks.insert(video(0), tired);
    life
}

#[test]
fn a_service_that_never_comes_back_fails_the_asset_in_the_end() {
    let mut life = tired();
    life.exhaust(video(0), Code::ObjectUnavailable);
    assert_eq!(life.reason(), Some(Code::ObjectUnavailable));
}

#[test]
fn a_withdrawal_never_gives_up_whatever_it_meets() {
    for code in Code::ALL {
        let mut life = Life::processing();
        life.fail(TaskKey::Enrich, Code::DamagedStream);
        for _ in 0..200 {
            life.fail(TaskKey::Withdraw, *code);
            assert_eq!(life.due(), vec![TaskKey::Withdraw], "{}", code.as_str());
            assert!(delay_ms(&life) <= WITHDRAWAL_BACKOFF_MAX_MS + WITHDRAWAL_BACKOFF_MAX_MS / 4);
        }
        life.finish(TaskKey::Withdraw);
        assert_eq!((life.asset.phase, life.reason()), (Phase::Rejected, Some(Code::DamagedStream)));
    }
}

#[test]
fn a_withdrawal_does_not_give_up_after_more_starts_than_any_other_task_has() {
    let mut life = Life::processing();
    life.fail(TaskKey::Enrich, Code::DamagedStream);
    let tired = TaskRecord {
        attempts: UNCOUNTED_MAX,
        uncounted: UNCOUNTED_MAX,
        answered: UNCOUNTED_MAX,
        ..TaskRecord::NEW
    };
    life.asset.tasks.insert(TaskKey::Withdraw, tired);
    for _ in 0..50 {
        life.fail(TaskKey::Withdraw, Code::ObjectUnavailable);
        let attempt = life.claim(TaskKey::Withdraw);
        life.feed(Input::GivenBack { task: TaskKey::Withdraw, attempt }).unwrap();
        // A start without an answer.
        life.claim(TaskKey::Withdraw);
    }
    assert_eq!(life.asset.phase, Phase::Withdrawing);
}

#[test]
fn chunks_and_assets_do_not_retry_at_the_same_time() {
    let mut life = Life::processing();
    life.fail(video(0), Code::WorkerLost);
    let first = delay_ms(&life);
    life.fail(video(1), Code::WorkerLost);
    assert_ne!(delay_ms(&life), first);
    let mut other = Life::arrived();
    other.asset.jitter_seed = 8;
    other.validate(2, true, Original::None);
    other.fail(video(0), Code::WorkerLost);
    assert_ne!(delay_ms(&other), first);
}

#[test]
fn a_stale_attempt_changes_nothing() {
    let mut life = Life::processing();
    let lost = life.claim(video(0));
    let fault = Fault::new(Code::WorkerLost, "");
    life.feed(Input::Failed { task: video(0), attempt: lost, fault: fault.clone() }).unwrap();
    let late = Input::Done { task: video(0), attempt: lost, outcome: Outcome::Finished };
    assert_eq!(life.feed(late.clone()), Err(Stale), "before the next claim");
    life.claim(video(0));
    assert_eq!(life.feed(late), Err(Stale), "after the next claim");
    assert_eq!(life.feed(Input::GivenBack { task: video(0), attempt: 0 }), Err(Stale));
    assert_eq!(life.feed(Input::Failed { task: video(0), attempt: 9, fault }), Err(Stale));
    assert_eq!(
        life.feed(Input::GivenBack { task: TaskKey::Package, attempt: 1 }),
        Err(Stale),
        "no such task"
    );
}

#[test]
fn an_answer_repeated_before_the_next_claim_counts_once() {
    let mut life = Life::processing();
    life.fail(video(0), Code::StoreUnavailable);
    let fault = Fault::new(Code::StoreUnavailable, "");
    assert_eq!(life.feed(Input::Failed { task: video(0), attempt: 1, fault }), Err(Stale));
    assert_eq!(life.feed(Input::GivenBack { task: video(0), attempt: 1 }), Err(Stale));
}

#[test]
fn an_attempt_from_before_a_redrive_comes_too_late() {
    let mut life = Life::processing();
    let running = life.claim(video(1));
    life.exhaust(video(0), Code::Internal);
    life.feed(REDRIVE).unwrap();
    let late = Input::Done { task: video(1), attempt: running, outcome: Outcome::Finished };
    assert_eq!(life.feed(late), Err(Stale));
}

#[test]
fn giving_back_does_not_use_up_attempts() {
    let mut life = Life::processing();
    for _ in 0..50 {
        let attempt = life.claim(video(0));
        life.feed(Input::GivenBack { task: video(0), attempt }).unwrap();
        assert_eq!(delay_ms(&life), 0);
    }
    life.fail(video(0), Code::DecoderCrashed);
    assert_eq!(life.asset.phase, Phase::Processing, "the first crash that counts");
}

#[test]
fn giving_back_too_often_counts_as_lost() {
    let mut life = tired();
    for _ in 0..Code::WorkerLost.attempts_max() {
        let attempt = life.claim(video(0));
        life.feed(Input::GivenBack { task: video(0), attempt }).unwrap();
    }
    assert_eq!((life.asset.phase, life.reason()), (Phase::Failed, Some(Code::WorkerLost)));
}

#[test]
fn faults_of_ours_do_not_use_up_the_limit_of_a_producers_code() {
    let mut life = Life::processing();
    life.fail(video(0), Code::WorkerLost);
    life.fail(video(0), Code::DecoderCrashed);
    assert_eq!(life.asset.phase, Phase::Processing, "one crash is not more than one");
    life.fail(video(0), Code::DecoderCrashed);
    assert_eq!(life.asset.exit, Some(Exit::Reject));
}

#[test]
fn a_start_without_an_answer_is_not_the_producers_fault() {
    let mut life = Life::processing();
    life.claim(video(0));
    life.fail(video(0), Code::DecoderCrashed);
    assert_eq!(life.asset.phase, Phase::Processing);
}

#[test]
fn no_mixture_of_codes_starts_a_task_more_often_than_the_limit() {
    let most = |producers: bool| {
        let codes = Code::ALL.iter().filter(|code| code.class().is_producers() == producers);
        codes.map(|code| code.attempts_max()).max().expect("both kinds have codes")
    };
    assert_eq!(STARTS_MAX, most(false) - 1 + most(true));
    let mut life = Life::processing();
    for _ in 1..most(false) {
        life.fail(video(0), Code::WorkerLost);
    }
    for _ in 0..most(true) {
        life.fail(video(0), Code::BudgetWall);
    }
    let starts = life.asset.tasks[&video(0)].attempts;
    assert_eq!((starts, life.asset.phase), (STARTS_MAX, Phase::Withdrawing));
}
