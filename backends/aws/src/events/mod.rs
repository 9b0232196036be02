//! Sources of upload events on AWS: S3's own events, by EventBridge through a Kinesis stream or by an SQS queue.

pub mod dead_letters;
pub mod envelope;
pub(crate) mod finding;
pub mod kinesis;
mod malformed;
mod notification;
mod object_fields;
pub mod route;
pub mod sqs;
