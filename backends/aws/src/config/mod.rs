//! Configuration stored in AWS.

mod ssm;

pub use ssm::{Parameters, parameters};
