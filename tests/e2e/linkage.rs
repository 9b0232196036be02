//! The shared libraries that the binaries link, read from the files.

use std::path::Path;
use std::process::Command;

/// Shared libraries that a binary needs.
fn needed(binary: &Path) -> Vec<String> {
    let dynamic =
        Command::new("readelf").arg("-d").arg(binary).output().expect("readelf comes with the compiler");
    assert!(dynamic.status.success(), "{}: {}", binary.display(), String::from_utf8_lossy(&dynamic.stderr));
    let text = String::from_utf8_lossy(&dynamic.stdout).into_owned();
    let lines = text.lines().filter(|line| line.contains("(NEEDED)"));
    lines.filter_map(|line| line.split(['[', ']']).nth(1)).map(str::to_owned).collect()
}

fn is_media(library: &str) -> bool {
    ["libgst", "libav", "libsw", "libx264", "libvpx", "libglib"]
        .iter()
        .any(|prefix| library.starts_with(prefix))
}

#[test]
fn the_engine_links_no_media_library_and_the_worker_does() {
    let engine = Path::new(env!("CARGO_BIN_EXE_reelgate"));
    let own = needed(engine);
    assert!(
        own.iter().any(|library| library.starts_with("libc.so")),
        "expected a dynamic binary, found {own:?}"
    );
    assert!(!own.iter().any(|library| is_media(library)), "the engine links {own:?}");
    let worker = engine.with_file_name("reelgate-worker");
    assert!(
        needed(&worker).iter().any(|library| library.starts_with("libgstreamer")),
        "the worker links GStreamer"
    );
}

#[test]
fn the_worker_links_no_network_and_no_database() {
    let worker = Path::new(env!("CARGO_BIN_EXE_reelgate")).with_file_name("reelgate-worker");
    let links = needed(&worker);
    let banned = ["libsoup", "libcurl", "libssl", "libsqlite", "libpq", "libnghttp"];
    let found: Vec<&String> =
        links.iter().filter(|one| banned.iter().any(|prefix| one.starts_with(prefix))).collect();
    assert!(found.is_empty(), "the worker links {found:?}");
}
