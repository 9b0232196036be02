//! The parts of the configuration that matter in a fleet: what a node does, and which services it uses.

use serde::{Deserialize, Deserializer, Serialize};

use super::secret::{SecretUrl, SecretUrlOrPath};

/// The beginning of addresses in S3.
pub const S3_SCHEME: &str = "s3://";
/// Begins the address of a stream of Kinesis.
pub const KINESIS_SCHEME: &str = "kinesis://";
/// Begins the address of a queue.
pub const SQS_SCHEME: &str = "sqs:";

/// What this node is and does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeRaw {
    /// Its name among all nodes. Default empty: host name and process id.
    pub name: String,
    /// `intake`, `light`, `heavy`, or `all`. Default `["all"]`: one machine does everything.
    pub roles: Vec<String>,
    /// Whether `serve` inspects and encodes a golden file before it takes work. Default true: a machine with a broken
    /// codec must not process uploads.
    pub self_test: bool,
    /// Seconds between sweeps of the whole bucket by nodes with the role intake, 0 for none, at most 604,800.
    /// Default 21,600 (six hours): lost events are rare, and listing a large bucket costs money.
    pub sweep_s: u64,
    /// Whether the node asks the EC2 metadata service for a notice of interruption. Default false: outside EC2 the request
    /// fails slowly.
    pub ec2: bool,
    /// Another address of the metadata service, for tests. Default empty: EC2's own.
    pub ec2_endpoint: SecretUrl,
    /// Whether the Auto Scaling group of this instance is asked not to end it while it works. Default false.
    pub autoscaling: bool,
    /// Name of the fleet under which one node reports about all of them to CloudWatch. Default empty: no report.
    pub cloudwatch_fleet: String,
    /// How much of it: `basic` or `full`. Default `basic`: what scaling and alarms need. Each metric costs money every month.
    pub cloudwatch_metrics: FleetMetrics,
}

/// How many metrics of the fleet CloudWatch gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FleetMetrics {
    /// Those that scaling and alarms need.
    #[default]
    Basic,
    /// All of `signals::fleet`.
    Full,
}

impl Default for NodeRaw {
    fn default() -> Self {
        Self {
            name: String::new(),
            roles: vec!["all".into()],
            self_test: true,
            sweep_s: 21_600,
            ec2: false,
            ec2_endpoint: SecretUrl::default(),
            autoscaling: false,
            cloudwatch_fleet: String::new(),
            cloudwatch_metrics: FleetMetrics::default(),
        }
    }
}

/// The store: the database of assets, tasks and history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreRaw {
    /// `postgres://USER@HOST/DATABASE?sslmode=verify-full`, or `sqlite:FILE`. Default empty: HOME/reelgate.sqlite. A
    /// password is best given by the environment (REELGATE__STORE__URL or PGPASSWORD) or the Parameter Store.
    pub url: SecretUrl,
    /// Connections to PostgreSQL, 2 to 100. Default 8: a node commits in batches.
    pub connections: u32,
    /// Days that the history of an asset is kept after its end, 0 for ever, at most 36,500. Default 400: a year, and time
    /// to notice. What the asset is and what became of it is kept for ever.
    pub history_days: u32,
    /// Where the last seal of the audit log is kept outside of the database: an object such as `s3://BUCKET/audit-seal.json`, best
    /// in a bucket with versioning and Object Lock. Default empty: HOME/audit-seal.json.
    pub audit_seal: SecretUrl,
}

impl Default for StoreRaw {
    fn default() -> Self {
        Self {
            url: SecretUrl::default(),
            connections: 8,
            history_days: 400,
            audit_seal: SecretUrl::default(),
        }
    }
}

/// The object store: sources and outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectsRaw {
    /// A directory, or `s3://BUCKET/PREFIX` with `ingest/`, `work/`, `published/`, `quarantine/` and `rejected/` below it.
    /// Default empty: HOME.
    pub url: SecretUrlOrPath,
    /// `s3://BUCKET/PREFIX` of uploads, if it is not below `url`. Default empty: below `url`; the same for the next four.
    pub ingest: SecretUrlOrPath,
    /// `s3://BUCKET/PREFIX` of staged files.
    pub work: SecretUrlOrPath,
    /// `s3://BUCKET/PREFIX` of published outputs.
    pub published: SecretUrlOrPath,
    /// `s3://BUCKET/PREFIX` of quarantined sources.
    pub quarantine: SecretUrlOrPath,
    /// `s3://BUCKET/PREFIX` of rejected sources.
    pub rejected: SecretUrlOrPath,
    /// Directory for sources while they are processed. Default empty: HOME/scratch.
    pub scratch: String,
    /// Most bytes of sources from S3 that stay there while no task reads them, up to 1 PB. Default 8,589,934,592 (8 GiB), a
    /// long film in high quality. What a task reads comes on top.
    pub scratch_bytes_max: u64,
}

impl Default for ObjectsRaw {
    fn default() -> Self {
        Self {
            url: SecretUrlOrPath::default(),
            ingest: SecretUrlOrPath::default(),
            work: SecretUrlOrPath::default(),
            published: SecretUrlOrPath::default(),
            quarantine: SecretUrlOrPath::default(),
            rejected: SecretUrlOrPath::default(),
            scratch: String::new(),
            scratch_bytes_max: 8 << 30,
        }
    }
}

/// The source of upload events.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsRaw {
    /// `kinesis://STREAM`, `sqs:QUEUE-URL`, or a directory that is watched. Default empty: HOME/ingest.
    pub url: SecretUrlOrPath,
    /// `sqs:QUEUE-URL` of events that EventBridge or SQS could not deliver. Default empty: none is looked at.
    pub dead_letters: SecretUrl,
    /// Name of this fleet's consumer for enhanced fan-out. Default empty: the stream is polled.
    pub fan_out: String,
}

/// Access to AWS; credentials come from the SDK's own chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AwsRaw {
    /// Another endpoint for every service. Default empty: AWS's own.
    pub endpoint_url: SecretUrl,
    /// Region. Default empty: AWS_REGION, the profile, or the instance's own.
    pub region: String,
    /// Bucket names in the path instead of the host name, for other servers than S3. Default false.
    pub path_style: bool,
    /// Whether every write carries a checksum; false for servers that know none of S3's newer ones. Default true.
    pub checksums: bool,
    /// Account that must own every bucket, twelve digits. Default empty: the owner is not checked.
    #[serde(deserialize_with = "account")]
    pub bucket_owner: String,
    /// ARN of a role with the rights of viewers. After a quarantine the node checks that this role can read nothing of the
    /// asset. Default empty: the node checks with its own role only.
    pub viewer_role: String,
    /// KMS key that encrypts what is written. Default empty: the bucket's own encryption.
    pub kms_key_id: String,
    /// Path in the Parameter Store whose parameters override the file, such as `/reelgate/production`. Default empty: none.
    pub parameters: String,
    /// Seconds between two reads of the parameters by a running `serve`, varied by up to a half; 0 for none, at most 86,400.
    /// Default 300: a fleet adopts a change within minutes, node by node.
    pub refresh_s: u64,
    /// Amazon Macie, which also scans the text of assets.
    pub macie: MacieRaw,
}

/// Amazon Macie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MacieRaw {
    /// `s3://BUCKET/PREFIX` of the text that Macie scans, in a separate bucket. Default empty: Macie is not used.
    pub area: SecretUrlOrPath,
    /// Account that owns that bucket, twelve digits.
    #[serde(deserialize_with = "account")]
    pub account: String,
    /// Seconds, 1 to 3,600: texts that are delivered within this time share one job. Default 60: Macie begins at most one
    /// job in ten seconds, and each takes minutes.
    pub window_s: u32,
    /// Seconds between sweeps for findings whose event was lost, by nodes with the role intake; 0 for none, at most 604,800.
    /// Default 3,600: a lost finding is found within the hour, for a few calls.
    pub sweep_s: u64,
}

/// An account's number as text. The environment and the Parameter Store give a number, without its leading zeros.
fn account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Number(u64),
    }
    Ok(match Given::deserialize(deserializer)? {
        Given::Text(text) => text,
        Given::Number(number) => format!("{number:012}"),
    })
}

impl Default for MacieRaw {
    fn default() -> Self {
        Self { area: SecretUrlOrPath::default(), account: String::new(), window_s: 60, sweep_s: 3_600 }
    }
}

impl Default for AwsRaw {
    fn default() -> Self {
        Self {
            endpoint_url: SecretUrl::default(),
            region: String::new(),
            path_style: false,
            checksums: true,
            bucket_owner: String::new(),
            viewer_role: String::new(),
            kms_key_id: String::new(),
            parameters: String::new(),
            refresh_s: 300,
            macie: MacieRaw::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use figment::Figment;
    use figment::providers::{Format, Serialized, Toml};
    use figment::value::Value;

    use super::*;

    #[test]
    fn an_account_s_number_keeps_its_zeros_wherever_it_comes_from() {
        let file = "[macie]\naccount = \"098765432109\"";
        // The environment and the Parameter Store parse it as a number.
        let Ok(number) = "012345678901".parse::<Value>();
        let layers = Figment::from(Serialized::defaults(AwsRaw::default())).merge(Toml::string(file));
        let read: AwsRaw = layers.merge(Serialized::default("bucket_owner", number)).extract().unwrap();
        assert_eq!(
            (read.bucket_owner.as_str(), read.macie.account.as_str()),
            ("012345678901", "098765432109")
        );
    }
}
