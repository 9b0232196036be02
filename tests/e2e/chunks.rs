//! A long video: a chunked run gives the same result as a whole one, and after a killed worker only its chunk is repeated.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::published::frames;
use crate::support::{TempHome, is_full_size, lines, sample, tool};

/// A film of four chunks, or of fifteen in full size, made from a real clip by looping; small enough to encode quickly.
fn film(home: &TempHome) -> PathBuf {
    let path = home.file("film.mp4");
    let source = sample("sintel-trailer-720p.mp4");
    let seconds = if is_full_size() { "300" } else { "80" };
    let head = ["-v", "error", "-y", "-stream_loop", "5", "-i", source.to_str().unwrap(), "-t", seconds];
    let encode = [
        "-vf",
        "scale=426:240",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-crf",
        "18",
        "-c:a",
        "aac",
        "-b:a",
        "96k",
    ];
    tool("ffmpeg", &[&head[..], &encode[..], &[path.to_str().unwrap()]].concat());
    path
}

fn publication(run: &[Value]) -> PathBuf {
    let hls = run[0]["outputs"]["hls"].as_str().unwrap_or_else(|| panic!("not published: {}", run[0]));
    Path::new(hls).parent().unwrap().to_path_buf()
}

fn bytes(dir: &Path) -> u64 {
    std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.metadata().unwrap().len()).sum()
}

/// Mean PSNR of luma of a rendition against the source scaled to it, in dB.
fn psnr(rendition: &Path, source: &Path, size: &str) -> f64 {
    let filter =
        format!("[1:v]scale={size}:flags=bicubic,format=yuv420p[s];[0:v]format=yuv420p[r];[r][s]psnr");
    let inputs = ["-v", "info", "-i", rendition.to_str().unwrap(), "-i", source.to_str().unwrap()];
    let output =
        Command::new("ffmpeg").args(inputs).args(["-lavfi", &filter, "-f", "null", "-"]).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = talk.rsplit_once("PSNR y:").unwrap_or_else(|| panic!("{talk}")).1;
    value.split_whitespace().next().unwrap().parse().unwrap()
}

fn durations(playlist: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(playlist).unwrap();
    text.lines().filter(|line| line.starts_with("#EXTINF")).map(str::to_owned).collect()
}

#[test]
fn a_chunked_run_equals_a_whole_one_and_a_killed_worker_repeats_its_chunk_alone() {
    let home = TempHome::new();
    let source = film(&home);
    let (chunked, history) = run_killing_one_worker(&home, &source);
    let whole_home = TempHome::new();
    let config = whole_home.file("whole.toml");
    std::fs::write(&config, "[media.cut]\nchunk_threshold_s = 86400\n").unwrap();
    let (status, whole) = whole_home.run_with(&["--config", config.to_str().unwrap()], &[&source]);
    assert_eq!(status, 0, "{whole:#?}");
    let (chunked_dir, whole_dir) = (publication(&chunked), publication(&whole));
    let expected = frames(&source);
    let name = "video/240p";
    let (one, other) = (chunked_dir.join(name), whole_dir.join(name));
    assert_eq!(frames(&one.join("playlist.m3u8")), expected);
    assert_eq!(frames(&other.join("playlist.m3u8")), expected);
    assert_eq!(durations(&one.join("playlist.m3u8")), durations(&other.join("playlist.m3u8")));
    let ratio = bytes(&one) as f64 / bytes(&other) as f64;
    assert!((ratio - 1.0).abs() <= 0.03, "chunked is {ratio:.4} of the whole run's size");
    let (a, b) = (
        psnr(&one.join("playlist.m3u8"), &source, "426:240"),
        psnr(&other.join("playlist.m3u8"), &source, "426:240"),
    );
    assert!((a - b).abs() <= 0.1, "PSNR chunked {a:.3} dB, whole {b:.3} dB");
    println!(
        "chunked against whole: {expected} frames each, size ratio {ratio:.4}, PSNR {a:.3} and {b:.3} dB"
    );
    let retried: Vec<&str> = history
        .iter()
        .filter(|record| record["what"] == "retrying")
        .filter_map(|record| record["task"].as_str())
        .collect();
    assert_eq!(retried.len(), 1, "one worker was killed, so one task starts again: {retried:?}");
    let again = history.iter().filter(|record| record["what"] == "claimed" && record["attempt"] != 1);
    assert!(
        again.clone().count() == 1 && again.clone().all(|record| record["task"] == retried[0]),
        "{retried:?}"
    );
}

/// Runs the source, kills one media worker during the transcode; the run's line and the asset's history.
fn run_killing_one_worker(home: &TempHome, source: &Path) -> (Vec<Value>, Vec<Value>) {
    let child = home
        .command(&["run", "--json"])
        .arg(source)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let killed = kill_a_chunks_worker(child.id());
    let output = child.wait_with_output().unwrap();
    assert!(killed, "no worker with output was found to kill");
    let run = lines(&output.stdout, "");
    assert_eq!(output.status.code(), Some(0), "{run:#?}");
    let id = run[0]["asset_id"].as_str().unwrap();
    let why = home.reelgate(&["why", id, "--json"]);
    (run, lines(&why.stdout, ""))
}

/// Output of a worker, bytes, after which it is neither an inspection nor a sampling of this film.
const OUTPUT_BYTES: u64 = 300_000;

/// Kills a media worker of the engine after some output: on a quick machine a chunk takes about a second.
fn kill_a_chunks_worker(engine: u32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(120);
    while Instant::now() < deadline {
        for worker in children(engine) {
            let io = std::fs::read_to_string(format!("/proc/{worker}/io")).unwrap_or_default();
            // Bytes that it gave to write(2) and the like (proc(5)).
            let written = io.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse::<u64>().ok());
            if written.is_some_and(|bytes| bytes > OUTPUT_BYTES) {
                let killed = Command::new("kill").args(["-9", &worker.to_string()]).status().unwrap();
                return killed.success();
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

fn children(parent: u32) -> Vec<u32> {
    let listed = Command::new("pgrep").args(["-P", &parent.to_string()]).output().unwrap();
    String::from_utf8_lossy(&listed.stdout).lines().filter_map(|line| line.trim().parse().ok()).collect()
}
