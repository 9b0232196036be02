//! What the instance knows about itself.

mod imds;
mod machine;

pub use imds::{Instance, Interruption};
pub use machine::{Ec2Machine, MachineSettings};
