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
        if pair == 0 {
            quality(&video, &dir.path().join("home/published"), &dir.path().join("peer"));
        }
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio of wall time {:.3} (bar: at most 1.05)", ratios[ratios.len() / 2]);
}

/// Prints how near each rung is to the source when it is enlarged again: the script scales by ffmpeg's bicubic filter.
fn quality(video: &Path, ours: &Path, theirs: &Path) {
    for (number, rung) in ["720p", "480p", "240p"].into_iter().enumerate() {
        let Some(playlist) = find(ours, &format!("video/{rung}/playlist.m3u8")) else { continue };
        let (our_db, their_db) =
            (psnr(&playlist, video), psnr(&theirs.join(format!("media_{number}.m3u8")), video));
        let difference = our_db - their_db;
        println!(
            "{rung}: luma of reelgate {our_db:.2} dB, of the script {their_db:.2} dB, {difference:+.2} dB (bar: at least -0.30)"
        );
    }
}

/// The file of this name at the end of its path, anywhere in a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let own = folder.join(name);
    if own.is_file() {
        return Some(own);
    }
    let folders = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    folders.filter(|path| path.is_dir()).find_map(|path| find(&path, name))
}

fn psnr(rung: &Path, source: &Path) -> f64 {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostats", "-i"]).arg(rung).arg("-i").arg(source);
    // Both by the order of their pictures: containers round times differently.
    let graph = "[0:v:0]settb=1/24,setpts=N,scale=1280:720:flags=bicubic,format=yuv420p[a];[1:v:0]settb=1/24,setpts=N,format=yuv420p[b];[a][b]psnr";
    let output = command.args(["-lavfi", graph, "-f", "null", "-"]).output().expect("start ffmpeg");
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = report.rsplit("PSNR y:").next().and_then(|rest| rest.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no PSNR in {report}"))
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
