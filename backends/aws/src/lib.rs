//! Backends on AWS: objects in S3, events from Kinesis or SQS, notices to SNS or EventBridge, configuration from the
//! Parameter Store, signals to CloudWatch, text to Macie. This crate makes no decisions about an asset's life.

#![forbid(unsafe_code)]

pub mod caller;
pub mod clients;
pub mod config;
pub mod error;
pub mod events;
pub mod location;
pub mod macie;
pub mod node;
pub mod notices;
pub mod objects;
pub mod presign;
pub mod seal_object;
pub mod signal;
pub mod upload;
