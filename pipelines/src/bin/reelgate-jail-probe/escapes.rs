//! Attempts to leave the jail, by name. Each returns its outcome: `errno N`, or that it worked.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;

use reelgate_pipelines::client::SOURCE_FD;

use crate::holdings;

/// Makes one attempt. It does not return if the jail ends the process.
pub fn attempt(name: &str) -> String {
    if let Some(outcome) = by_library(name).or_else(|| holdings::hold(name)) {
        return outcome;
    }
    by_call(name)
        .or_else(|| by_memory_call(name))
        .map_or_else(|| format!("unknown escape {name}"), |result| outcome(result.map(drop)))
}

/// Attempts through the standard library, as ordinary code makes them.
fn by_library(name: &str) -> Option<String> {
    Some(match name {
        "open-file" => outcome(File::open("/etc/passwd").map(drop)),
        "read-environment" => outcome(fs::read("/proc/self/environ").map(drop)),
        "reopen-source" => outcome(OpenOptions::new().write(true).open("/proc/self/fd/3").map(drop)),
        "list-folder" => outcome(fs::read_dir("/").map(drop)),
        "look-at-file" => outcome(fs::metadata("/etc/passwd").map(drop)),
        "write-file" => outcome(fs::write("/tmp/reelgate-escaped", b"out")),
        "remove-file" => outcome(fs::remove_file("/tmp/reelgate-not-there")),
        "make-folder" => outcome(fs::create_dir("/tmp/reelgate-escaped")),
        "connect-tcp" => outcome(TcpStream::connect(("127.0.0.1", 9)).map(drop)),
        "bind-udp" => outcome(UdpSocket::bind(("127.0.0.1", 0)).map(drop)),
        "connect-unix" => outcome(UnixStream::connect("/run/systemd/notify").map(drop)),
        "run-program" => outcome(Command::new("/bin/true").spawn().map(drop)),
        // The process stays, so that a test can inspect it from outside.
        "wait" => loop {
            std::thread::sleep(std::time::Duration::from_secs(3600));
        },
        // What decoders need must still work.
        "start-thread" => std::thread::spawn(|| "still works".to_owned()).join().unwrap_or_default(),
        "make-pipe" => outcome(io::pipe().map(drop)),
        "abort" => std::process::abort(),
        _ => return None,
    })
}

/// Attempts through bare system calls, as injected code makes them.
fn by_call(name: &str) -> Option<io::Result<i64>> {
    let path = c"/bin/true".as_ptr() as i64;
    let arguments: &[i64] = &[0, 0];
    let empty = arguments.as_ptr() as i64;
    // SAFETY: these take no pointers, or null, or the two above, which are a C string and an empty list.
    let parent = unsafe { i64::from(libc::getppid()) };
    let exec = i64::from(libc::PROT_READ | libc::PROT_EXEC);
    let private = i64::from(libc::MAP_PRIVATE);
    let source = i64::from(SOURCE_FD);
    let (number, arguments) = match name {
        "exec" => (libc::SYS_execve, [path, empty, empty, 0, 0, 0]),
        "exec-source" => {
            (libc::SYS_execveat, [source, path, empty, empty, i64::from(libc::AT_EMPTY_PATH), 0])
        }
        "fork" => (libc::SYS_clone, [i64::from(libc::SIGCHLD), 0, 0, 0, 0, 0]),
        "fork-by-clone3" => (libc::SYS_clone3, [empty, 88, 0, 0, 0, 0]),
        "new-namespace" => (libc::SYS_unshare, [i64::from(libc::CLONE_NEWUSER), 0, 0, 0, 0, 0]),
        "trace-parent" => (libc::SYS_ptrace, [i64::from(libc::PTRACE_ATTACH), parent, 0, 0, 0, 0]),
        "read-parent" => (libc::SYS_process_vm_readv, [parent, 0, 0, 0, 0, 0]),
        "kill-parent" => (libc::SYS_kill, [parent, 0, 0, 0, 0, 0]),
        "kill-parents-thread" => (libc::SYS_tgkill, [parent, parent, 0, 0, 0, 0]),
        "hold-parent" => (libc::SYS_pidfd_open, [parent, 0, 0, 0, 0, 0]),
        "limit-parent" => (libc::SYS_prlimit64, [parent, 0, 0, 0, 0, 0]),
        "raise-own-limit" => (libc::SYS_prlimit64, [0, 1, empty, 0, 0, 0]),
        "ring" => (libc::SYS_io_uring_setup, [1, empty, 0, 0, 0, 0]),
        "memory-file" => (libc::SYS_memfd_create, [path, 0, 0, 0, 0, 0]),
        "socket" => (libc::SYS_socket, [i64::from(libc::AF_NETLINK), i64::from(libc::SOCK_RAW), 0, 0, 0, 0]),
        "open-by-handle" => (libc::SYS_open_by_handle_at, [0, empty, 0, 0, 0, 0]),
        "kernel-program" => (libc::SYS_bpf, [0, empty, 0, 0, 0, 0]),
        "performance-events" => (libc::SYS_perf_event_open, [empty, 0, -1, -1, 0, 0]),
        "keyring" => (libc::SYS_keyctl, [0, 0, 0, 0, 0, 0]),
        "fault-handler" => (libc::SYS_userfaultfd, [0, 0, 0, 0, 0, 0]),
        "become-root" => (libc::SYS_setuid, [0, 0, 0, 0, 0, 0]),
        "allow-dumps" => (libc::SYS_prctl, [i64::from(libc::PR_SET_DUMPABLE), 1, 0, 0, 0, 0]),
        "more-filters" => (libc::SYS_seccomp, [0, 0, 0, 0, 0, 0]),
        "type-on-terminal" => (libc::SYS_ioctl, [0, libc::TIOCSTI as i64, path, 0, 0, 0]),
        "write-source" => (libc::SYS_write, [source, path, 1, 0, 0, 0]),
        "cut-source" => (libc::SYS_ftruncate, [source, 0, 0, 0, 0, 0]),
        "run-source" => (libc::SYS_mmap, [0, 4096, exec, private, source, 0]),
        "run-data" => (libc::SYS_mprotect, [empty & !4095, 4096, exec, 0, 0, 0]),
        #[cfg(target_arch = "x86_64")]
        "old-numbers" => return Some(old_numbers()),
        #[cfg(target_arch = "x86_64")]
        "x32-numbers" => (0x4000_0000 | libc::SYS_getpid, [0; 6]),
        _ => return None,
    };
    Some(call(number, arguments))
}

/// Attempts to hold memory where no limit and no size shows it, through bare system calls.
fn by_memory_call(name: &str) -> Option<io::Result<i64>> {
    let (source, output) = (i64::from(SOURCE_FD), i64::from(libc::STDOUT_FILENO));
    // Eight bytes that the kernel may read, and the page that holds them.
    let word = std::ptr::from_ref(&0_u64) as i64;
    let page = word & !4095;
    let written = i64::from(libc::PROT_READ | libc::PROT_WRITE);
    let anonymous = |flags: i32| [0, 4096, written, i64::from(libc::MAP_ANONYMOUS | flags), -1, 0];
    let (number, arguments) = match name {
        "share-memory" => (libc::SYS_mmap, anonymous(libc::MAP_SHARED)),
        "share-validated-memory" => (libc::SYS_mmap, anonymous(libc::MAP_SHARED_VALIDATE)),
        // MAP_DROPPABLE (Linux 6.11), which libc does not have yet.
        "map-droppable-memory" => (libc::SYS_mmap, anonymous(8)),
        "map-huge-pages" => (libc::SYS_mmap, anonymous(libc::MAP_PRIVATE | libc::MAP_HUGETLB)),
        "map-downwards" => (libc::SYS_mmap, anonymous(libc::MAP_PRIVATE | libc::MAP_GROWSDOWN)),
        "map-locked-memory" => (libc::SYS_mmap, anonymous(libc::MAP_PRIVATE | libc::MAP_LOCKED)),
        "map-source" => (libc::SYS_mmap, [0, 4096, written, i64::from(libc::MAP_PRIVATE), source, 0]),
        "share-source" => {
            (libc::SYS_mmap, [0, 4096, i64::from(libc::PROT_READ), i64::from(libc::MAP_SHARED), source, 0])
        }
        "make-read-only" => (libc::SYS_mprotect, [page, 4096, i64::from(libc::PROT_READ), 0, 0, 0]),
        "make-unreadable" => (libc::SYS_mprotect, [page, 1 << 20, i64::from(libc::PROT_NONE), 0, 0, 0]),
        "map-twice" => (libc::SYS_mremap, [page, 0, 4096, i64::from(libc::MREMAP_MAYMOVE), 0, 0]),
        "lock-memory" => (libc::SYS_mlock, [page, 4096, 0, 0, 0, 0]),
        "lock-all-memory" => (libc::SYS_mlockall, [i64::from(libc::MCL_CURRENT), 0, 0, 0, 0, 0]),
        "secret-memory" => (libc::SYS_memfd_secret, [0; 6]),
        "shared-segment" => (libc::SYS_shmget, [i64::from(libc::IPC_PRIVATE), 4096, 0o600, 0, 0, 0]),
        "semaphores" => (libc::SYS_semget, [i64::from(libc::IPC_PRIVATE), 1, 0o600, 0, 0, 0]),
        "message-queue" => (libc::SYS_msgget, [i64::from(libc::IPC_PRIVATE), 0o600, 0, 0, 0, 0]),
        "named-queue" => (libc::SYS_mq_open, [word, i64::from(libc::O_CREAT), 0o600, 0, 0, 0]),
        "give-pages-to-pipe" => (libc::SYS_vmsplice, [output, word, 0, 0, 0, 0]),
        "move-source-into-pipe" => (libc::SYS_splice, [source, 0, output, 0, 1, 0]),
        "copy-pipe" => (libc::SYS_tee, [0, output, 1, 0, 0, 0]),
        "enlarge-pipe" => (libc::SYS_fcntl, [output, i64::from(libc::F_SETPIPE_SZ), 1 << 20, 0, 0, 0]),
        "enlarge-socket" => {
            (libc::SYS_setsockopt, [0, i64::from(libc::SOL_SOCKET), i64::from(libc::SO_SNDBUF), word, 4, 0])
        }
        "pair-of-datagrams" => {
            (libc::SYS_socketpair, [i64::from(libc::AF_UNIX), i64::from(libc::SOCK_DGRAM), 0, word, 0, 0])
        }
        "send-descriptors" => (libc::SYS_sendmsg, [output, word, 0, 0, 0, 0]),
        "queue-of-requests" => (libc::SYS_io_setup, [1, word, 0, 0, 0, 0]),
        "wait-set" => (libc::SYS_epoll_create1, [0; 6]),
        "file-watch" => (libc::SYS_inotify_init1, [0; 6]),
        "timer" => (libc::SYS_timer_create, [0, 0, word, 0, 0, 0]),
        "queue-signal" => {
            // SAFETY: neither takes or changes anything.
            let (process, thread) = unsafe { (libc::getpid(), libc::gettid()) };
            let arguments = [i64::from(process), i64::from(thread), i64::from(libc::SIGRTMIN()), 0, 0, 0];
            (libc::SYS_tgkill, arguments)
        }
        _ => return None,
    };
    Some(call(number, arguments))
}

fn call(number: i64, arguments: [i64; 6]) -> io::Result<i64> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: every pointer among the arguments is null or outlives the call; each call is one that the jail is
    // expected to refuse, and the process ends right after.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Asks for the process id by its call number of 32-bit programs, which means another call on x86-64.
#[cfg(target_arch = "x86_64")]
fn old_numbers() -> io::Result<i64> {
    let result: i64;
    // SAFETY: `getpid` (20) takes nothing and changes nothing; the kernel keeps all registers but rax, and r8 to
    // r11, which are declared lost.
    unsafe {
        std::arch::asm!(
            "int 0x80",
            inlateout("rax") 20_i64 => result,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    Ok(result)
}

fn outcome(result: io::Result<()>) -> String {
    match result {
        Ok(()) => "it worked".to_owned(),
        Err(error) => format!("errno {}", error.raw_os_error().unwrap_or(0)),
    }
}
