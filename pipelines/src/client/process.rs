//! The worker as a child process. It inherits nothing of the engine but the source. The engine writes its job, reads
//! its replies, kills it and reaps it.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reelgate_flow::reason::{Code, Fault};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal};

use super::control_group::{self, WorkerGroup};
use super::memory_status::{MemoryStatus, StatusPassage, pass_own_status};
use super::worker_program::WorkerProgram;
use crate::messages::Budget;

/// Descriptor of the source in the worker.
pub const SOURCE_FD: i32 = 3;
/// Environment variable with the languages of on-screen text. The worker loads them before its jail closes, because it
/// can open no file afterwards.
pub const LANGUAGES_VARIABLE: &str = "REELGATE_SCREEN_LANGUAGES";
/// Bytes of standard error that are kept: enough for the message of a panic or of a failed allocation.
const STDERR_BYTES_MAX: usize = 64 << 10;
/// Most bytes of standard error. Libraries print a line for each damaged frame; a worker that prints more only keeps the
/// engine busy.
const STDERR_BYTES_READ_MAX: u64 = 64 << 20;
/// Size asked of the kernel for the reply pipe, so that a segment takes few reads. A smaller pipe works too.
const REPLY_PIPE_BYTES: usize = 1 << 20;

/// A running worker. Dropping it kills and reaps the process, so no process is left when the caller panics.
pub struct Process {
    pid: Pid,
    exited: OwnedFd,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    unsent: Vec<u8>,
    stderr_head: Vec<u8>,
    stderr_bytes: u64,
    buffer: Box<[u8]>,
    is_reaped: bool,
    /// Dropped after the process is reaped, because only an empty group can be removed.
    group: Option<WorkerGroup>,
}

/// How a worker's process ended.
pub struct ProcessExit {
    pub status: ExitStatus,
    /// The worker did not exit by itself and was killed.
    pub was_killed: bool,
    /// The kernel killed the worker because its control group used up its memory.
    pub is_out_of_memory: bool,
    /// CPU seconds, user and system.
    pub cpu_s: f64,
    /// The beginning of the worker's standard error. Never show it: a library may quote the media in it.
    pub stderr: Vec<u8>,
}

impl Process {
    /// Starts a worker in its own process group, and its own control group where that is possible, and sets the kernel's
    /// limits on it. Returns its memory too.
    ///
    /// The kernel kills the worker when the *thread* that started it ends (`PR_SET_PDEATHSIG`), which is right
    /// here because that thread stays in [`super::run`] until the worker is reaped.
    pub fn spawn(
        worker: &WorkerProgram,
        languages: Option<String>,
        budget: &Budget,
        source: File,
    ) -> Result<(Self, MemoryStatus), Fault> {
        let mut command = Command::new(&worker.path);
        command.env_clear().envs([("GST_REGISTRY_DISABLE", "yes"), ("TZ", "UTC"), ("LC_ALL", "C.UTF-8")]);
        if let Some(dir) = &worker.plugin_dir {
            command.env("GST_PLUGIN_SYSTEM_PATH_1_0", dir);
        }
        if let Some(languages) = languages {
            // One thread recognises text. On small pictures more threads of the library only wait for each other.
            command.envs([(LANGUAGES_VARIABLE, languages.as_str()), ("OMP_THREAD_LIMIT", "1")]);
        }
        command.envs(worker.traceparent.as_ref().map(|context| ("TRACEPARENT", context)));
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let group = control_group::for_worker(budget.memory_bytes)
            .map_err(|error| unavailable("make a control group for the worker", &error))?;
        let passage = StatusPassage::new().map_err(|error| unavailable("make a pair of sockets", &error))?;
        let inherited = Inherited {
            source: source.as_raw_fd(),
            passage: passage.child(),
            group: group.as_ref().map(|group| group.processes().as_raw_fd()),
        };
        let parent = rustix::process::getpid();
        // SAFETY: the closure runs between fork and exec and makes only async-signal-safe system calls; it
        // allocates nothing and touches no lock. All descriptors stay open until the spawn has returned.
        unsafe { command.pre_exec(move || become_worker(&inherited, parent)) };
        let mut child = command.spawn().map_err(|error| unavailable("start the worker", &error))?;
        drop(source);
        let pid = Pid::from_child(&child);
        let process = match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Self::watch(pid, group, stdin, stdout, stderr),
            _ => Err(io::Error::other("a pipe is missing")),
        };
        // No `Process` exists yet that would kill and reap the child when it is dropped.
        let process = process.inspect_err(|_| {
            let _ = child.kill();
            let _ = child.wait();
        });
        let process = process.map_err(|error| unavailable("watch the worker", &error))?;
        process.limit(budget).map_err(|error| unavailable("limit the worker", &error))?;
        Ok((process, passage.receive()?))
    }

    fn watch(
        pid: Pid,
        group: Option<WorkerGroup>,
        stdin: ChildStdin,
        stdout: ChildStdout,
        stderr: ChildStderr,
    ) -> io::Result<Self> {
        let exited = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        rustix::io::ioctl_fionbio(&stdin, true)?;
        // A failure only costs speed: an unprivileged user's share of pipe memory may be used up.
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, REPLY_PIPE_BYTES);
        Ok(Self {
            pid,
            exited,
            stdin: Some(stdin),
            stdout,
            stderr: Some(stderr),
            unsent: Vec::new(),
            stderr_head: Vec::new(),
            stderr_bytes: 0,
            buffer: vec![0; 128 << 10].into_boxed_slice(),
            is_reaped: false,
            group,
        })
    }

    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Queues bytes for the worker's standard input, which is closed after them.
    pub fn send(&mut self, bytes: Vec<u8>) {
        self.unsent = bytes;
    }

    /// Waits at most `timeout` for bytes from the worker, and serves the other pipes while it waits. `None` when the
    /// worker has closed its end.
    pub fn exchange(&mut self, timeout: Duration) -> Result<Option<&[u8]>, Fault> {
        let is_feeding = !self.unsent.is_empty();
        let mut fds = vec![PollFd::new(&self.stdout, PollFlags::IN)];
        fds.extend(self.stderr.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        if let Some(stdin) = self.stdin.as_ref().filter(|_| is_feeding) {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
        }
        wait(&mut fds, timeout).map_err(|error| unavailable("wait for the worker", &error))?;
        let has_reply = !fds[0].revents().is_empty();
        let (may_read_stderr, may_feed) = (
            self.stderr.is_some() && !fds[1].revents().is_empty(),
            is_feeding && !fds[fds.len() - 1].revents().is_empty(),
        );
        drop(fds);
        if may_read_stderr {
            self.read_stderr();
            self.check_stderr()?;
        }
        if may_feed {
            self.feed();
        }
        if !has_reply {
            return Ok(Some(&[]));
        }
        match self.stdout.read(&mut self.buffer) {
            Ok(0) => Ok(None),
            Ok(count) => Ok(Some(&self.buffer[..count])),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Some(&[])),
            Err(error) => Err(unavailable("read from the worker", &error)),
        }
    }

    /// Waits up to `grace` for the worker to exit by itself, kills what is left of its process group, and reaps it.
    pub fn end(&mut self, grace: Duration) -> Result<ProcessExit, Fault> {
        self.stdin = None;
        let deadline = Instant::now() + grace;
        while !self.has_exited() && Instant::now() < deadline {
            let mut fds = vec![PollFd::new(&self.exited, PollFlags::IN)];
            fds.extend(self.stderr.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
            let left = deadline.saturating_duration_since(Instant::now());
            wait(&mut fds, left).map_err(|error| unavailable("wait for the worker's end", &error))?;
            let may_read_stderr = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
            drop(fds);
            if may_read_stderr {
                self.read_stderr();
            }
        }
        let was_killed = !self.has_exited();
        self.kill();
        let (status, cpu_s) = reap(self.pid).map_err(|error| unavailable("reap the worker", &error))?;
        self.is_reaped = true;
        while self.is_stderr_readable() && self.check_stderr().is_ok() {
            self.read_stderr();
        }
        let is_out_of_memory = self.group.as_ref().is_some_and(WorkerGroup::is_out_of_memory);
        let stderr = std::mem::take(&mut self.stderr_head);
        Ok(ProcessExit { status, was_killed, is_out_of_memory, cpu_s, stderr })
    }

    fn has_exited(&self) -> bool {
        let mut fds = [PollFd::new(&self.exited, PollFlags::IN)];
        wait(&mut fds, Duration::ZERO).is_ok() && !fds[0].revents().is_empty()
    }

    fn is_stderr_readable(&self) -> bool {
        let Some(stderr) = &self.stderr else { return false };
        let mut fds = [PollFd::new(stderr, PollFlags::IN)];
        wait(&mut fds, Duration::ZERO).is_ok() && !fds[0].revents().is_empty()
    }

    /// Reads once. Keeps the beginning of all output and drops the rest, so that a worker that prints much neither
    /// blocks nor fills memory.
    fn read_stderr(&mut self) {
        let Some(stderr) = &mut self.stderr else { return };
        match stderr.read(&mut self.buffer) {
            Ok(0) => self.stderr = None,
            Ok(count) => {
                self.stderr_bytes += count as u64;
                let room = STDERR_BYTES_MAX - self.stderr_head.len();
                self.stderr_head.extend_from_slice(&self.buffer[..count.min(room)]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.stderr = None,
        }
    }

    fn check_stderr(&self) -> Result<(), Fault> {
        if self.stderr_bytes <= STDERR_BYTES_READ_MAX {
            return Ok(());
        }
        let detail = format!("expected at most {STDERR_BYTES_READ_MAX} bytes on standard error, found more");
        Err(Fault::new(Code::WorkerProtocol, detail))
    }

    /// Writes what fits into the pipe. An error only stops the writing: why the worker stopped reading shows in how it
    /// ends.
    fn feed(&mut self) {
        let Some(stdin) = &mut self.stdin else { return };
        match stdin.write(&self.unsent) {
            Ok(count) => drop(self.unsent.drain(..count)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.unsent.clear(),
        }
        if self.unsent.is_empty() {
            self.stdin = None;
        }
    }

    /// Sets the kernel's own limits, which hold between two checks of the watchdog.
    fn limit(&self, budget: &Budget) -> io::Result<()> {
        let memory = budget.memory_bytes;
        // Private writable memory counts whole thread stacks, of which few pages are ever touched.
        let private = memory.saturating_mul(2).saturating_add(1 << 30);
        // Plug-ins, codecs and allocator arenas map far more than they touch.
        let mapped = memory.saturating_mul(4).saturating_add(8 << 30);
        // The kernel sends SIGXCPU at the budget, and SIGKILL two seconds later to a worker that ignores it.
        self.limit_one(Resource::Cpu, budget.cpu_s, budget.cpu_s.saturating_add(2))?;
        self.limit_one(Resource::Data, private, private)?;
        self.limit_one(Resource::As, mapped, mapped)
    }

    /// Sets one limit, at most the engine's own hard limit, which only root could exceed.
    fn limit_one(&self, resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
        let ceiling = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit { current: Some(soft.min(ceiling)), maximum: Some(hard.min(ceiling)) };
        rustix::process::prlimit(Some(self.pid), resource, limit)?;
        Ok(())
    }

    fn kill(&self) {
        // Fails only if the group no longer exists.
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.kill();
            let _ = reap(self.pid);
        }
    }
}

/// Descriptors that the child uses before exec.
struct Inherited {
    source: i32,
    passage: i32,
    group: Option<i32>,
}

/// Runs in the child before exec: enters its control group, passes its memory to the engine, moves the source to its
/// descriptor, marks all others close-on-exec, and asks the kernel to kill the child when the engine ends.
fn become_worker(inherited: &Inherited, parent: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != Some(parent) {
        // The engine died before the line above took effect.
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    let source = inherited.source;
    if let Some(group) = inherited.group {
        // SAFETY: the engine keeps it open until the child has become the worker.
        control_group::enter(unsafe { BorrowedFd::borrow_raw(group) })?;
    }
    pass_own_status(inherited.passage);
    // SAFETY: plain system calls on numbers. `source` is open in the engine and therefore in this child. `dup2` clears
    // close-on-exec on the copy; it does nothing if both numbers are the same, hence the `fcntl`.
    let results = unsafe {
        [
            libc::dup2(source, SOURCE_FD),
            libc::fcntl(SOURCE_FD, libc::F_SETFD, 0),
            libc::syscall(libc::SYS_close_range, SOURCE_FD + 1, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) as i32,
        ]
    };
    if results.contains(&-1) { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits for a child to end; returns its status and its CPU seconds.
fn reap(pid: Pid) -> io::Result<(ExitStatus, f64)> {
    let mut status = 0;
    // SAFETY: all-zero is a valid `rusage`, and both pointers are to locals of the right type.
    let (result, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let result = rustix::io::retry_on_intr(|| {
            match libc::wait4(pid.as_raw_nonzero().get(), &mut status, 0, &mut usage) {
                -1 => Err(rustix::io::Errno::from_io_error(&io::Error::last_os_error())
                    .unwrap_or(rustix::io::Errno::CHILD)),
                _ => Ok(()),
            }
        });
        (result, usage)
    };
    result?;
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok((ExitStatus::from_raw(status), seconds(usage.ru_utime) + seconds(usage.ru_stime)))
}

fn wait(fds: &mut [PollFd<'_>], timeout: Duration) -> io::Result<()> {
    let timeout = Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: timeout.subsec_nanos().into() };
    match poll(fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn unavailable(doing: &str, error: &io::Error) -> Fault {
    Fault::new(Code::WorkerUnavailable, format!("{doing}: {error}"))
}
