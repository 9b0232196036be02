//! A fleet on stand-ins: PostgreSQL, and S3, EventBridge, Kinesis, SNS and SQS by LocalStack, made from the templates of
//! `deploy/stack` and configured by the parameters that those make. Nodes are processes of the real binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use reelgate_stand_ins::{ACCOUNT, LocalStack, Postgres, REGION, fresh_environment};
use serde_json::Value;

/// How long a node owns a task without renewing it.
pub const LEASE: Duration = Duration::from_secs(4);

/// Everything outside the nodes.
pub struct FleetFixture {
    pub localstack: LocalStack,
    pub postgres: Postgres,
    pub sdk: SdkConfig,
    pub s3: aws_sdk_s3::Client,
    pub kinesis: aws_sdk_kinesis::Client,
    pub sqs: aws_sdk_sqs::Client,
    /// Bucket for uploads.
    pub ingest: String,
    /// Buckets by the name of their area.
    buckets: BTreeMap<&'static str, String>,
    /// Stream that the nodes read.
    pub stream: String,
    /// Stream that EventBridge writes: the same one, or one from which the test forwards events.
    pub source_stream: String,
    queue: String,
    /// Name of the environment in the account.
    pub environment: String,
    database: String,
    pub dir: tempfile::TempDir,
}

impl FleetFixture {
    /// Connects everything; with `scrambled`, events reach the nodes only through the test.
    pub async fn new(scrambled: bool) -> Self {
        let localstack = LocalStack::shared();
        let postgres = Postgres::start(reelgate_stand_ins::postgres::Durability::Durable);
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .http_client(reelgate_aws::clients::https_client())
            .endpoint_url(localstack.endpoint())
            .region(Region::new(REGION))
            .credentials_provider(aws_sdk_s3::config::Credentials::new(ACCOUNT, "test", None, None, "test"))
            .load()
            .await;
        let s3 = aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build(),
        );
        let database = "fleet".to_owned();
        postgres.execute("postgres", "create database fleet");
        let environment = fresh_environment();
        let deployed = Deployed::new(&localstack, &environment, &postgres.tcp_url(&database));
        let kinesis = aws_sdk_kinesis::Client::new(&sdk);
        let source_stream = deployed.stream;
        let stream = if scrambled { format!("{source_stream}-scrambled") } else { source_stream.clone() };
        if scrambled {
            kinesis.create_stream().stream_name(&stream).shard_count(2).send().await.unwrap();
        }
        let mut fixture = Self {
            kinesis,
            sqs: aws_sdk_sqs::Client::new(&sdk),
            localstack,
            postgres,
            s3,
            ingest: deployed.ingest,
            buckets: deployed.buckets,
            source_stream,
            stream,
            queue: String::new(),
            environment,
            database,
            dir: tempfile::tempdir().unwrap(),
            sdk,
        };
        for stream in [&fixture.stream, &fixture.source_stream] {
            fixture.until_active(stream).await;
        }
        fixture.subscribe(&deployed.topic).await;
        std::fs::write(fixture.config(), fixture.configuration()).unwrap();
        let migrated = fixture.reelgate(&["migrate"]);
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        fixture
    }

    pub async fn until_active(&self, stream: &str) {
        wait_for("the stream is active", Duration::from_secs(60), async || {
            let found = self.kinesis.describe_stream_summary().stream_name(stream).send().await;
            let summary = found.ok().and_then(|found| found.stream_description_summary);
            summary.is_some_and(|s| s.stream_status == aws_sdk_kinesis::types::StreamStatus::Active)
        })
        .await;
    }

    /// Puts a queue behind the topic of notices.
    async fn subscribe(&mut self, topic: &str) {
        let sns = aws_sdk_sns::Client::new(&self.sdk);
        let name = &self.environment;
        self.queue = self.sqs.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap();
        let subscribed = sns.subscribe().topic_arn(topic).protocol("sqs");
        let queue_arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}");
        subscribed.endpoint(queue_arn).attributes("RawMessageDelivery", "true").send().await.unwrap();
    }

    /// The bucket of an area: `work`, `published`, `quarantine`, `rejected`, `text` or `audit`.
    pub fn bucket(&self, area: &str) -> &str {
        &self.buckets[area]
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("fleet.toml")
    }

    /// What a node needs before it can read its parameters, and what makes tests quick.
    fn configuration(&self) -> String {
        let (environment, endpoint) = (&self.environment, self.localstack.endpoint());
        let lease_ms = LEASE.as_millis();
        format!(
            "[node]\nself_test = false\nsweep_s = 0\n\
             [engine]\nlease_ms = {lease_ms}\nheavy_tasks = 1\n\
             [serve]\npoll_ms = 200\ngrace_s = 5\n\
             [store]\nconnections = 4\n\
             [aws]\nendpoint_url = \"{endpoint}\"\nregion = \"{REGION}\"\npath_style = true\n\
             parameters = \"/reelgate/{environment}\"\n\
             [media.video]\npreset = \"ultrafast\"\n"
        )
    }

    fn command(&self, home: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reelgate"));
        command
            .args(arguments)
            .arg("--home")
            .arg(self.dir.path().join(home))
            .arg("--config")
            .arg(self.config());
        command.env("AWS_ACCESS_KEY_ID", ACCOUNT).env("AWS_SECRET_ACCESS_KEY", "test");
        // LocalStack lets every role read everything, so the role of viewers would see what is quarantined.
        command.env("REELGATE__AWS__VIEWER_ROLE", "");
        if self.stream != self.source_stream {
            command.env("REELGATE__EVENTS__URL", format!("kinesis://{}", self.stream));
        }
        command
    }

    /// Runs a verb to its end.
    pub fn reelgate(&self, arguments: &[&str]) -> Output {
        self.command("operator", arguments).output().unwrap()
    }

    /// A verb's lines of JSON.
    pub fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.reelgate(arguments);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {talk}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Starts a node; its log goes to a file of its name.
    pub fn node(&self, name: &str, environment: &[(&str, &str)]) -> Node {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join(format!("{name}.log")))
            .unwrap();
        let mut command = self.command(name, &["serve", "--listen", "127.0.0.1:0", "--log", "info"]);
        command.env("REELGATE__NODE__NAME", name).envs(environment.iter().copied());
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Node { name: name.to_owned(), child }
    }

    /// The log of one node so far.
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(format!("{name}.log"))).unwrap()
    }

    /// The logs of every node so far.
    pub fn logs(&self) -> String {
        let mut all = String::new();
        for entry in std::fs::read_dir(self.dir.path()).unwrap().flatten() {
            if entry.path().extension().is_some_and(|end| end == "log") {
                all += &std::fs::read_to_string(entry.path()).unwrap();
            }
        }
        all
    }

    /// Uploads a file.
    pub async fn put(&self, key: &str, file: &Path) {
        let body = std::fs::read(file).unwrap();
        self.s3.put_object().bucket(&self.ingest).key(key).body(body.into()).send().await.unwrap();
    }

    /// One row for each asset.
    pub fn assets(&self) -> Vec<Value> {
        self.lines(&["list", "--json", "--limit", "100000"])
    }

    /// How many assets are in which state.
    pub fn states(&self) -> BTreeMap<String, usize> {
        let mut states = BTreeMap::new();
        let rows = self.sql("select phase, count(*) from assets group by phase");
        for line in rows.lines() {
            let (phase, count) = line.split_once('|').unwrap();
            states.insert(phase.to_owned(), count.parse().unwrap());
        }
        states
    }

    /// Rows as `psql -At` prints them.
    pub fn sql(&self, statement: &str) -> String {
        self.postgres.execute(&self.database, statement)
    }

    /// The whole database as text.
    pub fn dump(&self) -> String {
        self.postgres.dump(&self.database)
    }

    /// Every version of every upload that the bucket still has.
    pub async fn versions(&self) -> Vec<String> {
        let listed = self.s3.list_object_versions().bucket(&self.ingest).send().await.unwrap();
        listed.versions().iter().filter_map(|one| one.key()).map(str::to_owned).collect()
    }

    /// Everything in the queue behind the topic: the bodies of notices.
    pub async fn notices(&self) -> Vec<Value> {
        let mut notices = Vec::new();
        loop {
            let received = self.sqs.receive_message().queue_url(&self.queue).max_number_of_messages(10);
            let received = received.wait_time_seconds(2).send().await.unwrap();
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                return notices;
            }
            for message in messages {
                notices.push(serde_json::from_str(&message.body.unwrap()).unwrap());
                let gone = self.sqs.delete_message().queue_url(&self.queue);
                gone.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
            }
        }
    }

    /// Keys below a prefix such as `published/studio/`, which begins with the name of the area.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        self.objects(prefix).await.into_keys().collect()
    }

    /// The same, with their entity tags.
    pub async fn objects(&self, prefix: &str) -> BTreeMap<String, String> {
        let (area, prefix) = prefix.split_once('/').unwrap();
        let mut found = BTreeMap::new();
        let listed = self.s3.list_objects_v2().bucket(self.bucket(area)).prefix(prefix);
        let mut pages = listed.into_paginator().send();
        while let Some(page) = pages.next().await {
            let objects = page.unwrap().contents.unwrap_or_default();
            let named = |key: String| format!("{area}/{key}");
            found.extend(objects.into_iter().filter_map(|object| Some((named(object.key?), object.e_tag?))));
        }
        found
    }

    /// Every version of every object in every bucket but that of uploads: its name and bytes.
    pub async fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        for (area, bucket) in &self.buckets {
            let listed = self.s3.list_object_versions().bucket(bucket).send().await.unwrap();
            assert_ne!(listed.is_truncated, Some(true));
            for version in listed.versions() {
                let (key, id) = (version.key().unwrap(), version.version_id().unwrap());
                let got = self.s3.get_object().bucket(bucket).key(key).version_id(id).send().await.unwrap();
                found.push((format!("{area}/{key}"), got.body.collect().await.unwrap().to_vec()));
            }
            let markers = listed.delete_markers().iter().filter_map(|marker| marker.key());
            found.extend(markers.map(|key| (format!("{area}/{key}"), Vec::new())));
        }
        found
    }

    /// The bytes of an object; the key begins with the name of its area.
    pub async fn output(&self, key: &str) -> Vec<u8> {
        let (area, key) = key.split_once('/').unwrap();
        let got = self.s3.get_object().bucket(self.bucket(area)).key(key).send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    /// Compares every published asset's outputs with its manifest; returns the number of assets.
    pub async fn verify_published(&self) -> usize {
        use sha2::Digest;
        let manifests: Vec<String> =
            self.keys("published/").await.into_iter().filter(|key| key.ends_with("/manifest.json")).collect();
        for key in &manifests {
            let manifest: Value = serde_json::from_slice(&self.output(key).await).unwrap();
            let directory = key.trim_end_matches("manifest.json");
            let outputs = manifest["outputs"].as_array().unwrap();
            assert!(!outputs.is_empty(), "{manifest}");
            for output in outputs {
                let bytes = self.output(&format!("{directory}{}", output["name"].as_str().unwrap())).await;
                let sha256 = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(&bytes));
                assert_eq!(output["sha256"], sha256.as_str(), "{directory}: {output}");
            }
        }
        manifests.len()
    }
}

/// What the templates made.
struct Deployed {
    ingest: String,
    buckets: BTreeMap<&'static str, String>,
    stream: String,
    topic: String,
}

impl Deployed {
    /// Deploys keys, buckets, events and the parameters of an environment into an account that has nothing of it.
    fn new(localstack: &LocalStack, environment: &str, store_url: &str) -> Self {
        let stacks = localstack.cloudformation();
        let create = |name: &str, parameters: &[(&str, &str)]| {
            let template = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("deploy/stack/{name}.yaml"));
            let parameters = [&[("Environment", environment)], parameters].concat();
            stacks.create(&format!("{environment}-{name}"), &template, &parameters)
        };
        let keys = create("keys", &[]);
        let storage = create(
            "storage",
            &[("MediaKeyArn", keys["MediaKeyArn"].as_str()), ("AuditKeyArn", &keys["PlatformKeyArn"])],
        );
        let ingest = storage["IngestBucket"].as_str();
        let shards = [("IngestBucket", ingest), ("EventKeyArn", &keys["EventKeyArn"]), ("StreamShards", "2")];
        let events = create("events", &shards);
        let mut settings = vec![("StoreUrl", store_url), ("ViewerRoleArn", "set by the environment")];
        let buckets = storage.iter().filter(|(name, _)| *name != "LogBucket");
        settings.extend(buckets.map(|(name, value)| (name.as_str(), value.as_str())));
        for name in ["EventsUrl", "DeadLettersUrl", "NoticeTopicArn"] {
            settings.push((name, &events[name]));
        }
        create("settings", &settings);
        let area = |name: &'static str, output: &str| (name, storage[output].clone());
        Self {
            buckets: BTreeMap::from([
                area("work", "WorkBucket"),
                area("published", "PublishedBucket"),
                area("quarantine", "QuarantineBucket"),
                area("rejected", "RejectedBucket"),
                area("text", "TextBucket"),
                area("audit", "AuditBucket"),
            ]),
            ingest: ingest.to_owned(),
            stream: events["EventStreamName"].clone(),
            topic: events["NoticeTopicArn"].clone(),
        }
    }
}

/// One node, killed when it is dropped.
pub struct Node {
    pub name: String,
    pub child: Child,
}

impl Node {
    /// Sends a signal by name.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and waits for the exit status.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Checks a condition repeatedly until it holds.
pub async fn wait_for(what: &str, within: Duration, mut so: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !so().await {
        assert!(since.elapsed() < within, "waited {within:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
