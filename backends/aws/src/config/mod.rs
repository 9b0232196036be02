//! Configuration stored in AWS.

mod pause_flag;
mod ssm;

pub use pause_flag::{FLAGS, ParameterFlag};
pub use ssm::{Parameters, parameters};
