//! The whole chain: an uploaded object leads to its outputs, rows and notice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
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
    wait_for("nothing is staged any more", Duration::from_secs(20), async || {
        fixture.keys("work/").await.is_empty()
    })
    .await;
    for mut node in nodes {
        assert_eq!(node.stop(), Some(0), "{}: {}", node.name, fixture.logs());
    }
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
        notices_of.len() == assets.len()
    })
    .await;
    assert!(notices_of.values().all(|ids| ids.len() == 1), "{notices_of:?}");
}
