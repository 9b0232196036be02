//! What the instance knows about itself.

mod imds;

pub use imds::{Instance, Interruption};
