//! LocalStack in host mode: S3 events through EventBridge into Kinesis, SNS, SQS, SSM and CloudFormation.
//! It checks no credentials and no policies; [`crate::Ministack`] does.

use std::path::Path;

use tempfile::TempDir;

use crate::account::{ACCOUNT, REGION};
use crate::cloudformation::CloudFormation;
use crate::home;
use crate::sdk::Keys;
use crate::server::{Recipe, Running, Stop, answers, free_port};
use crate::shared::{self, Use};

/// The services that the fleet uses, and those that its deployment describes.
const SERVICES: &str =
    "cloudformation,cloudwatch,ec2,events,iam,kinesis,kms,logs,s3,secretsmanager,sns,sqs,ssm,sts";

/// A LocalStack. The access key must be [`ACCOUNT`], because LocalStack uses its digits as the account. The secret may be
/// any text.
pub struct LocalStack {
    endpoint: String,
    _server: Server,
}

#[expect(dead_code, reason = "the values are kept for their drop")]
enum Server {
    Private(Running, TempDir),
    Shared(Use),
}

impl LocalStack {
    /// Joins the server that all test processes of this checkout share, and starts it if it does not run yet, in 6 to 25 s.
    /// Use [`crate::fresh_name`] for buckets, streams, topics and queues.
    pub fn shared() -> Self {
        let prepare = || {
            let dir = directory().keep(); // the watchdog removes it
            let port = free_port();
            (recipe(&dir, port, &[]), endpoint(port))
        };
        let used = shared::join("localstack", prepare, is_ready);
        Self { endpoint: used.address.clone(), _server: Server::Shared(used) }
    }

    /// Starts a private server with additional settings, for example `KINESIS_ERROR_PROBABILITY=0.3`.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let dir = directory();
        let port = free_port();
        let running = Running::start(&recipe(dir.path(), port, settings), || is_ready(&endpoint(port)));
        Self { endpoint: endpoint(port), _server: Server::Private(running, dir) }
    }

    /// The address of every service.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The account's stacks. Its Python SDK is that of ministack.
    pub fn cloudformation(&self) -> CloudFormation {
        CloudFormation::new(&self.endpoint, Keys { access: ACCOUNT.to_owned(), secret: "test".to_owned() })
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
    // Its file tree is private, except for the Kinesis that the set-up script installed.
    let libraries = dir.join("files/usr/lib");
    std::fs::create_dir_all(&libraries).expect("the server's directory is writable");
    std::os::unix::fs::symlink(home.join("files/usr/lib/localstack"), libraries.join("localstack"))
        .expect("the server's directory is new");
    let listen = format!("127.0.0.1:{port}");
    let files = dir.join("files").to_string_lossy().into_owned();
    let temporary = dir.to_string_lossy().into_owned();
    let mut envs = vec![
        ("GATEWAY_LISTEN", listen.as_str()),
        ("LOCALSTACK_HOST", &listen),
        ("FILESYSTEM_ROOT", &files),
        ("TMPDIR", &temporary), // otherwise two instances would share /tmp/localstack
        ("OVERRIDE_IN_DOCKER", "0"), // even in a container, all files are below FILESYSTEM_ROOT
        ("SERVICES", SERVICES),
        ("SKIP_SSL_CERT_DOWNLOAD", "1"),
        ("DISABLE_EVENTS", "1"),
        ("DNS_ADDRESS", "0"),
        ("KINESIS_PERSISTENCE", "0"),
        ("KINESIS_LATENCY", "50"), // latency of control plane calls, milliseconds
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCOUNT),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        // Otherwise a stack with unknown resource types is reported as created.
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
