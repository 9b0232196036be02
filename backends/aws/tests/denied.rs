//! Calls that a role may not make, through the backend's code with the shipped policy documents. The error reports the
//! denial and names the missing action, and it contains no key.

use std::path::Path;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use reelgate_aws::events::kinesis::{KinesisEvents, KinesisSettings};
use reelgate_aws::location::version_of;
use reelgate_aws::notices::SnsNotices;
use reelgate_aws::objects::{Areas, ObjectsSettings, S3Objects};
use reelgate_conformance::ManualClock;
use reelgate_conformance::samples::next_turn;
use reelgate_flow::asset::{Exit, NoticeKind, Verdict};
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, Sequencer, SourceId};
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::{ErrorKind, PortError};
use reelgate_ports::events::Events;
use reelgate_ports::identity::asset_id;
use reelgate_ports::notices::Notices;
use reelgate_ports::objects::{Objects, Publication, PublishItem};
use reelgate_ports::records::{Fence, NoticeRecord, SourceRecord};
use reelgate_stand_ins::ministack::{Auth, Keys};
use reelgate_stand_ins::{ACCOUNT, Ministack, REGION};
use reelgate_store::memory::MemoryStore;
use tempfile::TempDir;

use crate::peers::config_as;

const BUCKET: &str = "media";
const KEY: &str = "in/studio/private.mp4";

/// An account that authorises every call, with one bucket, stream and topic.
struct Account {
    server: Ministack,
    scratch: TempDir,
    etag: String,
}

impl Account {
    async fn new() -> Self {
        let server = Ministack::start(Auth::Enforced);
        let account = Self { scratch: tempfile::tempdir().unwrap(), server, etag: String::new() };
        let root = account.config(&Keys::root()).await;
        let s3 = aws_sdk_s3::config::Builder::from(&root).force_path_style(true).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        s3.create_bucket().bucket(BUCKET).send().await.unwrap();
        let body = aws_sdk_s3::primitives::ByteStream::from_static(b"x");
        let put = s3.put_object().bucket(BUCKET).key(KEY).body(body).send().await.unwrap();
        let kinesis = aws_sdk_kinesis::Client::new(&root);
        kinesis.create_stream().stream_name("uploads").shard_count(1).send().await.unwrap();
        aws_sdk_sns::Client::new(&root).create_topic().name("notices").send().await.unwrap();
        Self { etag: put.e_tag().unwrap().to_owned(), ..account }
    }

    async fn config(&self, keys: &Keys) -> SdkConfig {
        let credentials = Credentials::new(&keys.access, &keys.secret, None, None, "tests");
        config_as(self.server.endpoint(), SharedCredentialsProvider::new(credentials)).await
    }

    /// The configuration of a user with one of the shipped documents.
    async fn role(&self, name: &str) -> SdkConfig {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/policies");
        let mut policy = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let variables = [
            ("${AWS::Partition}", "aws"),
            ("${AWS::Region}", REGION),
            ("${AWS::AccountId}", ACCOUNT),
            ("${EventStream}", "uploads"),
            ("${NoticeTopic}", "notices"),
            ("${IngestArea}", "media/in"),
            ("${WorkArea}", "media/work"),
            ("${PublishedArea}", "media/published"),
            ("${QuarantineArea}", "media/quarantine"),
            ("${RejectedArea}", "media/rejected"),
            ("${ViewerRoleArn}", "arn:aws:iam::123456789012:role/viewer"),
        ];
        for (variable, value) in variables {
            policy = policy.replace(variable, value);
        }
        for bucket in ["Ingest", "Work", "Published", "Quarantine", "Rejected"] {
            policy = policy.replace(&format!("${{{bucket}Bucket}}"), BUCKET);
        }
        self.config(&self.server.user(name, &policy)).await
    }

    /// A viewer that may read below this prefix of the bucket.
    async fn viewer(&self, name: &str, below: &str) -> SdkConfig {
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{BUCKET}/{below}*")}
        ]});
        self.config(&self.server.user(name, &policy.to_string())).await
    }

    async fn objects(&self, role: &str) -> S3Objects {
        self.objects_seen_by(&self.role(role).await, None)
    }

    fn objects_seen_by(&self, role: &SdkConfig, viewer: Option<SdkConfig>) -> S3Objects {
        let area = |name: &str| format!("s3://{BUCKET}/{name}").parse().unwrap();
        let areas = Areas {
            ingest: area("in"),
            work: area("work"),
            published: area("published"),
            quarantine: area("quarantine"),
            rejected: area("rejected"),
        };
        let mut settings = ObjectsSettings::new(areas, self.scratch.path().to_owned());
        settings.transfer.path_style = true;
        settings.viewer = viewer;
        S3Objects::new(role, settings).unwrap()
    }

    fn source(&self) -> SourceRecord {
        let version = version_of(None, &self.etag);
        SourceRecord {
            id: SourceId { bucket: BUCKET.to_owned(), key: KEY.to_owned(), version },
            sequencer: Sequencer::parse("01").unwrap(),
            location: format!("s3://{BUCKET}/{KEY}"),
            size_bytes: 1,
        }
    }
}

/// The action that the error names as missing.
fn lacking(error: &PortError) -> &str {
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(!error.to_string().contains("private"), "a key in an error: {error}");
    let (_, rest) = error.detail.split_once(" lacks ").unwrap();
    rest.strip_suffix(" on this resource").unwrap()
}

#[tokio::test]
async fn a_denied_read_names_the_missing_action() {
    let account = Account::new().await;
    let source = account.source();
    let worker = account.objects("worker").await;
    worker.check_current(&source).await.unwrap();
    assert_eq!(worker.open(&source).await.unwrap().size_bytes, 1);

    let sweeper = account.objects("sweeper").await;
    assert_eq!(sweeper.list("", None, 10).await.unwrap().len(), 1);
    let error = sweeper.open(&source).await.map(drop).unwrap_err();
    assert_eq!(lacking(&error), "s3:GetObject", "{error}");
    let intake = account.objects("intake").await;
    let error = intake.list("", None, 10).await.unwrap_err();
    assert_eq!(lacking(&error), "s3:ListBucketVersions", "{error}");
    let error = worker.check().await.unwrap_err();
    assert_eq!(lacking(&error), "s3:PutObject", "{error}");
}

#[tokio::test]
async fn a_quarantine_succeeds_only_if_viewers_can_read_no_quarantined_file() {
    let account = Account::new().await;
    let source = account.source();
    let asset = asset_id(&source.id);
    let worker = account.objects("worker").await;
    let fence = Fence { asset: asset.clone(), task: TaskKey::Audio, attempt: 1 };
    let mut writer = worker.stage(&fence).await.unwrap();
    writer.open("v.m4s").unwrap();
    writer.write(b"abc").unwrap();
    writer.close().unwrap();
    let staged = writer.finish().unwrap();
    let items = staged.iter().map(|staged| PublishItem { staged: staged.clone(), name: staged.name.clone() });
    let publication = Publication {
        turn: next_turn(&asset),
        source: source.clone(),
        path: "out".into(),
        items: items.collect(),
        manifest: b"{}".to_vec(),
        verdict: Verdict::Flagged,
        surfaces: "analysed=name".into(),
    };
    let publisher = account.role("publisher").await;
    account.objects_seen_by(&publisher, None).publish(&publication).await.unwrap();

    let nobody = SharedCredentialsProvider::new(Credentials::new("a", "b", None, None, "tests"));
    let nowhere = config_as("http://127.0.0.1:9", nobody).await;
    let unreachable = reelgate_aws::clients::as_role(&nowhere, "arn:aws:iam::123456789012:role/viewer").await;
    let too_much = account.viewer("everything", "").await;
    for (viewer, why) in [(too_much, "deny it the quarantine"), (unreachable, "prove a withdrawal")] {
        let objects = account.objects_seen_by(&publisher, Some(viewer));
        let error = objects
            .withdraw(&next_turn(&asset), Some("out"), &source, Exit::Quarantine, true)
            .await
            .unwrap_err();
        assert!(error.kind == ErrorKind::Unavailable && error.to_string().contains(why), "{error}");
    }
    let viewer = account.viewer("published", "published/").await;
    let objects = account.objects_seen_by(&publisher, Some(viewer));
    let withdrawal_record = objects
        .withdraw(&next_turn(&asset), Some("out"), &source, Exit::Quarantine, true)
        .await
        .unwrap()
        .withdrawal_record;
    let names: Vec<&str> = withdrawal_record.taken.iter().map(|taken| taken.name.as_str()).collect();
    assert!(names.contains(&"v.m4s") && names.contains(&"source"), "{names:?}");
    assert!(
        withdrawal_record.looked_at > withdrawal_record.taken.len() as u64,
        "both roles checked: {}",
        withdrawal_record.looked_at
    );
    let erased = objects
        .withdraw(&next_turn(&asset), Some("out"), &source, Exit::Erase, false)
        .await
        .unwrap()
        .withdrawal_record;
    assert!(!erased.taken.is_empty());
}

#[tokio::test]
async fn a_denied_read_of_events_and_a_denied_notice_name_the_missing_action() {
    let account = Account::new().await;
    let (worker, publisher) = (account.role("worker").await, account.role("publisher").await);
    let checker = account.role("checker").await;
    let events = |role: &SdkConfig| {
        let settings = KinesisSettings::new("uploads", NodeId::new("node"), "s3://media/in".parse().unwrap());
        let shards = Arc::new(MemoryStore::new(Arc::new(ManualClock::default())));
        KinesisEvents::new(aws_sdk_kinesis::Client::new(role), shards, settings)
    };
    assert!(events(&checker).check().await.unwrap().contains("1 open shards"));
    let error = events(&publisher).check().await.unwrap_err();
    assert_eq!(lacking(&error), "kinesis:DescribeStreamSummary", "{error}");

    let notice = NoticeRecord {
        id: NoticeId::new("n1"),
        asset: AssetId::new("asset1"),
        kind: NoticeKind::Published,
        body: serde_json::json!({"schema": 1}),
        tries: 0,
    };
    let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:notices");
    let notices = |role: &SdkConfig| SnsNotices::new(aws_sdk_sns::Client::new(role), &topic);
    notices(&publisher).deliver(&notice).await.unwrap();
    let error = notices(&worker).deliver(&notice).await.unwrap_err();
    assert_eq!(lacking(&error), "sns:Publish", "{error}");
    let error = notices(&publisher).check().await.unwrap_err();
    assert_eq!(lacking(&error), "sns:GetTopicAttributes", "{error}");
}
