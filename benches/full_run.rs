//! Compares a whole run with a plain shell script on the same file and machine, in pairs.
//!
//! `full_run [VIDEO [PAIRS]]`; prints each pair's wall seconds and the median of the ratios.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

fn main() {
    // The test runner passes flags that this bench does not use.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let video = arguments.next().map_or_else(|| root.join("samples/sintel-trailer-720p.mp4"), PathBuf::from);
    let pairs: usize = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(3);
    let reelgate = PathBuf::from(env!("CARGO_BIN_EXE_reelgate"));
    println!("full run against sha256sum + ffprobe + ffmpeg + thumbnails, {}", video.display());
    let mut ratios = Vec::new();
    for pair in 0..pairs {
        let dir = tempfile::tempdir().expect("create a temporary directory");
        let ours = || {
            seconds(
                Command::new(&reelgate)
                    .args(["run", "--json", "--home"])
                    .arg(dir.path().join("home"))
                    .arg(&video),
            )
        };
        let theirs =
            || seconds(Command::new(root.join("benches/peer.sh")).arg(&video).arg(dir.path().join("peer")));
        // The order changes with each pair, so that a drift of the machine's speed favours neither.
        let (ours_s, theirs_s) = if pair % 2 == 0 {
            let first = ours();
            (first, theirs())
        } else {
            let first = theirs();
            (ours(), first)
        };
        let (ours_bytes, theirs_bytes) =
            (bytes(&dir.path().join("home/published")), bytes(&dir.path().join("peer")));
        println!(
            "pair {pair}: reelgate {ours_s:.2} s ({ours_bytes} bytes), script {theirs_s:.2} s ({theirs_bytes} bytes), ratio {:.3}",
            ours_s / theirs_s
        );
        ratios.push(ours_s / theirs_s);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio of wall time {:.3} (bar: at most 1.10)", ratios[ratios.len() / 2]);
}

fn seconds(command: &mut Command) -> f64 {
    let since = Instant::now();
    let status = command.stdout(Stdio::null()).status().expect("start the command");
    assert!(status.success(), "{command:?} ended with {status}");
    since.elapsed().as_secs_f64()
}

fn bytes(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes(&entry.path()),
        _ => entry.metadata().map_or(0, |metadata| metadata.len()),
    };
    entries.flatten().map(of).sum()
}
