//! A published asset as players, probers and scripts see it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;

use crate::support::{TempHome, sample, tool};

/// The publication of the only asset of a run.
fn published(run: &[Value]) -> PathBuf {
    let hls = run[0]["outputs"]["hls"].as_str().unwrap_or_else(|| panic!("not published: {}", run[0]));
    Path::new(hls).parent().unwrap().to_path_buf()
}

/// Frames that an independent reader decodes from a playlist or file.
pub fn frames(path: &Path) -> u64 {
    let arguments =
        ["-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames"];
    let text = tool("ffprobe", &[&arguments[..], &["-of", "csv=p=0", path.to_str().unwrap()]].concat());
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    first
        .trim_matches([',', ' '])
        .parse()
        .unwrap_or_else(|_| panic!("{}: no frame count in {text:?}", path.display()))
}

/// Start and duration in seconds of the first stream of a kind.
fn times(path: &Path, kind: &str) -> (f64, f64) {
    let arguments = [
        "-v",
        "error",
        "-select_streams",
        kind,
        "-show_entries",
        "packet=pts_time,duration_time",
        "-of",
        "csv=p=0",
    ];
    let text = tool("ffprobe", &[&arguments[..], &[path.to_str().unwrap()]].concat());
    let mut start = f64::MAX;
    let mut end = f64::MIN;
    for line in text.lines() {
        let mut fields = line.split(',').filter_map(|field| field.parse::<f64>().ok());
        let (Some(pts), Some(duration)) = (fields.next(), fields.next()) else { continue };
        start = start.min(pts);
        end = end.max(pts + duration);
    }
    (start, end - start)
}

#[test]
fn every_rendition_has_every_frame_and_both_manifests_play_to_the_end() {
    let home = TempHome::encoding_quickly();
    let source = sample("sintel-trailer-720p.mp4");
    let (status, run) = home.run(&[&source]);
    assert_eq!(status, 0, "{run:#?}");
    let dir = published(&run);
    let expected = frames(&source);
    let videos: Vec<&str> = renditions(&run[0]).into_iter().filter(|name| *name != "audio").collect();
    assert_eq!(videos, ["720p", "480p", "240p"]);
    for name in videos {
        assert_eq!(frames(&dir.join(format!("video/{name}/playlist.m3u8"))), expected, "{name}");
    }
    assert_eq!(frames(&dir.join("manifest.mpd")), expected, "DASH");
    let (video_start, video_s) = times(&dir.join("video/720p/playlist.m3u8"), "v:0");
    let (audio_start, _) = times(&dir.join("audio/playlist.m3u8"), "a:0");
    assert!(
        (video_start - audio_start).abs() <= 1.0 / 24.0,
        "video starts at {video_start}, audio at {audio_start}"
    );
    assert!(
        (video_s - expected as f64 / 24.0).abs() < 0.01,
        "{expected} frames at 24 per second last {video_s} s"
    );
    for manifest in ["master.m3u8", "manifest.mpd"] {
        plays_to_the_end(&dir.join(manifest));
    }
    playlists_agree_with_their_segments(&dir);
    assert!(run[0]["stages"].as_array().unwrap().iter().any(|stage| stage["stage"] == "transcode"));
}

fn renditions(line: &Value) -> Vec<&str> {
    line["renditions"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

/// GStreamer's HTTP clients and demuxers, independent of Reelgate.
fn plays_to_the_end(manifest: &Path) {
    let server = Server::start(manifest.parent().unwrap());
    let uri =
        format!("uri=http://127.0.0.1:{}/{}", server.port, manifest.file_name().unwrap().to_str().unwrap());
    let sinks = ["video-sink=fakesink sync=false", "audio-sink=fakesink sync=false"];
    tool("timeout", &[&["120", "gst-launch-1.0", "-q", "playbin3", &uri][..], &sinks[..]].concat());
    let fetched = server.stop();
    let segments = fetched.lines().filter(|line| line.contains(".m4s")).count();
    assert!(segments >= 2, "{}: the client fetched\n{fetched}", manifest.display());
    assert!(!fetched.contains(" 404 "), "{}: the client fetched\n{fetched}", manifest.display());
}

/// Files of a directory over HTTP.
struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    port: String,
}

impl Server {
    fn start(dir: &Path) -> Self {
        let mut python = Command::new("python3");
        python.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(dir);
        let mut child = python.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.split_whitespace().nth(5).unwrap_or_else(|| panic!("{line}")).to_owned();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log, port }
    }

    /// Requested paths.
    fn stop(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut text = String::new();
        self.log.by_ref().take(1 << 20).read_to_string(&mut text).unwrap();
        text
    }
}

/// The playlist's durations equal those of the segments, and its bit rates follow from their bytes.
fn playlists_agree_with_their_segments(dir: &Path) {
    let master = std::fs::read_to_string(dir.join("master.m3u8")).unwrap();
    let mut checked = 0;
    for name in ["video/720p", "video/480p", "video/240p"] {
        let playlist = std::fs::read_to_string(dir.join(name).join("playlist.m3u8")).unwrap();
        let mut sum = 0.0;
        let mut peak = 0.0f64;
        let mut bytes = 0u64;
        let mut lines = playlist.lines();
        while let Some(line) = lines.next() {
            let Some(rest) = line.strip_prefix("#EXTINF:") else { continue };
            let duration: f64 = rest.trim_end_matches(',').parse().unwrap();
            let uri = lines.find(|line| !line.starts_with('#')).unwrap();
            let size = std::fs::metadata(dir.join(name).join(uri)).unwrap().len();
            sum += duration;
            bytes += size;
            peak = peak.max(size as f64 * 8.0 / duration);
            checked += 1;
        }
        let (_, real) = times(&dir.join(name).join("playlist.m3u8"), "v:0");
        assert!((sum - real).abs() < 0.05, "{name}: playlist says {sum} s, segments hold {real} s");
        let entry =
            master.lines().zip(master.lines().skip(1)).find(|(_, uri)| uri.starts_with(name)).unwrap().0;
        let bandwidth = attribute(entry, "BANDWIDTH=");
        let average = attribute(entry, "AVERAGE-BANDWIDTH=");
        assert!(bandwidth >= peak, "{name}: BANDWIDTH {bandwidth} below the peak segment's {peak}");
        assert!(
            average >= bytes as f64 * 8.0 / sum,
            "{name}: AVERAGE-BANDWIDTH {average} below the video alone"
        );
        assert!(average <= bandwidth, "{name}");
    }
    assert!(checked >= 36, "checked {checked} segments");
}

fn attribute(entry: &str, name: &str) -> f64 {
    let list = entry.split_once(':').map_or(entry, |(_, list)| list);
    let start =
        list.split(',').find_map(|one| one.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {entry}"));
    start.parse().unwrap()
}

#[test]
fn the_manifest_proves_every_output_and_verify_finds_a_flipped_byte() {
    let home = TempHome::new();
    let (_, run) = home.run(&[&sample("big-buck-bunny-5s.mp4")]);
    let dir = published(&run);
    let id = run[0]["asset_id"].as_str().unwrap();
    assert_eq!(home.reelgate(&["verify", id]).status.code(), Some(0));
    let segment = dir.join("video/720p/00000.m4s");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&segment).unwrap();
    std::fs::write(&segment, &bytes).unwrap();
    std::fs::remove_file(dir.join("poster.jpg")).unwrap();
    std::fs::write(dir.join("stray.txt"), "stray").unwrap();
    let output = home.reelgate(&["verify", dir.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    for expected in ["sha256: video/720p/00000.m4s", "missing: poster.jpg", "unlisted: stray.txt"] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn the_same_source_and_settings_give_the_same_bytes() {
    let manifests = [TempHome::new(), TempHome::new()].map(|home| {
        let (_, run) = home.run(&[&sample("big-buck-bunny-5s.mp4")]);
        std::fs::read_to_string(published(&run).join("manifest.json")).unwrap()
    });
    assert_eq!(manifests[0], manifests[1]);
}

#[test]
fn poster_and_storyboard_are_pictures_that_open() {
    let home = TempHome::encoding_quickly();
    let (_, run) = home.run(&[&sample("big-buck-bunny-30s.webm")]);
    let dir = published(&run);
    for (name, width) in [("poster.jpg", 1280), ("storyboard-000.jpg", 800)] {
        let arguments = ["-v", "error", "-show_entries", "stream=width", "-of", "csv=p=0"];
        let text = tool("ffprobe", &[&arguments[..], &[dir.join(name).to_str().unwrap()]].concat());
        assert_eq!(text.trim().trim_matches(','), width.to_string(), "{name}");
    }
    let cues = std::fs::read_to_string(dir.join("storyboard.vtt")).unwrap();
    assert!(cues.starts_with("WEBVTT") && cues.contains("storyboard-000.jpg#xywh="), "{cues}");
}

#[test]
fn the_same_content_under_another_name_is_linked_and_force_processes_it_again() {
    let home = TempHome::new();
    let copy = home.file("another name.mp4");
    std::fs::copy(sample("big-buck-bunny-5s.mp4"), &copy).unwrap();
    let (_, first) = home.run(&[&sample("big-buck-bunny-5s.mp4")]);
    let (status, second) = home.run(&[&copy]);
    assert_eq!(status, 0, "{second:#?}");
    assert_eq!(second[0]["linked_to"], first[0]["asset_id"]);
    assert!(
        !second[0]["stages"].as_array().unwrap().iter().any(|stage| stage["stage"] == "transcode"),
        "{second:#?}"
    );
    plays_to_the_end(Path::new(second[0]["outputs"]["hls"].as_str().unwrap()));
    let forced = home.file("forced.mp4");
    std::fs::copy(sample("big-buck-bunny-5s.mp4"), &forced).unwrap();
    let (_, third) = home.run_with(&["--force"], &[&forced]);
    assert_eq!(third[0]["linked_to"], Value::Null);
    assert!(
        third[0]["stages"].as_array().unwrap().iter().any(|stage| stage["stage"] == "transcode"),
        "{third:#?}"
    );
}
