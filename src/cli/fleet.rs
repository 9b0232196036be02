//! Arguments of `fleet`.

use clap::{Args, Subcommand};

/// What `fleet` does.
#[derive(Subcommand)]
pub enum FleetVerb {
    /// List the nodes seen within the last day
    Status {
        /// One JSON object per node and line
        #[arg(long)]
        json: bool,
    },
    /// Let a node finish what it runs and take no new work
    Drain {
        /// Its name, as `fleet status` shows it
        #[arg(value_name = "NODE")]
        node: String,
    },
    /// Withdraw the order to drain
    Undrain {
        /// Its name, as `fleet status` shows it
        #[arg(value_name = "NODE")]
        node: String,
    },
    /// Let all nodes begin no heavy work: encoding and sampling. What runs is finished, uploads are recorded and validated,
    /// and what is personal is still withdrawn
    Pause(PauseArgs),
    /// End a pause
    Resume {
        /// What to resume
        #[arg(value_name = "LANE", value_parser = ["heavy"])]
        lane: String,
    },
}

/// Arguments of `fleet pause`, by which a fleet stops spending.
#[derive(Args)]
pub struct PauseArgs {
    /// What to pause
    #[arg(value_name = "LANE", value_parser = ["heavy"])]
    pub lane: String,
    /// Why; every node's operator sees it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who orders it; the name of the system's user where not given
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
