//! ministack: the one that evaluates IAM policies with resource ARNs and conditions, and a fast Kinesis.
//! Its resharding is wrong (the parent's records vanish), and EventBridge does not deliver to Kinesis.

use tempfile::TempDir;

use crate::server::{Recipe, Running, Stop, answers, free_port};
use crate::{ACCOUNT, REGION, home};

/// Whether requests are judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Auth {
    /// Any credentials may do anything.
    Open,
    /// Signatures are checked, and every action against the caller's policies; [`ROOT_KEY`] may do anything.
    Enforced,
}

/// Access key of the account's root.
pub const ROOT_KEY: &str = "test";
/// Secret of the account's root.
pub const ROOT_SECRET: &str = "test";

/// A ministack of one's own; about a second to start.
pub struct Ministack {
    endpoint: String,
    _running: Running,
    _dir: TempDir,
}

impl Ministack {
    /// Starts one.
    pub fn start(auth: Auth) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let port = free_port().to_string();
        let enforced = if auth == Auth::Enforced { "true" } else { "false" };
        let envs = [
            ("BIND_HOST", "127.0.0.1"), // its default is every interface
            ("GATEWAY_PORT", &port),
            ("MINISTACK_ACCOUNT_ID", ACCOUNT),
            ("MINISTACK_REGION", REGION),
            ("IOT_MTLS_ENABLED", "0"),
            ("SFTP_ENABLED", "0"),
            ("AUTH", enforced),
            ("AWS_ACCESS_KEY_ID", ROOT_KEY),
            ("AWS_SECRET_ACCESS_KEY", ROOT_SECRET),
        ];
        let recipe = Recipe {
            name: "ministack",
            program: home::of("ministack", "--with-tests").join("bin/python"),
            args: ["-m", "ministack"].map(Into::into).into(),
            envs: envs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            dir: dir.path().to_owned(),
            never_root: false,
            stop: Stop::Terminate,
        };
        let endpoint = format!("http://127.0.0.1:{port}");
        let running = Running::start(&recipe, || answers(&format!("{endpoint}/")));
        Self { endpoint, _running: running, _dir: dir }
    }

    /// The address of every service.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}
