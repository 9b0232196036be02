//! One server process: started with its output in a file, awaited, stopped by a signal, and never left running.

use std::ffi::OsString;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

/// Longest time from a server's start to its first answer. LocalStack needs 23 s the first time.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// Longest time that a server may take to end after the signal. A Ceph store needs more than 4 s.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
const CHECK_EVERY: Duration = Duration::from_millis(20);

/// How one server is started.
pub(crate) struct Recipe {
    pub name: &'static str,
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub envs: Vec<(String, OsString)>,
    /// Working directory and log file; the caller removes it.
    pub dir: PathBuf,
    /// PostgreSQL refuses to run as root.
    pub never_root: bool,
    pub stop: Stop,
}

/// The signal that ends a server.
#[derive(Clone, Copy)]
pub(crate) enum Stop {
    Interrupt,
    Terminate,
    /// For a server that keeps nothing and takes long to end by itself.
    Kill,
}

impl Stop {
    /// The signal's name for shells and `setpriv`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
            Self::Kill => "KILL",
        }
    }

    fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
            Self::Kill => Signal::KILL,
        }
    }
}

impl Recipe {
    /// Program and arguments. With `setpriv`, the kernel signals the server when the thread that started it ends.
    pub(crate) fn command_line(&self) -> Vec<OsString> {
        let mut line: Vec<OsString> = ["setpriv", "--pdeathsig", self.stop.name()].map(Into::into).into();
        if self.never_root && rustix::process::geteuid().is_root() {
            line.extend(AS_NOBODY.iter().map(OsString::from));
        }
        line.push("--".into());
        line.push(self.program.clone().into());
        line.extend(self.args.iter().cloned());
        line
    }

    /// A command of `line` in the server's directory and environment, its output in `log`.
    pub(crate) fn command(&self, line: &[OsString]) -> Command {
        let log = File::create(self.dir.join("log")).expect("the server's directory is writable");
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).envs(self.envs.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.dir).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("the log's descriptor can be cloned")).stderr(log);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }

    /// The last lines of the server's log, for error messages.
    pub(crate) fn last_log_lines(&self) -> String {
        let text = std::fs::read(self.dir.join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(15).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// Arguments of `setpriv` that change from root to an unprivileged user.
pub(crate) const AS_NOBODY: &[&str] = &["--reuid=nobody", "--regid=nogroup", "--clear-groups"];

/// A private server; it ends when this value is dropped.
pub(crate) struct Running {
    child: Child,
    stop: Stop,
    /// Keeps the thread that started the server alive, because the kernel's death signal depends on that thread.
    _thread: mpsc::Sender<()>,
}

impl Running {
    /// Starts a server and waits until it is `ready`.
    ///
    /// # Panics
    /// If the server cannot be started, ends at once or does not answer in time; the message has its last log lines.
    pub(crate) fn start(recipe: &Recipe, ready: impl Fn() -> bool) -> Self {
        let (keep_alive, dropped) = mpsc::channel();
        let (sender, receiver) = mpsc::channel();
        let mut command = recipe.command(&recipe.command_line());
        std::thread::spawn(move || {
            let _ = sender.send(command.spawn());
            let _ = dropped.recv(); // returns when the value is dropped
        });
        let child = receiver.recv().expect("the thread sends the result of the start");
        let child = child.unwrap_or_else(|error| panic!("start {}: {error}", recipe.name));
        let mut running = Self { child, stop: recipe.stop, _thread: keep_alive };
        await_ready(recipe, ready, || running.child.try_wait().is_ok_and(|status| status.is_none()));
        running
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Signals the server to end and waits for it. Then kills it, if it still runs, and everything that it started.
    pub(crate) fn stop(&mut self) {
        let group = self.pid();
        if !self.ended() {
            let _ = kill_process(group, self.stop.signal());
            let deadline = Instant::now() + STOPPED_WITHIN;
            while !self.ended() && Instant::now() < deadline {
                std::thread::sleep(CHECK_EVERY);
            }
        }
        self.kill();
    }

    /// Kills the server and everything in its process group, as a power cut would.
    pub(crate) fn kill(&mut self) {
        let group = self.pid();
        if test_kill_process_group(group).is_ok() {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }

    fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until the server is `ready`, while it is `alive`.
pub(crate) fn await_ready(recipe: &Recipe, ready: impl Fn() -> bool, mut alive: impl FnMut() -> bool) {
    let deadline = Instant::now() + READY_WITHIN;
    while !ready() {
        let name = recipe.name;
        assert!(alive(), "expected {name} to run, found that it ended at once:\n{}", recipe.last_log_lines());
        assert!(
            Instant::now() < deadline,
            "expected an answer of {name} within {READY_WITHIN:?}, found none:\n{}",
            recipe.last_log_lines()
        );
        std::thread::sleep(CHECK_EVERY);
    }
}

/// A loopback port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Whether a server listens on this loopback port.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Whether `url` is answered over HTTP without a server error.
pub(crate) fn answers(url: &str) -> bool {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .http_status_as_error(false)
        .build()
        .new_agent();
    agent.get(url).call().is_ok_and(|response| response.status().as_u16() < 500)
}
