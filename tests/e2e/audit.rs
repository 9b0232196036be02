//! The audit log records every decision, and an export shows whether a line was changed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::decisions::{clip, history_details};
use crate::support::{TempHome, talk};

/// A home with an upload, a decision and its outcome.
fn with_history() -> (TempHome, String) {
    let home = TempHome::new();
    let upload = clip(&home, "write to planted.person@example-mail.net.mp4", 80);
    let (_, ran) = home.run(&[&upload]);
    let id = ran[0]["asset_id"].as_str().unwrap().to_owned();
    let decided = home.reelgate(&["quarantine", &id, "--reason", "ticket 18", "--by", "Ana"]);
    assert_eq!(decided.status.code(), Some(0), "{}", talk(&decided));
    home.run(&[&upload]);
    (home, id)
}

fn export(home: &TempHome, name: &str) -> Vec<u8> {
    let file = home.file(name);
    let output = home.reelgate(&["audit", "export", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    std::fs::read(file).unwrap()
}

fn verify(home: &TempHome, file: &Path) -> Output {
    home.reelgate(&["audit", "verify", file.to_str().unwrap()])
}

#[test]
fn one_changed_missing_moved_or_cut_record_is_found() {
    let (home, id) = with_history();
    let whole = export(&home, "log.jsonl");
    let verified = verify(&home, &home.file("log.jsonl"));
    assert_eq!(verified.status.code(), Some(0), "{}", talk(&verified));
    assert!(talk(&verified).contains("complete and unchanged"), "{}", talk(&verified));
    let text = String::from_utf8(whole.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let records = lines.len() - 1;
    assert!(records > 20, "expected a history, found {records} records");
    assert!(text.contains("quarantine by Ana (uid ") && text.contains(&id));
    assert!(!text.contains("planted.person"), "a record holds the key");

    let joined = |lines: &[&str]| format!("{}\n", lines.join("\n")).into_bytes();
    let flipped = |line: usize| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        lines[line] = lines[line].replacen("\"at_ms\":1", "\"at_ms\":3", 1);
        assert_ne!(lines[line], text.lines().nth(line).unwrap());
        format!("{}\n", lines.join("\n")).into_bytes()
    };
    let without = |line: usize| joined(&[&lines[..line], &lines[line + 1..]].concat());
    let mut swapped = lines.clone();
    swapped.swap(4, 5);
    let mut last_bit = whole.clone();
    let middle = whole.len() / 2;
    last_bit[middle] ^= 1;
    for (how, changed) in [
        ("a first record changed", flipped(0)),
        ("a record in the middle changed", flipped(records / 2)),
        ("the last record changed", flipped(records - 1)),
        ("one bit flipped", last_bit),
        ("the first record missing", without(0)),
        ("a record missing", without(7)),
        ("the last record missing", without(records - 1)),
        ("two records swapped", joined(&swapped)),
        ("a record doubled", joined(&[&lines[..6], &lines[5..]].concat())),
        ("no seal", joined(&lines[..records])),
        ("cut in a line", whole[..middle].to_vec()),
        ("something after the seal", [&whole[..], b"{}\n"].concat()),
        ("empty", Vec::new()),
    ] {
        let file = home.file("changed.jsonl");
        std::fs::write(&file, changed).unwrap();
        let refused = verify(&home, &file);
        assert_eq!(refused.status.code(), Some(3), "{how}: {}", talk(&refused));
        assert!(talk(&refused).contains("the export was changed: "), "{how}: {}", talk(&refused));
    }
    let absent = verify(&home, &home.file("absent.jsonl"));
    assert_eq!(absent.status.code(), Some(2), "{}", talk(&absent));
}

#[test]
fn a_later_export_begins_with_the_earlier_one() {
    let (home, id) = with_history();
    let early = export(&home, "early.jsonl");
    let held = home.reelgate(&["hold", &id, "--reason", "asked by a court", "--by", "Ben"]);
    assert_eq!(held.status.code(), Some(0), "{}", talk(&held));
    let late = export(&home, "late.jsonl");
    let records = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.pop();
        lines
    };
    let (early, late) = (records(&early), records(&late));
    assert!(late.len() > early.len());
    assert_eq!(late[..early.len()], early[..]);
    assert!(
        late.iter().any(|line| line.contains("hold by Ben (uid ") && line.contains("): asked by a court"))
    );
}

#[test]
fn feedback_names_a_finding_and_changes_nothing_but_the_record() {
    let (home, id) = with_history();
    let feedback = |finding: &str| {
        home.reelgate(&[
            "feedback",
            finding,
            "--false-positive",
            "--reason",
            "an address of ours",
            "--by",
            "Ana",
        ])
    };
    for (finding, why) in [
        (id.clone(), "expected a finding as ASSET/KIND"),
        (format!("{id}/CREDIT_CARD_NUMBER"), "expected one of its findings (EMAIL_ADDRESS)"),
        ("zzzzzz/EMAIL_ADDRESS".to_owned(), "zzzzzz"),
    ] {
        let refused = feedback(&finding);
        assert_eq!(refused.status.code(), Some(2), "{finding}: {}", talk(&refused));
        assert!(talk(&refused).contains(why), "{finding}: {}", talk(&refused));
    }
    let taken = feedback(&format!("{id}/EMAIL_ADDRESS"));
    assert_eq!(taken.status.code(), Some(0), "{}", talk(&taken));
    let decided = history_details(&home, &id, "decided");
    let last = decided.last().unwrap();
    assert!(last.starts_with("false_positive of EMAIL_ADDRESS by Ana (uid "), "{last}");
    assert!(last.ends_with("): an address of ours"), "{last}");
    let shown = home.reelgate(&["show", &id, "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["state"], "quarantined");
}

#[test]
fn a_database_that_was_replaced_by_an_older_copy_is_told() {
    let home = TempHome::new();
    let upload = home.file("note.mp4");
    std::fs::write(&upload, "no video").unwrap();
    let (_, ran) = home.run(&[&upload]);
    let id = ran[0]["asset_id"].as_str().unwrap().to_owned();
    let seal = home.path().join("audit-seal.json");
    let sealed = std::fs::read_to_string(&seal).expect("a run seals what it wrote");
    assert_eq!(std::fs::metadata(&seal).unwrap().permissions().mode() & 0o7777, 0o600);
    let database = home.path().join("reelgate.sqlite");
    let older = home.file("older.sqlite");
    std::fs::copy(&database, &older).unwrap();
    let hold = |more: &[&str]| {
        home.reelgate(&[&["hold", &*id, "--reason", "ticket 9", "--by", "Ana"], more].concat())
    };
    assert_eq!(hold(&[]).status.code(), Some(0));
    assert_ne!(std::fs::read_to_string(&seal).unwrap(), sealed, "a decision is sealed at once");
    let verify = || home.reelgate(&["audit", "verify"]);
    assert_eq!(verify().status.code(), Some(0), "{}", talk(&verify()));
    std::fs::copy(&older, &database).unwrap();
    for log in ["reelgate.sqlite-wal", "reelgate.sqlite-shm"] {
        let path = home.path().join(log);
        assert!(!path.exists() || std::fs::remove_file(path).is_ok());
    }
    let told = |output: &Output, status: i32, words: &str| {
        assert_eq!(output.status.code(), Some(status), "{}", talk(output));
        assert!(talk(output).contains(words), "{}", talk(output));
    };
    let rolled_back = "the database was replaced by an older one, and the last ";
    told(&verify(), 3, rolled_back);
    let file = home.file("log.jsonl");
    told(&home.reelgate(&["audit", "export", file.to_str().unwrap()]), 1, rolled_back);
    told(&home.reelgate(&["audit", "verify", file.to_str().unwrap()]), 3, rolled_back);
    // A log that goes on from the older copy does not become whole by that, and the seal stays.
    let kept = std::fs::read_to_string(&seal).unwrap();
    for more in [&[][..], &["--off"], &[], &["--off"], &[]] {
        assert_eq!(hold(more).status.code(), Some(1), "the decision is made, and the older log is told");
    }
    told(&verify(), 3, "is not the one that the seal outside of the database names");
    assert_eq!(std::fs::read_to_string(&seal).unwrap(), kept);
}

#[test]
fn a_seal_of_a_notice_tells_a_database_that_was_replaced_together_with_the_kept_seal() {
    let home = TempHome::new();
    let upload = home.file("note.mp4");
    std::fs::write(&upload, "no video").unwrap();
    let (_, ran) = home.run(&[&upload]);
    let id = ran[0]["asset_id"].as_str().unwrap().to_owned();
    let sealed = |home: &TempHome| {
        let kept = std::fs::read_to_string(home.path().join("audit-seal.json")).unwrap();
        let seal: serde_json::Value = serde_json::from_str(&kept).unwrap();
        format!("{}:{}", seal["records"], seal["head"].as_str().unwrap())
    };
    let verify = |seals: &[&str]| {
        let given = seals.iter().flat_map(|seal| ["--seal", *seal]);
        home.reelgate(&["audit", "verify"].into_iter().chain(given).collect::<Vec<_>>())
    };
    let told = |output: &Output, status: i32, words: &str| {
        assert_eq!(output.status.code(), Some(status), "{}", talk(output));
        assert!(talk(output).contains(words), "{}", talk(output));
    };
    let earlier = sealed(&home);
    let older = home.file("older");
    std::fs::create_dir(&older).unwrap();
    let copy = |from: &Path, to: &Path| {
        for name in ["reelgate.sqlite", "audit-seal.json"] {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    };
    copy(&home.path(), &older);
    let held = home.reelgate(&["hold", &id, "--reason", "ticket 9", "--by", "Ana"]);
    assert_eq!(held.status.code(), Some(0), "{}", talk(&held));
    let later = sealed(&home);
    told(&verify(&[&earlier, &later]), 0, "with everything that the seals of ");
    for log in ["reelgate.sqlite-wal", "reelgate.sqlite-shm"] {
        let path = home.path().join(log);
        assert!(!path.exists() || std::fs::remove_file(path).is_ok());
    }
    copy(&older, &home.path());
    told(&verify(&[]), 0, "complete and unchanged");
    told(&verify(&[&earlier]), 0, "complete and unchanged");
    told(&verify(&[&earlier, &later]), 3, "does not hold the seal that was given: expected at least ");
    told(&verify(&[&later]), 3, &later);
    let other = format!("{}:{}", earlier.split_once(':').unwrap().0, "0".repeat(64));
    told(&verify(&[&other]), 3, "does not hold the seal that was given: record ");
    told(&verify(&["7"]), 2, "expected a number of records from 1, a colon and 64 hexadecimal digits");
}
