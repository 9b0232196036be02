//! Attempts to leave the jail, by name. Each returns its outcome: `errno N`, or that it worked.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;

use reelgate_pipelines::client::SOURCE_FD;

/// Makes one attempt. It does not return if the jail ends the process.
pub fn attempt(name: &str) -> String {
    if let Some(outcome) = by_library(name) {
        return outcome;
    }
    by_call(name).map_or_else(|| format!("unknown escape {name}"), |result| outcome(result.map(drop)))
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
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: every pointer among the arguments is null or outlives the call; each call is one that the jail is
    // expected to refuse, and the process ends right after.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    Some(if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) })
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
