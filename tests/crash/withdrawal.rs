//! Kills during quarantine, release and erasure: a restart finishes each decision once, and meanwhile nothing is visible that was
//! decided to be hidden.
//!
//! `REELGATE_SEED` replays a schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::random::{Random, number};
use crate::uploads::tool;
use crate::{below, kill_group, start};

/// Times the assets are quarantined and released.
const ROUNDS: usize = 4;
/// Most kills after each decision: a process that ends by itself has no work left to interrupt.
const KILLS: usize = 8;
/// Longest time before a kill: a start and the work after a decision take less.
const LIFE_MAX_MS: u64 = 150;
const BY: [&str; 4] = ["--reason", "a crash test", "--by", "Ana"];

/// A home at rest with two versions of a key and a copy of the newer one.
struct CrashFixture {
    dir: tempfile::TempDir,
    random: Random,
    seed: u64,
    /// `old`, `new` and `copy`.
    ids: BTreeMap<&'static str, String>,
    kills: usize,
}

impl CrashFixture {
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("none")).unwrap();
        let mut fixture = Self { dir, random: Random(seed), seed, ids: BTreeMap::new(), kills: 0 };
        let mut serving = fixture.command(&["serve", "--listen", "127.0.0.1:0"]);
        serving.env("REELGATE__SERVE__POLL_MS", "50").env("REELGATE__SERVE__SETTLE_MS", "100");
        let mut service = serving.stderr(Stdio::null()).spawn().unwrap();
        let ingest = fixture.home().join("ingest");
        let (first, second) = (fixture.clip(1), fixture.clip(2));
        fixture.wait("the ingest directory", |_| ingest.is_dir());
        std::fs::rename(first, ingest.join("key.mp4")).unwrap();
        let old = fixture.wait_for("published", &[]);
        std::fs::copy(&second, ingest.join(".copy")).unwrap();
        std::fs::rename(second, ingest.join("key.mp4")).unwrap();
        let new = fixture.wait_for("published", &[&old]);
        std::fs::rename(ingest.join(".copy"), ingest.join("copy.mp4")).unwrap();
        let copy = fixture.wait_for("published", &[&old, &new]);
        fixture.ids = BTreeMap::from([("old", old), ("new", new), ("copy", copy)]);
        assert!(Command::new("kill").arg(service.id().to_string()).status().unwrap().success());
        service.wait().unwrap();
        fixture
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn clip(&self, hue: u32) -> PathBuf {
        let path = self.dir.path().join(format!("{hue}.mp4"));
        let picture = format!("testsrc2=s=160x120:r=10:d=1,hue=h={}", hue * 60);
        let head = ["-v", "error", "-f", "lavfi", "-i", &picture];
        tool("ffmpeg", &[&head[..], &["-c:v", "libx264", path.to_str().unwrap()]].concat());
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reelgate"));
        command.args(arguments).arg("--home").arg(self.home());
        command
    }

    fn reelgate(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.reelgate(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn wait(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !holds(self) {
            assert!(Instant::now() < deadline, "seed {}: waited in vain for {what}", self.seed);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The id of the only asset in this state that is not among the known ones.
    fn wait_for(&self, state: &str, known: &[&String]) -> String {
        let mut found = None;
        self.wait(state, |fixture| {
            let listed = fixture.lines(&["list", "--json", "--state", state]);
            let mut ids = listed.iter().map(|line| line["asset_id"].as_str().unwrap().to_owned());
            found = ids.find(|id| !known.contains(&id));
            found.is_some()
        });
        found.unwrap()
    }

    fn decide(&self, verb: &str, asset: &str) {
        let by = if ["release", "erase"].contains(&verb) { &BY[..] } else { &BY[..4] };
        let output = self.reelgate(&[&[verb, &*self.ids[asset]], by].concat());
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "seed {}: {verb} {asset}: {talk}", self.seed);
    }

    /// Runs `reelgate` on the due work and kills it; then lets a run finish.
    fn work(&mut self) {
        let none = self.dir.path().join("none");
        for _ in 0..KILLS {
            let mut child = start(&self.home(), &none, "files");
            std::thread::sleep(Duration::from_millis(self.random.below(LIFE_MAX_MS)));
            let ended = child.try_wait().unwrap().is_some();
            kill_group(&child);
            child.wait().unwrap();
            if ended {
                break;
            }
            self.kills += 1;
        }
        self.finish();
    }

    fn finish(&self) {
        let ended = start(&self.home(), &self.dir.path().join("none"), "files").wait_with_output().unwrap();
        assert!(matches!(ended.status.code(), Some(0 | 3)), "seed {}: {}", self.seed, ended.status);
    }

    fn history_count(&self, asset: &str, what: &str) -> usize {
        let why = self.lines(&["why", &self.ids[asset], "--json"]);
        why.iter().filter(|line| line["what"] == what).count()
    }

    fn state(&self, asset: &str) -> String {
        let shown = self.lines(&["show", &self.ids[asset], "--json"]);
        shown[0]["state"].as_str().unwrap().to_owned()
    }

    /// Published files by relative path.
    fn published(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        bytes_below(&self.home().join("published"))
    }

    /// Histories, and every file except notices, the database, its seal and its locks. Locks say who opened them, and a notice whose
    /// delivery was killed waits and is delivered by a later run, which is a line of the audit log that the seal covers.
    fn everything(&self) -> (Vec<Value>, BTreeMap<PathBuf, Vec<u8>>) {
        let lines = self.ids.values().flat_map(|id| self.lines(&["why", id, "--json"]));
        let lines = lines.filter(|line| line["what"] != "notice_sent").collect();
        let mut files = bytes_below(&self.home());
        let lasting = |path: &Path| {
            let name = path.to_string_lossy();
            let changes = ["notices.jsonl", "audit-seal.json"].contains(&&*name);
            !name.starts_with("reelgate.sqlite") && !name.ends_with(".lock") && !changes
        };
        files.retain(|path, _| lasting(path));
        (lines, files)
    }

    /// Files outside of these areas that hold any of this content.
    fn left(&self, content: &BTreeSet<Vec<u8>>, but: &str) -> Vec<PathBuf> {
        let files = bytes_below(&self.home());
        let holds = |(path, bytes): &(&PathBuf, &Vec<u8>)| content.contains(*bytes) && !path.starts_with(but);
        files.iter().filter(holds).map(|(path, _)| path.clone()).collect()
    }
}

fn bytes_below(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let relative = |path: &Path| path.strip_prefix(dir).unwrap().to_owned();
    below(dir).iter().map(|path| (relative(path), std::fs::read(path).unwrap())).collect()
}

#[test]
fn kills_during_quarantine_release_and_erasure_leave_nothing_half_done() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = number("REELGATE_SEED", now);
    println!("seed {seed}");
    let mut fixture = CrashFixture::new(seed);
    let shown = fixture.published();
    let sources = bytes_below(&fixture.home().join("ingest")).into_values();
    let content: BTreeSet<Vec<u8>> = shown.values().cloned().chain(sources).collect();
    for round in 1..=ROUNDS {
        fixture.decide("quarantine", "new");
        // The first time the copy follows the other asset. After its release another asset's quarantine does not include it.
        if round > 1 {
            fixture.decide("quarantine", "copy");
        }
        fixture.work();
        check_apart(&fixture, round, &content);
        for asset in ["new", "copy"] {
            fixture.decide("release", asset);
        }
        fixture.work();
        assert!(fixture.published() == shown, "seed {seed}, round {round}: not what it was before");
        for asset in ["new", "copy"] {
            let verified = fixture.reelgate(&["verify", &fixture.ids[asset]]);
            assert_eq!(verified.status.code(), Some(0), "seed {seed}, round {round}: {asset}");
        }
    }
    for asset in ["old", "new", "copy"] {
        fixture.decide("erase", asset);
    }
    fixture.work();
    check_erased(&fixture, &content);
    check_audit(&fixture);
    println!("seed {seed}: {} kills", fixture.kills);
    assert!(fixture.kills > ROUNDS, "seed {seed}: most decisions are to meet a kill");
}

fn check_apart(fixture: &CrashFixture, round: usize, content: &BTreeSet<Vec<u8>>) {
    let seed = fixture.seed;
    for (asset, withdrawal_records) in [("old", 1), ("new", round), ("copy", round)] {
        let why = || fixture.lines(&["why", &fixture.ids[asset], "--json"]);
        assert_eq!(fixture.state(asset), "quarantined", "seed {seed}, round {round}: {asset}: {:?}", why());
        assert_eq!(
            fixture.history_count(asset, "closed"),
            withdrawal_records,
            "seed {seed}, round {round}: {asset}"
        );
    }
    assert!(fixture.published().is_empty(), "seed {seed}, round {round}: {:?}", fixture.published().keys());
    let left = fixture.left(content, "quarantine");
    assert_eq!(left, Vec::<PathBuf>::new(), "seed {seed}, round {round}");
    let (histories, files) = fixture.everything();
    fixture.finish();
    let (later_histories, later_files) = fixture.everything();
    assert_eq!(later_histories, histories, "seed {seed}, round {round}: another run does something");
    let changed: Vec<&PathBuf> = files
        .keys()
        .chain(later_files.keys())
        .filter(|path| files.get(*path) != later_files.get(*path))
        .collect();
    assert!(changed.is_empty(), "seed {seed}, round {round}: another run changes {changed:?}");
}

fn check_erased(fixture: &CrashFixture, content: &BTreeSet<Vec<u8>>) {
    let seed = fixture.seed;
    assert_eq!(fixture.left(content, "nowhere"), Vec::<PathBuf>::new(), "seed {seed}");
    for asset in ["old", "new", "copy"] {
        assert_eq!(fixture.state(asset), "erased", "seed {seed}: {asset}");
        let certificate = fixture.reelgate(&["erase", &fixture.ids[asset], "--certificate"]);
        assert_eq!(certificate.status.code(), Some(0), "seed {seed}: {asset}");
    }
    // After a kill a notice waits for 20 s, and a run waits for 10 s.
    fixture.finish();
    fixture.finish();
    let notices = std::fs::read_to_string(fixture.home().join("notices.jsonl")).unwrap();
    assert_eq!(notices.matches("\"kind\":\"erased\"").count(), 3, "seed {seed}: one notice for each");
}

fn check_audit(fixture: &CrashFixture) {
    let file = fixture.dir.path().join("audit.jsonl");
    let file = file.to_str().unwrap();
    for verb in ["export", "verify"] {
        let output = fixture.reelgate(&["audit", verb, file]);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "seed {}: audit {verb}: {talk}", fixture.seed);
    }
    let log = std::fs::read_to_string(file).unwrap();
    let decisions = log.lines().filter(|line| line.contains("\"what\":\"decided\"")).count();
    assert_eq!(decisions, ROUNDS * 4 - 1 + 3, "seed {}: every decision is in the log, once", fixture.seed);
}
