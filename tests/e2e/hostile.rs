//! Hostile uploads: each is refused with a code, opens no file and makes no connection.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{TempHome, code, sample};

/// Writes hostile uploads that point at a secret file and a listening socket of this test.
fn hostile(home: &TempHome, url: &str) -> (PathBuf, PathBuf) {
    let secret = home.file("secret.ts");
    std::fs::write(&secret, "a secret that no upload may read").unwrap();
    let out = home.file("hostile/x").parent().unwrap().to_path_buf();
    let made = Command::new("python3")
        .arg(reelgate_test_media::hostile_script())
        .arg(&out)
        .args(["--file", secret.to_str().unwrap(), "--url", url])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    (out, secret)
}

#[test]
fn every_hostile_upload_is_refused_with_a_code_and_touches_nothing() {
    let home = TempHome::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x.ts", listener.local_addr().unwrap());
    let (dir, secret) = hostile(&home, &url);
    let trace = home.file("trace");
    let strace = ["-f", "-qq", "-e", "trace=openat,open,openat2,connect,execve", "-o"];
    let mut command = Command::new("strace");
    command.args(strace).arg(&trace).arg(env!("CARGO_BIN_EXE_reelgate")).args(["run", "--json", "--home"]);
    let output = command.arg(home.path()).arg(&dir).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{talk}");
    let run = crate::support::lines(&output.stdout, &talk);
    assert_eq!(run.len(), std::fs::read_dir(&dir).unwrap().count());
    for line in &run {
        assert_eq!(line["state"], "rejected", "{}: {}", line["source"]["path"], line["reason"]);
        assert_eq!(line["reason"]["class"], "bad_media", "{}: {}", line["source"]["path"], line["reason"]);
        assert!(line["outputs"].is_null());
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "an upload made a connection");
    let calls = std::fs::read_to_string(&trace).unwrap();
    assert!(calls.lines().count() > 100, "strace saw {} calls", calls.lines().count());
    assert!(!calls.contains(secret.to_str().unwrap()), "an upload opened the secret");
    assert!(!calls.contains("AF_INET"), "something connected");
}

#[test]
fn the_name_does_not_matter_only_the_content() {
    let home = TempHome::new();
    let disguised = home.file("holiday.txt");
    std::fs::copy(sample("big-buck-bunny-5s.mp4"), &disguised).unwrap();
    let text = home.file("text.mp4");
    std::fs::write(&text, "this is not a video\n".repeat(50)).unwrap();
    let empty = home.file("empty.mov");
    std::fs::write(&empty, "").unwrap();
    let (_, run) = home.run(&[&disguised, &text, &empty]);
    assert_eq!(run[0]["state"], "published", "{}", run[0]);
    assert_eq!(code(&run[1]), "not_media");
    assert_eq!(code(&run[2]), "empty_upload");
    let hashed: Vec<bool> = run.iter().map(|line| line["source"]["sha256"].is_string()).collect();
    assert_eq!(hashed, [true, false, false], "a file is not hashed that its first bytes refuse");
}

#[test]
fn a_truncated_upload_is_refused_before_anything_is_encoded() {
    let home = TempHome::new();
    let bytes = std::fs::read(sample("sintel-trailer-720p.mp4")).unwrap();
    let cut = home.file("cut.mp4");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let (status, run) = home.run(&[&cut]);
    assert_eq!(status, 3);
    assert!(["truncated", "damaged_index"].contains(&code(&run[0])), "{}", run[0]["reason"]);
    assert!(!run[0]["stages"].as_array().unwrap().iter().any(|stage| stage["stage"] == "transcode"));
}

#[test]
fn a_checksum_file_is_compared_with_the_upload() {
    let home = TempHome::new();
    let upload = |name: &str, checksum: &str| {
        let path = home.file(name);
        std::fs::copy(sample("playlist-in-disguise.mp4"), &path).unwrap();
        std::fs::write(format!("{}.sha256", path.display()), checksum).unwrap();
        path
    };
    let wrong = upload("wrong.mp4", &format!("{}  wrong.mp4\n", "0".repeat(64)));
    let unreadable = upload("unreadable.mp4", "not a checksum\n");
    let (_, run) = home.run(&[&wrong, &unreadable]);
    assert_eq!(code(&run[0]), "checksum_mismatch");
    assert_eq!(code(&run[1]), "checksum_unreadable");
    let dir: &Path = wrong.parent().unwrap();
    let (_, listed) = home.run(&[dir]);
    assert_eq!(listed.len(), 2, "a checksum file is not an upload");
}

#[test]
fn an_upload_with_a_name_of_full_length_is_published() {
    let home = TempHome::new();
    let path = home.file(&format!("{}.m4a", "n".repeat(251)));
    std::fs::copy(reelgate_test_media::files().join("aac.m4a"), &path).unwrap();
    let (status, run) = home.run(&[&path]);
    assert_eq!((status, &run[0]["state"]), (0, &"published".into()), "{}", run[0]);
}

#[test]
fn names_with_spaces_signs_and_unicode_are_ordinary_names() {
    let home = TempHome::new();
    let names = [
        "awesome movie.mov",
        "file+with+data&streams=works?.mp4",
        "ünïcödé 映画.mp4",
        "100%2F.mp4",
        "new\nline.mp4",
        "-rf.mp4",
    ];
    let files: Vec<PathBuf> = names
        .iter()
        .enumerate()
        .map(|(number, name)| {
            let path = home.file(name);
            let mut bytes = std::fs::read(sample("playlist-in-disguise.mp4")).unwrap();
            bytes.extend(format!("#{number}\n").bytes());
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let (_, run) = home.run(&paths);
    assert_eq!(run.len(), names.len());
    for (line, path) in run.iter().zip(&paths) {
        assert_eq!(line["source"]["path"].as_str().unwrap(), path.to_str().unwrap());
        assert_eq!(code(line), "playlist_refused");
    }
}
