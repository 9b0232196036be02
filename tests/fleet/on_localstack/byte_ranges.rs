//! Segments as ranges of one file for each track, in S3: what they cost in requests, and that nothing else differs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::fixture::{FleetFixture, wait_for};
use crate::uploads::tool;

const PATIENCE: Duration = Duration::from_secs(240);

/// Chunks of the pictures of a film, and segments of its pictures and its sound. The last frames of the sound make no segment of their own.
const CHUNKS: i64 = 3;
const SEGMENTS: i64 = 17 + 16;

/// 65 s of pictures and sound.
fn film(path: &Path, hue: u32) {
    let picture = format!("testsrc2=s=160x120:r=10:d=65,hue=h={hue}");
    let read = ["-v", "error", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine=d=65"];
    let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-c:a", "aac"];
    tool("ffmpeg", &[&read[..], &codecs, &[path.to_str().unwrap()]].concat());
}

/// Requests by task and resource; those of all encodes together.
fn requests(fixture: &FleetFixture, asset: &str) -> BTreeMap<(String, String), i64> {
    let mut requests = BTreeMap::new();
    for line in fixture.lines(&["cost", "show", asset, "--json"]) {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let task = text("part");
        let task = if task.starts_with("video-") || task == "audio" { "encodes".to_owned() } else { task };
        *requests.entry((task, text("resource"))).or_default() += line["quantity"].as_i64().unwrap();
    }
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_take_few_requests_and_are_verified_redone_and_withdrawn() {
    let fixture = FleetFixture::new(false).await;
    let file = |name: &str| fixture.dir.path().join(name);
    film(&file("files.mp4"), 0);
    film(&file("ranges.mp4"), 90);
    std::fs::write(file("job.toml"), "[package]\nsegments = \"byte-ranges\"\n").unwrap();
    let mut node = fixture.node("only", &[("REELGATE__COST__NODE_TYPE", "c6a-xlarge")]);
    fixture.put("a/ranges.mp4.reelgate.toml", &file("job.toml")).await;
    fixture.put("a/files.mp4", &file("files.mp4")).await;
    fixture.put("a/ranges.mp4", &file("ranges.mp4")).await;
    let all_published = |count| fixture.states() == BTreeMap::from([("published".to_owned(), count)]);
    wait_for("both are published", PATIENCE, async || all_published(2)).await;
    assert_eq!(fixture.verify_published().await, 2);
    let id = |name: &str| -> String {
        let assets = fixture.assets();
        let is_it = |asset: &&Value| asset["source"]["path"].as_str().unwrap().ends_with(name);
        assets.iter().find(is_it).unwrap()["asset_id"].as_str().unwrap().to_owned()
    };
    let ranges = id("a/ranges.mp4");
    let (of_files, of_ranges) = (requests(&fixture, &id("a/files.mp4")), requests(&fixture, &ranges));
    let of = |all: &BTreeMap<(String, String), i64>, task: &str, resource: &str| {
        all.get(&(task.to_owned(), resource.to_owned())).copied().unwrap_or(0)
    };
    for (task, resource) in of_files.keys().chain(of_ranges.keys()).collect::<BTreeSet<_>>() {
        let (files, ranges) = (of(&of_files, task, resource), of(&of_ranges, task, resource));
        println!("{task:<10} {resource:<10} files {files:>5} ranges {ranges:>5}");
    }
    // One for each chunk and one for the sound, instead of one for each segment and header.
    assert_eq!(of(&of_ranges, "encodes", "s3-put"), CHUNKS + 1);
    assert_eq!(of(&of_files, "encodes", "s3-put"), SEGMENTS + CHUNKS + 1);
    // Two files are written when they are joined, and copied in the place of all segments and two headers.
    assert_eq!(of(&of_ranges, "package", "s3-put"), of(&of_files, "package", "s3-put") + 2);
    assert_eq!(of(&of_files, "publish", "s3-copy") - of(&of_ranges, "publish", "s3-copy"), SEGMENTS);
    // Each segment and header of both tracks is read once.
    assert_eq!(of(&of_ranges, "package", "s3-get"), of(&of_files, "package", "s3-get") + SEGMENTS + 2);

    // Captions that come late make new playlists, and the tracks stay as they are.
    let tracks = async || -> BTreeMap<String, String> {
        let objects = fixture.objects("published/a/ranges.mp4/").await;
        objects.into_iter().filter(|(key, _)| key.ends_with(".mp4")).collect()
    };
    let before = tracks().await;
    assert_eq!(before.len(), 2, "{before:?}");
    std::fs::write(file("late.srt"), "1\n00:00:00,100 --> 00:00:00,900\nGuten Tag\n").unwrap();
    fixture.put("a/ranges.de.srt", &file("late.srt")).await;
    wait_for("the captions are published", PATIENCE, async || {
        let master = fixture.output("published/a/ranges.mp4/master.m3u8").await;
        String::from_utf8(master).unwrap().contains("LANGUAGE=\"de\"")
    })
    .await;
    wait_for("nothing is under way", PATIENCE, async || fixture.states().get("published") == Some(&2)).await;
    assert_eq!(tracks().await, before);
    let redone = fixture.reelgate(&["redo", &ranges, "--rendition", "audio"]);
    assert!(redone.status.success(), "{}", String::from_utf8_lossy(&redone.stderr));
    wait_for("it is published again", PATIENCE, async || fixture.states().get("published") == Some(&2)).await;
    assert_eq!((tracks().await, fixture.verify_published().await), (before.clone(), 2));

    let key = before.keys().next().unwrap();
    let mut flipped = fixture.output(key).await;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let (area, name) = key.split_once('/').unwrap();
    // Its metadata says whose it is.
    let head = fixture.s3.head_object().bucket(fixture.bucket(area)).key(name).send().await.unwrap();
    let put = fixture.s3.put_object().bucket(fixture.bucket(area)).key(name).set_metadata(head.metadata);
    put.body(flipped.into()).send().await.unwrap();
    let verified = fixture.reelgate(&["verify", &ranges]);
    let said = String::from_utf8(verified.stdout).unwrap();
    assert_eq!(verified.status.code(), Some(3), "{said}");
    assert!(said.starts_with("sha256: ") && said.lines().count() == 1, "{said}");
    for verb in ["quarantine", "erase"] {
        let decided = fixture.reelgate(&[verb, &ranges, "--reason", "ticket 3", "--by", "officer"]);
        assert!(decided.status.success(), "{}", String::from_utf8_lossy(&decided.stderr));
        let phase = if verb == "erase" { "erased" } else { "quarantined" };
        // Its caption file goes with it, sooner or later.
        let found = || fixture.sql(&format!("select phase from assets where id = '{ranges}'"));
        wait_for(phase, PATIENCE, async || found().trim() == phase).await;
        assert_eq!(fixture.keys("published/a/ranges.mp4/").await, [""; 0], "{verb}");
    }
    let certificate = fixture.reelgate(&["erase", &ranges, "--certificate"]);
    assert!(certificate.status.success(), "{}", String::from_utf8_lossy(&certificate.stderr));
    assert_eq!(fixture.keys("quarantine/").await.iter().filter(|key| key.ends_with(".mp4")).count(), 0);
    wait_for("nothing is staged", PATIENCE, async || fixture.keys("work/").await.is_empty()).await;
    assert_eq!(node.stop(), Some(0));
}
