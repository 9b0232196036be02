//! The verbs of producers and operators, with a running node.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use sha2::Digest;

use super::chaos::{put, read_source};
use crate::fixture::{FleetFixture, wait_for};
use crate::uploads::{tool, uploads};

#[tokio::test(flavor = "multi_thread")]
async fn uploads_by_verb_and_by_link_are_published_redone_in_their_place_and_never_inside_each_other() {
    let fixture = FleetFixture::new(false).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, 1);
    let (small, long) = (inbox.join("000.mp4"), inbox.join("long.mp4"));
    let checksum = inbox.join("000.mp4.sha256");
    let digest = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(std::fs::read(&small).unwrap()));
    std::fs::write(&checksum, format!("{digest}  000.mp4\n")).unwrap();
    let node = fixture.node("only", &[]);

    let to = format!("s3://{}/a/", fixture.ingest);
    let files = [checksum.to_str().unwrap(), small.to_str().unwrap()];
    let sent = fixture.lines(&["upload", files[0], files[1], &to, "--json"]);
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|line| line["crc64nvme"].is_string() && line["version"].is_string()), "{sent:?}");

    let key = format!("s3://{}/b/long.mp4", fixture.ingest);
    let link = fixture.lines(&["presign", &key, "--json"]).remove(0);
    let headers = link["headers"].as_object().unwrap().iter();
    let headers: Vec<String> =
        headers.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap())).collect();
    let mut put = vec!["-sSf", "-X", "PUT", "-T", long.to_str().unwrap()];
    for header in &headers {
        put.extend(["-H", header]);
    }
    put.push(link["url"].as_str().unwrap());
    tool("curl", &put);

    let mut seen = BTreeSet::new();
    notices_until(&fixture, &mut seen, 2).await;
    assert_eq!(fixture.states()["published"], 2, "a checksum is no upload: {:?}", fixture.states());
    let before = fixture.keys("published/").await;

    let redone = fixture.assets()[0]["asset_id"].as_str().unwrap().to_owned();
    let ordered = fixture.reelgate(&["redo", &redone, "--stage", "enrich"]);
    assert!(ordered.status.success(), "{}", String::from_utf8_lossy(&ordered.stderr));
    notices_until(&fixture, &mut seen, 3).await;
    assert_eq!(fixture.verify_published().await, 2);
    assert_eq!(fixture.keys("published/").await, before);
    wait_for("nothing staged is left", Duration::from_secs(30), async || {
        fixture.keys("work/").await.is_empty()
    })
    .await;

    // Keys that are folders of others, on both sides of their content.
    for key in ["studio-b", "studio-b/one.mp4", "two.mp4/three.mp4", "two.mp4"] {
        fixture.put(key, &small).await;
    }
    notices_until(&fixture, &mut seen, 7).await;
    assert_eq!(fixture.states()["published"], 6, "{:?}", fixture.states());
    let manifests = ["studio-b~", "studio-b/one.mp4", "two.mp4~/three.mp4", "two.mp4"];
    let now = fixture.keys("published/").await;
    for path in manifests {
        assert!(now.contains(&format!("published/{path}/manifest.json")), "{path}: {now:?}");
    }
    assert_eq!(fixture.verify_published().await, 6);
    verify_names_what_was_changed_in_the_bucket(&fixture, &redone).await;
    drop(node);
}

async fn verify_names_what_was_changed_in_the_bucket(fixture: &FleetFixture, asset: &str) {
    let verify = |target: &str| {
        let output = fixture.reelgate(&["verify", "--json", target]);
        let text = String::from_utf8(output.stdout).unwrap();
        let problems = text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            format!("{}: {}", line["problem"].as_str().unwrap(), line["name"].as_str().unwrap())
        });
        let problems: Vec<String> = problems.collect();
        (output.status.code(), problems, String::from_utf8(output.stderr).unwrap())
    };
    let (status, problems, talk) = verify(asset);
    assert_eq!((status, problems), (Some(0), Vec::new()), "{talk}");
    let shown = fixture.lines(&["show", "--json", asset]).remove(0);
    let hls = shown["outputs"]["hls"].as_str().unwrap();
    let address = hls.strip_suffix("/master.m3u8").unwrap();
    let (status, problems, talk) = verify(address);
    assert_eq!((status, problems), (Some(0), Vec::new()), "{talk}");

    let bucket = fixture.bucket("published");
    let prefix = address.strip_prefix(&format!("s3://{bucket}/")).unwrap();
    let key = |name: &str| format!("{prefix}/{name}");
    let put = async |name: &str, bytes: Vec<u8>| {
        let put = fixture.s3.put_object().bucket(bucket).key(key(name)).body(bytes.into());
        put.send().await.unwrap();
    };
    let mut flipped = fixture.output(&format!("published/{}", key("master.m3u8"))).await;
    flipped[9] ^= 1;
    put("master.m3u8", flipped).await;
    put("manifest.mpd", b"short".to_vec()).await;
    put("stray.txt", b"stray".to_vec()).await;
    let removed = fixture.s3.delete_object().bucket(bucket).key(key("poster.jpg"));
    removed.send().await.unwrap();
    for target in [asset, address] {
        let (status, mut problems, talk) = verify(target);
        problems.sort();
        let expected =
            ["missing: poster.jpg", "sha256: master.m3u8", "size: manifest.mpd", "unlisted: stray.txt"];
        assert_eq!((status, problems), (Some(3), expected.map(str::to_owned).to_vec()), "{talk}");
    }
    let (status, _, talk) = verify(&format!("s3://{bucket}/none"));
    assert_eq!(status, Some(2), "{talk}");
    assert!(talk.contains("expected a publication, found no such object"), "{talk}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_uploads_is_checked_searched_and_found_again() {
    let fixture = FleetFixture::new(false).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, 2);
    let bytes = std::fs::read(inbox.join("000.mp4")).unwrap();
    let other = std::fs::read(inbox.join("001.mp4")).unwrap();
    let digest = sha2::Sha256::digest(&bytes);
    let wrong = "0".repeat(64);
    let given = [
        ("right.mp4", "sha256", data_encoding::BASE64.encode(&digest)),
        ("wrong.mp4", "sha256", wrong.clone()),
        ("unreadable.mp4", "reelgate-sha256", "sesame".to_owned()),
    ];
    for (key, name, value) in given {
        let put = fixture.s3.put_object().bucket(&fixture.ingest).key(key).metadata(name, value);
        put.tagging("unit=7&case=b%2017").body(bytes.clone().into()).send().await.unwrap();
    }
    // In a copy of a published content, and in a content of its own.
    for (key, content) in [("copy.mp4", &bytes), ("own.mp4", &other)] {
        let put = fixture.s3.put_object().bucket(&fixture.ingest).key(key);
        let put = put.metadata("note", "credit card 4539 5787 6362 1486");
        put.body(content.clone().into()).send().await.unwrap();
    }
    let node = fixture.node("only", &[]);
    let notices = notices_until(&fixture, &mut BTreeSet::new(), 5).await;
    let found: BTreeMap<String, Value> = fixture
        .assets()
        .into_iter()
        .map(|line| (line["source"]["path"].as_str().unwrap().to_owned(), line["reason"].clone()))
        .collect();
    assert_eq!(found["right.mp4"], Value::Null, "{found:?}");
    assert_eq!(found["unreadable.mp4"]["code"], "checksum_unreadable");
    assert_eq!(found["wrong.mp4"]["code"], "checksum_mismatch");
    let told = format!(
        "x-amz-meta-sha256: expected {}…, found {}…",
        &wrong[..12],
        &data_encoding::HEXLOWER.encode(&digest)[..12]
    );
    assert!(found["wrong.mp4"]["message"].as_str().unwrap().contains(&told), "{found:?}");
    assert!(!format!("{found:?}").contains("sesame"), "{found:?}");
    for key in ["copy.mp4", "own.mp4"] {
        assert_eq!(found[key]["code"], "personal_data", "{key}: {found:?}");
    }
    let listed = |pairs: &[&str]| -> Vec<Value> {
        let pairs = pairs.iter().flat_map(|pair| ["--where", *pair]);
        fixture.lines(&["list", "--json"].into_iter().chain(pairs).collect::<Vec<_>>())
    };
    let of_unit: BTreeSet<String> = listed(&["tag:unit=7"])
        .iter()
        .map(|line| line["source"]["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(of_unit, ["right.mp4", "wrong.mp4", "unreadable.mp4"].map(str::to_owned).into());
    let published =
        listed(&["tag:unit=7", "tag:case=b 17"]).into_iter().find(|line| line["state"] == "published");
    assert_eq!(published.unwrap()["metadata"], serde_json::json!({"tag:case": "b 17", "tag:unit": "7"}));
    let [quarantined, _] = &listed(&["note=credit card 4539 5787 6362 1486"])[..] else { panic!("two") };
    assert_eq!(quarantined["metadata"], serde_json::json!({"note": null}));
    let place = &quarantined["findings"][0]["locations"][0];
    assert_eq!((&place["surface"], &place["field"]), (&"metadata".into(), &"note".into()), "{quarantined}");
    let shown = fixture.reelgate(&["show", quarantined["asset_id"].as_str().unwrap()]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("not shown unless published") && !shown.contains("4539"), "{shown}");
    assert_eq!(listed(&["tag:unit=8"]), Vec::<Value>::new());
    for told in [fixture.logs(), format!("{notices:?}")] {
        assert!(!told.contains("4539") && !told.contains("b 17"), "{told}");
    }
    drop(node);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_replaced_before_its_event_came_is_superseded_and_stays_where_it_is() {
    let fixture = FleetFixture::new(true).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, 2);
    for file in ["000.mp4", "001.mp4"] {
        fixture.put("a/one.mp4", &inbox.join(file)).await;
    }
    let events = read_source(&fixture, 2).await;
    let versions = async || {
        let listed = fixture.s3.list_object_versions().bucket(&fixture.ingest).send().await.unwrap();
        let mut ids: Vec<(bool, String)> = listed
            .versions()
            .iter()
            .map(|found| (found.is_latest() == Some(true), found.version_id().unwrap().to_owned()))
            .collect();
        ids.sort();
        ids
    };
    let uploaded = versions().await;
    let older = &uploaded[0].1;
    let (first, second): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|(_, event)| String::from_utf8_lossy(event).contains(older.as_str()));
    let node = fixture.node("only", &[]);
    put(&fixture, &first).await;
    wait_for("the older version has ended", Duration::from_secs(60), async || {
        fixture.states().get("superseded") == Some(&1)
    })
    .await;
    put(&fixture, &second).await;
    let mut seen = BTreeSet::new();
    notices_until(&fixture, &mut seen, 1).await;
    assert_eq!(fixture.states(), [("published".to_owned(), 1), ("superseded".to_owned(), 1)].into());
    assert_eq!(versions().await, uploaded);
    drop(node);
}

/// Waits until this many different notices have arrived.
async fn notices_until(fixture: &FleetFixture, seen: &mut BTreeSet<String>, count: usize) -> Vec<Value> {
    let mut all = Vec::new();
    wait_for("every notice has arrived", Duration::from_secs(120), async || {
        let notices = fixture.notices().await;
        seen.extend(notices.iter().map(|notice| notice["id"].as_str().unwrap().to_owned()));
        all.extend(notices);
        seen.len() >= count
    })
    .await;
    assert_eq!(seen.len(), count, "{}", fixture.logs());
    all
}
