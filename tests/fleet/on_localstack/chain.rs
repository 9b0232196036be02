//! The whole chain: an uploaded object leads to its outputs, rows and notice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fixture::{FleetFixture, wait_for};
use crate::uploads::uploads;

/// Keys that no encoding changes: LocalStack encodes the keys in EventBridge's events, S3 does not. The unit tests of
/// events cover what S3 sends.
const KEYS: [&str; 4] = ["news/a.mp4", "news/100-200.mp4", "archive/2026/film_1.mp4", "archive/x.y.mp4"];

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_to_s3_comes_out_published_over_three_nodes() {
    let fixture = FleetFixture::new(false).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, 10);
    let file = |number: usize| -> PathBuf { inbox.join(format!("{number:03}.mp4")) };
    let roles = [("intake", r#"["intake","light"]"#), ("light", r#"["light"]"#), ("heavy", r#"["heavy"]"#)];
    let nodes: Vec<_> =
        roles.iter().map(|(name, roles)| fixture.node(name, &[("REELGATE__NODE__ROLES", roles)])).collect();
    fixture.put("news/a.de.srt", &captions(&inbox, "Guten Tag")).await;
    let job = inbox.join("job.toml");
    std::fs::write(&job, "[package]\nprogressive_height = 240\n").unwrap();
    fixture.put("archive/2026/film_1.mp4.reelgate.toml", &job).await;
    for (number, key) in KEYS.iter().enumerate() {
        fixture.put(key, &file(number)).await;
    }
    fixture.put("news/not-a-video.mp4", &file(8)).await;
    fixture.put("news/same-again.mp4", &file(0)).await;
    fixture.put("long/long.mp4", &inbox.join("long.mp4")).await;
    let wanted = KEYS.len() + 3;
    wait_for("every upload has ended", Duration::from_secs(240), async || {
        let states = fixture.states();
        let ended = |phase: &str| states.get(phase).copied().unwrap_or(0);
        ended("published") + ended("rejected") + ended("quarantined") + ended("failed") == wanted
    })
    .await;
    let assets = fixture.assets();
    let states: BTreeMap<&str, &str> = assets
        .iter()
        .map(|asset| (asset["source"]["path"].as_str().unwrap(), asset["state"].as_str().unwrap()))
        .collect();
    for (number, key) in KEYS.iter().enumerate() {
        let expected = if number == 3 { "quarantined" } else { "published" };
        assert_eq!(states.get(key), Some(&expected), "{key}: {states:?}\n{}", fixture.logs());
    }
    assert_eq!(states["news/not-a-video.mp4"], "rejected");
    assert_eq!(states["news/same-again.mp4"], "published");
    assert_eq!(states["long/long.mp4"], "published");
    assert_eq!(fixture.verify_published().await, 5);
    check_roles(&fixture);
    check_notices(&fixture, &assets).await;
    assert_eq!(states["news/a.de.srt"], "attached");
    let progressive = fixture.output("published/archive/2026/film_1.mp4/progressive.mp4").await;
    assert!(progressive.windows(4).any(|four| four == b"moov"), "{} bytes", progressive.len());
    fixture.put("news/a.en.srt", &captions(&inbox, "Good day")).await;
    check_captions(&fixture).await;
    wait_for("nothing is staged any more", Duration::from_secs(20), async || {
        fixture.keys("work/").await.is_empty()
    })
    .await;
    for mut node in nodes {
        assert_eq!(node.stop(), Some(0), "{}: {}", node.name, fixture.logs());
    }
}

/// A caption file that shows a text.
fn captions(inbox: &Path, text: &str) -> PathBuf {
    let path = inbox.join("captions.srt");
    std::fs::write(&path, format!("1\n00:00:00,100 --> 00:00:00,900\n{text}\n")).unwrap();
    path
}

/// Both caption files of a film are published with it, the late one too.
async fn check_captions(fixture: &FleetFixture) {
    wait_for("the late captions are published", Duration::from_secs(60), async || {
        let master = fixture.output("published/news/a.mp4/master.m3u8").await;
        String::from_utf8(master).unwrap().contains("LANGUAGE=\"en\"")
    })
    .await;
    let mut shown = BTreeSet::new();
    for number in 1..=2 {
        let text = fixture.output(&format!("published/news/a.mp4/captions-{number}/captions.vtt")).await;
        shown.extend(String::from_utf8(text).unwrap().lines().last().map(str::to_owned));
    }
    assert_eq!(shown, BTreeSet::from(["Good day".to_owned(), "Guten Tag".to_owned()]));
    assert_eq!(fixture.verify_published().await, 5);
}

/// Every task ran on a node with its role, and each chunk of the long video is a task.
fn check_roles(fixture: &FleetFixture) {
    let mut nodes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut chunks = 0;
    for asset in fixture.assets() {
        for line in fixture.lines(&["why", asset["asset_id"].as_str().unwrap(), "--json"]) {
            let (Some(task), Some(node)) = (line["task"].as_str(), line["node"].as_str()) else { continue };
            let heavy = task.starts_with("video-") || task == "audio" || task == "enrich";
            chunks += usize::from(task.starts_with("video-") && line["what"] == "finished");
            nodes
                .entry(if heavy { "heavy" } else { "light" }.to_owned())
                .or_default()
                .insert(node.to_owned());
        }
    }
    let text = |lane: &str| nodes[lane].iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(text("heavy"), "heavy");
    assert!(text("light").split(' ').all(|node| node == "intake" || node == "light"), "{nodes:?}");
    assert!(chunks > 5, "expected the long video in chunks, found {chunks} video tasks in all");
}

async fn check_notices(fixture: &FleetFixture, assets: &[serde_json::Value]) {
    let mut notices_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    wait_for("every asset has its notice", Duration::from_secs(30), async || {
        for notice in fixture.notices().await {
            let text = |name: &str| notice[name].as_str().unwrap().to_owned();
            assert!(!notice.to_string().contains("film_1"), "the notice names a key: {notice}");
            notices_of.entry(text("asset_id")).or_default().insert(text("id"));
        }
        // A caption file ends with its film, whose notice tells it.
        notices_of.len() == assets.iter().filter(|asset| asset["state"] != "attached").count()
    })
    .await;
    assert!(notices_of.values().all(|ids| ids.len() == 1), "{notices_of:?}");
}
