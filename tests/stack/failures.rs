//! What the scripts of `deploy` do when AWS fails halfway. ministack rolls a single stack back as CloudFormation does, so one of the templates is
//! updated there and fails. It can update no nested stack that hands on the id of a security group or the ARN of an instance profile
//! (`Requested attribute GroupId does not exist`), so how the whole stack ends is told by a program in place of `aws`. LocalStack rolls nothing back.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use reelgate_stand_ins::ministack::{Auth, Keys};
use reelgate_stand_ins::{Fault, FaultProxy, Ministack, REGION};
use serde_json::{Value, json};

use crate::deployment::{call, script_at, text};
use crate::templates::deploy;

/// An account with a deployed stack; how an update of it ends is in the file `ends`.
const DEPLOYED: &str = r#"#!/bin/bash
here=$(dirname "$0")
case "$*" in
  *get-caller-identity*Account*) echo 123456789012 ;;
  *get-caller-identity*) echo arn:aws:iam::123456789012:root ;;
  *describe-regions* | *"s3 cp"* | *delete-change-set*) ;;
  *describe-security-groups*) echo '[]' ;;
  *describe-stack-events*) printf 'Fleet\tno capacity for it\n' ;;
  *describe-stacks*StackStatus*) if [ -e "$here/executed" ]; then cat "$here/ends"; else cat "$here/begins"; fi ;;
  *describe-stacks*Parameters*) printf 'ImageId\tami-1\n' ;;
  *describe-stacks* | *create-change-set*) ;;
  *"--query Status "*) echo CREATE_COMPLETE ;;
  *StatusReason*) echo None ;;
  *"--query Changes"*) printf 'Modify\tFleet\tAWS::CloudFormation::Stack\tFalse\n' ;;
  *execute-change-set*) touch "$here/executed" ;;
  *) exit 255 ;;
esac
"#;

fn program(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Updates a stack that is in the state `begins`, which ends in `ends`.
fn updated(begins: &str, ends: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    program(&dir.path().join("aws"), DEPLOYED);
    std::fs::write(dir.path().join("begins"), begins).unwrap();
    std::fs::write(dir.path().join("ends"), ends).unwrap();
    let certificates = dir.path().join("rds.pem");
    std::fs::write(&certificates, "-----BEGIN CERTIFICATE-----\n").unwrap();
    let mut command = Command::new(deploy().join("deploy.sh"));
    command
        .args(["test", REGION, "--yes", "--no-node", "--set", "HeavyMax=9", "--certificates"])
        .arg(certificates);
    command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()));
    command.env("REELGATE_POLL_S", "0").stdin(Stdio::null()).output().unwrap()
}

#[test]
fn an_update_that_fails_says_why_and_whether_it_was_rolled_back() {
    let fails = |begins, ends, status, words: &[&str]| {
        let output = updated(begins, ends);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(status), "{begins}, {ends}: {said}");
        for word in words {
            assert!(said.contains(word), "{begins}, {ends}: expected {word}, found {said}");
        }
    };
    let back = "UPDATE_ROLLBACK_COMPLETE: what was changed was rolled back";
    fails("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", 1, &["no capacity for it", back]);
    let mended = "continue-update-rollback --stack-name reelgate-test`";
    let not_back = ["no capacity for it", "not everything was rolled back", mended];
    fails("UPDATE_COMPLETE", "UPDATE_ROLLBACK_FAILED", 1, &not_back);
    // The next time.
    fails("UPDATE_ROLLBACK_FAILED", "", 2, &["is in UPDATE_ROLLBACK_FAILED", mended]);
    fails("ROLLBACK_COMPLETE", "", 2, &["deploy/teardown.sh test --region"]);
    fails("UPDATE_IN_PROGRESS", "", 2, &["wait until that has ended"]);
    assert!(
        updated("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE").status.success(),
        "one that came back is updated"
    );
}

/// `change_stack` of `common.sh` with the template of settings and more parameters.
fn change_settings(server: &Ministack, more: &[(&str, &str)]) -> Output {
    let names = [
        "IngestBucket",
        "WorkBucket",
        "PublishedBucket",
        "QuarantineBucket",
        "RejectedBucket",
        "TextBucket",
        "AuditBucket",
        "DeadLettersUrl",
        "NoticeTopicArn",
        "StoreUrl",
        "ViewerRoleArn",
    ];
    let of_all = names.map(|name| (name, "x")).into_iter().chain([("Environment", "test")]);
    let parameters = of_all.chain(more.iter().copied());
    let parameters: Vec<String> =
        parameters.map(|(name, value)| format!("ParameterKey={name},ParameterValue={value}")).collect();
    let script = "set -euo pipefail; . \"$1/common.sh\"; shift; change_stack reelgate-test \"$1\" test '' yes \"${@:2}\"";
    let mut command = Command::new("bash");
    command.args(["-c", script, "deploy"]).arg(deploy());
    command.arg(format!("{}/templates/settings.yaml", server.endpoint())).args(parameters);
    command
        .env("AWS_ENDPOINT_URL", server.endpoint())
        .env("AWS_REGION", REGION)
        .env("REELGATE_POLL_S", "0.2");
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    command.env("PATH", "/usr/bin:/bin").env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
    command.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn an_update_that_fails_halfway_is_rolled_back() {
    let server = Ministack::start(Auth::Open);
    let root =
        |service: &str, operation: &str, parameters: Value| call(&server, service, operation, parameters);
    root("s3", "create_bucket", json!({"Bucket": "templates"})).unwrap();
    let template = std::fs::read_to_string(deploy().join("stack/settings.yaml")).unwrap();
    root("s3", "put_object", json!({"Bucket": "templates", "Key": "settings.yaml", "Body": template}))
        .unwrap();
    let created = change_settings(&server, &[("EventsUrl", "kinesis://a")]);
    assert!(created.status.success(), "{}", text(&created));

    // Somebody wrote by hand what the update makes.
    let by_hand = "/reelgate/test/aws/macie/area";
    root("ssm", "put_parameter", json!({"Name": by_hand, "Type": "String", "Value": "s3://mine"})).unwrap();
    let value = |name: &str| {
        let found = root("ssm", "get_parameter", json!({"Name": name})).ok()?;
        Some(found["Parameter"]["Value"].as_str().unwrap().to_owned())
    };
    let update = [("EventsUrl", "kinesis://b"), ("CloudWatch", "full"), ("UseMacie", "true")];
    let failed = change_settings(&server, &update);
    let said = text(&failed);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("MacieArea") && said.contains("already exists"), "{said}");
    assert!(said.contains("UPDATE_ROLLBACK_COMPLETE: what was changed was rolled back"), "{said}");
    assert_eq!(value("/reelgate/test/events/url").as_deref(), Some("kinesis://a"));
    assert_eq!(value("/reelgate/test/node/cloudwatch_metrics").as_deref(), Some("basic"));
    assert_eq!(value("/reelgate/test/aws/macie/account"), None, "it was made and removed");
    assert_eq!(value(by_hand).as_deref(), Some("s3://mine"), "it is not the stack's");

    // Without the cause the same update is done.
    root("ssm", "delete_parameter", json!({"Name": by_hand})).unwrap();
    let updated = change_settings(&server, &update);
    assert!(updated.status.success(), "{}", text(&updated));
    assert_eq!(value("/reelgate/test/events/url").as_deref(), Some("kinesis://b"));
    assert_eq!(value(by_hand).as_deref(), Some("s3://x"));
}

#[test]
fn policies_that_were_changed_come_back_where_a_later_one_is_refused() {
    let server = Ministack::start(Auth::Open);
    let root =
        |service: &str, operation: &str, parameters: Value| call(&server, service, operation, parameters);
    for name in ["uploads", "staged"] {
        root("s3", "create_bucket", json!({"Bucket": name})).unwrap();
    }
    let partner = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/partner"},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::uploads/*"
    }]});
    root("s3", "put_bucket_policy", json!({"Bucket": "uploads", "Policy": partner.to_string()})).unwrap();
    let key = root("kms", "create_key", json!({})).unwrap();
    let key = format!("media={}", key["KeyMetadata"]["Arn"].as_str().unwrap());
    let key_policy = || {
        let asked = json!({"KeyId": key.split_once('=').unwrap().1, "PolicyName": "default"});
        root("kms", "get_key_policy", asked).unwrap()["Policy"].clone()
    };
    let before = key_policy();

    let proxy = FaultProxy::before(server.endpoint());
    proxy.next(u64::MAX, Fault::s3(403, "AccessDenied", "not this one"), |asked| {
        asked.method == "PUT" && asked.path == "/staged" && asked.query.starts_with("policy")
    });
    let arguments = [
        "test",
        "--region",
        REGION,
        "--yes",
        "--key",
        &key,
        "--bucket",
        "ingest=uploads",
        "--bucket",
        "work=staged",
    ];
    let refused =
        script_at(proxy.endpoint(), &Keys::root(), "apply-policies.sh", &arguments).output().unwrap();
    let said = text(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("bucket staged: ") && said.contains("bucket uploads: as it was"), "{said}");
    let found = root("s3", "get_bucket_policy", json!({"Bucket": "uploads"})).unwrap();
    let found: Value = serde_json::from_str(found["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(found, partner);
    assert!(root("s3", "get_bucket_policy", json!({"Bucket": "staged"})).is_err(), "it had none");
    assert_eq!(key_policy(), before);

    // Without the fault the same command changes them.
    let applied =
        script_at(server.endpoint(), &Keys::root(), "apply-policies.sh", &arguments).output().unwrap();
    assert!(applied.status.success(), "{}", text(&applied));
    let found = root("s3", "get_bucket_policy", json!({"Bucket": "uploads"})).unwrap()["Policy"].to_string();
    assert!(found.contains("OnlyByTls") && found.contains("Partner"), "{found}");
}
