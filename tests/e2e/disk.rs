//! A home whose disk becomes full, read-only or slow at any step of an asset, and is well again later: every asset ends as it
//! would have ended, and nothing needs a person.
//!
//! `REELGATE_OUTAGES` sets how many moments one home goes through (a long run: 40), `REELGATE_SEED` replays a schedule.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::random::{Random, number};
use crate::service::{Service, until};
use crate::support::{TempHome, by, lines, talk};

/// Moments that each home goes through.
const OUTAGES: u64 = 5;
/// Steps at which an outage begins: before the upload is known, when a task of a stage begins, when a notice is delivered.
const STEPS: [&str; 10] = [
    "intake",
    "publish",
    "transcode",
    "withdraw",
    "package",
    "restore",
    "validate",
    "screen",
    "notice",
    "enrich",
];
/// Room for the write-ahead log of the database, which grows to 16 MiB, and for everything else.
const DISK: &str = "size=48m,nr_inodes=4k";
/// What a batch needs at most. Nothing more is free when its outage begins, so that the rest is filled at once.
const BATCH_BYTES_MAX: u64 = 4 << 20;
/// Some outages begin when this much, at most, was written after the step began.
const ROOM_BYTES_MAX: u64 = 128 << 10;
/// Failures after which an outage ends.
const FAILURES_MAX: u64 = 6;
/// Longest wait for a step.
const STEP_MAX: Duration = Duration::from_secs(3);
/// Longest outage: a moment may need neither room nor the right to write.
const OUTAGE_MAX: Duration = Duration::from_secs(2);
/// Lines of the log for each outage: attempts that failed, services that are away and back, calls that are tried again.
const LINES_PER_OUTAGE: u64 = 10;
const BY: [&str; 4] = ["--reason", "ticket 17", "--by", "Ana Officer"];

/// A service whose home, with everything in it, is on a small disk of its own.
struct SmallDisk {
    home: TempHome,
    service: Service,
    filler: File,
    /// The process that refuses the writes of the database while the disk is read-only.
    refusing: Option<Child>,
    random: Random,
    /// Name of each upload → state in which it must end.
    expected: BTreeMap<String, &'static str>,
    /// Ids of uploads that were erased; they have no name.
    erased: Vec<String>,
    batches: u64,
}

impl SmallDisk {
    fn new(seed: u64) -> Self {
        Self::with(seed, "REELGATE_LOG=warn")
    }

    /// With a setting in the environment.
    fn with(seed: u64, setting: &str) -> Self {
        let home = TempHome::encoding_quickly();
        std::fs::create_dir(home.path()).unwrap();
        let mount = format!("mount -t tmpfs -o {DISK} none '{}' && exec \"$@\"", home.path().display());
        let program = ["env", "REELGATE_LOG=warn", setting, "unshare", "--mount", "sh", "-c", &mount, "sh"];
        let service = Service::start_by(&program, &home);
        let filler = File::create(inside(&service, &home.path()).join("filler")).unwrap();
        until("the self-test has passed", || service.get("/readyz"), |(status, _)| *status == 200);
        Self {
            home,
            service,
            filler,
            refusing: None,
            random: Random(seed),
            expected: BTreeMap::new(),
            erased: Vec::new(),
            batches: 0,
        }
    }

    /// A path of the home, as this process reaches it.
    fn path(&self, name: &str) -> PathBuf {
        inside(&self.service, &self.home.path()).join(name)
    }

    /// Runs a command where the small disk is mounted.
    fn by_its_side(&self, command: &Command) -> Output {
        by(&["nsenter", "--mount", "--target", &self.service.id(), "--"], command).output().unwrap()
    }

    fn reelgate(&self, arguments: &[&str]) -> Output {
        self.by_its_side(&self.home.command(arguments))
    }

    fn shell(&self, script: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(self.home.path()).current_dir("/");
        let output = self.by_its_side(&command);
        assert!(output.status.success(), "{script}: {}", talk(&output));
    }

    /// Leaves this much room on the disk and no more.
    fn fill(&self, room_bytes: u64) {
        let (mut at, bytes) = (self.filler.metadata().unwrap().len(), vec![1; 1 << 20]);
        loop {
            match self.filler.write_at(&bytes, at) {
                Ok(written) => at += written as u64,
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.filler.set_len(at.saturating_sub(room_bytes)).unwrap();
    }

    /// Leaves this many inodes free: no file, directory or link beyond them can be made, and files that exist can be written.
    fn fill_inodes(&self, room: u64) {
        let dir = self.path("filler.d");
        std::fs::create_dir(&dir).unwrap();
        let made = (0_u64..).take_while(|number| match File::create(dir.join(number.to_string())) {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::StorageFull => false,
            Err(error) => panic!("{error}"),
        });
        let made = made.count() as u64;
        for number in made.saturating_sub(room)..made {
            std::fs::remove_file(dir.join(number.to_string())).unwrap();
        }
    }

    /// Makes the home read-only. Paths are by a second mount. Files that are open for writing, which only a file system with
    /// errors of its own makes read-only, are those of the database: their writes are refused with the same error.
    fn refuse_writes(&mut self) {
        self.shell(r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1""#);
        let calls = "trace=pwrite64,ftruncate";
        let refused = "inject=pwrite64,ftruncate:error=EROFS";
        self.refusing = Some(strace(&self.service, &[calls, refused]));
    }

    /// Gives all room back and allows writes again.
    fn heal(&mut self) {
        self.filler.set_len(0).unwrap();
        // Only where inodes were used up.
        let _ = std::fs::remove_dir_all(self.path("filler.d"));
        if let Some(refusing) = self.refusing.take() {
            end(refusing);
            // Files that were opened meanwhile stay read-only, as on a disk that is mounted again.
            self.shell(r#"umount --lazy "$1""#);
        }
    }

    /// Three new uploads: one for each end.
    fn upload(&mut self) {
        let number = self.batches;
        self.batches += 1;
        // A trailing `free` box makes the content new without changing the media (ISO/IEC 14496-12, 8.1.2).
        let free = [&[0, 0, 0, 16][..], b"free", &number.to_be_bytes()].concat();
        for (from, name, tail, end) in [
            ("h264-aac.mp4", format!("clean-{number}.mp4"), free.clone(), "published"),
            ("card-in-subtitle.mp4", format!("card-{number}.mp4"), free, "quarantined"),
            ("hls-file.mp4", format!("list-{number}.mp4"), format!("#{number}\n").into_bytes(), "rejected"),
        ] {
            self.upload_one(from, name, &tail, end);
        }
    }

    /// A test file with a tail, and the state in which it must end.
    fn upload_one(&mut self, from: &str, name: String, tail: &[u8], end: &'static str) {
        let media = std::fs::read(reelgate_test_media::files().join(from)).unwrap();
        let hidden = self.path("ingest/.copying");
        std::fs::write(&hidden, [&media, tail].concat()).unwrap();
        std::fs::rename(hidden, self.path("ingest").join(&name)).unwrap();
        self.expected.insert(name, end);
    }

    /// Decides about uploads of earlier batches: every other clean one is quarantined and then released, and refused ones are
    /// erased.
    fn decide(&mut self) {
        let Some(last) = self.batches.checked_sub(1) else { return };
        let ids: BTreeMap<String, String> =
            self.assets().into_iter().map(|(id, name, _)| (name, id)).collect();
        let (verb, of, end) = match last % 2 {
            0 => ("quarantine", last, "quarantined"),
            _ => ("release", last - 1, "published"),
        };
        let (decided, refused) = (format!("clean-{of}.mp4"), format!("list-{last}.mp4"));
        for (verb, name) in [(verb, &decided), ("erase", &refused)] {
            let output = self.reelgate(&[&[verb, &ids[name]], &BY[..]].concat());
            assert_eq!(output.status.code(), Some(0), "{verb}: {}", talk(&output));
        }
        self.expected.insert(decided, end);
        self.expected.remove(&refused);
        self.erased.push(ids[&refused].clone());
    }

    /// Id, key and state of every asset.
    fn assets(&self) -> Vec<(String, String, String)> {
        let listed = self.reelgate(&["list", "--json", "--limit", "1000"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let asset =
            |line: &Value| (text(&line["asset_id"]), text(&line["source"]["path"]), text(&line["state"]));
        lines(&listed.stdout, &talk(&listed)).iter().map(asset).collect()
    }

    fn not_erased(&self) -> Vec<(String, String, String)> {
        self.assets().into_iter().filter(|(id, ..)| !self.erased.contains(id)).collect()
    }

    /// What failed, but not because of an upload.
    fn failures(&self) -> u64 {
        self.service.counted("reelgate_store_failures_total", &[])
            + self.service.counted("reelgate_faults_total", &["class=\"quota\""])
            + self.service.counted("reelgate_faults_total", &["class=\"infrastructure\""])
            + self.service.counted("reelgate_notices_total", &["result=\"refused\""])
    }

    /// How often a step began.
    fn began(&self, step: &str) -> u64 {
        match step {
            "intake" => 0,
            "notice" => self.service.counted("reelgate_notices_total", &["result=\"delivered\""]),
            stage => self.service.counted("reelgate_tasks_began_total", &[&format!("stage=\"{stage}\"")]),
        }
    }

    /// One batch, and one outage that begins at a step of it.
    fn go_through(&mut self, step: &str, begin: fn(&mut Self, u64)) {
        self.fill(BATCH_BYTES_MAX);
        self.decide();
        let (began, failed) = (self.began(step), self.failures());
        self.upload();
        let room_bytes = if self.random.below(3) == 0 { self.random.below(ROOM_BYTES_MAX) } else { 0 };
        // A step takes milliseconds, and there may be none of it in this batch.
        let since = Instant::now();
        while step != "intake" && self.began(step) == began && since.elapsed() < STEP_MAX {
            std::thread::yield_now();
        }
        let failures = 1 + self.random.below(FAILURES_MAX);
        begin(self, room_bytes);
        let since = Instant::now();
        until(
            "the outage is felt or long enough",
            || self.failures() - failed,
            |found| *found >= failures || since.elapsed() > OUTAGE_MAX,
        );
        assert_eq!(self.service.get("/healthz").0, 200, "batch {}", self.batches);
        let (_, readiness) = self.service.get("/readyz");
        assert_eq!(readiness.lines().count(), 1, "{readiness}");
        let listed = self.reelgate(&["list"]);
        let said = talk(&listed);
        assert!(listed.status.success() || is_one_line(&said), "{said}");
        self.assert_nothing_else_is_published();
        self.heal();
        self.until_ended();
        self.assert_nothing_else_is_published();
    }

    fn until_ended(&self) {
        let wanted: Vec<(String, String)> =
            self.expected.iter().map(|(name, end)| (name.clone(), (*end).to_owned())).collect();
        let found = || {
            let mut found: Vec<(String, String)> =
                self.not_erased().into_iter().map(|(_, name, state)| (name, state)).collect();
            found.sort();
            found
        };
        let batch = format!("batch {} ends as it would have ended", self.batches);
        until(&batch, found, |found| *found == wanted);
        let left = || self.erased.iter().filter(|id| self.path("rejected").join(id).exists()).count();
        until("what is erased is gone", left, |left| *left == 0);
    }

    /// What is visible may be visible; more is checked when everything has ended.
    fn assert_nothing_else_is_published(&self) {
        for entry in self.path("published").read_dir().unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            assert!(name.starts_with("clean-"), "{name} is published");
        }
    }

    /// When everything has ended: nothing is lost, nothing is left, and the service ends in order.
    fn check(self, outages: u64) {
        let stages =
            ["validate", "transcode", "enrich", "screen", "package", "publish", "withdraw", "restore"];
        let faults = stages.map(|stage| {
            let labels = [&format!("stage=\"{stage}\""), "result=\"fault\""];
            (stage, self.service.counted("reelgate_tasks_ended_total", &labels))
        });
        let store = self.service.counted("reelgate_store_failures_total", &[]);
        println!("{outages} outages: faults {faults:?}, {store} failed calls of the store");
        let assets = self.assets();
        for (id, name, _) in assets.iter().filter(|(.., state)| state == "published") {
            let verified = self.reelgate(&["verify", id]);
            assert_eq!(verified.status.code(), Some(0), "{name}: {}", talk(&verified));
        }
        let mut visible: Vec<String> = self
            .path("published")
            .read_dir()
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        visible.sort();
        let published = self.expected.iter().filter(|(_, end)| **end == "published");
        assert_eq!(visible, published.map(|(name, _)| name.clone()).collect::<Vec<_>>());
        for (id, name, state) in &self.not_erased() {
            if ["quarantined", "rejected"].contains(&state.as_str()) {
                let area = if state == "rejected" { "rejected" } else { "quarantine" };
                assert!(self.path(area).join(id).join("source").exists(), "{name}: its source is kept");
                assert!(!self.path("ingest").join(name).exists(), "{name}");
            }
        }
        until(
            "every notice is delivered",
            || self.notices(),
            |found| assets.iter().all(|(id, ..)| found.values().any(|asset| asset == id)),
        );
        until("no staged file is left", || below(&self.path("work")), Vec::is_empty);
        for (metric, what) in [
            ("reelgate_leases_lost_total", "a lease was lost"),
            ("reelgate_invariant_violations", "an invariant was broken"),
            ("reelgate_actor_exits_total", "an actor ended"),
        ] {
            assert_eq!(self.service.counted(metric, &[]), 0, "{what}");
        }
        let log = self.service.log();
        println!("{} lines of log", log.len());
        assert!(log.len() as u64 <= outages * LINES_PER_OUTAGE, "{} lines: {log:#?}", log.len());
        assert!(!log.iter().any(|line| line.contains("panicked")), "{log:#?}");
        assert_eq!(self.service.stop(), Some(0));
    }

    /// Id of each notice in the file, which holds whole lines and no notice twice → id of its asset.
    fn notices(&self) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(self.path("notices.jsonl")).unwrap();
        let mut found = BTreeMap::new();
        for line in text.lines() {
            let notice: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let text = |name: &str| notice[name].as_str().unwrap().to_owned();
            assert_eq!(found.insert(text("id"), text("asset_id")), None, "a notice is there twice: {line}");
        }
        found
    }
}

fn inside(service: &Service, path: &Path) -> PathBuf {
    Path::new("/proc").join(service.id()).join("root").join(path.strip_prefix("/").unwrap())
}

/// Changes system calls of the service; its threads are followed.
fn strace(service: &Service, expressions: &[&str]) -> Child {
    let mut command = Command::new("strace");
    command.args(["-f", "-p", &service.id(), "-o", "/dev/null"]);
    for expression in expressions {
        command.args(["-e", expression]);
    }
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", service.id());
    until(
        "it is traced",
        || std::fs::read_to_string(&status).unwrap(),
        |status| status.contains(&format!("TracerPid:\t{}\n", child.id())),
    );
    child
}

/// Lets the traced process go.
fn end(mut strace: Child) {
    assert!(Command::new("kill").args(["-INT", &strace.id().to_string()]).status().unwrap().success());
    strace.wait().unwrap();
}

fn is_one_line(said: &str) -> bool {
    said.starts_with("reelgate: ") && said.lines().count() == 1 && !said.contains("panicked")
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in dir.read_dir().into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(below(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}

/// The moments of one home, from this step on.
fn survives(first: usize, begin: fn(&mut SmallDisk, u64)) {
    let (seed, outages) = (number("REELGATE_SEED", first as u64), number("REELGATE_OUTAGES", OUTAGES));
    println!("seed {seed}, {outages} outages");
    let mut disk = SmallDisk::new(seed);
    for outage in 0..outages {
        let step = (first + outage as usize) % STEPS.len();
        disk.go_through(STEPS[step], begin);
    }
    disk.check(outages);
}

#[test]
fn a_disk_that_is_full_at_any_step_changes_no_end() {
    survives(0, |disk, room_bytes| disk.fill(room_bytes));
}

#[test]
fn a_disk_without_inodes_at_any_step_changes_no_end() {
    // About one for 2 KiB of outputs.
    survives(1, |disk, room_bytes| disk.fill_inodes(room_bytes / 2_048));
}

#[test]
fn a_disk_that_is_read_only_at_any_step_changes_no_end() {
    survives(0, |disk, _| disk.refuse_writes());
}

#[test]
fn a_disk_that_stays_full_is_named_in_one_line_and_floods_no_log() {
    let mut disk = SmallDisk::new(1);
    disk.fill(0);
    // The database itself cannot write.
    let readiness = || disk.service.get("/readyz");
    let said = until("the node says so", readiness, |(status, _)| *status == 503);
    assert!(said.1.starts_with("store: ") && said.1.lines().count() == 1, "{said:?}");
    // By the last call: of the database, or of the file beside it that keeps the seal of the audit log.
    let cause = ["database or disk is full", "No space left on device"];
    assert!(cause.iter().any(|cause| said.1.contains(cause)), "{said:?}");
    assert!(said.1.contains("goes on by itself"), "{said:?}");
    assert_eq!(disk.service.get("/healthz").0, 200);
    let nodes = disk.reelgate(&["quarantine", "none", "--reason", "ticket 17"]);
    assert!(is_one_line(&talk(&nodes)), "{}", talk(&nodes));
    let log = disk.service.log();
    assert!(log.len() <= 3, "{log:#?}");
    disk.heal();
    until("the node is ready again", || disk.service.get("/readyz"), |(status, _)| *status == 200);
    disk.upload();
    disk.until_ended();
    disk.check(1);
}

#[test]
fn a_read_only_home_is_refused_in_one_line() {
    let read_only = r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@""#;
    let refused = |home: &TempHome, arguments: &[&str]| {
        let path = home.path();
        let program = ["unshare", "--mount", "sh", "-c", read_only, path.to_str().unwrap()];
        let output = by(&program, &home.command(arguments)).output().unwrap();
        let said = talk(&output);
        assert!(is_one_line(&said) && said.contains("ead-only"), "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    };
    let media = reelgate_test_media::files().join("empty.mp4");
    let run = ["run", media.to_str().unwrap()];
    let home = TempHome::new();
    std::fs::create_dir(home.path()).unwrap();
    refused(&home, &["serve"]);
    refused(&home, &run);
    assert_eq!(home.run(&[&media]).0, 3);
    refused(&home, &["serve"]);
    refused(&home, &run);
}

#[test]
fn a_slow_disk_costs_no_lease() {
    // Tasks wait for the disk for longer than a lease lasts; transactions, which wait for no flush, are short beside it.
    let mut disk = SmallDisk::with(1, "REELGATE__ENGINE__LEASE_MS=5000");
    let calls = "trace=fsync,fdatasync,pwrite64,/^(mkdir|rename|link|unlink)";
    let flushes = "inject=fsync,fdatasync:delay_enter=1000000";
    let others = "inject=pwrite64,/^(mkdir|rename|link|unlink):delay_enter=2000";
    let slow = strace(&disk.service, &[calls, flushes, others]);
    disk.upload_one("aac.m4a", "clean-0.m4a".to_owned(), &[], "published");
    disk.until_ended();
    end(slow);
    disk.check(1);
}
