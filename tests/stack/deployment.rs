//! `deploy.sh` and `teardown.sh` against ministack, and whether what it made is what the templates ask for.
//!
//! Where ministack differs from AWS, the test says so by name: `DROPPED` lists the properties that it does not keep, so that they are proved
//! on the template only. It has neither NAT gateways, flow logs, trails, budgets, GuardDuty, the analyser, cost anomalies and Macie, nor
//! alarms over several metrics, nor a secret that RDS makes: the stack is deployed without them here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use reelgate_stand_ins::ministack::{Auth, Keys, ServiceCall};
use reelgate_stand_ins::{ACCOUNT, Ministack, REGION};
use serde_json::{Value, json};

use crate::templates::{deploy, stack};

pub const ENVIRONMENT: &str = "test";
/// What ministack does not have.
const WITHOUT: [&str; 8] = [
    "ImageId=ami-1",
    "Nat=none",
    "Trail=none",
    "FlowLogs=none",
    "GuardDuty=none",
    "AccessAnalyzer=none",
    "AnomalyMonitor=none",
    "BudgetUsd=0",
];

/// A script of `deploy` with the credentials of `keys` at an endpoint.
pub fn script_at(endpoint: &str, keys: &Keys, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(deploy().join(name));
    command.args(arguments).stdin(Stdio::null());
    command.env("AWS_ACCESS_KEY_ID", &keys.access).env("AWS_SECRET_ACCESS_KEY", &keys.secret);
    command.env("AWS_ENDPOINT_URL", endpoint).env("REELGATE_POLL_S", "0.2");
    // Debian's, whatever comes first: it is the one that is installed for this.
    command.env("PATH", format!("{}:/usr/bin:/bin", Ministack::python().display()));
    command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
    command
}

/// The same at ministack, to its end.
pub fn script(server: &Ministack, keys: &Keys, name: &str, arguments: &[&str]) -> Output {
    let mut command = script_at(server.endpoint(), keys, name, arguments);
    if let Some(certificate) = server.certificate() {
        command.env("AWS_CA_BUNDLE", certificate);
    }
    command.output().unwrap()
}

pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A call as the account's root user.
pub fn call(server: &Ministack, service: &str, operation: &str, parameters: Value) -> Result<Value, String> {
    server.call(&Keys::root(), &[ServiceCall { service, operation, parameters }]).remove(0)
}

/// The settings of this account, and the same as arguments of `deploy.sh`.
pub struct Settings {
    values: Vec<String>,
    certificates: PathBuf,
    _dir: tempfile::TempDir,
}

impl Settings {
    pub fn new(server: &Ministack) -> Self {
        let secret = json!({"Name": "database", "SecretString": r#"{"username":"reelgate","password":"not-a-secret"}"#});
        let secret = call(server, "secretsmanager", "create_secret", secret).unwrap();
        let mut values: Vec<String> = WITHOUT.map(str::to_owned).into();
        values.push("HeavyMin=1".to_owned());
        values.push(format!("ExistingDatabaseSecretArn={}", secret["ARN"].as_str().unwrap()));
        let dir = tempfile::tempdir().unwrap();
        let certificates = dir.path().join("rds.pem");
        std::fs::write(&certificates, "-----BEGIN CERTIFICATE-----\n").unwrap();
        Self { values, certificates, _dir: dir }
    }

    /// `deploy.sh` with these settings and `more`.
    pub fn deploy(&self, server: &Ministack, keys: &Keys, more: &[&str]) -> Output {
        let mut arguments = vec![ENVIRONMENT, REGION, "--no-node", "--certificates"];
        arguments.push(self.certificates.to_str().unwrap());
        for value in &self.values {
            arguments.extend(["--set", value.as_str()]);
        }
        arguments.extend(more);
        script(server, keys, "deploy.sh", &arguments)
    }
}

fn status_of(server: &Ministack, stack: &str) -> Option<String> {
    let found = call(server, "cloudformation", "describe_stacks", json!({"StackName": stack})).ok()?;
    Some(found["Stacks"][0]["StackStatus"].as_str().unwrap().to_owned())
}

#[test]
fn the_stack_is_deployed_as_asked_again_without_a_change_updated_and_removed() {
    // Without the check of rights: with it, ministack also holds requests to the buckets' policies, which refuse plain HTTP.
    let server = Ministack::start(Auth::Open);
    let settings = Settings::new(&server);
    let root = Keys::root();

    let looked = settings.deploy(&server, &root, &["--dry-run"]);
    assert!(looked.status.success() && text(&looked).contains("all resources"), "{}", text(&looked));
    assert_eq!(status_of(&server, "reelgate-test-artifacts"), None, "a dry run creates nothing");
    let unconfirmed = settings.deploy(&server, &root, &[]);
    assert_eq!(unconfirmed.status.code(), Some(2), "{}", text(&unconfirmed));
    assert!(text(&unconfirmed).contains("--yes"), "{}", text(&unconfirmed));

    let deployed = settings.deploy(&server, &root, &["--yes"]);
    assert!(deployed.status.success(), "{}", text(&deployed));
    assert!(text(&deployed).contains("US dollars in a month without uploads"), "{}", text(&deployed));
    assert_eq!(status_of(&server, "reelgate-test").as_deref(), Some("CREATE_COMPLETE"));
    check_properties(&server, &settings);
    check_settings(&server);
    check_default_group(&server);

    let again = settings.deploy(&server, &root, &["--yes"]);
    assert!(again.status.success() && text(&again).contains("nothing has changed"), "{}", text(&again));
    let looked = settings.deploy(&server, &root, &["--dry-run", "--set", "SecondsOfWork=600"]);
    let said = text(&looked);
    assert!(said.contains("Modify\tFleet"), "{said}");
    assert!(!said.contains("\tDatabase\t") && !said.contains("\tStorage\t"), "{said}");
    let updated = settings.deploy(&server, &root, &["--yes", "--set", "CloudWatch=full"]);
    assert!(updated.status.success() && text(&updated).contains("deploy: deployed"), "{}", text(&updated));
    let metrics = json!({"Name": "/reelgate/test/node/cloudwatch_metrics"});
    assert_eq!(call(&server, "ssm", "get_parameter", metrics).unwrap()["Parameter"]["Value"], "full");
    let dashboards = call(&server, "cloudwatch", "list_dashboards", json!({})).unwrap();
    assert_eq!(dashboards["DashboardEntries"].as_array().unwrap().len(), 3);

    // ministack removes what DeletionPolicy keeps in nested stacks; a test of the template proves the policy.
    let removed = script(&server, &root, "teardown.sh", &[ENVIRONMENT, "--region", REGION, "--yes"]);
    assert!(removed.status.success(), "{}", text(&removed));
    assert_eq!(status_of(&server, "reelgate-test"), None);
    assert_eq!(status_of(&server, "reelgate-test-artifacts"), None);

    destroys_only_what_is_named(&server, &root);
}

/// What an earlier deployment left stays until its environment is named once more.
fn destroys_only_what_is_named(server: &Ministack, root: &Keys) {
    let bucket = format!("reelgate-test-{ACCOUNT}-{REGION}-quarantine");
    call(server, "s3", "create_bucket", json!({"Bucket": bucket})).unwrap();
    let versioned = json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}});
    call(server, "s3", "put_bucket_versioning", versioned).unwrap();
    for body in ["one", "two"] {
        call(server, "s3", "put_object", json!({"Bucket": bucket, "Key": "clip", "Body": body})).unwrap();
    }
    let tags = json!([{"ResourceType": "image", "Tags": [{"Key": "reelgate:environment", "Value": "test"}]}]);
    let image = json!({"Name": "reelgate-test", "RootDeviceName": "/dev/xvda", "TagSpecifications": tags});
    let image = call(server, "ec2", "register_image", image).unwrap();
    let image = image["ImageId"].as_str().unwrap();
    let teardown = |more: &[&str]| {
        let arguments = [&[ENVIRONMENT, "--region", REGION, "--yes"], more].concat();
        script(server, root, "teardown.sh", &arguments)
    };
    let kept = teardown(&[]);
    assert!(kept.status.success() && text(&kept).contains(&bucket), "{}", text(&kept));
    assert!(text(&kept).contains(&format!("image {image}")), "{}", text(&kept));
    let refused = teardown(&["--destroy-data", "other"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(call(server, "s3", "head_bucket", json!({"Bucket": bucket})).is_ok(), "it stays");
    let destroyed = teardown(&["--destroy-data", ENVIRONMENT]);
    assert!(destroyed.status.success(), "{}", text(&destroyed));
    assert!(text(&destroyed).contains("left that costs money: nothing"), "{}", text(&destroyed));
    assert!(call(server, "s3", "head_bucket", json!({"Bucket": bucket})).is_err());
}

/// Of a type: service, operation, the parameter that takes the physical name (in brackets: a list of it), where the answer is, and
/// pairs of pointers: into the template's properties, into the answer.
type Kept = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const KEPT: &[Kept] = &[
    (
        "AWS::RDS::DBCluster",
        "rds",
        "describe_db_clusters",
        "DBClusterIdentifier",
        "/DBClusters/0",
        &[
            ("/StorageEncrypted", "/StorageEncrypted"),
            ("/DeletionProtection", "/DeletionProtection"),
            ("/BackupRetentionPeriod", "/BackupRetentionPeriod"),
            ("/EnableIAMDatabaseAuthentication", "/IAMDatabaseAuthenticationEnabled"),
            ("/ServerlessV2ScalingConfiguration", "/ServerlessV2ScalingConfiguration"),
            ("/EngineVersion", "/EngineVersion"),
            ("/DBClusterIdentifier", "/DBSubnetGroup"),
            ("/PreferredMaintenanceWindow", "/PreferredMaintenanceWindow"),
        ],
    ),
    (
        "AWS::AutoScaling::AutoScalingGroup",
        "autoscaling",
        "describe_auto_scaling_groups",
        "[AutoScalingGroupNames]",
        "/AutoScalingGroups/0",
        &[
            ("/MinSize", "/MinSize"),
            ("/MaxSize", "/MaxSize"),
            ("/HealthCheckType", "/HealthCheckType"),
            ("/HealthCheckGracePeriod", "/HealthCheckGracePeriod"),
        ],
    ),
    (
        "AWS::EC2::LaunchTemplate",
        "ec2",
        "describe_launch_template_versions",
        "LaunchTemplateName",
        "/LaunchTemplateVersions/0/LaunchTemplateData",
        &[
            ("/LaunchTemplateData/InstanceType", "/InstanceType"),
            ("/LaunchTemplateData/Monitoring", "/Monitoring"),
            ("/LaunchTemplateData/MetadataOptions/HttpTokens", "/MetadataOptions/HttpTokens"),
            ("/LaunchTemplateData/IamInstanceProfile", "/IamInstanceProfile"),
            ("/LaunchTemplateData/BlockDeviceMappings", "/BlockDeviceMappings"),
        ],
    ),
    (
        "AWS::CloudWatch::Alarm",
        "cloudwatch",
        "describe_alarms",
        "[AlarmNames]",
        "/MetricAlarms/0",
        &[
            ("/MetricName", "/MetricName"),
            ("/Namespace", "/Namespace"),
            ("/Dimensions", "/Dimensions"),
            ("/Period", "/Period"),
            ("/EvaluationPeriods", "/EvaluationPeriods"),
            ("/ComparisonOperator", "/ComparisonOperator"),
            ("/TreatMissingData", "/TreatMissingData"),
            ("/AlarmActions", "/AlarmActions"),
        ],
    ),
    (
        "AWS::CloudWatch::Dashboard",
        "cloudwatch",
        "get_dashboard",
        "DashboardName",
        "",
        &[("/DashboardBody", "/DashboardBody")],
    ),
    (
        "AWS::S3::Bucket",
        "s3",
        "get_public_access_block",
        "Bucket",
        "",
        &[("/PublicAccessBlockConfiguration", "/PublicAccessBlockConfiguration")],
    ),
    (
        "AWS::S3::Bucket",
        "s3",
        "get_bucket_versioning",
        "Bucket",
        "",
        &[("/VersioningConfiguration/Status", "/Status")],
    ),
    (
        "AWS::S3::Bucket",
        "s3",
        "get_bucket_ownership_controls",
        "Bucket",
        "",
        &[("/OwnershipControls", "/OwnershipControls")],
    ),
    (
        "AWS::Kinesis::Stream",
        "kinesis",
        "describe_stream_summary",
        "StreamName",
        "/StreamDescriptionSummary",
        &[("/RetentionPeriodHours", "/RetentionPeriodHours"), ("/ShardCount", "/OpenShardCount")],
    ),
    (
        "AWS::Events::Rule",
        "events",
        "list_targets_by_rule",
        "Rule",
        "",
        &[
            ("/Targets/0/Arn", "/Targets/0/Arn"),
            ("/Targets/0/RoleArn", "/Targets/0/RoleArn"),
            ("/Targets/0/DeadLetterConfig", "/Targets/0/DeadLetterConfig"),
            ("/Targets/0/RetryPolicy", "/Targets/0/RetryPolicy"),
        ],
    ),
];

/// What the template asks for and ministack does not keep: property, and where it would be in the answer.
const DROPPED: &[Kept] = &[
    (
        "AWS::AutoScaling::AutoScalingGroup",
        "autoscaling",
        "describe_auto_scaling_groups",
        "[AutoScalingGroupNames]",
        "/AutoScalingGroups/0",
        &[("/MixedInstancesPolicy", "/MixedInstancesPolicy")],
    ),
    (
        "AWS::S3::Bucket",
        "s3",
        "get_bucket_encryption",
        "Bucket",
        "",
        &[(
            "/BucketEncryption/ServerSideEncryptionConfiguration/0/BucketKeyEnabled",
            "/ServerSideEncryptionConfiguration/Rules/0/BucketKeyEnabled",
        )],
    ),
    (
        "AWS::S3::Bucket",
        "s3",
        "get_bucket_lifecycle_configuration",
        "Bucket",
        "",
        &[("/LifecycleConfiguration/Rules/0/Status", "/Rules/0/Status")],
    ),
    (
        "AWS::S3::Bucket",
        "s3",
        "get_bucket_logging",
        "Bucket",
        "",
        &[("/LoggingConfiguration/LogFilePrefix", "/LoggingEnabled/TargetPrefix")],
    ),
    (
        "AWS::Kinesis::Stream",
        "kinesis",
        "describe_stream_summary",
        "StreamName",
        "/StreamDescriptionSummary",
        &[("/StreamEncryption/EncryptionType", "/EncryptionType")],
    ),
];

/// The property of the template that is a resource's physical name.
fn physical(kind: &str) -> &'static str {
    match kind {
        "AWS::RDS::DBCluster" => "DBClusterIdentifier",
        "AWS::AutoScaling::AutoScalingGroup" => "AutoScalingGroupName",
        "AWS::EC2::LaunchTemplate" => "LaunchTemplateName",
        "AWS::CloudWatch::Alarm" => "AlarmName",
        "AWS::CloudWatch::Dashboard" => "DashboardName",
        "AWS::S3::Bucket" => "BucketName",
        _ => "Name",
    }
}

fn check_properties(server: &Ministack, settings: &Settings) {
    let values: Vec<&str> = settings.values.iter().map(String::as_str).collect();
    let stacks = stack(&values);
    let resources: Vec<&Value> =
        stacks.values().flat_map(|stack| stack["Resources"].as_object().unwrap().values()).collect();
    // All calls at once: each call of its own would start Python anew.
    let mut calls = Vec::new();
    let mut comparisons = Vec::new();
    for (kept, rows) in [(true, KEPT), (false, DROPPED)] {
        for (kind, service, operation, parameter, place, pairs) in rows {
            let of_kind: Vec<_> = resources.iter().filter(|resource| resource["Type"] == *kind).collect();
            assert!(!of_kind.is_empty(), "{kind}");
            for resource in of_kind {
                let name = resource["Properties"][physical(kind)].as_str().unwrap();
                let parameters = match parameter.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
                    Some(list) => json!({list: [name]}),
                    None => json!({*parameter: name}),
                };
                calls.push(ServiceCall { service, operation, parameters });
                comparisons.push((kept, &resource["Properties"], name, place, pairs));
            }
        }
    }
    let answers = server.call(&Keys::root(), &calls);
    let mut different = Vec::new();
    let mut compared = 0;
    for ((kept, properties, name, place, pairs), answer) in comparisons.into_iter().zip(answers) {
        let found = answer.unwrap_or_default().pointer(place).cloned().unwrap_or_default();
        for (asked, at) in *pairs {
            let Some(asked) = properties.pointer(asked) else { continue };
            compared += 1;
            let at_place = found.pointer(at).cloned().unwrap_or_default();
            if same(asked, &at_place) != kept {
                different.push(format!("{name} {at}: asked {asked}, found {at_place}"));
            }
        }
    }
    assert!(different.is_empty(), "{different:#?}");
    assert!(compared > 100, "{compared}");
}

/// Equal but for the kind of a number and the order of a list.
fn same(asked: &Value, found: &Value) -> bool {
    match (asked, found) {
        (Value::Object(asked), Value::Object(found)) => {
            asked.len() == found.len()
                && asked.iter().all(|(key, value)| found.get(key).is_some_and(|f| same(value, f)))
        }
        (Value::Array(asked), Value::Array(found)) => {
            asked.len() == found.len() && asked.iter().all(|one| found.iter().any(|other| same(one, other)))
        }
        (Value::Number(asked), Value::Number(found)) => asked.as_f64() == found.as_f64(),
        _ => asked == found,
    }
}

/// Every parameter is one of the configuration, with the value that the template gives it.
fn check_settings(server: &Ministack) {
    let path = json!({"Path": "/reelgate/test", "Recursive": true});
    let mut found = BTreeMap::new();
    let mut next = Value::Null;
    loop {
        let mut asked = path.clone();
        if next.is_string() {
            asked["NextToken"] = next;
        }
        let mut page = call(server, "ssm", "get_parameters_by_path", asked).unwrap();
        for parameter in page["Parameters"].as_array().unwrap() {
            let text = |name: &str| parameter[name].as_str().unwrap().to_owned();
            found.insert(text("Name"), text("Value"));
        }
        next = page["NextToken"].take();
        if !next.is_string() {
            break;
        }
    }
    let bucket = |area: &str| format!("s3://reelgate-test-{ACCOUNT}-{REGION}-{area}");
    for area in ["ingest", "work", "published", "quarantine", "rejected"] {
        assert_eq!(found[&format!("/reelgate/test/objects/{area}")], bucket(area));
    }
    assert_eq!(found["/reelgate/test/events/url"], "kinesis://reelgate-test-events");
    let topic = format!(r#"["sns:arn:aws:sns:{REGION}:{ACCOUNT}:reelgate-test-notices"]"#);
    assert_eq!(found["/reelgate/test/notices/urls"], topic);
    assert!(found["/reelgate/test/store/url"].contains("sslmode=verify-full"), "{found:?}");
}

/// `deploy.sh` empties it, because CloudFormation cannot.
fn check_default_group(server: &Ministack) {
    let stack =
        call(server, "cloudformation", "describe_stacks", json!({"StackName": "reelgate-test"})).unwrap();
    let outputs = stack["Stacks"][0]["Outputs"].as_array().unwrap();
    let vpc = outputs.iter().find(|output| output["OutputKey"] == "VpcId").unwrap();
    let filters = json!({"Filters": [
        {"Name": "vpc-id", "Values": [vpc["OutputValue"]]}, {"Name": "group-name", "Values": ["default"]}
    ]});
    let groups = call(server, "ec2", "describe_security_groups", filters).unwrap();
    let group = &groups["SecurityGroups"][0];
    assert_eq!((&group["IpPermissions"], &group["IpPermissionsEgress"]), (&json!([]), &json!([])), "{group}");
}
