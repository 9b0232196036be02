//! What a worker inherits, and that no worker outlives its engine.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reelgate_pipelines::client::{self, CancelFlag};

use crate::{Kept, Stage, budget, fault, hides_processes, job, run};

/// Whether the process is gone, or a zombie that its new parent has not reaped yet.
fn is_dead(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

fn wait_until_dead(pid: u32) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_dead(pid) {
        assert!(Instant::now() < deadline, "process {pid} still runs");
        std::thread::yield_now();
    }
}

#[test]
fn a_worker_inherits_the_source_and_three_variables_and_nothing_else() {
    let file = std::fs::File::open("/dev/null").unwrap();
    // SAFETY: a copy without close-on-exec, as a careless library would leave open. `OwnedFd` closes it.
    let careless = unsafe { OwnedFd::from_raw_fd(libc::dup(file.as_raw_fd())) };
    assert!(careless.as_raw_fd() > 3);
    // Descriptor 4 is the listing itself.
    assert_eq!(fault("says-what-it-has", &budget()), "internal: 0,1,2,3,4 GST_REGISTRY_DISABLE,LC_ALL,TZ");
}

#[test]
fn a_worker_gets_the_trace_context_of_its_run() {
    let mut stage = Stage::new("says-what-it-has");
    stage.worker.traceparent = Some("00-ab".repeat(2));
    let source = std::fs::File::open(stage.source()).unwrap();
    let cancel = CancelFlag::default();
    let result =
        client::run(&stage.worker, &job(), &budget(), source, &mut Kept::default(), &mut |_| {}, &cancel);
    let has = result.unwrap_err().detail;
    assert_eq!(has, "0,1,2,3,4 GST_REGISTRY_DISABLE,LC_ALL,TRACEPARENT,TZ");
}

/// Runs the engine in its arguments as an ordinary user who sees no process that it may not trace, as systemd's
/// `ProtectProc=invisible` has it.
const WITH_HIDDEN_PROCESSES: &str = "mount -t proc -o hidepid=invisible proc /proc && \
     exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- \"$@\"";

#[test]
fn the_memory_of_a_worker_that_its_engine_cannot_see_is_limited() {
    let stage = Stage::new("is-honest");
    // Nobody may trace or see what runs a program that its user cannot read, so the worker is hidden from its first moment on.
    let worker = stage.worker.path.with_file_name("eats-memory");
    std::fs::copy(env!("CARGO_BIN_EXE_reelgate-jail-probe"), &worker).unwrap();
    std::fs::set_permissions(&worker, Permissions::from_mode(0o111)).unwrap();
    let namespaces = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c"];
    let probe = env!("CARGO_BIN_EXE_reelgate-jail-probe");
    let mut engine = if hides_processes() {
        Command::new(probe)
    } else {
        // Members of root's group see every process.
        let mut engine = Command::new("setpriv");
        if rustix::process::getuid().is_root() {
            engine.args(["--regid=65534", "--clear-groups"]);
        }
        engine.arg("unshare").args(namespaces).args([WITH_HIDDEN_PROCESSES, "sh", probe]);
        engine
    };
    let output = engine.args([&worker, &stage.source()]).arg("64").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("BudgetMemory") && said.contains("bytes of memory used, at most 67108864"),
        "{said}"
    );
}

#[test]
fn a_child_of_a_worker_is_killed_with_it() {
    let fault = run("leaves-a-child", &budget()).unwrap_err();
    wait_until_dead(fault.detail.parse().unwrap());
}

#[test]
fn a_worker_is_killed_when_its_engine_ends() {
    let stage = Stage::new("hangs");
    let mut engine = Command::new(env!("CARGO_BIN_EXE_reelgate-jail-probe"));
    engine.args([&stage.worker.path, &stage.source()]).arg("1024").stdout(Stdio::piped());
    let mut engine = engine.spawn().unwrap();
    let mut pid = String::new();
    BufReader::new(engine.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    let pid = pid.trim().parse().unwrap();
    assert!(!is_dead(pid), "the worker hangs as it should");
    engine.kill().unwrap();
    engine.wait().unwrap();
    wait_until_dead(pid);
}
