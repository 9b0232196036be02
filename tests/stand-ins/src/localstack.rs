//! LocalStack in host mode: S3 events through EventBridge into Kinesis, SNS, SQS, SSM and CloudFormation.
//! It checks no credentials and no policies; [`crate::Ministack`] does.

use std::path::Path;

use tempfile::TempDir;

use crate::server::{Recipe, Running, Stop, answers, free_port};
use crate::shared::{self, Use};
use crate::{ACCOUNT, REGION, home};

/// What the fleet talks to, and what its deployment describes.
const SERVICES: &str =
    "cloudformation,cloudwatch,ec2,events,iam,kinesis,kms,logs,s3,secretsmanager,sns,sqs,ssm,sts";

/// A LocalStack. The access key must be [`ACCOUNT`], whose digits it takes for the account; the secret is free.
pub struct LocalStack {
    endpoint: String,
    _held: Held,
}

#[expect(dead_code, reason = "held for what happens when they are dropped")]
enum Held {
    Own(Running, TempDir),
    Shared(Use),
}

impl LocalStack {
    /// Joins the one that all test processes of this checkout share, and starts it where nobody has;
    /// 6 to 25 s the first time. Use [`crate::fresh_name`] for buckets, streams, topics and queues.
    pub fn shared() -> Self {
        let prepare = || {
            let dir = directory().keep(); // the watchdog removes it
            let port = free_port();
            (recipe(&dir, port, &[]), endpoint(port))
        };
        let used = shared::join("localstack", prepare, is_ready);
        Self { endpoint: used.address.clone(), _held: Held::Shared(used) }
    }

    /// Starts one of one's own with additional settings, for example `KINESIS_ERROR_PROBABILITY=0.3`.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let dir = directory();
        let port = free_port();
        let running = Running::start(&recipe(dir.path(), port, settings), || is_ready(&endpoint(port)));
        Self { endpoint: endpoint(port), _held: Held::Own(running, dir) }
    }

    /// The address of every service.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn is_ready(endpoint: &str) -> bool {
    answers(&format!("{endpoint}/_localstack/health"))
}

fn directory() -> TempDir {
    tempfile::Builder::new().prefix("rg-localstack-").tempdir().expect("a temporary directory")
}

fn recipe(dir: &Path, port: u16, settings: &[(&str, &str)]) -> Recipe {
    let home = home::of("localstack", "--with-tests");
    // Its file tree is its own, save for the Kinesis that set-up fetched.
    let libraries = dir.join("files/usr/lib");
    std::fs::create_dir_all(&libraries).expect("the server's directory is ours to write to");
    std::os::unix::fs::symlink(home.join("files/usr/lib/localstack"), libraries.join("localstack"))
        .expect("the server's directory is new");
    let listen = format!("127.0.0.1:{port}");
    let files = dir.join("files").to_string_lossy().into_owned();
    let temporary = dir.to_string_lossy().into_owned();
    let mut envs = vec![
        ("GATEWAY_LISTEN", listen.as_str()),
        ("LOCALSTACK_HOST", &listen),
        ("FILESYSTEM_ROOT", &files),
        ("TMPDIR", &temporary), // the trees of two instances must not meet in /tmp/localstack
        ("OVERRIDE_IN_DOCKER", "0"), // inside a container too, all of it lives below FILESYSTEM_ROOT
        ("SERVICES", SERVICES),
        ("SKIP_SSL_CERT_DOWNLOAD", "1"),
        ("DISABLE_EVENTS", "1"),
        ("DNS_ADDRESS", "0"),
        ("KINESIS_PERSISTENCE", "0"),
        ("KINESIS_LATENCY", "50"), // of the control plane's calls, milliseconds
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCOUNT),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        // Otherwise a stack of unknown types is reported as made.
        ("CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES", "0"),
    ];
    envs.extend(settings);
    Recipe {
        name: "LocalStack",
        program: home.join("bin/python"),
        args: ["-m", "localstack.runtime.main"].map(Into::into).into(),
        envs: envs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
        dir: dir.to_owned(),
        never_root: false,
        stop: Stop::Terminate,
    }
}
