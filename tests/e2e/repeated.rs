//! The same file ten times: one end, one set of counts, the same bytes. Decoders that race show themselves here.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{TempHome, outcome, tool};

const RUNS: usize = 10;
/// Several chunks and both lanes busy: what races has somebody to race with.
const SETTINGS: &str = "[media.video]\npreset = \"ultrafast\"\n\
     [[media.video.rungs]]\nheight = 90\nbitrate_bps = 200000\n\
     [media.cut]\nsegment_s = 2\nchunk_s = 4\nchunk_threshold_s = 5\n[media.sample]\nsamples = 5\n";

/// What must not differ between runs: the end with its reason, what was counted, and the hash of every output but the two that name
/// the asset.
fn summary(line: &Value) -> Value {
    let hashes = line["outputs"]["manifest"].as_str().map(|manifest| {
        let folder = Path::new(manifest).parent().unwrap();
        let listed = tool(
            "sh",
            &[
                "-c",
                "cd \"$0\" && find . -type f ! -name manifest.json ! -name .asset | sort | xargs sha256sum",
                folder.to_str().unwrap(),
            ],
        );
        assert!(listed.lines().count() > 3, "{listed}");
        listed
    });
    json!({
        "end": outcome(line), "state": line["state"], "reason": line["reason"], "media": line["media"],
        "left_out": line["left_out"], "renditions": line["renditions"], "hashes": hashes,
    })
}

/// Runs the files ten times, each time in a new home, and compares all runs with the first.
fn are_the_same_ten_times(files: &[PathBuf]) {
    let home = TempHome::new();
    let settings = home.file("settings/config.toml");
    std::fs::write(&settings, SETTINGS).unwrap();
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let mut first: Option<Vec<Value>> = None;
    for run in 0..RUNS {
        let home = TempHome::new();
        let (_, lines) = home.run_with(&["--config", settings.to_str().unwrap()], &paths);
        let found: Vec<Value> = lines.iter().map(summary).collect();
        assert_eq!(found.len(), files.len());
        let first = first.get_or_insert_with(|| found.clone());
        for ((found, first), line) in found.iter().zip(first.iter()).zip(&lines) {
            assert_eq!(found, first, "run {run} of {}", line["source"]["path"]);
        }
    }
}

#[test]
fn odd_files_end_the_same_ten_times() {
    let folder = reelgate_test_media::files();
    let names = [
        "starts-late.ts",
        "bottom-field-first.ts",
        "interlaced.mov",
        "theora-vorbis.ogv",
        "first-picture-lost.mp4",
    ];
    let mut files: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    let home = TempHome::new();
    let open_gop = home.file("open-gop.mkv");
    let pictures = ["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=12"];
    let open = [
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-g",
        "25",
        "-x264-params",
        "open-gop=1:bframes=3:rc-lookahead=10",
    ];
    tool("ffmpeg", &[&pictures[..], &open, &[open_gop.to_str().unwrap()]].concat());
    files.push(open_gop);
    are_the_same_ten_times(&files);
}

#[test]
fn shared_odd_files_end_the_same_ten_times() {
    let names = [
        "cases/media/k8.mkv",
        "cases/media/slides.ts",
        "cases/media/i1_bff.ts",
        "cases/media/i5_h264_bff.ts",
        "cases/real/sample.3gp",
        "cases/real/fixture-raw.mts",
        "cases/real/movie-hello.ogg",
        // Hard to encode within its bits.
        "cases/real/shaka_rollover.ts",
    ];
    are_the_same_ten_times(&names.map(reelgate_test_media::shared));
}
