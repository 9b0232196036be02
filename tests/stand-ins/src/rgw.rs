//! The S3 gateway of Ceph with an in-memory object store: a production server for benches, which verifies signatures. It
//! stores at most 4 GiB, answers a completed multipart upload with an empty ETag and supports no CRC checksums, so clients
//! must use checksums only where they are required.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::home;
use crate::server::{Recipe, Running, Stop, answers, free_port, listens};

/// Access key of the only user.
pub const ACCESS_KEY: &str = "REELGATEACCESSKEY000";
/// Secret of the only user.
pub const SECRET_KEY: &str = "reelgate-secret";

/// A private gateway with its monitor and its store, which start in about 15 s.
pub struct Rgw {
    endpoint: String,
    // Dropped in this order: a gateway without a store would wait for it.
    _gateway: Running,
    _store: Running,
    _monitor: Running,
    _dir: TempDir,
}

impl Rgw {
    /// Starts a gateway; needs `deploy/local/setup.sh --with-benches`.
    pub fn start() -> Self {
        let ceph = Ceph::prepare();
        let monitor = ceph.monitor();
        let store = ceph.store();
        let endpoint = format!("http://127.0.0.1:{}", ceph.port);
        let gateway = ceph.recipe("radosgw", &["-n", "client.rgw", "-f"]);
        let gateway = Running::start(&gateway, || answers(&format!("{endpoint}/")));
        ceph.run(
            "radosgw-admin",
            &["user", "create", "--uid=reelgate", "--display-name=reelgate", "--access-key", ACCESS_KEY]
                .iter()
                .copied()
                .chain(["--secret-key", SECRET_KEY])
                .collect::<Vec<_>>(),
        );
        Self { endpoint, _gateway: gateway, _store: store, _monitor: monitor, _dir: ceph.dir }
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

/// The unpacked packages and one cluster's configuration.
struct Ceph {
    root: PathBuf,
    dir: TempDir,
    fsid: String,
    monitor_port: u16,
    port: u16,
}

impl Ceph {
    fn prepare() -> Self {
        let root = home::of("ceph", "--with-benches");
        let dir = tempfile::Builder::new().prefix("rg-ceph-").tempdir_in("/tmp").expect("/tmp is writable");
        for part in ["mon", "osd", "run", "rgw", "monitor", "store", "gateway"] {
            std::fs::create_dir(dir.path().join(part)).expect("the directory is new");
        }
        let ceph = Self { root, dir, fsid: uuid(), monitor_port: free_port(), port: free_port() };
        let configuration = include_str!("ceph.conf")
            .replace("FSID", &ceph.fsid)
            .replace("MON_V2", &ceph.monitor_port.to_string())
            .replace("MON_V1", &free_port().to_string())
            .replace("PORT", &ceph.port.to_string())
            .replace("DIR", &ceph.dir.path().to_string_lossy())
            .replace("LIB", &ceph.libraries().to_string_lossy());
        std::fs::write(ceph.configuration(), configuration).expect("the directory is writable");
        ceph
    }

    fn monitor(&self) -> Running {
        let map = self.dir.path().join("monmap").to_string_lossy().into_owned();
        let address = format!("[v2:127.0.0.1:{}]", self.monitor_port);
        self.run("monmaptool", &["--create", "--fsid", &self.fsid, "--addv", "a", &address, &map]);
        self.run("ceph-mon", &["-i", "a", "--mkfs", "--monmap", &map]);
        Running::start(&self.recipe("ceph-mon", &["-i", "a", "-f"]), || listens(self.monitor_port))
    }

    fn store(&self) -> Running {
        self.run("ceph-osd", &["-i", "0", "--mkfs", "--osd-uuid", &uuid()]);
        let fsid =
            std::fs::read_to_string(self.dir.path().join("osd/fsid")).expect("mkfs wrote the store's id");
        self.admin(&["osd", "new", fsid.trim()]);
        self.admin(&["osd", "crush", "add", "osd.0", "1.0", "host=h", "root=default"]);
        let up = || self.ask(&["osd", "stat"]).is_some_and(|stat| stat.contains("1 up"));
        Running::start(&self.recipe("ceph-osd", &["-i", "0", "-f"]), up)
    }

    fn libraries(&self) -> PathBuf {
        self.root.join("usr/lib/x86_64-linux-gnu")
    }

    fn configuration(&self) -> PathBuf {
        self.dir.path().join("ceph.conf")
    }

    fn envs(&self) -> Vec<(String, OsString)> {
        let libraries =
            [self.root.join("lib/x86_64-linux-gnu"), self.libraries(), self.libraries().join("ceph")];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [self.root.join("usr/bin")].into_iter().chain(std::env::split_paths(&path));
        let joined = |paths: Vec<PathBuf>| std::env::join_paths(paths).expect("no colon in these paths");
        vec![
            ("CEPH_CONF".to_owned(), self.configuration().into()),
            ("LD_LIBRARY_PATH".to_owned(), joined(libraries.into())),
            ("PATH".to_owned(), joined(path.collect())),
            ("PYTHONPATH".to_owned(), self.root.join("usr/lib/python3/dist-packages").into()),
        ]
    }

    fn recipe(&self, program: &'static str, args: &[&str]) -> Recipe {
        let mut args: Vec<OsString> = args.iter().map(OsString::from).collect();
        args.extend(["-c".into(), self.configuration().into()]);
        let home = match program {
            "ceph-mon" => "monitor",
            "ceph-osd" => "store",
            _ => "gateway",
        };
        Recipe {
            name: program,
            program: self.root.join("usr/bin").join(program),
            args,
            envs: self.envs(),
            dir: self.dir.path().join(home),
            never_root: false,
            stop: Stop::Terminate,
        }
    }

    /// Runs a program of the packages to its end.
    fn run(&self, program: &str, args: &[&str]) {
        let output = self.command(&self.root.join("usr/bin").join(program)).args(args).output();
        let output = output.unwrap_or_else(|error| panic!("start {program}: {error}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Sends a command to the monitor, with retries until the monitor has elected itself.
    fn admin(&self, order: &[&str]) {
        let done = (0..20).any(|_| self.ask(order).is_some());
        assert!(done, "expected ceph to carry out `{}`, found it failing 20 times", order.join(" "));
    }

    fn ask(&self, order: &[&str]) -> Option<String> {
        let mut ceph = self.command(Path::new("/usr/bin/python3"));
        let output =
            ceph.arg(self.root.join("usr/bin/ceph")).args(["--connect-timeout", "3"]).args(order).output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.envs(self.envs()).current_dir(self.dir.path());
        command
    }
}

fn uuid() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/uuid").expect("the kernel provides UUIDs");
    text.trim().to_owned()
}
