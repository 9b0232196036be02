//! PostgreSQL from the system's packages: the real server, with a temporary data directory.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::server::{AS_NOBODY, Recipe, Running, Stop, free_port};
use crate::shared::{self, Use};
use crate::unique_names::fresh_name;

/// The superuser of every server; needs no password, and may connect only over loopback and the socket.
pub const USER: &str = "reelgate";

/// Whether commits survive a failure of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Commits survive a kill of the server, but not a failure of the machine; for tests.
    Fast,
    /// Commits are flushed as in production; for benches.
    Durable,
}

/// The address of a server, and the operations on it while it runs.
pub struct Cluster {
    /// Directory of the binaries of the version in use.
    bin: PathBuf,
    /// Contains `data`, `log` and the socket.
    dir: PathBuf,
    port: u16,
}

/// A database. It is dropped with this value, even if sessions are still connected.
pub struct Database<'a> {
    cluster: &'a Cluster,
    name: String,
}

/// A private server, which can be stopped, killed and started again at the same address.
pub struct Postgres {
    cluster: Cluster,
    recipe: Recipe,
    running: Option<Running>,
    _dir: TempDir,
}

/// The server that all test processes of this checkout share, with [`Durability::Fast`].
pub struct SharedPostgres {
    cluster: Cluster,
    _use: Use,
}

impl Postgres {
    /// Creates a data directory and starts a server on it, in about two seconds.
    pub fn start(durability: Durability) -> Self {
        let dir = short_directory();
        let cluster = Cluster::at(dir.path(), free_port());
        cluster.initialise();
        let recipe = cluster.recipe(durability);
        let mut server = Self { cluster, recipe, running: None, _dir: dir };
        server.start_again();
        server
    }

    /// Stops the server like `pg_ctl stop -m fast`: open transactions are rolled back.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Kills the server and every session at once, as a failure of the machine would.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            // Every session leads its own process group.
            let sessions = children(running.pid());
            running.kill();
            sessions.into_iter().for_each(|session| _ = kill_process(session, Signal::KILL));
        }
    }

    /// Starts a stopped or killed server on the same data and at the same address.
    pub fn start_again(&mut self) {
        self.running = Some(Running::start(&self.recipe, || self.cluster.is_ready()));
    }

    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }
}

impl SharedPostgres {
    /// Joins the shared server, and starts it if it does not run yet.
    pub fn join() -> Self {
        let prepare = || {
            let dir = short_directory().keep(); // the watchdog removes it
            let cluster = Cluster::at(&dir, free_port());
            cluster.initialise();
            (cluster.recipe(Durability::Fast), format!("{} {}", cluster.port, dir.display()))
        };
        let at = |address: &str| {
            let (port, dir) = address.split_once(' ')?;
            Some(Cluster::at(Path::new(dir), port.parse().ok()?))
        };
        let used = shared::join("postgres", prepare, |address| {
            at(address).is_some_and(|cluster| cluster.is_ready())
        });
        let cluster = at(&used.address).expect("the address has just answered");
        Self { cluster, _use: used }
    }
}

impl Deref for Postgres {
    type Target = Cluster;
    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Deref for SharedPostgres {
    type Target = Cluster;
    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Cluster {
    /// The connection URL of a database, over the Unix socket.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@localhost:{}/{database}?host={}", self.port, self.dir.display())
    }

    /// The connection URL of a database over TCP, for tests that watch or disturb connections.
    pub fn tcp_url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The TCP port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Creates an empty database with a new name.
    pub fn fresh_database(&self) -> Database<'_> {
        self.database_like("template1")
    }

    /// Creates a copy of the database `template`, to which nobody may be connected. Cheaper than a migration for every test.
    pub fn database_like(&self, template: &str) -> Database<'_> {
        let name = fresh_name("test").replace('-', "_");
        self.execute("postgres", &format!("create database {name} template {template}"));
        Database { cluster: self, name }
    }

    /// Runs one statement through `psql` and returns its unadorned output.
    ///
    /// # Panics
    /// If the server refuses the statement.
    pub fn execute(&self, database: &str, statement: &str) -> String {
        let output = self.psql(database, statement).output().expect("psql comes with the server");
        assert!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// A database's schema and rows as SQL, by `pg_dump`.
    ///
    /// # Panics
    /// If the database cannot be read.
    pub fn dump(&self, database: &str) -> String {
        let output = self.client("pg_dump", database).output().expect("pg_dump comes with the server");
        assert!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn psql(&self, database: &str, statement: &str) -> Command {
        let mut psql = self.client("psql", database);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        psql
    }

    /// One of the server's client programs, connected to a database.
    fn client(&self, program: &str, database: &str) -> Command {
        let mut client = Command::new(self.bin.join(program));
        client.args(["-U", USER, "-d", database, "-h"]).arg(&self.dir).arg("-p").arg(self.port.to_string());
        client
    }

    fn at(dir: &Path, port: u16) -> Self {
        Self { bin: binaries(), dir: dir.to_owned(), port }
    }

    fn is_ready(&self) -> bool {
        let mut ask = Command::new(self.bin.join("pg_isready"));
        ask.arg("-q").arg("-h").arg(&self.dir).arg("-p").arg(self.port.to_string());
        ask.status().is_ok_and(|status| status.success())
    }

    /// Initialises the data directory.
    fn initialise(&self) {
        let is_root = rustix::process::geteuid().is_root();
        let mut initdb = Command::new(if is_root { "setpriv".into() } else { self.bin.join("initdb") });
        if is_root {
            let nobody = Command::new("chown").arg("nobody:nogroup").arg(&self.dir).status();
            assert!(nobody.is_ok_and(|status| status.success()), "chown the data directory");
            initdb.args(AS_NOBODY).arg("--").arg(self.bin.join("initdb"));
        }
        initdb.arg("-D").arg(self.dir.join("data")).args([
            "-U",
            USER,
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
        ]);
        let output = initdb.arg("--no-locale").current_dir(&self.dir).output().expect("initdb starts");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn recipe(&self, durability: Durability) -> Recipe {
        let mut settings = vec![
            format!("unix_socket_directories={}", self.dir.display()),
            "listen_addresses=127.0.0.1".to_owned(),
            "max_connections=200".to_owned(),
            "shared_buffers=128MB".to_owned(),
        ];
        if durability == Durability::Fast {
            // The kernel has the written pages, so a kill of the server alone loses nothing.
            settings.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
        }
        let mut args = vec!["-D".into(), self.dir.join("data").into()];
        args.extend(["-p".to_owned(), self.port.to_string()].map(Into::into));
        args.extend(settings.into_iter().flat_map(|setting| ["-c".into(), setting.into()]));
        Recipe {
            name: "PostgreSQL",
            program: self.bin.join("postgres"),
            args,
            envs: Vec::new(),
            dir: self.dir.clone(),
            never_root: true,
            stop: Stop::Interrupt,
        }
    }
}

impl Database<'_> {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The connection URL over the Unix socket.
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// The connection URL over TCP.
    pub fn tcp_url(&self) -> String {
        self.cluster.tcp_url(&self.name)
    }

    /// Runs one statement in it; see [`Cluster::execute`].
    pub fn execute(&self, statement: &str) -> String {
        self.cluster.execute(&self.name, statement)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // Best effort: the server may already be down, and is removed with all its databases.
        let statement = format!("drop database if exists {} with (force)", self.name);
        let _ = self.cluster.psql("postgres", &statement).output();
    }
}

/// The binaries of the newest installed version.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|one| Some((one.file_name().to_str()?.parse().ok()?, one.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .collect();
    found.sort();
    let newest = found.pop().expect(
        "expected PostgreSQL under /usr/lib/postgresql, found none: run deploy/local/setup.sh --with-tests",
    );
    newest.1
}

/// A directory with a short name, because the kernel limits socket paths to 107 bytes.
fn short_directory() -> TempDir {
    tempfile::Builder::new().prefix("rg-pg-").tempdir_in("/tmp").expect("/tmp is writable")
}

/// Direct children of a process.
fn children(of: Pid) -> Vec<Pid> {
    let pid = of.as_raw_nonzero();
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)).collect()
}
