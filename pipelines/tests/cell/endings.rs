//! However a worker behaves, the client survives, reports the right fault and leaves no process.

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::{self, CancelFlag, OutputSink, WorkerProgram};
use reelgate_pipelines::messages::{Budget, Finished};

use crate::{Kept, Stage, budget, fault, job, picture_job, run, run_job, run_with};

#[test]
fn an_honest_worker_delivers_its_outputs() {
    let mut kept = Kept::default();
    let (finished, usage) = run_with("is-honest", &budget(), &mut kept, &CancelFlag::default()).unwrap();
    let Finished::Audio(result) = finished else { panic!("another kind: {finished:?}") };
    let bytes = result.encoded().next().unwrap().track.segments[0].bytes;
    assert_eq!(kept.outputs[1..], [format!("audio/00000.m4s:{bytes}")]);
    assert_eq!(kept.outputs.len(), 2, "{:?}", kept.outputs);
    assert!(usage.output_bytes > bytes, "{usage:?}");
    assert!(usage.rss_max_bytes > 0 && usage.wall_s > 0.0, "{usage:?}");
}

#[test]
fn the_engine_writes_the_index_of_the_storyboard() {
    let mut kept = Kept::default();
    let part = "is-honest-about-pictures";
    let (_, usage) = run_job(part, &picture_job(), &budget(), &mut kept, &CancelFlag::default()).unwrap();
    assert_eq!(kept.outputs.len(), 2, "{:?}", kept.outputs);
    assert_eq!(kept.outputs[1], "storyboard.vtt:138");
    assert!(usage.output_bytes > 138, "{usage:?}");
}

#[test]
fn an_output_in_a_wrong_form_is_a_protocol_fault_and_never_complete() {
    let forms = [
        ("header-that-leads-elsewhere", "audio/init.mp4", job()),
        ("header-cut-short", "audio/init.mp4", job()),
        ("segment-of-another-kind", "audio/00000.m4s", job()),
        ("segment-with-bytes-behind", "audio/00000.m4s", job()),
        ("picture-with-exif", "storyboard-000.jpg", picture_job()),
        ("picture-cut-short", "storyboard-000.jpg", picture_job()),
    ];
    for (form, name, job) in forms {
        let mut kept = Kept::default();
        let fault = run_job(form, &job, &budget(), &mut kept, &CancelFlag::default()).unwrap_err();
        assert!(
            fault.to_string().starts_with(&format!("worker_protocol: {name}: expected ")),
            "{form}: {fault}"
        );
        assert!(kept.outputs.is_empty(), "{form}: {:?}", kept.outputs);
    }
}

#[test]
fn a_worker_that_breaks_the_framing_or_the_order_is_a_protocol_fault() {
    let cases = [
        ("talks-garbage", "expected a frame of kind 1 or 2, found kind 127"),
        ("announces-too-much", "expected a frame of at most 8388608 bytes, found 4294967295"),
        ("sends-empty-frames", "expected a frame with a body, found an empty frame of kind 2"),
        (
            "writes-in-small-pieces",
            "expected pieces of 262144 bytes up to the last of an output, found a piece after a shorter one",
        ),
        ("works-before-its-jail-is-closed", "expected jailed after hello, found progress"),
        ("ends-without-a-word", "the worker ended with status 0 and without a result"),
        ("closes-its-pipe-and-stays", "the worker closed its pipe without a result and did not end"),
    ];
    for (part, expected) in cases {
        assert_eq!(fault(part, &budget()), format!("worker_protocol: {expected}"), "{part}");
    }
}

#[test]
fn a_reply_that_contradicts_the_job_is_a_protocol_fault() {
    let cases = [
        (
            "names-a-path-outside",
            "expected an output name of one or two plain components, found another form",
        ),
        ("names-what-is-not-its-own", "expected an output that belongs to the job, found another name"),
        ("writes-the-index-itself", "expected an output that belongs to the job, found another name"),
        ("sends-data-unasked", "expected data only while an output is open, found data"),
        ("counts-wrong", "expected the end of output 0 after 0 bytes, found output 0 with 1"),
        ("lists-what-it-did-not-send", "expected every listed output to have arrived, found one missing"),
        ("blames-the-checksum", "expected a fault that a worker can know of, found checksum_mismatch"),
    ];
    for (part, expected) in cases {
        assert_eq!(fault(part, &budget()), format!("worker_protocol: {expected}"), "{part}");
    }
}

#[test]
fn a_worker_that_never_gets_ready_is_unavailable() {
    let ended = "worker_unavailable: the worker ended with status 0 before its jail closed";
    assert_eq!(fault("ends-at-once", &budget()), ended);
    assert_eq!(fault("stops-within-a-frame", &budget()), ended);
    assert_eq!(
        fault("speaks-another-version", &budget()),
        "worker_unavailable: the engine speaks wire version 6, the worker 7; install both from one build"
    );
}

#[test]
fn a_worker_that_is_not_there_is_unavailable() {
    let stage = Stage::new("is-honest");
    let source = std::fs::File::open(stage.source()).unwrap();
    let worker = WorkerProgram::new("/nonexistent/reelgate-worker");
    let cancel = CancelFlag::default();
    let result = client::run(&worker, &job(), &budget(), source, &mut Kept::default(), &mut |_| {}, &cancel);
    assert_eq!(
        result.unwrap_err().to_string(),
        "worker_unavailable: start the worker: No such file or directory (os error 2)"
    );
}

#[test]
fn a_crash_is_named_by_its_signal() {
    assert_eq!(fault("crashes", &budget()), "decoder_crashed: the worker died of signal 11");
    assert_eq!(fault("aborts", &budget()), "decoder_crashed: the worker died of signal 6");
}

#[test]
fn cpu_time_is_limited_even_if_the_worker_ignores_the_signal() {
    let budget = Budget { cpu_s: 1, ..budget() };
    for part in ["spins", "spins-and-ignores-the-signal"] {
        let fault = run(part, &budget).unwrap_err();
        assert_eq!(fault.code, Code::BudgetCpu, "{part}: {fault}");
    }
}

#[test]
fn memory_is_limited_whether_touched_or_only_asked_for() {
    let budget = Budget { memory_bytes: 64 << 20, ..budget() };
    assert_eq!(run("eats-memory", &budget).unwrap_err().code, Code::BudgetMemory);
    assert_eq!(
        fault("asks-for-too-much-memory", &budget),
        "budget_memory: an allocation failed below the limit on private memory"
    );
}

#[test]
fn silence_and_the_deadline_end_a_job() {
    let silent = Budget { stall_s: 1, ..budget() };
    assert_eq!(fault("hangs", &silent), "budget_wall: no reply for 1 s, at most 1 s allowed");
    let late = Budget { wall_s: 1, stall_s: 30, ..budget() };
    assert_eq!(fault("hangs", &late), "budget_wall: the job has used up its wall-clock time");
}

#[test]
fn output_is_limited() {
    let mut kept = Kept::default();
    let fault = run_with("writes-without-end", &budget(), &mut kept, &CancelFlag::default()).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "budget_output: more than the 1048576 bytes allowed for all outputs together"
    );
    assert!(kept.open.unwrap().1 <= 1 << 20, "no byte beyond the budget reaches the sink");
}

#[test]
fn a_cancelled_job_ends() {
    assert_eq!(fault("hangs", &budget()), "worker_lost: cancelled by the engine");
}

#[test]
fn output_on_standard_error_neither_blocks_nor_shows() {
    assert_eq!(fault("complains-much", &budget()), "internal: the engine read everything");
    let too_much = "worker_protocol: expected at most 67108864 bytes on standard error, found more";
    assert_eq!(fault("complains-without-end", &budget()), too_much);
}

#[test]
fn a_full_disk_ends_the_job_with_the_disks_own_fault() {
    struct Full;
    impl OutputSink for Full {
        fn open(&mut self, _: &str) -> Result<(), Fault> {
            Err(Fault::new(Code::QuotaDisk, "no space left"))
        }
        fn write(&mut self, _: &[u8]) -> Result<(), Fault> {
            unreachable!("nothing was opened")
        }
        fn close(&mut self) -> Result<(), Fault> {
            unreachable!("nothing was opened")
        }
    }
    let fault = run_with("is-honest", &budget(), &mut Full, &CancelFlag::default()).unwrap_err();
    assert_eq!(fault.to_string(), "quota_disk: no space left");
}
