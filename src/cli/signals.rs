//! Arguments of `signals`: what Reelgate says about itself, as files for other programs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What `signals` writes.
#[derive(Subcommand)]
pub enum SignalsVerb {
    /// Three dashboards for Grafana
    Grafana(SignalsArgs),
    /// Three dashboards for CloudWatch
    Cloudwatch(SignalsArgs),
    /// Recording and alerting rules for Prometheus
    Rules(SignalsArgs),
    /// The CloudFormation template of alarms, dashboards and the log group
    Alarms(SignalsArgs),
}

/// Where to.
#[derive(Args)]
pub struct SignalsArgs {
    /// Directory; it is made where it does not exist, and files of earlier versions are replaced
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
