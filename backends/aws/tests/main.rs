//! The AWS backends, tested with servers that stand in for AWS.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod denied;
mod events;
mod macie;
mod notices;
mod objects;
mod peers;
