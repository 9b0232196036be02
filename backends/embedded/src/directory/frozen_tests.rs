//! Attempts that are frozen before any of their steps, and wake when a later attempt has ended: nothing visible changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use reelgate_flow::asset::{Exit, Verdict};
use reelgate_flow::ids::{AssetId, Sequencer, SourceId};
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::PortResult;
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::{Publication, PublishItem, Turn};
use reelgate_ports::records::{Fence, SourceRecord, StagedOutput};

use super::freeze::{FREEZE, Freeze};
use super::home_directory::HomeDirectory;
use super::{make_areas, publish, restore, staging, withdraw};
use crate::paths::{INGEST_BUCKET, Location, version_of};

struct Scene {
    dir: tempfile::TempDir,
    source: SourceRecord,
    staged: Vec<StagedOutput>,
}

impl Scene {
    /// An upload with staged outputs.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        make_areas(dir.path()).unwrap();
        let path = dir.path().join("ingest/a.mp4");
        fs::write(&path, b"content").unwrap();
        let meta = fs::metadata(&path).unwrap();
        let source = SourceRecord {
            id: SourceId { bucket: INGEST_BUCKET.into(), key: "a.mp4".into(), version: version_of(&meta).0 },
            sequencer: Sequencer::from_nanos(1),
            size_bytes: meta.len(),
            location: Location::Ingest("a.mp4".into()).to_string(),
        };
        let mut scene = Self { dir, source, staged: Vec::new() };
        scene.stage();
        scene
    }

    fn stage(&mut self) {
        let fence = Fence { asset: self.asset(), task: TaskKey::Audio, attempt: 1 };
        let mut writer = staging::stage(&self.home(), &fence).unwrap();
        for name in ["720p/1.m4s", "main.m3u8"] {
            writer.open(name).unwrap();
            writer.write(name.as_bytes()).unwrap();
            writer.close().unwrap();
        }
        self.staged = writer.finish().unwrap();
    }

    fn home(&self) -> HomeDirectory {
        HomeDirectory { home: self.dir.path().to_owned() }
    }

    fn asset(&self) -> AssetId {
        asset_id(&self.source.id)
    }

    fn turn(&self, number: u64) -> Turn {
        Turn { asset: self.asset(), number }
    }

    fn publication(&self, number: u64) -> Publication {
        let item = |staged: &StagedOutput| PublishItem { staged: staged.clone(), name: staged.name.clone() };
        Publication {
            turn: self.turn(number),
            source: self.source.clone(),
            path: "out/a".into(),
            items: self.staged.iter().map(item).collect(),
            // Each attempt is to replace what the one before it has shown.
            manifest: format!("{{\"turn\": {number}}}").into_bytes(),
            verdict: Verdict::Clean,
            surfaces: String::new(),
        }
    }

    /// What others see, and where sources and kept outputs are.
    fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        for area in ["ingest", "published", "quarantine", "rejected", "released"] {
            gather(self.dir.path(), &self.dir.path().join(area), &mut found);
        }
        found
    }
}

fn gather(root: &Path, dir: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, found);
        } else {
            found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}

type Act = fn(&HomeDirectory, Publication) -> PortResult<()>;

fn act_publish(home: &HomeDirectory, publication: Publication) -> PortResult<()> {
    publish::publish(home, &publication).map(drop)
}

fn act_quarantine(home: &HomeDirectory, publication: Publication) -> PortResult<()> {
    let Publication { turn, path, source, .. } = publication;
    withdraw::withdraw(home, &turn, Some(&path), &source, Exit::Quarantine, true).map(drop)
}

fn act_supersede(home: &HomeDirectory, publication: Publication) -> PortResult<()> {
    let Publication { turn, path, source, .. } = publication;
    withdraw::withdraw(home, &turn, Some(&path), &source, Exit::Supersede, false).map(drop)
}

fn act_restore(home: &HomeDirectory, publication: Publication) -> PortResult<()> {
    let Publication { turn, path, source, .. } = publication;
    restore::restore(home, &turn, &path, &source).map(drop)
}

/// Freezes `frozen` before each of its steps, lets `later` act, and thaws it.
fn check(prepare: &[Act], frozen: Act, later: &[Act]) {
    for at in 0..200 {
        let scene = Scene::new();
        for (number, act) in prepare.iter().enumerate() {
            act(&scene.home(), scene.publication(1 + number as u64)).unwrap();
        }
        let ((reached, reaching), (thaw, thawed)) = (channel(), channel());
        let (home, publication) = (scene.home(), scene.publication(100));
        let thread = std::thread::spawn(move || {
            FREEZE.set(Some(Freeze { left: at, frozen: reached, thaw: thawed }));
            frozen(&home, publication)
        });
        // It ended without that many steps.
        if reaching.recv().is_err() {
            thread.join().unwrap().unwrap();
            assert!(at > 3, "expected several steps, found {at}");
            return;
        }
        let mut scene = scene;
        scene.stage();
        for (number, act) in later.iter().enumerate() {
            act(&scene.home(), scene.publication(101 + number as u64)).unwrap();
        }
        let before = scene.everything();
        thaw.send(()).unwrap();
        let ended = thread.join().unwrap();
        assert!(scene.everything() == before, "frozen before step {at}: {ended:?}, {:?}", scene.everything());
    }
    panic!("expected fewer than 200 steps");
}

#[test]
fn a_publisher_that_wakes_late_changes_nothing() {
    check(&[], act_publish, &[act_publish]);
    check(&[], act_publish, &[act_quarantine]);
    check(&[], act_publish, &[act_supersede]);
    check(&[act_publish], act_publish, &[act_publish, act_quarantine, act_restore]);
}

#[test]
fn a_withdrawal_that_wakes_late_changes_nothing() {
    check(&[act_publish], act_quarantine, &[act_quarantine]);
    check(&[act_publish], act_quarantine, &[act_quarantine, act_restore]);
    check(&[act_publish], act_supersede, &[act_supersede]);
}

#[test]
fn a_restoration_that_wakes_late_changes_nothing() {
    check(&[act_publish, act_quarantine], act_restore, &[act_restore]);
    check(&[act_publish, act_quarantine], act_restore, &[act_restore, act_quarantine]);
}
