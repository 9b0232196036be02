//! Scripts that are given something wrong say so in one line, end with status 2, and change nothing.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use reelgate_stand_ins::ministack::{Auth, Keys};
use reelgate_stand_ins::{ACCOUNT, Ministack, REGION};
use serde_json::json;

use crate::deployment::{call, script};
use crate::templates::deploy;

/// Runs a script without an account: every call to AWS would fail.
fn alone(name: &str, arguments: &[&str], path: &str) -> Output {
    let mut command = Command::new(deploy().join(name));
    command.args(arguments).stdin(Stdio::null()).env_clear().env("PATH", path);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_MAX_ATTEMPTS", "1");
    command.output().unwrap()
}

/// Checks status and message: one line that says `why`.
fn check_refusal(of: &str, output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{of}: {said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.last().is_some_and(|line| line.contains(why)), "{of}: expected `{why}`, found {said}");
    let more = lines.iter().filter(|line| !line.contains(": account ")).count();
    assert_eq!(more, 1, "{of}: expected one line, found {said}");
    assert!(output.stdout.is_empty(), "{of}: {}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn wrong_arguments_are_refused_before_aws_is_asked() {
    let cases: &[(&str, &[&str], &str)] = &[
        ("deploy.sh", &[], "expected an environment and a region, found 0"),
        ("deploy.sh", &["test"], "found 1 argument"),
        ("deploy.sh", &["test", "eu-west-1", "more"], "found 3 argument"),
        ("deploy.sh", &["Production", "eu-west-1"], "2 to 12 lower-case letters"),
        ("deploy.sh", &["much-too-long-a-name", "eu-west-1"], "2 to 12 lower-case letters"),
        ("deploy.sh", &["test", "eu-west-1", "--dryrun"], "unknown option --dryrun"),
        ("deploy.sh", &["test", "eu-west-1", "--set"], "expected a value after --set"),
        ("deploy.sh", &["test", "eu-west-1", "--set", "Nat"], "expected --set NAME=VALUE"),
        ("deploy.sh", &["test", "eu-west-1", "--set", "Gnat=one"], "Gnat is no parameter"),
        ("deploy.sh", &["test", "eu-west-1", "--set", "TemplateBase=x"], "set by this script"),
        ("deploy.sh", &["test", "eu-west-1", "--package", "none.deb"], "expected the file none.deb"),
        ("deploy.sh", &["test", "eu-west-1"], "does not accept the credentials"),
        ("teardown.sh", &[], "expected an environment, found 0"),
        ("teardown.sh", &["test"], "expected --region or AWS_REGION"),
        ("teardown.sh", &["test", "--destroy-data", "other"], "names other, expected test"),
        ("teardown.sh", &["test", "--destroy-data"], "expected a value after --destroy-data"),
        ("validate-security.sh", &[], "expected an environment, found 0"),
        ("validate-security.sh", &["test"], "expected --region or AWS_REGION"),
        ("validate-security.sh", &["test", "--yaml"], "unknown option --yaml"),
        ("apply-policies.sh", &["Test", "--region", REGION], "2 to 12 lower-case letters"),
        ("apply-policies.sh", &["test", "--bucket", "films=mine"], "expected --bucket AREA=NAME"),
        ("apply-policies.sh", &["test", "--key", "media=alias/mine"], "expected --key PURPOSE=ARN"),
        ("apply-policies.sh", &["test", "--region", REGION], "does not accept the credentials"),
        ("idle-cost.sh", &["Nat"], "expected NAME=VALUE"),
    ];
    for (name, arguments, why) in cases {
        check_refusal(&format!("{name} {arguments:?}"), &alone(name, arguments, "/usr/bin:/bin"), why);
    }
}

#[test]
fn missing_programs_are_named() {
    let dir = tempfile::tempdir().unwrap();
    for tool in ["bash", "env", "basename", "dirname"] {
        std::os::unix::fs::symlink(Path::new("/usr/bin").join(tool), dir.path().join(tool)).unwrap();
    }
    let path = dir.path().to_str().unwrap();
    check_refusal(
        "deploy.sh",
        &alone("deploy.sh", &["test", REGION], path),
        "missing: aws awk sha256sum curl",
    );
    let teardown = ["test", "--region", REGION];
    check_refusal("teardown.sh", &alone("teardown.sh", &teardown, path), "missing: aws");
    for name in ["validate-security.sh", "apply-policies.sh"] {
        check_refusal(name, &alone(name, &teardown, path), "missing: aws python3");
    }
}

/// The document of who deploys, for this account and environment.
fn deployer() -> String {
    let text = std::fs::read_to_string(deploy().join("policies/deployer.json")).unwrap();
    let variables = [("Partition", "aws"), ("Region", REGION), ("AccountId", ACCOUNT)];
    let text =
        variables.iter().fold(text, |text, (name, value)| text.replace(&format!("${{AWS::{name}}}"), value));
    let text = text.replace("${Environment}", "test");
    assert!(!text.contains("${"), "{text}");
    text
}

#[test]
fn what_aws_would_refuse_is_found_before_anything_is_created() {
    let server = Ministack::start(Auth::Enforced);
    let root = Keys::root();
    let deploy = |keys: &Keys, more: &[&str]| {
        script(&server, keys, "deploy.sh", &[&["test", REGION, "--yes", "--no-node"], more].concat())
    };
    let image = ["--set", "ImageId=ami-1"];
    check_refusal("no image", &deploy(&root, &[]), "expected --set ImageId=ami-");
    let no_subnets = [&image[..], &["--set", "ExistingVpcId=vpc-1"]].concat();
    check_refusal("no subnets", &deploy(&root, &no_subnets), "needs ExistingSubnetIds");
    let elsewhere = script(&server, &root, "deploy.sh", &["test", "mars-north", "--yes"]);
    check_refusal("no region", &elsewhere, "expected a region such as eu-west-1");

    // A user who may look but not make anything.
    let looks = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Resource": "*", "Action": [
            "cloudformation:DescribeStacks", "ec2:DescribeRegions", "s3:ListBucket", "iam:SimulatePrincipalPolicy"
        ]
    }]});
    let user = server.user("looks", &looks.to_string());
    let refused = deploy(&user, &image);
    check_refusal("no rights", &refused, "may not: cloudformation:CreateChangeSet s3:CreateBucket");
    let nobody = Keys { access: "AKIANOBODY".into(), secret: "wrong".into() };
    check_refusal("no account", &deploy(&nobody, &image), "does not accept the credentials");

    // Who has the rights of the document gets as far as there is no need to create anything.
    let deployer = server.user("deployer", &deployer());
    let looked = deploy(&deployer, &["--set", "ImageId=ami-1", "--dry-run"]);
    let said = String::from_utf8_lossy(&looked.stderr);
    assert!(
        looked.status.success() && said.contains("all resources of deploy/stack would be created"),
        "{said}"
    );

    let bucket = format!("reelgate-test-{ACCOUNT}-{REGION}-quarantine");
    call(&server, "s3", "create_bucket", json!({"Bucket": bucket})).unwrap();
    check_refusal("left over", &deploy(&root, &image), "is left from an earlier deployment");

    let stacks = call(&server, "cloudformation", "list_stacks", json!({})).unwrap();
    assert_eq!(stacks["StackSummaries"], json!([]), "nothing was created");
}

#[test]
fn shellcheck_finds_nothing_in_any_script_of_deploy() {
    let root = deploy().join("..");
    let listed =
        Command::new("git").args(["ls-files", "-z", "deploy/*.sh"]).current_dir(&root).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let names: Vec<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
    assert!(names.len() > 5, "{names:?}");
    let mut shellcheck = Command::new("shellcheck");
    let found = shellcheck.args(["-x", "-S", "style"]).args(&names).current_dir(&root).output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stdout));
}
