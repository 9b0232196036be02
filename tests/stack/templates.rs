//! The templates: what three linters say, and what the stack is for given parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use reelgate_stand_ins::linters;
use serde::Deserialize;
use serde_json::{Value, json};

/// The folder `deploy`.
pub fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// Files of the templates.
fn templates() -> Vec<PathBuf> {
    let files = std::fs::read_dir(deploy().join("stack")).unwrap().map(|entry| entry.unwrap().path());
    let is_template = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "json");
    let found: Vec<_> = files.filter(is_template).collect();
    assert!(found.len() > 10, "{found:?}");
    found
}

/// Parameters without a default.
const NEEDED: [&str; 3] = ["Environment=test", "TemplateBase=https://example.com/stack", "ImageId=ami-1"];
/// Everything that can be created, in the largest form.
pub const LARGEST: [&str; 18] = [
    "PauseAtUsd=400",
    "CloudWatch=full",
    "Macie=create",
    "GuardDuty=create",
    "AccessAnalyzer=create",
    "AnomalyMonitor=create",
    "Zones=3",
    "InterfaceEndpoints=all-zones",
    "EventTransport=sqs",
    "ObjectLockDays=30",
    "Standby=true",
    "Layout=split",
    "ImageBuilder=create",
    "BaseImageId=ami-2",
    "AlarmEmail=alarms@example.com",
    "QuarantineReaders=arn:aws:iam::123456789012:role/officers",
    "ViewerPrincipalArn=arn:aws:iam::123456789012:role/viewers",
    "ProducerPrincipalArn=arn:aws:iam::123456789012:role/producers",
];

/// Everything that an account may have already.
pub const EXISTING: [&str; 18] = [
    "ExistingVpcId=vpc-1",
    "ExistingSubnetIds=subnet-1,subnet-2",
    "ExistingMediaKeyArn=arn:aws:kms:us-east-1:123456789012:key/1",
    "ExistingEventKeyArn=arn:aws:kms:us-east-1:123456789012:key/2",
    "ExistingPlatformKeyArn=arn:aws:kms:us-east-1:123456789012:key/3",
    "ExistingDatabaseSecretArn=arn:aws:secretsmanager:us-east-1:123456789012:secret:database",
    "ExistingDatabaseHost=database.example.internal",
    "ExistingIngestBucket=of-uploads",
    "ExistingWorkBucket=of-staged",
    "ExistingPublishedBucket=of-published",
    "ExistingQuarantineBucket=of-quarantine",
    "ExistingRejectedBucket=of-rejected",
    "ExistingTextBucket=of-texts",
    "ExistingAuditBucket=of-audit",
    "ExistingLogBucket=of-logs",
    "ExistingEventStream=of-events",
    "ExistingNoticeTopicArn=arn:aws:sns:us-east-1:123456789012:of-notices",
    "ExistingAlarmTopicArn=arn:aws:sns:us-east-1:123456789012:of-alarms",
];

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The nested stacks by path, as they are deployed with these parameters: [`render.py`](render.py) explains it.
pub fn rendered(main: &str, parameters: &[&str]) -> BTreeMap<String, Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack/render.py");
    let mut python = Command::new(linters::cfn_lint().join("python"));
    let output = output(python.arg(script).arg(deploy().join("stack").join(main)).args(parameters));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(answer["stacks"].take()).unwrap()
}

/// The stack with the defaults and `more`.
pub fn stack(more: &[&str]) -> BTreeMap<String, Value> {
    rendered("main.yaml", &[&NEEDED, more].concat())
}

#[derive(Deserialize)]
struct Exceptions {
    exception: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    rules: BTreeSet<String>,
    resources: BTreeSet<String>,
    reason: String,
    owner: String,
}

/// Compares what a linter finds, rule and resource, with the exceptions for rules that begin with `prefix`.
fn check_exceptions(prefix: &str, found: &BTreeSet<(String, String)>) {
    let text = std::fs::read_to_string(deploy().join("stack/exceptions.toml")).unwrap();
    let Exceptions { exception: exceptions } = toml::from_str(&text).unwrap();
    assert!(exceptions.len() <= 10, "{} exceptions", exceptions.len());
    let mut excused = BTreeSet::new();
    for exception in &exceptions {
        assert!(exception.reason.len() > 40 && !exception.owner.is_empty(), "{:?}", exception.rules);
        for rule in exception.rules.iter().filter(|rule| rule.starts_with(prefix)) {
            let pairs = exception.resources.iter().map(|resource| (rule.clone(), resource.clone()));
            excused.extend(pairs.filter(|pair| found.contains(pair)));
            let used = exception.resources.iter().any(|one| found.contains(&(rule.clone(), one.clone())));
            assert!(used, "{rule}: the exception is not needed any more");
        }
    }
    let unexcused: Vec<_> = found.difference(&excused).collect();
    assert!(unexcused.is_empty(), "{unexcused:#?}");
}

#[test]
fn cfn_lint_finds_neither_errors_nor_warnings() {
    let mut lint = Command::new(linters::cfn_lint().join("cfn-lint"));
    let regions = ["--regions", "us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-2"];
    let found = output(lint.args(regions).arg("--").args(templates()));
    assert!(found.status.success() && found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
}

#[test]
fn the_stack_breaks_no_control_of_control_tower_without_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let artifacts = rendered("artifacts.yaml", &NEEDED[..1]);
    for (form, stacks) in [("smallest", stack(&[])), ("largest", stack(&LARGEST)), ("artifacts", artifacts)] {
        for (path, stack) in stacks {
            // Only rules for types that are there are looked at; a template of nested stacks has none.
            let template = json!({"AWSTemplateFormatVersion": "2010-09-09", "Resources": stack["Resources"]});
            let file = format!("{form}-{}.json", path.replace('/', "-").replace('.', "main"));
            std::fs::write(dir.path().join(file), template.to_string()).unwrap();
        }
    }
    let (program, rules) = linters::cfn_guard();
    let mut guard = Command::new(program);
    guard.args(["validate", "--structured", "--output-format", "json", "--show-summary", "none", "--rules"]);
    let found = output(guard.arg(rules).arg("--data").arg(dir.path()));
    let files: Vec<Value> = serde_json::from_slice(&found.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&found.stderr)));
    let judged: usize = files.iter().map(|file| file["compliant"].as_array().unwrap().len()).sum();
    assert!(judged > 40, "expected many controls that hold, found {judged}");
    let mut broken = BTreeSet::new();
    for rule in files.iter().flat_map(|file| file["not_compliant"].as_array().unwrap()) {
        let (mut controls, mut resources) = (BTreeSet::new(), BTreeSet::new());
        collect(rule, &mut controls, &mut resources);
        assert!(!controls.is_empty() && !resources.is_empty(), "{rule}");
        for control in &controls {
            broken.extend(resources.iter().map(|resource| (control.clone(), resource.clone())));
        }
    }
    check_exceptions("CT.", &broken);
}

/// Names of controls and resources in a report of cfn-guard.
fn collect(report: &Value, controls: &mut BTreeSet<String>, resources: &mut BTreeSet<String>) {
    match report {
        Value::Array(several) => several.iter().for_each(|one| collect(one, controls, resources)),
        Value::Object(fields) => fields.values().for_each(|one| collect(one, controls, resources)),
        Value::String(text) => {
            if let Some((control, _)) = text.split_once("[CT.").and_then(|(_, rest)| rest.split_once(']')) {
                controls.insert(format!("CT.{control}"));
            }
            if let Some(path) = text.strip_prefix("/Resources/") {
                resources.insert(path.split('/').next().unwrap().to_owned());
            }
        }
        _ => {}
    }
}

#[test]
fn checkov_finds_nothing_without_a_reason() {
    let mut checkov = Command::new(linters::checkov());
    checkov.args(["--framework", "cloudformation", "--skip-download", "--quiet", "--output", "json"]);
    let found = output(checkov.arg("--directory").arg(deploy().join("stack")));
    let report: Value = serde_json::from_slice(&found.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&found.stderr)));
    assert!(report["summary"]["passed"].as_u64().unwrap() > 150, "{}", report["summary"]);
    assert_eq!(report["summary"]["parsing_errors"], 0, "{}", report["summary"]);
    let failed = report["results"]["failed_checks"].as_array().unwrap().iter();
    let pairs = failed.map(|check| {
        let resource = check["resource"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
        (check["check_id"].as_str().unwrap().to_owned(), resource)
    });
    check_exceptions("CKV", &pairs.collect());
}

/// CloudTrail.1 asks for reading calls too, of every region.
#[test]
fn the_trail_records_every_call_that_manages_the_account() {
    let trail = &stack(&[])["Guard"]["Resources"]["TrailOfPrivateData"]["Properties"];
    let selectors = trail["AdvancedEventSelectors"].as_array().unwrap();
    let management = json!([{"Field": "eventCategory", "Equals": ["Management"]}]);
    assert!(selectors.iter().any(|one| one["FieldSelectors"] == management), "{selectors:?}");
    assert_eq!(trail["IsMultiRegionTrail"], true);
}

#[test]
fn what_an_account_has_is_used_and_not_made_again() {
    let stacks = stack(&EXISTING);
    for (path, stack) in &stacks {
        for (name, resource) in stack["Resources"].as_object().unwrap() {
            let kind = resource["Type"].as_str().unwrap();
            let kept =
                ["S3::", "KMS::", "RDS::", "Kinesis::", "SNS::Topic", "EC2::VPC", "EC2::Subnet", "EC2::Nat"];
            assert!(
                !kept.iter().any(|one| kind.starts_with(&format!("AWS::{one}"))),
                "{path}/{name}: {kind}"
            );
        }
    }
    assert!(!stacks.contains_key("Database"));
    let settings: BTreeMap<&str, &str> = stacks["Settings"]["Resources"]
        .as_object()
        .unwrap()
        .values()
        .map(|one| {
            (one["Properties"]["Name"].as_str().unwrap(), one["Properties"]["Value"].as_str().unwrap())
        })
        .collect();
    let is = |name: &str, value: &str| assert_eq!(settings[format!("/reelgate/test/{name}").as_str()], value);
    is("objects/ingest", "s3://of-uploads");
    is("objects/work", "s3://of-staged");
    is("objects/published", "s3://of-published");
    is("objects/quarantine", "s3://of-quarantine");
    is("objects/rejected", "s3://of-rejected");
    is("store/audit_seal", "s3://of-audit/audit-seal.json");
    is("events/url", "kinesis://of-events");
    is("notices/urls", r#"["sns:arn:aws:sns:us-east-1:123456789012:of-notices"]"#);
    let database = "postgres://reelgate@database.example.internal/reelgate?sslmode=verify-full&sslrootcert=/etc/reelgate/rds-ca.pem";
    is("store/url", database);
    // Roles and rules name them too.
    let policies = stacks["Policies"]["Resources"].to_string();
    for named in ["of-uploads", "of-quarantine", "of-audit", "stream/of-events", ":of-notices"] {
        assert!(policies.contains(named), "{named}");
    }
    let target = &stacks["Events"]["Resources"]["UploadRule"]["Properties"]["Targets"][0]["Arn"];
    assert_eq!(target, "arn:aws:kinesis:us-east-1:123456789012:stream/of-events");
    let queue = stack(&[&EXISTING[..15], &["EventTransport=sqs", "ExistingEventQueue=of-events"]].concat());
    let target = &queue["Events"]["Resources"]["UploadRule"]["Properties"]["Targets"][0]["Arn"];
    assert_eq!(target, "arn:aws:sqs:us-east-1:123456789012:of-events");
}

/// An emulator removes these all the same; see `deployment`.
#[test]
fn what_is_worth_keeping_outlives_the_stack() {
    let stacks = stack(&LARGEST);
    let policy = |path: &str, name: &str| stacks[path]["Resources"][name]["DeletionPolicy"].clone();
    for bucket in ["IngestBucket", "PublishedBucket", "QuarantineBucket", "AuditBucket", "LogBucket"] {
        assert_eq!(policy("Storage", bucket), "Retain", "{bucket}");
    }
    assert_eq!(policy("Database", "Cluster"), "Snapshot");
    for key in ["MediaKey", "PlatformKey"] {
        assert_eq!(policy("Keys", key), "Retain", "{key}");
    }
    // An update that would replace something with data in it leaves the old one.
    for (path, stack) in &stacks {
        for (name, resource) in stack["Resources"].as_object().unwrap() {
            let stateful = ["AWS::S3::Bucket", "AWS::KMS::Key", "AWS::RDS::DBCluster"];
            if stateful.contains(&resource["Type"].as_str().unwrap()) {
                let kept = &resource["UpdateReplacePolicy"];
                assert!(kept == "Retain" || kept == "Snapshot", "{path}/{name}: {kept}");
            }
        }
    }
}
