//! A fleet with nothing but the roles of the stack: who has the document `deployer` deploys, a producer with its role uploads, nodes with
//! theirs publish, quarantine and reject, who has `auditor` judges it, and the deployer takes everything away. The stand-in authorises every request.
//!
//! Where ministack differs from AWS, by name: it asks whether parameters and metrics may be used without saying which, so nodes get both
//! for all (`documents` and `tests/stand-ins/tests/policies` limit them); `aws:PrincipalArn` is the session's and not the role's, so the
//! session of light nodes is named as a reader of the quarantine; a range of an object's version is the whole object, so only the audit
//! bucket keeps versions; EventBridge reaches no stream, so events come by the queue; a batch of removals from it is an action of its own. Keys of KMS and service principals are not asked for.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reelgate_stand_ins::ministack::{Keys, ServiceCall};
use reelgate_stand_ins::postgres::Durability;
use reelgate_stand_ins::{ACCOUNT, Ministack, Postgres, REGION};
use serde_json::{Value, json};

use crate::deployment::{ENVIRONMENT, Settings, call, script, script_at, text};
use crate::documents::document;
use crate::templates::deploy;

const SESSION_OF_LIGHT: &str =
    "QuarantineReaders=arn:aws:sts::123456789012:assumed-role/reelgate-test-light-us-east-1/*";
/// What the stand-in asks for without naming it.
const UNNAMED: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["ssm:GetParametersByPath", "cloudwatch:PutMetricData", "sqs:DeleteMessageBatch"], "Resource": "*"}
]}"#;
/// The same of who audits: a key by its alias, and the role of a simulation.
const UNNAMED_TO_AUDITORS: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["kms:DescribeKey", "iam:SimulatePrincipalPolicy"], "Resource": "*"}
]}"#;
/// Samples, and the state in which each must end.
const SAMPLES: [(&str, &str); 3] = [
    ("big-buck-bunny-5s.mp4", "published"),
    ("planted-card-number.mp4", "quarantined"),
    ("playlist-in-disguise.mp4", "rejected"),
];
const ENDED_WITHIN: Duration = Duration::from_secs(420);
const FOLLOWED_WITHIN: Duration = Duration::from_secs(60);

struct Fleet {
    server: Ministack,
    postgres: Postgres,
    dir: tempfile::TempDir,
}

/// Ends with the test.
struct Node {
    child: Child,
    log: PathBuf,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bucket(area: &str) -> String {
    format!("reelgate-{ENVIRONMENT}-{ACCOUNT}-{REGION}-{area}")
}

impl Fleet {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Credentials of a role of the stack.
    fn credentials(&self, role: &str) -> Value {
        let role = json!({
            "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/reelgate-{ENVIRONMENT}-{role}-{REGION}"),
            "RoleSessionName": role,
        });
        call(&self.server, "sts", "assume_role", role).unwrap()["Credentials"].take()
    }

    /// A program with the credentials of a role of the stack, and with no others.
    fn under(&self, role: &str, program: impl AsRef<Path>) -> Command {
        let credentials = self.credentials(role);
        let text = |name: &str| credentials[name].as_str().unwrap().to_owned();
        let mut command = Command::new(program.as_ref());
        command.env("AWS_ACCESS_KEY_ID", text("AccessKeyId")).env("AWS_SESSION_TOKEN", text("SessionToken"));
        command.env("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey")).env("AWS_REGION", REGION);
        let certificate = self.server.certificate().unwrap();
        command.env("SSL_CERT_FILE", certificate).env("AWS_CA_BUNDLE", certificate);
        command.env_remove("AWS_PROFILE").stdin(Stdio::null());
        command
    }

    fn reelgate(&self, role: &str, verb: &[&str], settings: &str) -> Command {
        let config = self.path(&format!("{role}.toml"));
        let endpoint = self.server.endpoint();
        let aws = format!("[aws]\nendpoint_url = \"{endpoint}\"\nregion = \"{REGION}\"\npath_style = true\n");
        std::fs::write(&config, format!("{aws}{settings}")).unwrap();
        let mut command = self.under(role, env!("CARGO_BIN_EXE_reelgate"));
        command.args(verb).arg("--home").arg(self.path(role)).arg("--config").arg(config);
        command
    }

    /// A verb of a node.
    fn of_node(&self, role: &str, verb: &[&str]) -> Command {
        let settings = format!(
            "parameters = \"/reelgate/{ENVIRONMENT}\"\n[node]\nself_test = false\n[engine]\nheavy_tasks = 1\n\
             [serve]\npoll_ms = 200\ngrace_s = 5\n[store]\nconnections = 4\n[media.video]\npreset = \"ultrafast\"\n"
        );
        let mut command = self.reelgate(role, verb, &settings);
        command.env("REELGATE__STORE__URL", self.postgres.tcp_url("fleet"));
        command
    }

    fn node(&self, role: &str, roles: &str) -> Node {
        let log = self.path(&format!("{role}.log"));
        let file = std::fs::File::create(&log).unwrap();
        let mut command = self.of_node(role, &["serve", "--listen", "127.0.0.1:0", "--log", "info"]);
        command.env("REELGATE__NODE__ROLES", roles).env("REELGATE__NODE__NAME", role);
        Node { child: command.stdout(Stdio::null()).stderr(file).spawn().unwrap(), log }
    }

    /// Asset by asset: the file's name and the state.
    fn states(&self) -> Vec<(String, String)> {
        let listed = done(&mut self.of_node("light", &["list", "--json"]));
        let rows = String::from_utf8(listed.stdout).unwrap();
        let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
        let mut states: Vec<_> = rows
            .map(|row| {
                let path = row["source"]["path"].as_str().unwrap();
                let name = path.rsplit('/').next().unwrap().to_owned();
                (name, row["state"].as_str().unwrap().to_owned())
            })
            .collect();
        states.sort();
        states
    }

    /// Whether the role gets an object.
    fn gets(&self, role: &str, area: &str, key: &str) -> Output {
        let mut aws = self.under(role, "aws");
        aws.env("PATH", "/usr/bin:/bin").args([
            "--endpoint-url",
            self.server.endpoint(),
            "s3api",
            "get-object",
        ]);
        aws.args(["--bucket", &bucket(area), "--key", key]).arg(self.path("fetched")).output().unwrap()
    }
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    output
}

#[test]
fn a_fleet_with_the_roles_of_the_stack_takes_uploads_to_their_end() {
    let server = Ministack::start_with_tls();
    let settings = Settings::new(&server);
    let deployer = server.user("deployer", &document("deployer"));
    let choices = ["--yes", "--set", "EventTransport=sqs", "--set", SESSION_OF_LIGHT];
    let deployed = settings.deploy(&server, &deployer, &choices);
    assert!(deployed.status.success(), "{}", text(&deployed));
    for role in ["light", "heavy"] {
        let name = format!("reelgate-{ENVIRONMENT}-{role}-{REGION}");
        let policy = json!({"RoleName": name, "PolicyName": "unnamed", "PolicyDocument": UNNAMED});
        call(&server, "iam", "put_role_policy", policy).unwrap();
    }
    for area in ["ingest", "work", "published", "quarantine", "rejected"] {
        let off = json!({"Bucket": bucket(area), "VersioningConfiguration": {"Status": "Suspended"}});
        call(&server, "s3", "put_bucket_versioning", off).unwrap();
    }
    let postgres = Postgres::start(Durability::Fast);
    postgres.execute("postgres", "create database fleet");
    let fleet = Fleet { server, postgres, dir: tempfile::tempdir().unwrap() };

    done(&mut fleet.of_node("light", &["migrate"]));
    let nodes = [fleet.node("light", r#"["intake","light"]"#), fleet.node("heavy", r#"["heavy"]"#)];
    let area = format!("s3://{}/studio/", bucket("ingest"));
    for (sample, _) in SAMPLES {
        let file = deploy().join("../samples").join(sample);
        let mut upload = fleet.reelgate("producer", &["upload"], "");
        done(upload.arg(file).arg(&area));
    }
    let log = |node: &Node| std::fs::read_to_string(&node.log).unwrap();
    let wanted = SAMPLES.map(|(name, state)| (name.to_owned(), state.to_owned()));
    let deadline = Instant::now() + ENDED_WITHIN;
    loop {
        let states = fleet.states();
        if states == wanted {
            break;
        }
        assert!(Instant::now() < deadline, "{states:?}\n{}\n{}", log(&nodes[0]), log(&nodes[1]));
        std::thread::park_timeout(Duration::from_secs(1));
    }
    pauses_by_the_flag(&fleet);
    for node in &nodes {
        let denied: Vec<String> =
            log(node).lines().filter(|line| line.contains("lacks")).map(str::to_owned).collect();
        assert!(denied.is_empty(), "{denied:#?}");
    }
    drop(nodes);

    let playlist = "studio/big-buck-bunny-5s.mp4/master.m3u8";
    done_or_denied(&fleet.gets("viewer", "published", playlist), true);
    let uploads =
        call(&fleet.server, "s3", "list_objects_v2", json!({"Bucket": bucket("quarantine")})).unwrap();
    let quarantined = uploads["Contents"].as_array().unwrap().iter();
    let key = quarantined.filter_map(|one| one["Key"].as_str()).find(|key| key.ends_with("/source")).unwrap();
    for role in ["viewer", "producer", "heavy"] {
        done_or_denied(&fleet.gets(role, "quarantine", key), false);
    }
    done_or_denied(&fleet.gets("light", "quarantine", key), true);

    // What a control may not ask for, it says instead of an answer.
    let auditor = fleet.server.user("auditor", &document("auditor"));
    let policy =
        json!({"UserName": "auditor", "PolicyName": "unnamed", "PolicyDocument": UNNAMED_TO_AUDITORS});
    call(&fleet.server, "iam", "put_user_policy", policy).unwrap();
    let arguments = [ENVIRONMENT, "--region", REGION, "--json"];
    let judged = script(&fleet.server, &auditor, "validate-security.sh", &arguments);
    assert_eq!(judged.status.code(), Some(3), "{}", text(&judged));
    let report: Value = serde_json::from_slice(&judged.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let unread: Vec<_> = findings.iter().filter(|one| one.to_string().contains("cannot be read")).collect();
    assert!(findings.len() > 120 && unread.is_empty(), "{} findings, {unread:#?}", findings.len());

    tries_who_watches_and_uploads(&fleet, &auditor);

    let arguments = [ENVIRONMENT, "--region", REGION, "--yes", "--destroy-data", ENVIRONMENT];
    let removed = script(&fleet.server, &deployer, "teardown.sh", &arguments);
    assert!(removed.status.success(), "{}", text(&removed));
    assert!(text(&removed).contains("left that costs money: nothing"), "{}", text(&removed));
    // Who deploys one environment sees no other one's data.
    let other = json!({"Bucket": "reelgate-other-data"});
    call(&fleet.server, "s3", "create_bucket", other.clone()).unwrap();
    let listing = ServiceCall { service: "s3", operation: "list_objects_v2", parameters: other };
    assert_eq!(fleet.server.call(&deployer, &[listing]), [Err("AccessDenied".to_owned())]);
}

/// `validate-security.sh` with the credentials of a viewer and a producer: as they are, with a right too many, and exchanged.
fn tries_who_watches_and_uploads(fleet: &Fleet, auditor: &Keys) {
    let profile = |role: &str| {
        let credentials = fleet.credentials(role);
        let text = |name: &str| credentials[name].as_str().unwrap();
        format!(
            "[{role}]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
            text("AccessKeyId"),
            text("SecretAccessKey"),
            text("SessionToken")
        )
    };
    let file = fleet.path("credentials");
    std::fs::write(&file, format!("{}{}", profile("viewer"), profile("producer"))).unwrap();
    let tried = |viewer: &str, producer: &str| -> Vec<(String, String)> {
        let mut command = script_at(
            fleet.server.endpoint(),
            auditor,
            "validate-security.sh",
            &[
                ENVIRONMENT,
                "--region",
                REGION,
                "--json",
                "--viewer-profile",
                viewer,
                "--producer-profile",
                producer,
            ],
        );
        command.env("AWS_CA_BUNDLE", fleet.server.certificate().unwrap());
        let output = command.env("AWS_SHARED_CREDENTIALS_FILE", &file).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of_control = findings.filter(|one| one["control"] == "role-tried");
        of_control.map(|one| (text(&one["verdict"]), text(&one["found"]))).collect()
    };
    let found = tried("viewer", "producer");
    let denied = |calls: u32| format!("{calls} forbidden calls were denied; nothing to read was in ");
    assert!(found.len() == 2 && found.iter().all(|(verdict, _)| verdict == "ok"), "{found:?}");
    assert!(found[0].1.starts_with(&denied(5)) && found[1].1.starts_with(&denied(9)), "{found:?}");

    let right = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{}/*", bucket("rejected"))
    }]});
    let role = format!("reelgate-{ENVIRONMENT}-viewer-{REGION}");
    let policy = json!({"RoleName": role, "PolicyName": "too-much", "PolicyDocument": right.to_string()});
    call(&fleet.server, "iam", "put_role_policy", policy).unwrap();
    let found = tried("viewer", "producer");
    assert_eq!(found[0], ("fail".to_owned(), "may s3:GetObject in rejected".to_owned()));
    assert_eq!(found[1].0, "ok");
    let policy = json!({"RoleName": role, "PolicyName": "too-much"});
    call(&fleet.server, "iam", "delete_role_policy", policy).unwrap();
    for (verdict, found) in tried("producer", "viewer") {
        assert!(verdict == "fail" && found.starts_with("expected credentials of this role"), "{found}");
    }
}

/// The flag that a budget sets pauses heavy work; who operates nodes can neither set nor remove it.
fn pauses_by_the_flag(fleet: &Fleet) {
    let told = |word: &str, expected: bool| {
        let deadline = Instant::now() + FOLLOWED_WITHIN;
        loop {
            let status = text(&done(&mut fleet.of_node("light", &["fleet", "status"])));
            if status.contains(word) == expected {
                return status;
            }
            assert!(Instant::now() < deadline, "{status}");
            std::thread::park_timeout(Duration::from_secs(1));
        }
    };
    let name = format!("/reelgate/{ENVIRONMENT}/flags/pause-heavy");
    let set = json!({"Name": name, "Type": "String", "Value": "the budget is spent"});
    call(&fleet.server, "ssm", "put_parameter", set.clone()).unwrap();
    let status = told("heavy work is paused", true);
    let end = format!("by {name}: the budget is spent; `aws ssm delete-parameter --name {name}` ends it");
    assert!(status.contains(&end), "{status}");
    let resumed = fleet.of_node("light", &["fleet", "resume", "heavy"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(2), "{}", text(&resumed));
    assert!(text(&resumed).contains("stays paused while the flag"), "{}", text(&resumed));
    call(&fleet.server, "ssm", "delete_parameter", json!({"Name": name})).unwrap();
    told("heavy work is paused", false);
}

fn done_or_denied(output: &Output, expected: bool) {
    let said = text(output);
    assert_eq!(output.status.success(), expected, "{said}");
    assert!(expected || said.contains("AccessDenied"), "{said}");
}
