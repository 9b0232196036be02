//! Configuration kept by AWS.

mod ssm;

pub use ssm::{Parameters, parameters};
