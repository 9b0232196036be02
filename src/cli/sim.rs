//! Arguments of the simulation, which has more of them than any other verb.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `sim`.
#[derive(Args)]
pub struct SimArgs {
    /// Nodes
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub nodes: u32,
    /// Uploads
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub assets: u32,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// What goes wrong; `all` runs one after the other and compares them
    #[arg(long, default_value = "steady", value_parser = SCENARIOS)]
    pub scenario: String,
    /// Uploads a second; where not given, a share (`--load`) of the capacity of cores or database, whichever is less
    #[arg(long, value_name = "RATE")]
    pub arrivals_per_s: Option<f64>,
    /// Arriving work as a share of the capacity
    #[arg(long, value_name = "SHARE", default_value_t = 0.7)]
    pub load: f64,
    /// Cores of a node
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub cores: u16,
    /// Milliseconds a claim lasts without renewal
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub lease_ms: u64,
    /// Milliseconds between a node's polls for work; the default is the engine's
    #[arg(long, value_name = "MS")]
    pub look_ms: Option<u64>,
    /// Tasks a second that the database claims and completes, `inf` for no bound; the defaults were measured
    #[arg(long, value_name = "RATE")]
    pub store_tasks_per_s: Option<f64>,
    /// Leases a second that the database renews
    #[arg(long, value_name = "RATE")]
    pub store_renewals_per_s: Option<f64>,
    /// Calls a second, which find or write nothing, that the database answers
    #[arg(long, value_name = "RATE")]
    pub store_calls_per_s: Option<f64>,
    /// Rows a second that the database writes
    #[arg(long, value_name = "RATE")]
    pub store_rows_per_s: Option<f64>,
    /// Draw waits and load over time into this SVG file
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

const SCENARIOS: [&str; 6] = ["steady", "node-deaths", "spot-wave", "failover", "poison", "all"];
