//! Signals that AWS acts on.

mod autoscaling;
mod cloudwatch;

pub use autoscaling::ScaleInProtection;
pub use cloudwatch::FleetMetrics;
