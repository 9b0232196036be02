//! A file that is written again between two stages, with its time of change set back, is never published as what it was.

use std::fs::File;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::service::{Service, copy_in, ended, states, until};
use crate::support::{TempHome, lines, outcome};

/// The smallest video with sound: its index is in front, so its last byte is media.
fn video() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/files/h264-aac.mp4")
}

fn with_roles(home: &TempHome, roles: &str) -> Service {
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("reelgate.toml"), format!("[node]\nroles = {roles}\n")).unwrap();
    Service::start(home)
}

/// Writes another byte into the file itself and gives it its former time.
fn swap_in_place(path: &Path) {
    let before = path.metadata().unwrap();
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut last = [0];
    file.read_at(&mut last, before.len() - 1).unwrap();
    file.write_all_at(&[last[0] ^ 1], before.len() - 1).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
}

#[test]
fn a_file_swapped_between_stages_is_refused_and_one_whose_mode_changed_is_published() {
    let home = TempHome::encoding_quickly();
    let service = with_roles(&home, r#"["intake", "light"]"#);
    let ingest = home.path().join("ingest");
    // Two contents, so that neither is a duplicate of the other.
    let other = home.file("other.mp4");
    std::fs::copy(video(), &other).unwrap();
    swap_in_place(&other);
    copy_in(&video(), &ingest.join("swapped.mp4"));
    copy_in(&other, &ingest.join("other-mode.mp4"));
    let validated = |states: &Vec<(String, String)>| {
        states.len() == 2 && states.iter().all(|(_, state)| state == "processing")
    };
    until("both are validated", || states(&home), validated);
    assert_eq!(service.stop(), Some(0));
    swap_in_place(&ingest.join("swapped.mp4"));
    let swapped = std::fs::read(ingest.join("swapped.mp4")).unwrap();
    let other = ingest.join("other-mode.mp4");
    let mode = if other.metadata().unwrap().permissions().mode() & 0o777 == 0o600 { 0o640 } else { 0o600 };
    std::fs::set_permissions(&other, PermissionsExt::from_mode(mode)).unwrap();
    let service = with_roles(&home, r#"["all"]"#);
    until("both end", || states(&home), |states| ended(states) == 2);
    assert_eq!(service.stop(), Some(0));
    let listed = lines(&home.reelgate(&["list", "--json"]).stdout, "");
    let of = |path: &str| listed.iter().find(|line| line["source"]["path"] == path).unwrap();
    assert_eq!(outcome(of("swapped.mp4")), "source_changed");
    assert_eq!(outcome(of("other-mode.mp4")), "published");
    assert!(!home.path().join("published/swapped.mp4").exists(), "nothing of the swapped file is visible");
    let asset = of("swapped.mp4")["asset_id"].as_str().unwrap();
    let kept = std::fs::read(home.path().join("rejected").join(asset).join("source")).unwrap();
    assert!(kept == swapped, "what was written in its place is kept");
}
