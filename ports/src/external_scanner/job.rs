//! Jobs of the scanner: how they begin, their status, and how they fail.

use super::ids::JobId;

/// The result of asking for a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Begun {
    /// The batch has this job, which this call or an earlier one began.
    Job(JobId),
    /// The scanner accepts no job yet; ask again at this time, milliseconds since 1970.
    NotBefore(u64),
}

/// The status of a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobStatus {
    /// The job has not ended.
    Running,
    /// Everything in its scope was read.
    Complete,
    /// The job did not read everything in its scope, or will not.
    Failed(JobFailure),
}

/// Why a job gives no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobFailure {
    /// Somebody cancelled the job, or it was paused for too long.
    Cancelled,
    /// Somebody paused the job.
    PausedByUser,
    /// The account's monthly quota is used up.
    PausedByQuota,
    /// The job ended, but could not read the whole bucket.
    PartlyFailed,
    /// The scanner reported a status that this version does not know, or that a job of this kind cannot have.
    Unknown(String),
}

impl JobFailure {
    /// What happened, for people and for the asset's history.
    pub fn message(&self) -> &'static str {
        match self {
            Self::Cancelled => "the scanner's job was cancelled",
            Self::PausedByUser => "the scanner's job was paused by a person",
            Self::PausedByQuota => "the scanner's job was paused because the account's quota is used up",
            Self::PartlyFailed => "the scanner's job could not read everything",
            Self::Unknown(_) => "the scanner's job has an unknown status",
        }
    }
}
