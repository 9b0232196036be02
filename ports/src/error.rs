//! The one error shape of all ports: is it permanent, and whose fault is it?

use reelgate_flow::reason::{Code, Fault};

/// What kind of trouble; decides about retry and about the reason code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// It is not there (any more).
    Missing,
    /// It is there, but other than expected (changed, taken, newer).
    Conflict,
    /// No room left.
    Full,
    /// Not allowed.
    Denied,
    /// Did not answer, or answered nonsense for now; a retry may help.
    Unavailable,
    /// What was stored is damaged, or from an unknown version.
    Corrupt,
    /// We asked for something that cannot be.
    Invalid,
}

/// An error of a port. `what` is verb and object; `detail` holds no key, name or content of an upload.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what}: {detail}")]
pub struct PortError {
    /// The kind of trouble.
    pub trouble: Trouble,
    /// What was being done: "open source object".
    pub what: &'static str,
    /// Expected and found.
    pub detail: String,
}

/// Result of a port's call.
pub type PortResult<T> = Result<T, PortError>;

impl PortError {
    /// An error with its detail.
    pub fn new(trouble: Trouble, what: &'static str, detail: impl Into<String>) -> Self {
        Self { trouble, what, detail: detail.into() }
    }

    /// Classifies an I/O error by its kind; keeps the system's words, never a path.
    pub fn io(what: &'static str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let trouble = match error.kind() {
            ErrorKind::NotFound => Trouble::Missing,
            ErrorKind::AlreadyExists => Trouble::Conflict,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Trouble::Full,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Trouble::Denied,
            ErrorKind::InvalidInput => Trouble::Invalid,
            _ => Trouble::Unavailable,
        };
        Self::new(trouble, what, error.to_string())
    }

    /// The reason an attempt that met this error ends with; `source` says it concerned the upload itself.
    pub fn fault(&self, source: bool) -> Fault {
        let code = match self.trouble {
            Trouble::Missing if source => Code::SourceMissing,
            Trouble::Conflict if source => Code::SourceChanged,
            Trouble::Full => Code::QuotaDisk,
            Trouble::Invalid => Code::Internal,
            _ => Code::ObjectUnavailable,
        };
        Fault::new(code, self.to_string())
    }
}
