//! Arguments of `cost`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What `cost` does.
#[derive(Subcommand)]
pub enum CostVerb {
    /// Say what processing will probably cost, before it begins: median and 90th percentile, by stage
    Estimate(EstimateArgs),
    /// Say how near estimates were to what was spent, by profile
    Accuracy {
        /// One JSON object per profile and line, then the total
        #[arg(long)]
        json: bool,
    },
    /// Show what each cap on spending leaves today and this month
    Caps {
        /// One JSON object per cap and line
        #[arg(long)]
        json: bool,
    },
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
    /// List the days on which a GB of uploads cost unusually much, by prefix and by profile
    Anomalies(AnomaliesArgs),
    /// Write the ledger for other tools, one row for each line
    Export(ExportArgs),
}

/// Which days of the ledger count.
#[derive(Args)]
pub struct DayRange {
    /// Only from this day on (UTC), such as 2026-08-01
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// Only up to this day (UTC), which counts too
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
}

/// Arguments of `cost export`.
#[derive(Args)]
pub struct ExportArgs {
    /// As CSV with the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification
    #[arg(long, required = true)]
    pub focus: bool,
    #[command(flatten)]
    pub days: DayRange,
    /// Into this file, which is replaced; without it to standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What stands as BillingAccountId
    #[arg(long, value_name = "ACCOUNT", default_value = "reelgate")]
    pub billing_account: String,
}

/// Arguments of `cost anomalies`.
#[derive(Args)]
pub struct AnomaliesArgs {
    /// Judge the days from this one on (UTC), such as 2026-08-01; without it the last 30
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// Judge the days up to this one (UTC), which counts too
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `cost estimate`.
#[derive(Args)]
pub struct EstimateArgs {
    /// A file, a directory, or a part of the ingest area as `import` takes it: `s3://BUCKET/PREFIX`, or a prefix of keys
    #[arg(value_name = "FILE|PREFIX")]
    pub target: String,
    /// Plan with the settings of this profile instead of those of each path or key
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// One JSON object per file and line, then the total
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `cost report`.
#[derive(Args)]
pub struct ReportArgs {
    /// What to divide the cost by
    #[arg(long, value_name = "WHAT", default_value = "stage")]
    pub by: ReportBy,
    #[command(flatten)]
    pub days: DayRange,
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
