//! An account with everything that a fleet uses, and one user per role with the shipped policy documents.

use std::path::Path;

use reelgate_stand_ins::ministack::{Auth, Keys, ServiceCall};
use reelgate_stand_ins::{ACCOUNT, Ministack, REGION};
use serde_json::{Value, json};

/// The roles with a policy document of what the program calls: the roles of nodes, the role of `reelgate check`, the
/// producer, and who watches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Intake,
    Worker,
    Publisher,
    Sweeper,
    Scanner,
    Redriver,
    Checker,
    Producer,
    Viewer,
}

pub const ROLES: [Role; 9] = [
    Role::Intake,
    Role::Worker,
    Role::Publisher,
    Role::Sweeper,
    Role::Scanner,
    Role::Redriver,
    Role::Checker,
    Role::Producer,
    Role::Viewer,
];

pub const STREAM: &str = "uploads";
pub const OTHER_STREAM: &str = "other";
pub const GROUP: &str = "heavy";
const QUEUE: &str = "upload-events";
const DEAD_LETTERS: &str = "dead-letters";
const TOPIC: &str = "notices";

/// Variables of the documents, and their values here. Three areas are only a part of a bucket.
pub const VARIABLES: &[(&str, &str)] = &[
    ("AWS::Partition", "aws"),
    ("AWS::Region", REGION),
    ("AWS::AccountId", ACCOUNT),
    ("IngestBucket", "uploads"),
    ("IngestArea", "uploads/in"),
    ("WorkBucket", "working"),
    ("WorkArea", "working/staged"),
    ("PublishedBucket", "published"),
    ("PublishedArea", "published"),
    ("QuarantineBucket", "quarantine"),
    ("QuarantineArea", "quarantine"),
    ("RejectedBucket", "rejected"),
    ("RejectedArea", "rejected"),
    ("ScanBucket", "scanned"),
    ("ScanArea", "scanned/text"),
    ("AuditBucket", "audit"),
    ("AuditSeal", "audit/audit-seal.json"),
    ("EventStream", STREAM),
    ("EventQueue", QUEUE),
    ("DeadLetterQueue", DEAD_LETTERS),
    ("NoticeTopic", TOPIC),
    ("NoticeBus", "default"),
    ("ParameterPath", "reelgate/test"),
    ("ParameterKeyArn", "arn:aws:kms:us-east-1:123456789012:key/parameters"),
    ("ViewerRoleArn", "arn:aws:iam::123456789012:role/viewer"),
    ("BucketKeyArn", "arn:aws:kms:us-east-1:123456789012:key/buckets"),
    ("EventKeyArn", "arn:aws:kms:us-east-1:123456789012:key/events"),
    ("AuditKeyArn", "arn:aws:kms:us-east-1:123456789012:key/audit"),
    ("MetricNamespace", "Reelgate"),
    ("ScalingGroup", GROUP),
    ("ProducerPrefix", "studio"),
];

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Worker => "worker",
            Self::Publisher => "publisher",
            Self::Sweeper => "sweeper",
            Self::Scanner => "scanner",
            Self::Redriver => "redriver",
            Self::Checker => "checker",
            Self::Producer => "producer",
            Self::Viewer => "viewer",
        }
    }

    /// The shipped document, with its variables.
    pub fn document(self) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/policies");
        std::fs::read_to_string(folder.join(format!("{}.json", self.name()))).unwrap()
    }

    /// The document with the values of this account.
    pub fn policy(self) -> String {
        let mut text = self.document();
        for (name, value) in VARIABLES {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        assert!(!text.contains("${"), "a variable without a value in {}", self.name());
        text
    }
}

/// The account, with objects, streams, a queue and a topic in it.
pub struct Account {
    pub server: Ministack,
    pub queue_url: String,
    pub dead_letters_url: String,
    pub topic_arn: String,
    /// An iterator at the beginning of the stream, as its reader would get it.
    pub iterator: String,
}

/// Objects in every area and outside of the areas.
const OBJECTS: &[(&str, &str)] = &[
    ("uploads", "in/clip"),
    ("uploads", "in/studio/clip"),
    ("uploads", "elsewhere/clip"),
    ("working", "staged/part"),
    ("published", "clip/master.m3u8"),
    ("quarantine", "clip"),
    ("rejected", "clip"),
    ("audit", "audit-seal.json"),
    ("audit", "other.json"),
    ("scanned", "text/scan/batch/clip.jsonl"),
    ("scanned", "elsewhere/clip"),
];

impl Account {
    pub fn new() -> Self {
        let server = Ministack::start(Auth::Enforced);
        let call = |service, operation, parameters: Value| ServiceCall { service, operation, parameters };
        let bucket = |name: &str| call("s3", "create_bucket", json!({"Bucket": name}));
        let object = |(bucket, key): &(&str, &str)| {
            call("s3", "put_object", json!({"Bucket": bucket, "Key": key, "Body": "x"}))
        };
        let stream =
            |name: &str| call("kinesis", "create_stream", json!({"StreamName": name, "ShardCount": 1}));
        let mut calls: Vec<ServiceCall<'_>> =
            ["uploads", "working", "published", "quarantine", "rejected", "scanned", "audit"]
                .map(bucket)
                .into();
        calls.extend(OBJECTS.iter().map(object));
        calls.extend([stream(STREAM), stream(OTHER_STREAM)]);
        let made = calls.len();
        let iterator = json!({
            "StreamARN": stream_arn(), "ShardId": SHARD, "ShardIteratorType": "TRIM_HORIZON"
        });
        calls.push(call("sqs", "create_queue", json!({"QueueName": QUEUE})));
        calls.push(call("sqs", "create_queue", json!({"QueueName": DEAD_LETTERS})));
        calls.push(call("sns", "create_topic", json!({"Name": TOPIC})));
        calls.push(call("kinesis", "get_shard_iterator", iterator));
        let answers: Vec<Value> =
            server.call(&Keys::root(), &calls).into_iter().map(|answer| answer.unwrap()).collect();
        let text =
            |at: usize, pointer| answers[made + at].pointer(pointer).unwrap().as_str().unwrap().to_owned();
        Self {
            queue_url: text(0, "/QueueUrl"),
            dead_letters_url: text(1, "/QueueUrl"),
            topic_arn: text(2, "/TopicArn"),
            iterator: text(3, "/ShardIterator"),
            server,
        }
    }

    /// A user of this role.
    pub fn user(&self, role: Role) -> Keys {
        self.server.user(role.name(), &role.policy())
    }
}

pub const SHARD: &str = "shardId-000000000000";

pub fn stream_arn() -> String {
    format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STREAM}")
}
