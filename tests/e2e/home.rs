//! The home on disk: who may read it, that `check` leaves it alone, and what happens while the disk is full.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::service::{Service, copy_in, states, until};
use crate::support::{TempHome, by, talk};

/// Mode, size and time of the last change, in nanoseconds, of everything below a directory, by path.
fn tree(dir: &Path) -> BTreeMap<String, (u32, u64, i128)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(path) = pending.pop() {
        // A running service removes files.
        let Ok(metadata) = path.symlink_metadata() else { continue };
        let changed_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
        found.insert(name, (metadata.mode() & 0o7777, metadata.len(), changed_ns));
        if metadata.is_dir() {
            pending.extend(path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    found
}

fn media(name: &str) -> std::path::PathBuf {
    reelgate_test_media::files().join(name)
}

fn upload(home: &TempHome, name: &str) {
    copy_in(&media(name), &home.path().join("ingest").join(name));
}

fn until_published(home: &TempHome, name: &str) {
    let published = (name.to_owned(), "published".to_owned());
    until("the upload is published", || states(home), |states| states.contains(&published));
}

#[test]
fn files_are_for_their_owner_only_and_outputs_for_everybody_whatever_the_umask() {
    for umask in ["000", "077", "277"] {
        let home = TempHome::new();
        let script = format!("umask {umask}; exec \"$@\"");
        let service = Service::start_by(&["sh", "-c", &script, "sh"], &home);
        upload(&home, "aac.m4a");
        until_published(&home, "aac.m4a");
        // The notice goes out after the commit that ended the asset.
        until("the notice is delivered", || home.path().join("notices.jsonl").exists(), |exists| *exists);
        let tree = tree(&home.path());
        for name in ["engine.lock", "publish.lock", "reelgate.sqlite", "reelgate.sqlite-wal", "notices.jsonl"]
        {
            assert!(tree.contains_key(name), "{name} is missing: {:?}", tree.keys());
        }
        for (path, (mode, ..)) in &tree {
            let is_dir = home.path().join(path).is_dir();
            let is_shared = path == "ingest" || path == "published" || path.starts_with("published/");
            let expected = match (is_dir, is_shared) {
                (true, true) => 0o755,
                (true, false) => 0o700,
                (false, true) => 0o644,
                (false, false) => 0o600,
            };
            // Of the uploads only their producers decide.
            if !path.starts_with("ingest/") {
                assert_eq!(format!("{mode:o}"), format!("{expected:o}"), "umask {umask}: {path}");
            }
        }
        assert_eq!(service.stop(), Some(0));
    }
}

#[test]
fn files_of_an_earlier_version_are_taken_away_from_others_and_opened_directories_stay_open() {
    let home = TempHome::new();
    assert_eq!(home.run(&[&media("empty.mp4")]).0, 3);
    let set = |name: &str, mode: &str| {
        assert!(Command::new("chmod").arg(mode).arg(home.path().join(name)).status().unwrap().success());
    };
    set("reelgate.sqlite", "644");
    set("engine.lock", "644");
    set("ingest", "1777");
    assert_eq!(home.run(&[&media("empty.mp4")]).0, 3);
    let modes = tree(&home.path());
    let mode = |name: &str| format!("{:o}", modes[name].0);
    assert_eq!((mode("reelgate.sqlite"), mode("engine.lock")), ("600".into(), "600".into()));
    assert_eq!(mode("ingest"), "1777", "the operator lets producers write there");
}

fn assert_check_changes_nothing(home: &TempHome, of: &str, expected: &str) {
    let before = tree(&home.path());
    let output = home.reelgate(&["check"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{of}: {text}{}", talk(&output));
    assert!(text.contains(expected), "{of}: {text}");
    assert_eq!(tree(&home.path()), before, "{of}");
}

#[test]
fn check_leaves_every_file_of_a_home_as_it_is() {
    let home = TempHome::new();
    std::fs::create_dir(home.path()).unwrap();
    assert_check_changes_nothing(&home, "an empty directory", "there is no database yet");
    assert_eq!(home.run(&[&media("empty.mp4")]).0, 3);
    // What an operator or an earlier version has made different.
    for (name, mode) in [("reelgate.sqlite", "644"), ("publish.lock", "644"), ("published", "750")] {
        let path = home.path().join(name);
        let made = std::fs::File::options().create(true).append(true).open(&path);
        assert!(made.is_ok() || path.is_dir());
        assert!(Command::new("chmod").arg(mode).arg(path).status().unwrap().success());
    }
    std::fs::create_dir_all(home.path().join("work/.trash/asset")).unwrap();
    std::fs::remove_dir(home.path().join("released")).unwrap();
    assert_check_changes_nothing(&home, "a home at rest", " 1 asset");
    let service = Service::start(&home);
    upload(&home, "aac.m4a");
    until_published(&home, "aac.m4a");
    service.kill();
    assert!(home.path().join("reelgate.sqlite-wal").exists(), "a crash leaves the write-ahead log");
    assert_check_changes_nothing(&home, "a home after a crash", " 2 assets");
}

#[test]
fn check_makes_no_system_call_that_changes_the_home() {
    let home = TempHome::new();
    assert_eq!(home.run(&[&media("empty.mp4")]).0, 3);
    let trace = home.file("trace");
    let strace = ["strace", "-f", "-qq", "-e", "trace=%file,fchmod,ftruncate,pwrite64", "-o"];
    let strace = [&strace[..], &[trace.to_str().unwrap()]].concat();
    let output = by(&strace, &home.command(&["check"])).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let calls = std::fs::read_to_string(&trace).unwrap();
    let in_home: Vec<&str> =
        calls.lines().filter(|line| line.contains(home.path().to_str().unwrap())).collect();
    assert!(in_home.iter().any(|line| line.contains("reelgate.sqlite")), "{in_home:#?}");
    let writes = [
        "O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "mkdir", "unlink", "rename", " link", "symlink", "chmod",
        "chown", "utime", "truncate",
    ];
    let changes: Vec<&&str> =
        in_home.iter().filter(|line| writes.iter().any(|write| line.contains(write))).collect();
    assert!(changes.is_empty(), "{changes:#?}");
}

/// Limits every file that the process writes to these bytes: what lies behind them cannot be written, as on a full disk.
fn limit_files(service: &Service, bytes: &str) {
    let limit = format!("--fsize={bytes}:");
    let done = Command::new("prlimit").args(["--pid", &service.id(), &limit]).status().unwrap();
    assert!(done.success(), "prlimit {limit}");
}

/// Calls of the store that failed so far.
fn store_failures(service: &Service) -> u64 {
    service.counted("reelgate_store_failures_total", &[])
}

#[test]
fn uploads_are_published_once_the_disk_has_room_again() {
    let home = TempHome::new();
    // Otherwise the signal of the limit ends the process.
    let service = Service::start_by(&["env", "--ignore-signal=XFSZ"], &home);
    upload(&home, "aac.m4a");
    until_published(&home, "aac.m4a");
    limit_files(&service, "4096");
    upload(&home, "flac.flac");
    until("calls of the store fail", || store_failures(&service), |failures| *failures >= 5);
    assert_eq!(states(&home).len(), 1, "nothing was written");
    limit_files(&service, "unlimited");
    until_published(&home, "flac.flac");
    assert_eq!(service.stop(), Some(0));
}

/// Attempts that found the disk full.
fn full_disk_faults(service: &Service) -> u64 {
    service.counted("reelgate_faults_total", &["code=\"quota_disk\""])
}

#[test]
fn outputs_wait_for_room_on_a_full_disk_and_are_published_once_there_is_some() {
    const ROOM_BYTES: u64 = 4 * 1024;
    const PAGE_BYTES: u64 = 4 * 1024;
    let home = TempHome::new();
    std::fs::create_dir(home.path()).unwrap();
    // The database has another disk.
    let database = format!("sqlite:{}", home.file("reelgate.sqlite").display());
    let setting = format!("REELGATE__STORE__URL={database}");
    let mount = format!("mount -t tmpfs -o size=4m none '{}' && exec \"$@\"", home.path().display());
    let service =
        Service::start_by(&["env", &setting, "unshare", "--mount", "sh", "-c", &mount, "sh"], &home);
    let inside = Path::new("/proc").join(service.id()).join("root");
    let inside = inside.join(home.path().strip_prefix("/").unwrap());
    let name = "flac.flac";
    let upload_bytes = media(name).metadata().unwrap().len().next_multiple_of(PAGE_BYTES);
    let filler = inside.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    let full = std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let filled_bytes = file.metadata().unwrap().len();
    file.set_len(filled_bytes - upload_bytes - ROOM_BYTES).unwrap();
    copy_in(&media(name), &inside.join("ingest").join(name));

    let said = until(
        "the node says that the disk is full",
        || service.get("/readyz"),
        |(status, body)| *status == 503 && body.starts_with("disk: "),
    );
    assert!(said.1.contains("goes on by itself"), "{said:?}");
    until("it tries again", || full_disk_faults(&service), |faults| *faults > 5);
    let listed = || {
        let output =
            home.command(&["list", "--json"]).env("REELGATE__STORE__URL", &database).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let before = listed();
    assert!(before.contains("\"state\":\"processing\""), "{before}");
    file.set_len(0).unwrap();
    until("the upload is published", listed, |listed| listed.contains("\"state\":\"published\""));
    until("the node is ready again", || service.get("/readyz"), |(status, _)| *status == 200);
    assert_eq!(service.stop(), Some(0));
}
