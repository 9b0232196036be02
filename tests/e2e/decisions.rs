//! A security officer's decision reaches every copy, can be proved, and can be undone where that is allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::service::{Service, until};
use crate::support::{TempHome, lines, talk, tool};

const BY: [&str; 4] = ["--reason", "ticket 17", "--by", "Ana Officer"];

/// A short clip; each hue is different content.
pub fn clip(home: &TempHome, name: &str, hue: u32) -> PathBuf {
    let path = home.file(name);
    let picture = format!("testsrc2=s=320x180:r=10:d=2,hue=h={hue}");
    let head = ["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine=d=2"];
    let tail = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path.to_str().unwrap()];
    tool("ffmpeg", &[&head[..], &tail[..]].concat());
    path
}

/// A home in which `serve` works while the test makes decisions.
struct Gate {
    home: TempHome,
    service: Service,
}

impl Gate {
    fn new() -> Self {
        let home = TempHome::new();
        let service = Service::start(&home);
        Self { home, service }
    }

    /// Puts a clip of this hue under a key in one step.
    fn upload(&self, key: &str, hue: u32) {
        let clip = clip(&self.home, "clip.mp4", hue);
        std::fs::rename(clip, self.home.path().join("ingest").join(key)).unwrap();
    }

    /// Id and state by key. An erased asset has no key.
    fn assets(&self) -> BTreeMap<String, (String, String)> {
        let listed = self.home.reelgate(&["list", "--json"]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        lines(&listed.stdout, &talk(&listed))
            .iter()
            .map(|line| (text(&line["source"]["path"]), (text(&line["asset_id"]), text(&line["state"]))))
            .collect()
    }

    /// Waits for a state; returns the id.
    fn until(&self, key: &str, state: &str) -> String {
        let holds = |assets: &BTreeMap<String, (String, String)>| {
            assets.get(key).is_some_and(|(_, found)| found == state)
        };
        until(&format!("{key} is {state}"), || self.assets(), holds)[key].0.clone()
    }

    fn decide(&self, verb: &str, id: &str, more: &[&str]) -> Output {
        self.home.reelgate(&[&[verb, id], &BY[..], more].concat())
    }

    fn decided(&self, verb: &str, id: &str, more: &[&str]) {
        let output = self.decide(verb, id, more);
        assert_eq!(output.status.code(), Some(0), "{verb}: {}", talk(&output));
    }

    /// Details of the asset's history lines of one kind.
    fn history_details(&self, id: &str, what: &str) -> Vec<String> {
        history_details(&self.home, id, what)
    }

    fn area(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

/// Details of an asset's history lines of one kind.
pub fn history_details(home: &TempHome, id: &str, what: &str) -> Vec<String> {
    let why = home.reelgate(&["why", id, "--json"]);
    let lines = lines(&why.stdout, &talk(&why));
    let of_kind = lines.iter().filter(|line| line["what"] == what);
    of_kind.map(|line| line["detail"].as_str().unwrap().to_owned()).collect()
}

/// Every file below a directory.
fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// Relative path → bytes.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let relative = |path: PathBuf| path.strip_prefix(dir).unwrap().to_owned();
    below(dir).into_iter().map(|path| (relative(path.clone()), std::fs::read(path).unwrap())).collect()
}

/// The same file, or one with the same bytes.
#[derive(Default)]
struct Content {
    /// Kept open, so that no new file gets one of their inodes.
    files: Vec<File>,
    inodes: BTreeSet<u64>,
    bytes: BTreeSet<Vec<u8>>,
}

impl Content {
    fn of(dirs: &[PathBuf]) -> Self {
        let mut content = Self::default();
        for path in dirs.iter().flat_map(|dir| below(dir)) {
            let file = File::open(&path).unwrap();
            content.inodes.insert(file.metadata().unwrap().ino());
            content.files.push(file);
            content.bytes.insert(std::fs::read(path).unwrap());
        }
        content
    }

    /// Files of the home, outside of these areas, that hold some of this content.
    fn left_in(&self, home: &Path, but: &[&str]) -> Vec<PathBuf> {
        let holds = |path: &PathBuf| {
            let inode = path.metadata().unwrap().ino();
            self.inodes.contains(&inode) || self.bytes.contains(&std::fs::read(path).unwrap())
        };
        let allowed = |path: &PathBuf| but.iter().any(|area| path.starts_with(home.join(area)));
        below(home).into_iter().filter(|path| !allowed(path) && holds(path)).collect()
    }
}

#[test]
fn a_published_asset_keeps_its_path_whatever_the_template_becomes() {
    let gate = Gate::new();
    gate.upload("one.mp4", 10);
    let one = gate.until("one.mp4", "published");
    let Gate { home, service } = gate;
    assert_eq!(service.stop(), Some(0));
    std::fs::write(home.path().join("reelgate.toml"), "[publish]\npath_template = \"new/{key}\"\n").unwrap();
    let gate = Gate { service: Service::start(&home), home };
    gate.upload("two.mp4", 20);
    gate.until("two.mp4", "published");
    let folders = || {
        let manifests =
            below(&gate.area("published")).into_iter().filter(|path| path.ends_with("manifest.json"));
        manifests.map(|path| path.parent().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let new = gate.area("published").join("new/two.mp4");
    assert_eq!(folders(), [gate.area("published").join("one.mp4"), new.clone()].into());
    let ordered = gate.home.reelgate(&["redo", &one, "--stage", "package"]);
    assert_eq!(ordered.status.code(), Some(0), "{}", talk(&ordered));
    let published =
        || gate.history_details(&one, "entered").into_iter().filter(|phase| phase == "published").count();
    until("the redo has ended", published, |times| *times == 2);
    assert_eq!(folders(), [gate.area("published").join("one.mp4"), new.clone()].into());
    gate.decided("quarantine", &one, &[]);
    gate.until("one.mp4", "quarantined");
    assert_eq!(folders(), [new].into());
}

#[test]
fn a_quarantine_includes_copies_and_a_release_restores_each_byte_for_byte() {
    let gate = Gate::new();
    gate.upload("one.mp4", 10);
    let one = gate.until("one.mp4", "published");
    gate.upload("two.mp4", 10);
    let two = gate.until("two.mp4", "published");
    let before = tree(&gate.area("published"));
    assert!(before.len() > 20, "two publications, found {:?}", before.keys());
    let content = Content::of(&[gate.area("published"), gate.area("ingest")]);

    gate.decided("quarantine", &one, &[]);
    gate.until("one.mp4", "quarantined");
    gate.until("two.mp4", "quarantined");
    assert_eq!(below(&gate.area("published")), Vec::<PathBuf>::new());
    assert_eq!(content.left_in(&gate.home.path(), &["quarantine"]), Vec::<PathBuf>::new());
    let mode = gate.area("quarantine").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others may not look into the quarantine");
    let decided = gate.history_details(&one, "decided");
    assert!(
        decided[0].starts_with("quarantine by Ana Officer (uid ") && decided[0].ends_with("): ticket 17"),
        "{decided:?}"
    );
    assert_eq!(
        gate.history_details(&two, "quarantining"),
        ["another upload with the same content was quarantined"]
    );
    for id in [&one, &two] {
        let closed = gate.history_details(id, "closed");
        assert!(closed.len() == 1 && closed[0].contains("none of them readable"), "{closed:?}");
    }

    gate.decided("release", &one, &["--days", "7"]);
    gate.until("one.mp4", "published");
    assert_eq!(gate.assets()["two.mp4"].1, "quarantined", "each is released by itself");
    let back = tree(&gate.area("published"));
    assert!(!back.is_empty() && back.iter().all(|(path, bytes)| before[path] == *bytes));
    assert!(gate.history_details(&one, "decided")[1].contains("), until "));
    gate.decided("release", &two, &[]);
    gate.until("two.mp4", "published");
    assert!(tree(&gate.area("published")) == before, "both, with their manifests");
    for id in [&one, &two] {
        let verified = gate.home.reelgate(&["verify", id]);
        assert_eq!(verified.status.code(), Some(0), "{}", talk(&verified));
    }
    assert_eq!(gate.service.stop(), Some(0));
}

#[test]
fn an_asset_is_quarantined_again_when_its_release_ends() {
    let gate = Gate::new();
    gate.upload("short.mp4", 20);
    let id = gate.until("short.mp4", "published");
    gate.decided("quarantine", &id, &[]);
    gate.until("short.mp4", "quarantined");
    gate.decided("release", &id, &["--days", "0"]);
    let again = "its release has expired".to_owned();
    until(
        "it is quarantined again",
        || gate.history_details(&id, "quarantining"),
        |details| details.contains(&again),
    );
    gate.until("short.mp4", "quarantined");
    assert_eq!(below(&gate.area("published")), Vec::<PathBuf>::new());
}

#[test]
fn the_older_version_of_a_key_is_quarantined_with_it_and_stays() {
    let gate = Gate::new();
    gate.upload("key.mp4", 30);
    let old = gate.until("key.mp4", "published");
    gate.upload("key.mp4", 40);
    let versions = || {
        let listed = gate.home.reelgate(&["list", "--json", "--state", "published"]);
        lines(&listed.stdout, &talk(&listed))
    };
    let newer = |found: &Vec<Value>| found.len() == 1 && found[0]["asset_id"] != *old;
    let new =
        until("the newer one is published", versions, newer)[0]["asset_id"].as_str().unwrap().to_owned();
    gate.decided("quarantine", &new, &[]);
    let apart = || {
        let listed = gate.home.reelgate(&["list", "--json", "--state", "quarantined"]);
        lines(&listed.stdout, &talk(&listed)).len()
    };
    until("both are quarantined", apart, |count| *count == 2);
    assert_eq!(gate.history_details(&old, "quarantining"), ["a newer version of its key was quarantined"]);
    let refused = gate.decide("release", &old, &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(talk(&refused).contains("expected the newest upload of its key"), "{}", talk(&refused));
}

#[test]
fn a_hold_stops_an_erasure_and_an_erasure_leaves_no_byte_and_no_key() {
    const KEYS: [&str; 2] = ["Jordan Plantedname at the lake.mp4", "Robin Plantedname at home.mp4"];
    let gate = Gate::new();
    gate.upload(KEYS[0], 50);
    gate.upload(KEYS[1], 60);
    let shown = gate.until(KEYS[0], "published");
    let apart = gate.until(KEYS[1], "published");
    let content = Content::of(&[gate.area("published"), gate.area("ingest")]);
    gate.decided("quarantine", &apart, &[]);
    gate.until(KEYS[1], "quarantined");

    gate.decided("hold", &shown, &[]);
    let refused = gate.decide("erase", &shown, &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(talk(&refused).contains("expected an asset that is not under hold"), "{}", talk(&refused));
    assert_eq!(gate.assets()[KEYS[0]].1, "published");
    gate.decided("hold", &shown, &["--off"]);
    for id in [&shown, &apart] {
        gate.decided("erase", id, &[]);
        until(
            "it is erased",
            || gate.history_details(id, "closed"),
            |closed| {
                closed.last().is_some_and(|_| {
                    !gate.history_details(id, "entered").iter().all(|phase| phase != "erased")
                })
            },
        );
    }
    let notices = || std::fs::read_to_string(gate.area("notices.jsonl")).unwrap();
    until("both notices are delivered", notices, |notices| {
        notices.matches("\"kind\":\"erased\"").count() == 2
    });
    let Gate { home, service } = gate;
    assert_eq!(service.stop(), Some(0));

    assert_eq!(content.left_in(&home.path(), &[]), Vec::<PathBuf>::new());
    for path in below(&home.path()) {
        let bytes = std::fs::read(&path).unwrap();
        let holds = |name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(!holds("Plantedname"), "{} holds the key", path.display());
    }
    for id in [&shown, &apart] {
        let printed = home.reelgate(&["erase", id, "--certificate"]);
        assert_eq!(printed.status.code(), Some(0), "{}", talk(&printed));
        let certificate: Value = serde_json::from_slice(&printed.stdout).unwrap();
        assert_eq!(
            (certificate["state"].as_str(), certificate["asset_id"].as_str()),
            (Some("erased"), Some(&**id))
        );
        let taken = certificate["closing"]["taken"].as_array().unwrap();
        assert!(taken.iter().any(|one| one["name"] == "source"), "{certificate}");
        assert!(taken.iter().any(|one| one["name"] == "manifest.json"), "{certificate}");
        assert_eq!(certificate["closing"]["looked_at"], taken.len());
    }
}

/// A home with one published asset and no running process.
fn at_rest() -> (TempHome, String) {
    let home = TempHome::new();
    let (status, ran) = home.run(&[&clip(&home, "clip.mp4", 70)]);
    assert_eq!(status, 0, "{ran:?}");
    let id = ran[0]["asset_id"].as_str().unwrap().to_owned();
    (home, id)
}

/// The same command in a user namespace of its own, where the caller has another number and the same rights.
fn as_another_account(command: &Command) -> Command {
    let mut other = Command::new("unshare");
    other.args(["--user", "--map-user=4321"]).arg(command.get_program()).args(command.get_args());
    other
}

#[test]
fn two_people_are_needed_where_policy_says_so() {
    let (home, id) = at_rest();
    let output =
        |mut command: Command| command.env("REELGATE__PRIVACY__TWO_PEOPLE", "true").output().unwrap();
    let decide = |verb: &str| output(home.command(&[&[verb, &*id], &BY[..]].concat()));
    assert_eq!(decide("quarantine").status.code(), Some(0), "shutting needs nobody else");
    home.run(&[&home.file("clip.mp4")]);
    let proposal = || {
        let shown = home.reelgate(&["show", &id, "--json"]);
        lines(&shown.stdout, &talk(&shown))[0]["proposal"].clone()
    };
    assert_eq!(proposal(), Value::Null);
    for verb in ["release", "erase"] {
        let proposed = decide(verb);
        assert_eq!(proposed.status.code(), Some(0), "{}", talk(&proposed));
        assert_eq!(proposal()["kind"], verb);
        let next = format!("reelgate approve {id} {}", proposal()["id"].as_str().unwrap());
        assert!(talk(&proposed).contains(&next), "{}", talk(&proposed));
        let shown = home.reelgate(&["show", &id]).stdout;
        assert!(String::from_utf8_lossy(&shown).contains(&next));
    }
    let proposal = proposal()["id"].as_str().unwrap().to_owned();
    let approve = |by: &str| home.command(&["approve", &id, &proposal, "--by", by]);
    // Another name is no other account, and another account with the same name is no other person.
    for refused in [output(approve("Ben Counsel")), output(as_another_account(&approve("ana officer")))] {
        assert_eq!(refused.status.code(), Some(2), "{}", talk(&refused));
        assert!(talk(&refused).contains("expected the approval of a second person"), "{}", talk(&refused));
    }
    let erased = output(as_another_account(&approve("Ben Counsel")));
    assert_eq!(erased.status.code(), Some(0), "{}", talk(&erased));
    let decided = history_details(&home, &id, "decided");
    assert!(decided[1].contains(", approved by Ben Counsel (uid 4321 on "), "{decided:?}");
    home.run(&[&clip(&home, "other.mp4", 71)]);
    let certificate = home.reelgate(&["erase", &id, "--certificate"]);
    let certificate: Value = serde_json::from_slice(&certificate.stdout).unwrap();
    let left = certificate["closing"]["left"].as_array().unwrap();
    assert_eq!(left.len(), 1, "the file itself is not the gate's to remove: {certificate}");
    assert!(home.file("clip.mp4").is_file());
}

#[test]
fn an_impossible_decision_is_refused_with_what_to_do() {
    let (home, id) = at_rest();
    let refused = |arguments: &[&str], why: &str| {
        let mut command = home.command(arguments);
        let output = command.env_remove("USER").env_remove("LOGNAME").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", talk(&output));
        assert!(talk(&output).contains(why), "{arguments:?}: {}", talk(&output));
    };
    for verb in ["quarantine", "release", "erase", "hold"] {
        refused(&[&[verb, "zzzzzz"], &BY[..]].concat(), "zzzzzz");
        refused(&[verb, &id, "--by", "Ana"], "--reason: expected the reason");
        refused(&[verb, &id, "--reason", "because"], "--by: expected the name of the person");
    }
    refused(&[&["release", &*id], &BY[..]].concat(), "expected a quarantined asset, found it published");
    refused(&[&["hold", &*id, "--off"], &BY[..]].concat(), "expected an asset whose hold changes");
    refused(&["erase", &id, "--certificate"], "nothing was removed yet");
    let apart = home.reelgate(&[&["quarantine", &*id], &BY[..]].concat());
    assert_eq!(apart.status.code(), Some(0), "{}", talk(&apart));
    refused(
        &[&["quarantine", &*id], &BY[..]].concat(),
        "expected an asset that is not quarantined or erased",
    );
    refused(&[&["erase", &*id], &BY[..]].concat(), "expected an asset that has ended, found it withdrawing");
}

#[test]
fn what_is_under_hold_stays_byte_for_byte_when_its_key_is_uploaded_again() {
    let gate = Gate::new();
    gate.upload("one.mp4", 10);
    let older = gate.until("one.mp4", "published");
    let outputs = tree(&gate.area("published").join("one.mp4"));
    let source = std::fs::read(gate.area("ingest").join("one.mp4")).unwrap();
    gate.decided("hold", &older, &[]);
    let kept = gate.area("released").join(&older).join("source");
    until("the source is kept", || kept.exists(), |exists| *exists);
    gate.upload("one.mp4", 20);
    let state = || {
        let shown = gate.home.reelgate(&["show", &older, "--json"]);
        lines(&shown.stdout, &talk(&shown))[0]["state"].as_str().unwrap().to_owned()
    };
    until("the newer version has replaced it", state, |state| state == "superseded");
    assert_ne!(tree(&gate.area("published").join("one.mp4")), outputs, "the newer version is visible");
    assert!(tree(&gate.area("quarantine").join(&older).join("outputs")) == outputs);
    assert!(std::fs::read(kept).unwrap() == source);
    let refused = gate.decide("erase", &older, &[]);
    assert!(!refused.status.success() && talk(&refused).contains("hold"), "{}", talk(&refused));
}
