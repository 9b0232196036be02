//! Kills the whole process group at random moments, starts it again, and checks the invariants: every upload ends once,
//! no notice is lost or doubled, outputs are complete, no staged file is left.
//!
//! `REELGATE_KILLS` sets the number of kills (a long run: 200), `REELGATE_SEED` replays a schedule.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

#[path = "../common/random.rs"]
mod random;
#[path = "../common/uploads.rs"]
mod uploads;
mod withdrawal;

use random::{Random, number};
use uploads::uploads;

const CRASHES: u64 = 40;
/// Longest time before a kill: a little more than the longest task of these small uploads takes.
const LIFE_MAX_MS: u64 = 1_500;

/// Starts to work; what is validated from then on is packaged so.
fn start(home: &Path, uploads: &Path, segments: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reelgate"));
    command.args(["run", "--json", "--home"]).arg(home).arg(uploads);
    command.env("REELGATE__MEDIA__VIDEO__PRESET", "ultrafast");
    command.env("REELGATE__MEDIA__PACKAGE__SEGMENTS", segments);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0).spawn().unwrap()
}

fn kill_group(child: &Child) {
    // The group may have ended already.
    let _ =
        Command::new("kill").args(["-9", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status();
}

/// Processes whose command line or open home belongs to this test.
fn processes_of(home: &Path) -> Vec<String> {
    let listed = Command::new("pgrep").args(["-af", home.to_str().unwrap()]).output().unwrap();
    let own = std::process::id().to_string();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    text.lines().filter(|line| !line.starts_with(&own)).map(str::to_owned).collect()
}

/// Makes this process the parent of what its children leave behind.
fn adopt_orphans() {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
}

/// Media workers that outlived their engine and still run: children of this process that have not ended (state `Z`, proc(5)).
fn orphans() -> usize {
    let own = std::process::id().to_string();
    let listed = Command::new("ps").args(["-o", "stat=,comm=", "--ppid", &own]).output().unwrap();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    text.lines().filter(|line| !line.starts_with('Z') && line.contains("reelgate-worker")).count()
}

#[test]
fn kills_lose_nothing_and_double_nothing() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = number("REELGATE_SEED", now);
    let crashes = number("REELGATE_KILLS", CRASHES);
    println!("seed {seed}, {crashes} kills");
    adopt_orphans();
    let mut random = Random(seed);
    let dir = tempfile::tempdir().unwrap();
    let (home, inbox) = (dir.path().join("home"), dir.path().join("uploads"));
    uploads(&inbox, 60);
    let mut kills = 0;
    let mut batch = 0;
    while kills < crashes {
        let mut child = start(&home, &inbox, if kills % 2 == 0 { "byte-ranges" } else { "files" });
        std::thread::sleep(Duration::from_millis(random.below(LIFE_MAX_MS)));
        let ended = child.try_wait().unwrap().is_some();
        kill_group(&child);
        child.wait().unwrap();
        kills += u64::from(!ended);
        if ended {
            // All work is done: a new batch, so that the next kill interrupts work again.
            batch += 1;
            more(&inbox, batch);
        }
    }
    let last = start(&home, &inbox, "byte-ranges").wait_with_output().unwrap();
    assert_eq!(
        last.status.code(),
        Some(3),
        "seed {seed}: the last run ends, with refused uploads among the others"
    );
    check(&home, &inbox, &last.stdout, seed);
}

/// Copies with another time are new uploads of the same content under new names.
fn more(inbox: &Path, batch: u64) {
    for number in 0..10 {
        let from = inbox.join(format!("{number:03}.mp4"));
        let mut bytes = std::fs::read(from).unwrap();
        if number % 2 == 0 {
            // A trailing `free` box makes the content new without changing the media (ISO/IEC 14496-12, 8.1.2).
            bytes.extend([0, 0, 0, 16]);
            bytes.extend(b"free");
            bytes.extend(batch.to_be_bytes());
        }
        std::fs::write(inbox.join(format!("{batch:03}-{number:03}.mp4")), bytes).unwrap();
    }
}

fn check(home: &Path, inbox: &Path, stdout: &[u8], seed: u64) {
    let lines: Vec<Value> = std::str::from_utf8(stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let uploads = std::fs::read_dir(inbox).unwrap().count();
    assert_eq!(lines.len(), uploads, "seed {seed}: every upload is an asset, once");
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &lines {
        let state = line["state"].as_str().unwrap();
        *states.entry(state).or_default() += 1;
        assert!(["published", "rejected", "quarantined"].contains(&state), "seed {seed}: {line}");
        if state == "published" {
            let id = line["asset_id"].as_str().unwrap();
            let mut verify = Command::new(env!("CARGO_BIN_EXE_reelgate"));
            let verified = verify.args(["verify", id, "--home"]).arg(home).output().unwrap();
            let text = String::from_utf8_lossy(&verified.stdout).into_owned();
            assert_eq!(verified.status.code(), Some(0), "seed {seed}: {id}: {text}");
        }
    }
    println!("seed {seed}: {uploads} uploads ended as {states:?}");
    assert_eq!(states.len(), 3, "seed {seed}: every fate occurs: {states:?}");
    let notices = std::fs::read_to_string(home.join("notices.jsonl")).unwrap();
    assert!(notices.ends_with('\n'), "seed {seed}: a torn last line");
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in notices.lines() {
        let notice: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("seed {seed}: {error}: {line}"));
        let text = |name: &str| notice[name].as_str().unwrap().to_owned();
        ids.entry(text("asset_id")).or_default().insert(text("id"));
    }
    assert_eq!(ids.len(), uploads, "seed {seed}: every asset has its notice");
    assert!(ids.values().all(|ids| ids.len() == 1), "seed {seed}: one id for each asset");
    assert_eq!(below(&home.join("work")), Vec::<PathBuf>::new(), "seed {seed}: staged files are left");
    let stray = |path: &PathBuf| path.extension().is_some_and(|end| end == "partial" || end == "tmp");
    assert!(!below(home).iter().any(stray), "seed {seed}: temporary files are left");
    assert_eq!(processes_of(home), Vec::<String>::new(), "seed {seed}: processes are left");
    assert_eq!(orphans(), 0, "seed {seed}: media workers are left");
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}
