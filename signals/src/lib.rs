//! What Reelgate says about itself, as data: every metric, what is shown of it, and what wakes a person. Nodes register their
//! metrics from here; dashboards, rules, alarms and pages are made from here. Nothing in here reads, writes or waits.

pub mod alarms;
pub mod alerts;
pub mod catalogue;
pub mod cloudwatch;
pub mod dashboards;
pub mod fleet;
pub mod grafana;
pub mod pages;
pub mod rules;
pub mod signal;
pub mod slo;

pub use signal::{Kind, Series, Signal, Unit};
