//! All calls of the fleet to AWS, some calls that it must never make, and the roles that may make them.

use reelgate_stand_ins::ministack::ServiceCall;
use serde_json::{Value, json};

use super::account::{Account, GROUP, OTHER_STREAM, Role, SHARD, STREAM, stream_arn};

use Role::{Checker, Intake, Producer, Publisher, Redriver, Scanner, Sweeper, Viewer, Worker};

/// A call and the roles that may make it.
pub struct Listed {
    pub what: String,
    pub call: ServiceCall<'static>,
    pub allowed: &'static [Role],
}

/// Whether an error's code is a denial, and not an error of the call itself.
pub fn is_denial(code: &str) -> bool {
    ["AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"]
        .contains(&code)
}

const NOBODY: &[Role] = &[];

/// Operation, bucket and key or prefix, and the allowed roles. Calls that remove something come last.
const OBJECT_CALLS: &[(&str, &str, &[Role])] = &[
    ("get_object", "uploads/in/clip", &[Worker, Publisher]),
    ("head_object", "uploads/in/clip", &[Worker, Publisher]),
    ("get_object version", "uploads/in/clip", &[Worker, Publisher]),
    ("get_object_tagging", "uploads/in/clip", &[Worker, Publisher]),
    ("put_object", "uploads/in/clip", NOBODY),
    ("get_object", "uploads/elsewhere/clip", NOBODY),
    ("delete_object", "uploads/elsewhere/clip", NOBODY),
    ("list_objects_v2", "uploads/in/", &[Worker, Publisher, Sweeper]),
    ("list_object_versions", "uploads/in/", &[Sweeper, Checker]),
    ("put_object", "uploads/in/studio/clip", &[Producer]),
    ("create_multipart_upload", "uploads/in/studio/clip", &[Producer]),
    ("list_parts", "uploads/in/studio/clip", &[Producer]),
    ("abort_multipart_upload", "uploads/in/studio/clip", &[Producer]),
    ("head_object", "uploads/in/studio/clip", &[Worker, Publisher, Producer]),
    ("put_object", "uploads/in/studios/clip", NOBODY),
    ("get_bucket_versioning", "uploads/", &[Checker]),
    ("get_bucket_notification_configuration", "uploads/", &[Checker]),
    ("put_object", "working/staged/part", &[Worker]),
    ("create_multipart_upload", "working/staged/part", &[Worker]),
    ("get_object", "working/staged/part", &[Worker, Publisher]),
    ("abort_multipart_upload", "working/staged/part", &[Worker, Publisher, Sweeper]),
    ("put_object", "working/elsewhere", NOBODY),
    ("put_object", "working/staged/.reelgate-check", &[Worker, Checker]),
    ("create_multipart_upload", "published/.reelgate-check", &[Publisher, Checker]),
    ("abort_multipart_upload", "published/.reelgate-check", &[Publisher, Checker]),
    ("list_object_versions", "working/staged/", &[Worker, Publisher, Sweeper, Checker]),
    ("list_multipart_uploads", "working/staged/", &[Worker, Publisher, Sweeper]),
    ("put_object", "published/clip/master.m3u8", &[Publisher]),
    ("get_object", "published/clip/master.m3u8", &[Publisher, Viewer]),
    ("abort_multipart_upload", "published/clip/master.m3u8", &[Publisher]),
    ("get_object_tagging", "published/clip/master.m3u8", &[Publisher]),
    ("put_object_tagging", "published/clip/master.m3u8", &[Publisher]),
    ("list_object_versions", "published/clip/", &[Publisher, Checker]),
    ("put_object", "quarantine/clip", &[Publisher]),
    ("get_object", "quarantine/clip", &[Publisher]),
    ("get_object_tagging", "quarantine/clip", &[Publisher]),
    ("put_object_tagging", "quarantine/clip", &[Publisher]),
    ("list_object_versions", "quarantine/clip", &[Publisher, Checker]),
    ("put_object", "rejected/clip", &[Publisher]),
    ("get_object", "rejected/clip", &[Worker, Publisher]),
    ("put_object_tagging", "rejected/clip", &[Publisher]),
    ("list_object_versions", "rejected/clip", &[Publisher, Checker]),
    ("put_object", "scanned/text/scan/batch/clip.jsonl", &[Scanner]),
    ("get_object", "scanned/text/scan/batch/clip.jsonl", &[Scanner]),
    ("get_object version", "scanned/text/scan/batch/clip.jsonl", &[Scanner]),
    ("list_object_versions", "scanned/text/scan/", &[Scanner, Checker]),
    ("create_multipart_upload", "scanned/text/.reelgate-check", &[Scanner, Checker]),
    ("get_object", "audit/audit-seal.json", &[Intake, Checker]),
    ("get_object version", "audit/audit-seal.json", &[Intake, Checker]),
    ("head_object", "audit/audit-seal.json", &[Intake, Checker]),
    ("put_object", "audit/audit-seal.json", &[Intake]),
    ("put_object", "audit/other.json", NOBODY),
    ("list_objects_v2", "audit/", &[Intake, Checker]),
    ("delete_object", "audit/audit-seal.json", NOBODY),
    ("get_object", "scanned/elsewhere/clip", NOBODY),
    ("delete_object", "scanned/elsewhere/clip", NOBODY),
    ("delete_object", "scanned/text/scan/batch/clip.jsonl", &[Scanner]),
    ("delete_object version", "scanned/text/scan/batch/clip.jsonl", &[Scanner]),
    ("delete_object", "working/staged/part", &[Worker, Publisher, Sweeper]),
    ("delete_object version", "working/staged/part", &[Worker, Publisher, Sweeper]),
    ("delete_objects", "working/staged/part", &[Worker, Publisher, Sweeper]),
    ("delete_object", "published/clip/master.m3u8", &[Publisher]),
    ("delete_object version", "published/clip/master.m3u8", &[Publisher]),
    ("delete_object", "quarantine/clip", &[Publisher]),
    ("delete_object", "rejected/clip", &[Publisher]),
    ("delete_object", "uploads/in/clip", &[Publisher]),
    ("delete_object version", "uploads/in/clip", &[Publisher]),
    ("delete_objects", "uploads/elsewhere/clip", NOBODY),
    ("get_bucket_policy", "published/", NOBODY),
    ("put_bucket_versioning", "uploads/", NOBODY),
    ("delete_bucket", "published/", NOBODY),
];

/// Calls to S3.
pub fn object_calls() -> Vec<Listed> {
    let listed = |&(operation, place, allowed): &(&'static str, &str, &'static [Role])| {
        let (bucket, key) = place.split_once('/').unwrap();
        let (name, version) = operation.split_once(' ').unwrap_or((operation, ""));
        let mut parameters = match name {
            "list_parts" => json!({"Bucket": bucket, "Key": key}),
            _ if name.starts_with("list_") => json!({"Bucket": bucket, "Prefix": key}),
            "delete_objects" => json!({"Bucket": bucket, "Delete": {"Objects": [{"Key": key}]}}),
            "put_bucket_versioning" => {
                json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}})
            }
            _ if key.is_empty() => json!({"Bucket": bucket}),
            _ => json!({"Bucket": bucket, "Key": key}),
        };
        let more: &[(&str, Value)] = &match name {
            "put_object" => [("Body", json!("x"))],
            "abort_multipart_upload" | "list_parts" => [("UploadId", json!("none"))],
            "put_object_tagging" => [("Tagging", json!({"TagSet": [{"Key": "why", "Value": "test"}]}))],
            _ if !version.is_empty() => [("VersionId", json!("null"))],
            _ => [("Bucket", json!(bucket))],
        };
        more.iter().for_each(|(name, value)| parameters[*name] = value.clone());
        let call = ServiceCall { service: "s3", operation: name, parameters };
        Listed { what: format!("{operation} {place}"), call, allowed }
    };
    OBJECT_CALLS.iter().map(listed).collect()
}

/// Calls to all other services.
pub fn event_calls(account: &Account) -> Vec<Listed> {
    let mut all = stream_calls(account);
    all.extend(queue_calls(account));
    all.extend(other_calls(account));
    all
}

fn listed(
    service: &'static str,
    operation: &'static str,
    parameters: Value,
    allowed: &'static [Role],
) -> Listed {
    let what = format!("{service} {operation} {parameters}");
    Listed { what, call: ServiceCall { service, operation, parameters }, allowed }
}

fn stream_calls(account: &Account) -> Vec<Listed> {
    const BY: &[Role] = &[Intake];
    let stream = stream_arn();
    let at = |parameters| listed("kinesis", "get_shard_iterator", parameters, BY);
    vec![
        listed("kinesis", "describe_stream_summary", json!({"StreamName": STREAM}), &[Intake, Checker]),
        listed("kinesis", "list_shards", json!({"StreamName": STREAM}), BY),
        at(json!({"StreamARN": stream, "ShardId": SHARD, "ShardIteratorType": "LATEST"})),
        listed("kinesis", "get_records", json!({"StreamARN": stream, "ShardIterator": account.iterator}), BY),
        listed(
            "kinesis",
            "register_stream_consumer",
            json!({"StreamARN": stream, "ConsumerName": "new"}),
            BY,
        ),
        listed(
            "kinesis",
            "put_record",
            json!({"StreamName": STREAM, "Data": "{}", "PartitionKey": "k"}),
            &[Redriver],
        ),
        listed("kinesis", "delete_stream", json!({"StreamName": OTHER_STREAM}), NOBODY),
        listed("kinesis", "describe_stream_summary", json!({"StreamName": OTHER_STREAM}), NOBODY),
    ]
}

fn queue_calls(account: &Account) -> Vec<Listed> {
    const BY: &[Role] = &[Intake];
    let (url, dead) = (&account.queue_url, &account.dead_letters_url);
    let receipt = json!({"QueueUrl": url, "ReceiptHandle": "none"});
    let visibility = json!({"QueueUrl": url, "ReceiptHandle": "none", "VisibilityTimeout": 0});
    vec![
        listed("sqs", "get_queue_attributes", json!({"QueueUrl": url}), &[Checker]),
        listed("sqs", "receive_message", json!({"QueueUrl": url}), BY),
        listed("sqs", "delete_message", receipt, BY),
        listed("sqs", "change_message_visibility", visibility, BY),
        listed("sqs", "send_message", json!({"QueueUrl": url, "MessageBody": "{}"}), &[Redriver]),
        listed("sqs", "purge_queue", json!({"QueueUrl": url}), NOBODY),
        listed("sqs", "get_queue_attributes", json!({"QueueUrl": dead}), &[Intake, Checker]),
        listed("sqs", "receive_message", json!({"QueueUrl": dead}), &[Redriver]),
        listed("sqs", "delete_message", json!({"QueueUrl": dead, "ReceiptHandle": "none"}), &[Redriver]),
        listed("sqs", "send_message", json!({"QueueUrl": dead, "MessageBody": "{}"}), NOBODY),
    ]
}

fn other_calls(account: &Account) -> Vec<Listed> {
    let topic = &account.topic_arn;
    let other = format!("{topic}-of-others");
    let protection =
        json!({"AutoScalingGroupName": GROUP, "InstanceIds": ["i-1"], "ProtectedFromScaleIn": true});
    vec![
        listed("sns", "publish", json!({"TopicArn": topic, "Message": "{}"}), &[Publisher]),
        listed("sns", "publish", json!({"TopicArn": other, "Message": "{}"}), NOBODY),
        listed("sns", "get_topic_attributes", json!({"TopicArn": topic}), &[Checker]),
        listed("sns", "delete_topic", json!({"TopicArn": topic}), NOBODY),
        listed("autoscaling", "describe_auto_scaling_instances", json!({"InstanceIds": ["i-1"]}), &[Worker]),
        listed("autoscaling", "set_instance_protection", protection, &[Worker]),
        listed("autoscaling", "delete_auto_scaling_group", json!({"AutoScalingGroupName": GROUP}), NOBODY),
        listed("ssm", "put_parameter", json!({"Name": "/reelgate/test/x", "Value": "v"}), NOBODY),
        listed("iam", "list_users", json!({}), NOBODY),
    ]
}
