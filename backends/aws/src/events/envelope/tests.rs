use proptest::prelude::*;
use reelgate_flow::asset::Severity;
use reelgate_ports::records::EventKind;
use serde_json::{Value, json};

use super::*;

const KEY: &str = "studio-a/Episode 01+final (é).mov";

fn created() -> Value {
    json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created",
        "source": "aws.s3", "account": "111122223333", "time": "2026-03-12T08:21:44Z", "region": "eu-west-1",
        "resources": ["arn:aws:s3:::reelgate-dev-ingest"],
        "detail": {
            "version": "0", "bucket": {"name": "reelgate-dev-ingest"},
            "object": {
                "key": KEY, "size": 5_368_709_121_u64, "etag": "b1946ac92492d2347c6235b4d2611184-640",
                "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "sequencer": "00617F08299329D189"
            },
            "request-id": "N4N7GDK58NMKJ12R", "requester": "111122223333", "source-ip-address": "10.0.14.7",
            "reason": "CompleteMultipartUpload"
        }
    })
}

fn deleted(deletion_type: &str, version: Value) -> Value {
    let mut event = created();
    event["detail-type"] = json!("Object Deleted");
    event["detail"]["deletion-type"] = json!(deletion_type);
    event["detail"]["object"] =
        json!({"key": KEY, "etag": "", "version-id": version, "sequencer": "00617F0A4C1E6B2A10"});
    event
}

fn notification(name: &str, key: &str) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventName": name,
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "uploads",
            "bucket": {"name": "reelgate-dev-ingest", "arn": "arn:aws:s3:::reelgate-dev-ingest"},
            "object": {"key": key, "size": 7, "eTag": "0123", "versionId": "v1", "sequencer": "0055"}
        }
    }]})
}

fn parse(message: &Value) -> ParsedMessage {
    parse_message(message.to_string().as_bytes())
}

fn only(message: &Value) -> MediaEvent {
    let parsed = parse(message);
    assert_eq!((parsed.events.len(), parsed.refused), (1, vec![]));
    parsed.events.into_iter().next().unwrap()
}

#[test]
fn an_upload_is_parsed_with_its_raw_key() {
    let event = only(&created());
    assert_eq!(event.kind, EventKind::Created);
    assert_eq!((event.source.bucket.as_str(), event.source.key.as_str()), ("reelgate-dev-ingest", KEY));
    assert_eq!(event.source.version, "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e");
    assert_eq!(event.size_bytes, 5_368_709_121);
    assert_eq!(event.sequencer.sort_key(), format!("{:0<64}", "00617F08299329D189"));
}

#[test]
fn a_key_that_looks_encoded_is_not_decoded_in_an_envelope() {
    let mut event = created();
    for key in ["a%2Fb+c", "%", "line\nbreak", "../../etc/passwd", "🎬/фильм.mp4"] {
        event["detail"]["object"]["key"] = json!(key);
        assert_eq!(only(&event).source.key, key);
    }
}

#[test]
fn every_reason_of_creation_is_an_upload() {
    let mut event = created();
    for reason in ["PutObject", "POST Object", "CopyObject", "s3:ObjectCreated:CompleteMultipartUpload"] {
        event["detail"]["reason"] = json!(reason);
        assert_eq!(only(&event).kind, EventKind::Created);
    }
}

#[test]
fn without_versioning_the_etag_is_the_version_in_either_spelling() {
    for absent in [json!("null"), json!(""), Value::Null] {
        let mut event = created();
        event["detail"]["object"]["version-id"] = absent;
        assert_eq!(only(&event).source.version, "etag-b1946ac92492d2347c6235b4d2611184-640");
    }
    let mut event = created();
    event["detail"]["object"] = json!({"key": KEY, "size": 1, "eTag": "\"ab\"", "sequencer": "00"});
    assert_eq!(only(&event).source.version, "etag-ab");
}

#[test]
fn a_delete_marker_hides_every_version_and_a_permanent_deletion_only_its_own() {
    let marker = only(&deleted("Delete Marker Created", json!("1QW9g1Z99LUNbvaaYVpW9xDlOLU.qxgF")));
    assert_eq!((marker.kind, marker.source.version.as_str()), (EventKind::Deleted, ""));
    let one = only(&deleted("Permanently Deleted", json!("v7")));
    assert_eq!((one.kind, one.source.version.as_str()), (EventKind::Deleted, "v7"));
    let unversioned = only(&deleted("Permanently Deleted", Value::Null));
    assert_eq!((unversioned.kind, unversioned.source.version.as_str()), (EventKind::Deleted, "null"));
}

#[test]
fn a_queue_s_notification_is_decoded_once_directly_and_inside_a_topic_s_message() {
    let record = notification("ObjectCreated:Put", "studio-a/Episode+01%2Bfinal+%28%C3%A9%29.mov");
    let wrapped = json!({"Type": "Notification", "MessageId": "m", "Message": record.to_string()});
    for message in [record, wrapped] {
        let event = only(&message);
        assert_eq!((event.source.key.as_str(), event.source.version.as_str()), (KEY, "v1"));
    }
    let marker = only(&notification("ObjectRemoved:DeleteMarkerCreated", "a"));
    assert_eq!((marker.kind, marker.source.version.as_str()), (EventKind::Deleted, ""));
    let expired = only(&notification("LifecycleExpiration:Delete", "a"));
    assert_eq!((expired.kind, expired.source.version.as_str()), (EventKind::Deleted, "v1"));
}

#[test]
fn an_envelope_inside_a_topic_s_message_keeps_its_key() {
    let wrapped = json!({"Type": "Notification", "Message": created().to_string()});
    assert_eq!(only(&wrapped).source.key, KEY);
}

#[test]
fn one_damaged_record_does_not_affect_the_others() {
    let mut message = notification("ObjectCreated:Put", "good");
    let damaged = json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": 7}});
    message["Records"].as_array_mut().unwrap().insert(0, damaged);
    let parsed = parse(&message);
    assert_eq!((parsed.events.len(), parsed.refused.len()), (1, 1));
}

#[test]
fn known_messages_of_no_interest_give_an_empty_result() {
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "reelgate-dev-ingest"});
    let mut tagged = created();
    tagged["detail-type"] = json!("Object Tags Added");
    for message in [test, tagged, notification("ObjectTagging:Put", "a"), json!({"Records": []})] {
        assert_eq!(parse(&message), ParsedMessage::default());
    }
}

#[test]
fn a_value_that_a_store_cannot_hold_is_refused() {
    let cases = [
        ("key", json!("a\u{0}b"), "expected a key without zero bytes, found one with"),
        ("key", json!(""), "expected a key of 1 to 1024 bytes, found 0"),
        ("key", json!("k".repeat(65_536)), "expected a key of 1 to 1024 bytes, found 65536"),
        ("size", json!(u64::MAX), "expected a size below 2^63 bytes, found a larger one"),
        ("size", Value::Null, "expected a size, found none"),
        ("sequencer", json!("xyz"), "expected a sequencer of 1 to 64 hexadecimal digits, found none"),
        (
            "version-id",
            json!("v\n"),
            "expected a version of at most 1024 printable characters, found another",
        ),
    ];
    for (member, value, why) in cases {
        let mut event = created();
        event["detail"]["object"][member] = value;
        assert_eq!(parse(&event).refused, [why]);
    }
}

#[test]
fn a_macie_finding_keeps_types_and_counts_and_nothing_else() {
    let parsed = parse_message(include_bytes!("../../../../../tests/reference/macie-finding.json"));
    assert_eq!((parsed.refused, parsed.scans.len()), (vec![], 1));
    let scan = &parsed.scans[0];
    assert_eq!((scan.severity, scan.sample), (Severity::High, false));
    assert_eq!(scan.kind, "SensitiveData:S3Object/Multiple");
    let source = scan.source.as_ref().unwrap();
    assert_eq!(source.version, "etag-6f5902ac237024bdd0c176cb93063dc4");
    let types: Vec<_> =
        scan.summary["detections"].as_array().unwrap().iter().map(|d| d["type"].clone()).collect();
    assert_eq!(types, ["CREDIT_CARD_NUMBER", "USA_SOCIAL_SECURITY_NUMBER", "employee-id"]);
    assert!(!scan.summary.to_string().contains("captions"));
}

fn finding() -> Value {
    json!({"source": "aws.macie", "detail-type": "Macie Finding", "detail": {
        "id": "64b917aa", "type": "Policy:IAMUser/S3BucketPublic", "severity": {"score": 3, "description": "High"},
        "sample": true, "resourcesAffected": {"s3Bucket": {"name": "b"}, "s3Object": null},
        "classificationDetails": null, "policyDetails": {"actor": {"userIdentity": {"type": "Root"}}}
    }})
}

#[test]
fn a_policy_finding_has_no_object_and_a_sample_is_marked_as_one() {
    let parsed = parse(&finding());
    assert_eq!((parsed.scans[0].source.clone(), parsed.scans[0].sample), (None, true));
    assert_eq!(parsed.scans[0].summary["bucket"], "b");
}

#[test]
fn a_finding_without_a_known_severity_is_refused_and_does_not_count_as_harmless() {
    let mut message = finding();
    message["detail"]["severity"] = json!({"description": "Curious"});
    assert_eq!(parse(&message).refused, ["expected severity Low, Medium or High, found another"]);
}

#[test]
fn only_uploads_inside_the_ingest_area_are_added_to_a_batch() {
    let mut batch = EventBatch::default();
    let area = |bucket: &str, prefix: &str| Area { bucket: bucket.into(), prefix: prefix.into() };
    let parsed = parse(&created());
    parsed.clone().add_to(&mut batch, &area("reelgate-dev-published", ""), "shard 1", b"");
    parsed.clone().add_to(&mut batch, &area("reelgate-dev-ingest", "studio-b/"), "shard 1", b"");
    assert!(batch.is_empty());
    parsed.add_to(&mut batch, &area("reelgate-dev-ingest", "studio-a/"), "shard 1", b"");
    assert_eq!(batch.events.len(), 1);
}

#[test]
fn a_checksum_file_and_a_job_file_are_no_uploads() {
    let area = Area { bucket: "reelgate-dev-ingest".into(), prefix: String::new() };
    let mut message = created();
    let mut batch = EventBatch::default();
    for end in ["sha256", "reelgate.toml"] {
        message["detail"]["object"]["key"] = json!(format!("studio-a/movie.mp4.{end}"));
        parse(&message).add_to(&mut batch, &area, "shard 1", b"");
    }
    assert!(batch.is_empty());
}

#[test]
fn a_refusal_keeps_the_location_and_the_digest_of_its_bytes() {
    let mut batch = EventBatch::default();
    let area = Area { bucket: "b".into(), prefix: String::new() };
    parse_message(b"abc").add_to(&mut batch, &area, "stream s, shard 1, record 2", b"abc");
    let refused = &batch.refused[0];
    assert_eq!(refused.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(refused.location, "stream s, shard 1, record 2");
    assert_eq!(refused.reason, "expected a JSON object, found no JSON at line 1 column 1");
}

/// Names and texts that the parser knows.
const WORDS: &[&str] =
    &["detail", "Records", "Message", "source", "aws.s3", "Object Created", "s3", "object", "key", KEY];

/// Any JSON value; some of its members and texts are ones that the parser knows.
fn any_json() -> impl Strategy<Value = Value> {
    let word = || proptest::sample::select(WORDS).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        word().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let name = prop_oneof![word(), any::<String>()];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn samples() -> [Value; 5] {
    let record = notification("ObjectCreated:Put", "Episode");
    let wrapped = json!({"Type": "Notification", "Message": record.to_string()});
    [created(), deleted("Permanently Deleted", json!("v")), record, wrapped, finding()]
}

/// JSON pointers to all values inside.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                pointers(inner, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                pointers(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Parsed events can be stored, and no refusal quotes the message.
fn sound(parsed: &ParsedMessage) {
    for event in &parsed.events {
        assert!((1..=1024).contains(&event.source.key.len()) && !event.source.key.contains('\0'));
        assert!(i64::try_from(event.size_bytes).is_ok() && event.source.version.len() <= 1029);
    }
    for why in &parsed.refused {
        assert!(why.starts_with("expected ") && !why.contains("Episode") && why.len() < 120, "{why}");
    }
}

proptest! {
    #[test]
    fn any_bytes_have_a_result(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        sound(&parse_message(&bytes));
    }

    #[test]
    fn any_json_has_a_result(message in any_json()) {
        sound(&parse(&message));
    }

    #[test]
    fn a_sample_with_one_value_replaced_has_a_result(
        sample in 0..5_usize, place in any::<proptest::sample::Index>(), value in any_json(),
    ) {
        let mut message = samples()[sample].clone();
        let mut places = Vec::new();
        pointers(&message, "", &mut places);
        if let Some(there) = message.pointer_mut(place.get::<String>(&places)) {
            *there = value;
        }
        sound(&parse(&message));
    }

    #[test]
    fn a_sample_with_bytes_lost_or_flipped_has_a_result(
        sample in 0..5_usize, place in any::<proptest::sample::Index>(), flip in any::<u8>(), lost in 0..20_usize,
    ) {
        let mut bytes = samples()[sample].to_string().into_bytes();
        let at = place.index(bytes.len());
        bytes[at] ^= flip;
        bytes.drain(at..(at + lost).min(bytes.len()));
        sound(&parse_message(&bytes));
    }
}

#[test]
fn a_deletion_by_a_lifecycle_rule_counts_where_it_can_be_ordered_and_is_never_refused() {
    let mut bridged = deleted("Permanently Deleted", json!("v7"));
    bridged["detail"]["reason"] = json!("Lifecycle Expiration");
    assert_eq!(only(&bridged).source.version, "v7");
    let mut record = notification("LifecycleExpiration:DeleteMarkerCreated", "a");
    record["Records"][0]["s3"]["object"].as_object_mut().unwrap().remove("sequencer");
    bridged["detail"]["object"].as_object_mut().unwrap().remove("sequencer");
    for message in [record, bridged.clone()] {
        assert_eq!(parse(&message), ParsedMessage::default(), "{message}");
    }
    bridged["detail"]["reason"] = json!("DeleteObject");
    assert_eq!(parse(&bridged).refused.len(), 1, "a person's deletion has one");
}

#[test]
fn a_key_that_ends_with_a_slash_is_an_upload_unless_it_is_empty() {
    let ingest = "s3://reelgate-dev-ingest".parse::<Area>().unwrap();
    let uploads = |message: &Value| {
        let mut batch = EventBatch::default();
        parse(message).add_to(&mut batch, &ingest, "here", b"");
        batch.events.len()
    };
    let mut folder = created();
    folder["detail"]["object"]["key"] = json!("studio-a/");
    assert_eq!(uploads(&folder), 1);
    folder["detail"]["object"]["size"] = json!(0);
    assert_eq!(uploads(&folder), 0, "a console's folder");
    let mut removed = deleted("Permanently Deleted", json!("v1"));
    removed["detail"]["object"]["key"] = json!("studio-a/");
    assert_eq!(uploads(&removed), 1, "its upload may have been one");
}

/// An event of a restoration, as S3's user guide shows it: without a sequencer.
fn restored() -> Value {
    let mut event = created();
    event["detail-type"] = json!("Object Restore Completed");
    event["detail"] = json!({
        "version": "0", "bucket": {"name": "reelgate-dev-ingest"},
        "object": {"key": KEY, "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184", "version-id": "v7"},
        "request-id": "N4N7GDK58NMKJ12R", "requester": "s3.amazonaws.com",
        "restore-expiry-time": "2026-11-13T00:00:00Z", "source-storage-class": "GLACIER"
    });
    event
}

#[test]
fn a_restoration_names_the_version_that_can_be_read_again() {
    let mut bare = restored();
    bare["detail"]["object"].as_object_mut().unwrap().remove("version-id");
    let mut record = notification("ObjectRestore:Completed", "studio-a/Episode+01%2Bfinal+%28%C3%A9%29.mov");
    record["Records"][0]["s3"]["object"].as_object_mut().unwrap().remove("sequencer");
    record["Records"][0]["glacierEventData"] =
        json!({"restoreEventData": {"lifecycleRestorationExpiryTime": "2026-11-13T00:00:00Z"}});
    for (message, version) in
        [(restored(), "v7"), (bare, "etag-b1946ac92492d2347c6235b4d2611184"), (record, "v1")]
    {
        let parsed = parse(&message);
        assert_eq!((parsed.events.len(), parsed.refused), (0, vec![]));
        let [source] = parsed.unarchived.try_into().unwrap();
        assert_eq!((source.key.as_str(), source.version.as_str()), (KEY, version));
    }
}

#[test]
fn a_restoration_elsewhere_is_ignored_and_so_are_its_beginning_and_its_expiry() {
    let mut batch = EventBatch::default();
    let other = "s3://reelgate-dev-ingest/studio-b/".parse::<Area>().unwrap();
    parse(&restored()).add_to(&mut batch, &other, "here", b"");
    assert!(batch.is_empty());
    let ours = "s3://reelgate-dev-ingest/studio-a/".parse::<Area>().unwrap();
    parse(&restored()).add_to(&mut batch, &ours, "here", b"");
    assert_eq!((batch.unarchived.len(), batch.is_empty()), (1, false));
    for detail_type in ["Object Restore Initiated", "Object Restore Expired"] {
        let mut event = restored();
        event["detail-type"] = json!(detail_type);
        assert_eq!(parse(&event), ParsedMessage::default());
    }
    for name in ["ObjectRestore:Post", "ObjectRestore:Delete"] {
        assert_eq!(parse(&notification(name, "a")), ParsedMessage::default());
    }
    let mut damaged = restored();
    damaged["detail"]["object"]["key"] = json!("");
    assert_eq!(parse(&damaged).refused.len(), 1);
}
