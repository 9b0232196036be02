//! `validate-security.sh` and `apply-policies.sh` on a deployed stack: clean, with weaknesses planted, and with policies mended.
//!
//! What ministack drops of the templates is set by calls before the clean run (`keep_what_is_dropped`). It keeps no policy of an endpoint
//! in any way, so that control fails here, and it has neither trail, Macie, GuardDuty, the analyser nor flow logs, so theirs are skipped.

use std::collections::BTreeMap;

use reelgate_stand_ins::ministack::{Auth, Keys, ServiceCall};
use reelgate_stand_ins::{ACCOUNT, Ministack, REGION};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::deployment::{ENVIRONMENT, Settings, call, script, text};
use crate::templates::deploy;

/// Controls that fail on ministack whatever is deployed.
const NOT_KEPT: [&str; 1] = ["vpc-endpoint-policy"];

/// A call that weakens the account, and how the control that must find it says so. Without a call: found by a control more.
#[derive(Deserialize)]
struct Weakness {
    control: String,
    resource: String,
    found: String,
    service: Option<String>,
    operation: Option<String>,
    #[serde(default)]
    parameters: Value,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Finding {
    control: String,
    resource: String,
    found: String,
    verdict: String,
}

/// What AWS chose, by the name that weaknesses have for it.
fn names(server: &Ministack) -> BTreeMap<&'static str, String> {
    let ask = |service: &str, operation: &str, parameters: Value, at: &str| {
        let answer = call(server, service, operation, parameters).unwrap();
        answer.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("{at}: {answer}")).to_owned()
    };
    let mut names = BTreeMap::from([("account", ACCOUNT.to_owned()), ("region", REGION.to_owned())]);
    for purpose in ["media", "events", "platform"] {
        let alias = json!({"KeyId": format!("alias/reelgate-test-{purpose}")});
        names.insert(purpose, ask("kms", "describe_key", alias, "/KeyMetadata/Arn"));
    }
    let vpc = ask("ec2", "describe_vpc_endpoints", json!({}), "/VpcEndpoints/0/VpcId");
    let mine = json!({"Filters": [{"Name": "vpc-id", "Values": [vpc]}]});
    names.insert("subnet", ask("ec2", "describe_subnets", mine.clone(), "/Subnets/0/SubnetId"));
    let groups = call(server, "ec2", "describe_security_groups", mine).unwrap();
    for group in groups["SecurityGroups"].as_array().unwrap() {
        let name = match group["GroupName"].as_str().unwrap() {
            "default" => "default",
            name if name.ends_with("NodeSecurityGroup") => "node-group",
            _ => "database-group",
        };
        names.insert(name, group["GroupId"].as_str().unwrap().to_owned());
    }
    names.insert("vpc", vpc);
    let queue = json!({"QueueName": "reelgate-test-dead-letters"});
    names.insert("dead-letters", ask("sqs", "get_queue_url", queue, "/QueueUrl"));
    let group = "/DBClusterParameterGroups/0/DBClusterParameterGroupName";
    names.insert("parameters", ask("rds", "describe_db_cluster_parameter_groups", json!({}), group));
    names
}

fn filled(text: &str, names: &BTreeMap<&str, String>) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// AWS takes policies as text.
fn policies_as_text(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(policies_as_text),
        Value::Array(list) => list.iter_mut().for_each(policies_as_text),
        _ => {}
    }
    if value.get("Statement").is_some() {
        *value = Value::String(value.to_string());
    }
}

/// Sets what the templates ask for and ministack drops.
fn keep_what_is_dropped(server: &Ministack, names: &BTreeMap<&str, String>) {
    let bucket = |area: &str| format!("reelgate-test-{ACCOUNT}-{REGION}-{area}");
    let mut calls = Vec::new();
    let mut add = |service, operation, parameters| calls.push(ServiceCall { service, operation, parameters });
    for area in ["ingest", "work", "published", "quarantine", "rejected", "text", "audit"] {
        let key = &names[if area == "audit" { "platform" } else { "media" }];
        let by = json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key});
        let rules = json!({"Rules": [{"BucketKeyEnabled": true, "ApplyServerSideEncryptionByDefault": by}]});
        let encryption = json!({"Bucket": bucket(area), "ServerSideEncryptionConfiguration": rules});
        add("s3", "put_bucket_encryption", encryption);
        let log = json!({"LoggingEnabled": {"TargetBucket": bucket("logs"), "TargetPrefix": area}});
        add("s3", "put_bucket_logging", json!({"Bucket": bucket(area), "BucketLoggingStatus": log}));
    }
    let key = &names["events"];
    let stream = json!({"StreamName": "reelgate-test-events", "EncryptionType": "KMS", "KeyId": key});
    add("kinesis", "start_stream_encryption", stream);
    for topic in ["notices", "alarms"] {
        let arn = format!("arn:aws:sns:{REGION}:{ACCOUNT}:reelgate-test-{topic}");
        let attribute = json!({"TopicArn": arn, "AttributeName": "KmsMasterKeyId", "AttributeValue": key});
        add("sns", "set_topic_attributes", attribute);
    }
    let cluster =
        json!({"DBClusterIdentifier": "reelgate-test", "DBClusterParameterGroupName": names["parameters"]});
    add("rds", "modify_db_cluster", cluster);
    for answer in server.call(&Keys::root(), &calls) {
        answer.unwrap();
    }
}

fn validated(server: &Ministack) -> Vec<Finding> {
    let output =
        script(server, &Keys::root(), "validate-security.sh", &[ENVIRONMENT, "--region", REGION, "--json"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings: Vec<Finding> = serde_json::from_value(report["findings"].take()).unwrap();
    let failed = findings.iter().filter(|finding| finding.verdict == "fail").count();
    assert_eq!(report["counts"]["fail"], failed, "{}", report["counts"]);
    findings
}

fn failures(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.verdict == "fail").collect()
}

#[test]
fn each_planted_weakness_is_named_and_a_clean_stack_has_none() {
    let server = Ministack::start(Auth::Open);
    let deployed = Settings::new(&server).deploy(&server, &Keys::root(), &["--yes"]);
    assert!(deployed.status.success(), "{}", text(&deployed));
    let names = names(&server);
    keep_what_is_dropped(&server, &names);

    let clean = validated(&server);
    let unexpected: Vec<_> =
        failures(&clean).into_iter().filter(|one| !NOT_KEPT.contains(&one.control.as_str())).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    assert!(clean.len() > 120, "{}", clean.len());

    let weaknesses: Vec<Weakness> = serde_json::from_str(include_str!("weaknesses.json")).unwrap();
    assert!(weaknesses.len() > 30, "{}", weaknesses.len());
    let calls: Vec<ServiceCall<'_>> = weaknesses
        .iter()
        .filter_map(|weakness| {
            let mut parameters: Value =
                serde_json::from_str(&filled(&weakness.parameters.to_string(), &names)).unwrap();
            policies_as_text(&mut parameters);
            let (service, operation) = (weakness.service.as_deref()?, weakness.operation.as_deref()?);
            Some(ServiceCall { service, operation, parameters })
        })
        .collect();
    for (planted, answer) in calls.iter().zip(server.call(&Keys::root(), &calls)) {
        assert!(answer.is_ok(), "{} {}: {answer:?}", planted.service, planted.operation);
    }
    let weak = validated(&server);
    let unnamed: Vec<_> = weaknesses
        .iter()
        .map(|one| (&one.control, filled(&one.resource, &names), filled(&one.found, &names)))
        .filter(|(control, resource, found)| {
            let names_it = |one: &&Finding| {
                one.control == **control && one.resource == *resource && one.found.contains(found.as_str())
            };
            !failures(&weak).iter().any(names_it)
        })
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:#?}");

    mends_policies(&server);
}

/// What was changed in policies of buckets and keys comes back, and what somebody else added stays.
fn mends_policies(server: &Ministack) {
    let apply = |more: &[&str]| {
        let arguments = [&[ENVIRONMENT, "--region", REGION], more].concat();
        script(server, &Keys::root(), "apply-policies.sh", &arguments)
    };
    let policy = || {
        let bucket = json!({"Bucket": format!("reelgate-test-{ACCOUNT}-{REGION}-published")});
        call(server, "s3", "get_bucket_policy", bucket).unwrap()["Policy"].as_str().unwrap().to_owned()
    };
    let before = policy();
    let looked = apply(&["--dry-run"]);
    assert!(
        looked.status.success() && text(&looked).contains("+ OnlyWhoMovesItReadsIt"),
        "{}",
        text(&looked)
    );
    assert_eq!(apply(&[]).status.code(), Some(2), "nobody confirmed");
    assert_eq!(apply(&["--bucket", "ingest=not-there"]).status.code(), Some(2));
    assert_eq!(policy(), before, "nothing was changed");

    let applied = apply(&["--yes"]);
    assert!(applied.status.success(), "{}", text(&applied));
    let after = policy();
    for sid in ["OnlyByTls12OrNewer", "OnlyEncryptedByAKey", "Partner"] {
        assert!(after.contains(sid), "{sid}: {after}");
    }
    let findings = validated(server);
    let left: Vec<_> =
        failures(&findings).into_iter().filter(|one| one.control == "policy-as-shipped").collect();
    assert!(left.is_empty(), "{left:#?}");
    let again = apply(&["--yes"]);
    assert!(again.status.success() && !text(&again).contains("differ"), "{}", text(&again));
}

/// ministack keeps no selectors of a trail, so the judgement is asked directly.
#[test]
fn a_trail_that_leaves_out_calls_does_not_record_every_call() {
    let management = json!({"Field": "eventCategory", "Equals": ["Management"]});
    let advanced = |fields: &[Value]| json!({"AdvancedEventSelectors": [{"FieldSelectors": fields}]});
    let plain = |kind: &str, without: &[&str]| {
        let excluded = json!({"ReadWriteType": kind, "IncludeManagementEvents": true, "ExcludeManagementEventSources": without});
        json!({"EventSelectors": [excluded]})
    };
    let cases = [
        (advanced(std::slice::from_ref(&management)), true),
        (advanced(&[management.clone(), json!({"Field": "readOnly", "Equals": ["false"]})]), false),
        (advanced(&[management, json!({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]})]), false),
        (plain("All", &[]), true),
        (plain("WriteOnly", &[]), false),
        (plain("All", &["kms.amazonaws.com"]), false),
        (json!({}), false),
    ];
    let program = "import json, sys; from watch import records_every_call; \
                   print(json.dumps([records_every_call(one) for one in json.loads(sys.argv[1])]))";
    let selectors: Vec<&Value> = cases.iter().map(|(selectors, _)| selectors).collect();
    let mut python = std::process::Command::new(Ministack::python().join("python"));
    python.env("PYTHONPATH", deploy().join("security")).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = python.args(["-c", program, &serde_json::to_string(&selectors).unwrap()]).output().unwrap();
    let found: Vec<bool> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(found, cases.map(|(_, expected)| expected));
}
