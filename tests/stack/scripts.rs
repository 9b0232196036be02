//! Scripts that are given something wrong say so in one line, end with status 2, and change nothing.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use reelgate_stand_ins::ministack::{Auth, Keys};
use reelgate_stand_ins::{ACCOUNT, Ministack, REGION};
use serde_json::json;

use crate::deployment::{call, script};
use crate::documents::document;
use crate::templates::{deploy, stack};

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
    let database = [&image[..], &["--set", "ExistingDatabaseHost=db"]].concat();
    check_refusal("no secret", &deploy(&root, &database), "needs ExistingDatabaseSecretArn");
    let build =
        |more: &[&str]| deploy(&root, &[&image[..], &["--set", "ImageBuilder=create"], more].concat());
    check_refusal("no base", &build(&[]), "needs --set BaseImageId=ami-");
    let base = ["--set", "BaseImageId=ami-2"];
    check_refusal("no way out", &build(&[&base[..], &["--set", "Nat=none"]].concat()), "needs Nat=one");
    check_refusal("no package", &build(&base), "needs --package FILE.deb");
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
    let deployer = server.user("deployer", &document("deployer"));
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

/// An account without a deployment, whose quotas are in the file `quotas`. It notes every call that it does not know.
const ACCOUNT_WITH_QUOTAS: &str = r#"#!/bin/bash
here=$(dirname "$0")
case "$*" in
  *get-caller-identity*Account*) echo 123456789012 ;;
  *get-caller-identity*) echo arn:aws:iam::123456789012:root ;;
  *describe-regions*) ;;
  *describe-stacks*) echo 'the stack does not exist' >&2; exit 255 ;;
  *head-bucket*) echo 'an error occurred (404)' >&2; exit 255 ;;
  *get-service-quota*)
    all=$*
    code=${all#*--quota-code }
    grep "^${code%% *} " "$here/quotas" | cut -d ' ' -f 2 | grep . ;;
  *describe-vpcs* | *describe-addresses*) echo 5 ;;
  *list-buckets*) echo 95 ;;
  *describe-db-clusters*) echo 40 ;;
  *describe-limits*) printf '%s\t18\n' "$(grep '^shards ' "$here/quotas" | cut -d ' ' -f 2)" ;;
  *describe-instances*) printf 'None\t1\t2\tNone\nspot\t2\t2\tother\nspot\t8\t2\ttest\n' ;;
  *) echo "$*" >>"$here/others"; exit 255 ;;
esac
"#;

#[test]
fn a_quota_that_is_too_small_is_named_before_anything_is_created() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let aws = dir.path().join("aws");
    std::fs::write(&aws, ACCOUNT_WITH_QUOTAS).unwrap();
    std::fs::set_permissions(&aws, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    // Quotas that are just large enough for the default fleet: 4 light nodes on demand, 8 heavy ones as spot instances.
    let enough = [
        ("L-F678F1CE", 6),
        ("L-0263D0A3", 6),
        ("L-DC2B2D3D", 104),
        ("L-952B80B8", 41),
        ("shards", 19),
        ("L-1216C47A", 10),
        ("L-34B43A08", 36),
    ];
    let deploy = |small: &[usize], more: &[&str]| {
        let line = |(at, (code, value)): (usize, &(&str, u32))| {
            // Service Quotas answers with a fraction.
            let fraction = if *code == "shards" { "" } else { ".0" };
            format!("{code} {}{fraction}\n", value - u32::from(small.contains(&at)))
        };
        let quotas: String = enough.iter().enumerate().map(line).collect();
        std::fs::write(dir.path().join("quotas"), quotas).unwrap();
        alone("deploy.sh", &[&["test", REGION, "--dry-run", "--set", "ImageId=ami-1"], more].concat(), &path)
    };
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();

    let fits = deploy(&[], &[]);
    assert!(fits.status.success() && !said(&fits).contains("quota"), "{}", said(&fits));
    let lines = [
        "may have 5 VPCs in us-east-1 and has 5; the stack needs 1 more",
        "may have 5 elastic addresses in us-east-1 and has 5; the stack needs 1 more",
        "may have 103 buckets in us-east-1 and has 95; the stack needs 9 more",
        "may have 40 database clusters in us-east-1 and has 40; the stack needs 1 more",
        "may have 18 shards of Kinesis in us-east-1 and has 18; the stack needs 1 more",
        "may have 9 processors on demand in us-east-1 and has 2; the stack needs 8 more",
        "may have 35 processors of spot instances in us-east-1 and has 4; the stack needs 32 more",
    ];
    for (at, line) in lines.iter().enumerate() {
        check_refusal(line, &deploy(&[at], &[]), line);
    }
    let both = deploy(&[0, 6], &[]);
    assert_eq!(both.status.code(), Some(2), "{}", said(&both));
    assert!(said(&both).contains(lines[0]) && said(&both).contains(lines[6]), "{}", said(&both));

    // What is not made needs no room.
    for (small, setting) in [
        (vec![0, 1], "ExistingVpcId=vpc-1"),
        (vec![1], "Nat=none"),
        (vec![2], "ExistingLogBucket=logs"),
        (vec![2], "ExistingAuditBucket=audit"),
        (vec![4], "EventTransport=sqs"),
        (vec![4], "ExistingEventStream=events"),
        (vec![6], "HeavyMax=7"),
    ] {
        let fits = deploy(&small, &["--set", setting, "--set", "ExistingSubnetIds=subnet-1,subnet-2"]);
        assert!(fits.status.success(), "{setting}: {}", said(&fits));
    }
    assert!(!dir.path().join("others").exists(), "no other call was made");

    std::fs::remove_file(dir.path().join("quotas")).unwrap();
    let unknown = alone("deploy.sh", &["test", REGION, "--dry-run", "--set", "ImageId=ami-1"], &path);
    assert!(unknown.status.success(), "{}", said(&unknown));
    assert!(
        said(&unknown).contains("AWS does not tell those of VPCs, elastic addresses, buckets"),
        "{}",
        said(&unknown)
    );
}

/// No stand-in has two accounts, or a region without Macie.
#[test]
fn a_bucket_of_another_account_and_a_region_without_macie_are_refused_before_anything_is_created() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let aws = dir.path().join("aws");
    let deploy = |account: &str, setting: &str| {
        std::fs::write(&aws, account).unwrap();
        std::fs::set_permissions(&aws, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(deploy().join("deploy.sh"));
        command
            .args(["test", REGION, "--yes", "--set", "ImageId=ami-1", "--set", setting])
            .stdin(Stdio::null());
        command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()));
        command.output().unwrap()
    };
    let foreign = ACCOUNT_WITH_QUOTAS.replace("an error occurred (404)", "an error occurred (403)");
    assert_ne!(foreign, ACCOUNT_WITH_QUOTAS);
    let name = format!("the bucket reelgate-test-{ACCOUNT}-{REGION}-ingest belongs to another account");
    check_refusal("foreign", &deploy(&foreign, "Nat=none"), &name);
    assert!(!dir.path().join("others").exists(), "no other call was made");
    // What it does not know it refuses, and notes: where services are is asked of the Parameter Store.
    check_refusal(
        "no Macie",
        &deploy(ACCOUNT_WITH_QUOTAS, "Macie=create"),
        "Macie is not to be had in us-east-1",
    );
    let asked = std::fs::read_to_string(dir.path().join("others")).unwrap();
    assert!(asked.contains("regions/us-east-1/services/macie2") && asked.lines().count() == 1, "{asked}");
}

/// The same script makes every image; packer and EC2 Image Builder only start a machine for it.
#[test]
fn images_of_machines_are_made_by_one_script() {
    let file = deploy().join("image/reelgate.pkr.hcl");
    let mut packer = Command::new("packer");
    let checked = packer.args(["validate", "-syntax-only"]).arg(&file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let read = |name: &str| std::fs::read_to_string(deploy().join(name)).unwrap();
    assert!(read("image/reelgate.pkr.hcl").contains(r#"= "deploy/image/provision.sh""#));
    assert!(read("image/build.sh").contains("chroot \"$1\" sh /var/tmp/provision.sh"));
    assert!(read("deploy.sh").contains(r#""$here/image/provision.sh" "s3://$artifacts/image/provision.sh""#));
    let stacks = stack(&["ImageBuilder=create", "BaseImageId=ami-2"]);
    let component = &stacks["Image"]["Resources"]["Component"]["Properties"]["Data"];
    let component = component.as_str().unwrap();
    let fetched = format!("s3://reelgate-test-{ACCOUNT}-{REGION}-artifacts/image/provision.sh");
    assert!(component.contains(&fetched) && component.contains("sh /var/tmp/provision.sh"), "{component}");
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
