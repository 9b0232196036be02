//! Exit statuses, all of them, and the errors that lead to them.

use reelgate_ports::error::PortError;

/// How a command ended, as the shell sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitStatus {
    /// Everything asked for was done; for `run`: every asset was published.
    Done = 0,
    /// A fault inside Reelgate or the machine.
    Internal = 1,
    /// Usage or configuration: the command was not understood, or cannot run as configured.
    Usage = 2,
    /// For `run`: at least one asset was rejected, quarantined or failed. For `verify`: something differs.
    /// For `check`: something cannot be reached. For `scan`: a finding at Medium or above, or a file that cannot be read.
    NotAll = 3,
    /// For `serve`: the configuration has changed; start it again.
    Reconfigured = 4,
}

/// Prints clap's message to standard output or standard error and returns the status: `--help` is not an error.
pub fn of_usage(error: &clap::Error) -> ExitStatus {
    let shown = error.print();
    if shown.is_err() {
        return ExitStatus::Internal;
    }
    if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Done }
}

/// Why a command could not do what was asked: what was expected, what was found, what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The user can correct the command or the configuration.
    #[error("{0}")]
    Usage(String),
    /// A port failed.
    #[error("{0}")]
    Port(#[from] PortError),
    /// Something else in this machine failed.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// The status it leads to.
    pub fn exit(&self) -> ExitStatus {
        match self {
            Self::Usage(_) => ExitStatus::Usage,
            Self::Port(_) | Self::Internal(_) => ExitStatus::Internal,
        }
    }
}
