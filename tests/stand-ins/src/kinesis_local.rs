//! kinesis-local: only streams, with real resharding (closed shards end and name their children), shard filters and
//! enhanced fan-out. It never throttles, and accepts more than 500 records in one call.

use tempfile::TempDir;

use crate::account::{ACCOUNT, REGION};
use crate::home;
use crate::server::{Recipe, Running, Stop, answers, free_port};

/// A private Kinesis, which starts in about a second. It accepts any credentials.
pub struct KinesisLocal {
    endpoint: String,
    _running: Running,
    _dir: TempDir,
}

impl KinesisLocal {
    /// Starts a server. Its control plane calls take 50 ms instead of AWS's half a minute.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let package = home::of("kinesis-local", "--with-tests").join("node_modules/kinesis-local");
        let (plain, tls) = (free_port(), free_port());
        let mut envs = vec![
            ("KINESIS_MOCK_PLAIN_PORT".to_owned(), plain.to_string().into()),
            ("KINESIS_MOCK_TLS_PORT".to_owned(), tls.to_string().into()),
            ("KINESIS_MOCK_CERT_PATH".to_owned(), package.join("server.json").into()),
            ("AWS_ACCOUNT_ID".to_owned(), ACCOUNT.into()),
            ("AWS_REGION".to_owned(), REGION.into()),
            ("LOG_LEVEL".to_owned(), "WARN".into()),
        ];
        envs.extend(SLOW_CALLS.iter().map(|call| (format!("{call}_DURATION"), "50ms".into())));
        let recipe = Recipe {
            name: "kinesis-local",
            program: "node".into(),
            args: vec![package.join("main.js").into()],
            envs,
            dir: dir.path().to_owned(),
            never_root: false,
            // All its state is in memory, and after SIGTERM it lives for more than 20 s.
            stop: Stop::Kill,
        };
        let endpoint = format!("http://127.0.0.1:{plain}");
        let running = Running::start(&recipe, || answers(&format!("{endpoint}/healthcheck")));
        Self { endpoint, _running: running, _dir: dir }
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

const SLOW_CALLS: &[&str] = &[
    "CREATE_STREAM",
    "DELETE_STREAM",
    "REGISTER_STREAM_CONSUMER",
    "DEREGISTER_STREAM_CONSUMER",
    "MERGE_SHARDS",
    "SPLIT_SHARD",
    "UPDATE_SHARD_COUNT",
    "UPDATE_STREAM_MODE",
];
