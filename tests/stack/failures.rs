//! What the scripts of `deploy` do when AWS fails halfway. No stand-in fails as CloudFormation does: ministack cannot update a nested stack
//! with a key, so how a stack ends is told by a program in place of `aws`.

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
