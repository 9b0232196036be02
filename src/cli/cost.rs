//! Arguments of `cost`.

use clap::{Args, Subcommand, ValueEnum};

/// What `cost` does.
#[derive(Subcommand)]
pub enum CostVerb {
    /// Show what an asset cost: every attempt and resource, in order
    Show {
        /// Asset id, or its first characters
        #[arg(value_name = "ASSET")]
        asset: String,
        /// One JSON object per line of the ledger
        #[arg(long)]
        json: bool,
    },
    /// Add up what everything cost
    Report(ReportArgs),
}

/// Arguments of `cost report`.
#[derive(Args)]
pub struct ReportArgs {
    /// What to divide the cost by
    #[arg(long, value_name = "WHAT", default_value = "stage")]
    pub by: ReportBy,
    /// Only from this day on (UTC), such as 2026-08-01
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// Only up to this day (UTC), which counts too
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// One JSON object per group and line, then the total
    #[arg(long)]
    pub json: bool,
}

/// What a report is divided by.
#[derive(Clone, Copy, ValueEnum)]
pub enum ReportBy {
    /// The asset
    Asset,
    /// The stage
    Stage,
    /// The first folder of the key: the producer
    Prefix,
    /// The profile in the configuration that the key belongs to now
    Profile,
    /// The day in UTC
    Day,
    /// The type of the node
    NodeType,
    /// What was used
    Resource,
}
