//! Every attempt to leave the jail is refused: softly with an error, or by the end of the process.

use std::fs::{self, File};

use reelgate_flow::reason::Code;
use reelgate_pipelines::client::{self, CancelFlag, Event};
use reelgate_pipelines::messages::Budget;

use crate::{Kept, Stage, budget, fault, hides_processes, job, run};

const EACCES: i32 = libc::EACCES;
/// Open files of a jailed worker.
const DESCRIPTORS_MAX: u64 = 256;

fn assert_ended_by(escape: &str, call: i64) {
    let expected = format!("jail_violation: system call {call} on {}", std::env::consts::ARCH);
    assert_eq!(fault(&format!("escape-{escape}"), &budget()), expected, "{escape}");
}

fn assert_refused_with(escape: &str, errno: i32) {
    assert_eq!(fault(&format!("escape-{escape}"), &budget()), format!("internal: errno {errno}"), "{escape}");
}

#[test]
fn no_file_can_be_opened_or_inspected() {
    for escape in
        ["open-file", "read-environment", "reopen-source", "list-folder", "look-at-file", "write-file"]
    {
        assert_refused_with(escape, EACCES);
    }
}

#[test]
fn nothing_can_be_removed_or_made() {
    let unlink = if cfg!(target_arch = "x86_64") { 87 } else { libc::SYS_unlinkat };
    assert_ended_by("remove-file", unlink);
    let mkdir = if cfg!(target_arch = "x86_64") { 83 } else { libc::SYS_mkdirat };
    assert_ended_by("make-folder", mkdir);
    assert_refused_with("memory-file", EACCES);
}

#[test]
fn the_source_cannot_be_changed_or_run() {
    assert_refused_with("write-source", libc::EBADF);
    assert_ended_by("cut-source", libc::SYS_ftruncate);
    assert_ended_by("run-source", libc::SYS_mmap);
    assert_ended_by("exec-source", libc::SYS_execveat);
    assert_ended_by("run-data", libc::SYS_mprotect);
}

#[test]
fn nothing_can_be_connected_or_bound() {
    for escape in ["connect-tcp", "bind-udp", "connect-unix", "socket"] {
        assert_ended_by(escape, libc::SYS_socket);
    }
}

#[test]
fn no_program_and_no_process_can_be_started() {
    // `posix_spawn` blocks all signals around its clone, so the handler that reports the number is not reached.
    let unnamed = "jail_violation: a system call whose number was not reported";
    assert_eq!(fault("escape-run-program", &budget()), unnamed);
    assert_ended_by("exec", libc::SYS_execve);
    assert_ended_by("fork", libc::SYS_clone);
    assert_refused_with("fork-by-clone3", libc::ENOSYS);
    assert_ended_by("new-namespace", libc::SYS_unshare);
}

#[test]
fn other_processes_cannot_be_touched() {
    assert_ended_by("trace-parent", libc::SYS_ptrace);
    assert_ended_by("read-parent", libc::SYS_process_vm_readv);
    assert_ended_by("kill-parent", libc::SYS_kill);
    assert_ended_by("kill-parents-thread", libc::SYS_tgkill);
    assert_ended_by("hold-parent", libc::SYS_pidfd_open);
    assert_ended_by("limit-parent", libc::SYS_prlimit64);
}

#[test]
fn rarely_used_kernel_interfaces_are_refused() {
    assert_ended_by("ring", libc::SYS_io_uring_setup);
    assert_ended_by("open-by-handle", libc::SYS_open_by_handle_at);
    assert_ended_by("kernel-program", libc::SYS_bpf);
    assert_ended_by("performance-events", libc::SYS_perf_event_open);
    assert_ended_by("keyring", libc::SYS_keyctl);
    assert_ended_by("fault-handler", libc::SYS_userfaultfd);
    assert_refused_with("type-on-terminal", libc::ENOTTY);
}

#[test]
fn memory_can_only_be_mapped_where_the_budget_counts_it() {
    let mappings = [
        "share-memory",
        "share-validated-memory",
        "map-droppable-memory",
        "map-huge-pages",
        "map-downwards",
        "map-locked-memory",
        "map-source",
        "share-source",
    ];
    for mapping in mappings {
        assert_ended_by(mapping, libc::SYS_mmap);
    }
    // Written pages that can no longer be written do not count as private memory.
    assert_ended_by("make-read-only", libc::SYS_mprotect);
    assert_ended_by("make-unreadable", libc::SYS_mprotect);
    // Only a shared mapping can be mapped a second time.
    assert_refused_with("map-twice", libc::EINVAL);
    assert_ended_by("lock-memory", libc::SYS_mlock);
    assert_ended_by("lock-all-memory", libc::SYS_mlockall);
}

#[test]
fn the_kernel_keeps_no_memory_for_the_worker_outside_of_its_descriptors() {
    assert_ended_by("secret-memory", libc::SYS_memfd_secret);
    assert_ended_by("shared-segment", libc::SYS_shmget);
    assert_ended_by("semaphores", libc::SYS_semget);
    assert_ended_by("message-queue", libc::SYS_msgget);
    assert_ended_by("named-queue", libc::SYS_mq_open);
    assert_ended_by("give-pages-to-pipe", libc::SYS_vmsplice);
    assert_ended_by("move-source-into-pipe", libc::SYS_splice);
    assert_ended_by("copy-pipe", libc::SYS_tee);
    assert_ended_by("enlarge-pipe", libc::SYS_fcntl);
    assert_ended_by("enlarge-socket", libc::SYS_setsockopt);
    assert_ended_by("pair-of-datagrams", libc::SYS_socketpair);
    assert_ended_by("send-descriptors", libc::SYS_sendmsg);
    assert_ended_by("queue-of-requests", libc::SYS_io_setup);
    assert_ended_by("wait-set", libc::SYS_epoll_create1);
    assert_ended_by("file-watch", libc::SYS_inotify_init1);
    assert_ended_by("timer", libc::SYS_timer_create);
    assert_refused_with("queue-signal", libc::EAGAIN);
}

#[test]
fn page_tables_and_threads_count_as_memory() {
    let budget = Budget { memory_bytes: 64 << 20, ..budget() };
    for holding in ["hold-page-tables", "hold-threads"] {
        let fault = run(&format!("escape-{holding}"), &budget).unwrap_err();
        // Where the worker has a control group, that stops it before so many threads count for much.
        let is_stopped = holding == "hold-threads" && fault.detail.starts_with("started only ");
        assert!(fault.code == Code::BudgetMemory || is_stopped, "{holding}: {fault}");
    }
}

#[test]
fn what_the_descriptors_of_a_worker_hold_is_bounded() {
    let setting = fs::read_to_string("/proc/sys/net/core/wmem_default").unwrap();
    let socket_bytes: u64 = setting.trim().parse().unwrap();
    // A pipe holds 64 KiB and has two descriptors.
    for (holding, each) in [("hold-sockets", socket_bytes), ("hold-pipes", 32 << 10)] {
        let held: u64 = run(&format!("escape-{holding}"), &budget()).unwrap_err().detail.parse().unwrap();
        let most = DESCRIPTORS_MAX * each;
        assert!((1 << 20..=most).contains(&held), "{holding}: {held} bytes, expected at most {most}");
    }
}

#[test]
fn the_jail_cannot_be_opened_from_inside() {
    assert_ended_by("raise-own-limit", libc::SYS_prlimit64);
    assert_ended_by("become-root", libc::SYS_setuid);
    assert_ended_by("allow-dumps", libc::SYS_prctl);
    assert_ended_by("more-filters", libc::SYS_seccomp);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn other_call_numberings_do_not_get_past_the_list() {
    let expected = "jail_violation: a system call whose number was not reported";
    assert_eq!(fault("escape-old-numbers", &budget()), expected);
    // A filter that the test runs under, such as the unit's `SystemCallArchitectures=native`, comes before the jail's own and tells no number.
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let x32 = fault("escape-x32-numbers", &budget());
    if status.lines().any(|line| line == "Seccomp:\t2") && x32 == expected {
        return;
    }
    let number = 0x4000_0000 | libc::SYS_getpid;
    assert_eq!(x32, format!("jail_violation: system call {number} on x86_64"));
}

#[test]
fn what_decoders_need_still_works() {
    assert_eq!(fault("escape-start-thread", &budget()), "internal: still works");
    assert_eq!(fault("escape-make-pipe", &budget()), "internal: it worked");
    assert_eq!(fault("escape-abort", &budget()), "decoder_crashed: the worker died of signal 6");
}

/// The lines of a file in `/proc/PID`, with one space between words.
fn proc_lines(pid: u32, file: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).expect("the worker is running");
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Under the service's unit the kernel shows nobody what the jail is made of: a worker is hidden from its engine as soon as it is closed in.
#[test]
fn the_kernel_confirms_every_layer_of_a_closed_jail() {
    let stage = Stage::new("escape-wait");
    let cancel = CancelFlag::default();
    let (mut pid, mut seen) = (0, Vec::new());
    let mut events = |event| match event {
        Event::Started { pid: started } => pid = started,
        Event::Jailed if hides_processes() => {
            let read = fs::read_to_string(format!("/proc/{pid}/status"));
            seen.push(format!("{:?}", read.map_err(|error| error.kind())));
            cancel.cancel();
        }
        Event::Jailed => {
            seen.extend(proc_lines(pid, "status"));
            seen.extend(proc_lines(pid, "limits"));
            cancel.cancel();
        }
        Event::Greeted { .. } | Event::Progress { .. } => {}
    };
    let source = File::open(stage.source()).unwrap();
    client::run(&stage.worker, &job(), &budget(), source, &mut Kept::default(), &mut events, &cancel)
        .unwrap_err();
    if hides_processes() {
        assert_eq!(seen, ["Err(NotFound)"]);
        return;
    }
    let expected = [
        "Threads: 1",
        "NoNewPrivs: 1",
        "Seccomp: 2",
        "CapEff: 0000000000000000",
        "CapPrm: 0000000000000000",
        "Max file size 0 0 bytes",
        "Max core file size 0 0 bytes",
        "Max open files 256 256 files",
        "Max stack size 8388608 8388608 bytes",
        "Max pending signals 0 0 signals",
        "Max locked memory 0 0 bytes",
        "Max cpu time 30 32 seconds",
        "Max data size 1610612736 1610612736 bytes",
        "Max address space 9663676416 9663676416 bytes",
    ];
    let threads = 4_096 + 512 * std::thread::available_parallelism().unwrap().get();
    let threads = format!("Max processes {threads} {threads} processes");
    for line in expected.into_iter().chain([threads.as_str()]) {
        assert!(seen.iter().any(|found| found == line), "expected `{line}` in {seen:#?}");
    }
}
