//! A finding of Macie about the text of a published asset: it arrives on the same stream as uploads.

use std::time::Duration;

use aws_sdk_kinesis::primitives::Blob;
use reelgate_stand_ins::{ACCOUNT, Macie};
use serde_json::json;

use crate::fixture::{FleetFixture, wait_for};
use crate::uploads::uploads;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_in_the_text_of_a_published_asset_quarantines_it_and_shows_its_place() {
    let fixture = FleetFixture::new(false).await;
    let macie = Macie::start(&["NAME"]);
    let bucket = fixture.bucket("text");
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, 1);
    let area = format!("s3://{bucket}/text");
    let environment = [
        ("REELGATE__AWS__MACIE__AREA", area.as_str()),
        ("REELGATE__AWS__MACIE__ACCOUNT", ACCOUNT),
        ("REELGATE__AWS__MACIE__WINDOW_S", "1"),
        // One address for everything except Macie.
        ("REELGATE__AWS__ENDPOINT_URL", ""),
        ("AWS_ENDPOINT_URL", fixture.localstack.endpoint()),
        ("AWS_ENDPOINT_URL_MACIE2", macie.endpoint()),
    ];
    let node = fixture.node("only", &environment);
    fixture.put("a/Maria-Beispielmann.mp4", &inbox.join("000.mp4")).await;
    let count = |phase: &str| fixture.states().get(phase).copied().unwrap_or_default();
    wait_for("it is published", PATIENCE, async || count("published") == 1).await;
    let texts = async || {
        let listed = fixture.s3.list_objects_v2().bucket(bucket).prefix("text/scan/").send().await.unwrap();
        listed.contents().iter().filter_map(|one| one.key()).map(str::to_owned).collect::<Vec<_>>()
    };
    // Publishing does not wait for Macie here.
    wait_for("Macie has a job", PATIENCE, async || macie.jobs().len() == 1).await;
    let delivered = texts().await;
    let [text] = &delivered[..] else { panic!("expected one text for Macie, found {delivered:?}") };

    let finding = json!({
        "source": "aws.macie", "detail-type": "Macie Finding", "detail": {
            "id": "finding-1", "type": "SensitiveData:S3Object/Personal", "category": "CLASSIFICATION",
            "severity": {"description": "High", "score": 3}, "count": 1, "sample": false,
            "resourcesAffected": {
                "s3Bucket": {"name": bucket}, "s3Object": {"key": text, "eTag": "e", "versionId": "v"}
            },
            "classificationDetails": {"jobId": "job-0", "result": {
                "status": {"code": "COMPLETE"},
                "sensitiveData": [{"category": "PERSONAL_INFORMATION", "detections": [
                    {"type": "NAME", "count": 1, "occurrences": {"records": [{"recordIndex": 0}]}}
                ]}]
            }}
        }
    });
    let record = fixture.kinesis.put_record().stream_name(&fixture.stream).partition_key("macie");
    record.data(Blob::new(finding.to_string())).send().await.unwrap();
    wait_for("it is quarantined", PATIENCE, async || count("quarantined") == 1).await;

    let asset = fixture.assets()[0]["asset_id"].as_str().unwrap().to_owned();
    let shown = &fixture.lines(&["show", "--json", &asset])[0];
    let found = shown["findings"].as_array().unwrap().iter().find(|one| one["source"] == "macie");
    let found = found.unwrap_or_else(|| panic!("nothing of Macie: {shown}"));
    assert_eq!((&found["kind"], &found["locations"][0]["surface"]), (&json!("NAME"), &json!("file_name")));
    // The node takes it back after it has answered.
    wait_for("the text that Macie read is taken back", PATIENCE, async || texts().await.is_empty()).await;
    assert_eq!(fixture.keys("published/").await, Vec::<String>::new());
    drop(node);
}
