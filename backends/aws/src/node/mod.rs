//! The machine that a node runs on: an EC2 instance.

mod imds;
mod machine;

pub use imds::{Instance, Interruption};
pub use machine::{Ec2Machine, MachineSettings};
