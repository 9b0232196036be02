//! After an erasure nothing that the fleet keeps or sends contains the key, its folder, or a value of the media.

use std::time::Duration;

use crate::fixture::{FleetFixture, wait_for};
use crate::uploads::tool;

const PATIENCE: Duration = Duration::from_secs(120);
/// A folder and a name that occur nowhere else.
const FOLDER: &str = "zebra-quail-7731";
const NAME: &str = "oboe-lantern-4408";
/// A card number that is not known as a test number.
const CARD: &str = "4539 5787 6362 1486";

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_upload_is_found_nowhere() {
    let fixture = FleetFixture::new(false).await;
    let file = fixture.dir.path().join("upload.mp4");
    let comment = format!("comment=credit card {CARD}");
    let mut arguments = vec!["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=10:d=2"];
    arguments.extend(["-c:v", "libx264", "-preset", "ultrafast", "-metadata", comment.as_str()]);
    arguments.push(file.to_str().unwrap());
    tool("ffmpeg", &arguments);
    let mut node = fixture.node("only", &[]);
    fixture.put(&format!("{FOLDER}/{NAME}.mp4"), &file).await;
    let in_phase = |phase: &str| fixture.states().get(phase).copied().unwrap_or_default() == 1;
    wait_for("it is quarantined", PATIENCE, async || in_phase("quarantined")).await;
    // What the search must be able to find at all.
    let dump = fixture.dump();
    assert!(dump.contains(FOLDER) && dump.contains(NAME));
    let id = fixture.assets()[0]["asset_id"].as_str().unwrap().to_owned();
    let erased = fixture.reelgate(&["erase", &id, "--reason", "asked to", "--by", "officer"]);
    assert!(erased.status.success(), "{}", String::from_utf8_lossy(&erased.stderr));
    wait_for("it is erased", PATIENCE, async || in_phase("erased")).await;
    // S3 tells the node of the deletion of the source, which may come after the erasure.
    wait_for("the source is deleted", PATIENCE, async || fixture.versions().await.is_empty()).await;
    let notices = fixture.notices().await;
    assert!(notices.iter().any(|notice| notice["kind"] == "erased"), "{notices:?}");
    let certificate = fixture.reelgate(&["erase", &id, "--certificate"]);
    let log = fixture.dir.path().join("audit.jsonl");
    let audit = fixture.reelgate(&["audit", "export", log.to_str().unwrap()]);
    assert!(certificate.status.success() && audit.status.success());
    assert_eq!(node.stop(), Some(0));

    let mut places = vec![
        ("the logs".to_owned(), fixture.logs().into_bytes()),
        ("the notices".to_owned(), serde_json::to_vec(&notices).unwrap()),
        ("the certificate".to_owned(), certificate.stdout),
        ("the audit log".to_owned(), std::fs::read(log).unwrap()),
    ];
    for (name, bytes) in fixture.everything().await {
        places.push((format!("the object {name}"), bytes));
        places.push((format!("the name of an object, {name}"), name.into_bytes()));
    }
    // `pg_dump` begins the rows of each table with a line of this form.
    let dump = fixture.dump();
    places.extend(dump.split("\nCOPY ").map(|table| {
        let name = table.split_whitespace().next().unwrap_or_default();
        (format!("the table {name}"), table.as_bytes().to_vec())
    }));
    let digits = CARD.replace(' ', "");
    for (place, bytes) in &places {
        for planted in [FOLDER, NAME, CARD, digits.as_str()] {
            let found = bytes.windows(planted.len()).any(|window| window == planted.as_bytes());
            assert!(!found, "{place} contains {planted} after the erasure");
        }
    }
}
