//! The one error shape of all ports: which port, is it permanent, and whose fault is it?

use reelgate_flow::reason::{Code, Fault};

/// The service behind a port. It decides the reason code that operators see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Port {
    /// The database.
    Store,
    /// Buckets or directories.
    Objects,
    /// The stream, queue or directory that reports uploads.
    Events,
    /// Receivers of notices.
    Notices,
    /// The external scanner, with its own bucket.
    ExternalScanner,
    /// The machine that a node runs on, and the service that decides how many machines there are.
    Node,
    /// The jailed media worker.
    Worker,
    /// Settings that another service stores.
    Settings,
}

impl Port {
    /// The reason code of an attempt that failed because of this port.
    fn unavailable(self) -> Code {
        match self {
            Self::Store => Code::StoreUnavailable,
            Self::Objects => Code::ObjectUnavailable,
            Self::Events => Code::EventsUnavailable,
            Self::Notices => Code::NoticesUnavailable,
            Self::ExternalScanner => Code::ScannerUnavailable,
            Self::Node => Code::MachineUnavailable,
            Self::Worker => Code::WorkerUnavailable,
            Self::Settings => Code::ConfigInvalid,
        }
    }
}

/// The kind of an error. It decides whether a retry helps, and the reason code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The object does not exist, or no longer exists.
    Missing,
    /// The object exists but is not the expected one (changed, taken, newer).
    Conflict,
    /// The recorded version of an upload is no longer the current one: its key was uploaded again or deleted.
    Superseded,
    /// The object is in an archive storage class and has to be restored before it can be read.
    Archived,
    /// The object is encrypted with a key that only its uploader has.
    CustomerKey,
    /// The bytes of an upload do not match the checksum that was stored with it.
    ChecksumMismatch,
    /// No space left.
    Full,
    /// Not allowed.
    Denied,
    /// The service gave no answer or an unusable one; a retry may help.
    Unavailable,
    /// The stored data is damaged, or was written by an unknown version.
    Corrupt,
    /// Our request is one that the service can never fulfil.
    Invalid,
}

/// An error of a port. `operation` is verb and object; `detail` holds no key, name or content of an upload.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{operation}: {detail}")]
pub struct PortError {
    /// The port that was called.
    pub port: Port,
    /// Its kind.
    pub kind: ErrorKind,
    /// The operation that failed: "open source object".
    pub operation: &'static str,
    /// What was expected and what was found.
    pub detail: String,
}

/// Result of a port's call.
pub type PortResult<T> = Result<T, PortError>;

impl PortError {
    /// Makes an error of a port.
    pub fn new(port: Port, kind: ErrorKind, operation: &'static str, detail: impl Into<String>) -> Self {
        Self { port, kind, operation, detail: detail.into() }
    }

    /// Classifies an I/O error by its kind. The detail is the system's message and never a path.
    pub fn io(port: Port, operation: &'static str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => ErrorKind::Missing,
            Io::AlreadyExists => ErrorKind::Conflict,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::Full,
            Io::PermissionDenied => ErrorKind::Denied,
            Io::InvalidInput => ErrorKind::Invalid,
            // A file system that had errors is read-only until an operator mounts it again; then the work goes on.
            _ => ErrorKind::Unavailable,
        };
        Self::new(port, kind, operation, error.to_string())
    }

    /// The same error, reported as an error of another port: for a backend that implements one port with another.
    pub fn of_port(self, port: Port) -> Self {
        Self { port, ..self }
    }

    /// The reason of an attempt that ends with this error.
    pub fn fault(&self) -> Fault {
        let code = match (self.port, self.kind) {
            // Operators need to know only whether the scanner has an answer for an asset, or will have one.
            (Port::ExternalScanner, ErrorKind::Unavailable | ErrorKind::Full) => Code::ScannerUnavailable,
            (Port::ExternalScanner, _) => Code::ScannerUnanswered,
            (_, ErrorKind::Full) => Code::QuotaDisk,
            (_, ErrorKind::Invalid) => Code::Internal,
            // Waiting mends a service that is away or a full disk, but not these.
            (Port::Objects | Port::Store, ErrorKind::Denied) => Code::AccessDenied,
            (
                Port::Objects | Port::Store,
                ErrorKind::Missing
                | ErrorKind::Conflict
                | ErrorKind::Superseded
                | ErrorKind::Archived
                | ErrorKind::CustomerKey
                | ErrorKind::ChecksumMismatch
                | ErrorKind::Corrupt,
            ) => Code::StorageInconsistent,
            (port, _) => port.unavailable(),
        };
        Fault::new(code, self.to_string())
    }

    /// The reason of an attempt that met this error while it read the upload itself, which the producer may have changed,
    /// replaced or removed.
    pub fn source_fault(&self) -> Fault {
        let code = match (self.port, self.kind) {
            (Port::Objects, ErrorKind::Missing) => Code::SourceMissing,
            (Port::Objects, ErrorKind::Conflict) => Code::SourceChanged,
            (Port::Objects, ErrorKind::Superseded) => Code::Superseded,
            (Port::Objects, ErrorKind::Archived) => Code::SourceArchived,
            (Port::Objects, ErrorKind::CustomerKey) => Code::SourceCustomerKey,
            (Port::Objects, ErrorKind::ChecksumMismatch) => Code::ChecksumMismatch,
            _ => return self.fault(),
        };
        Fault::new(code, self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: [(Port, Code); 8] = [
        (Port::Store, Code::StoreUnavailable),
        (Port::Objects, Code::ObjectUnavailable),
        (Port::Events, Code::EventsUnavailable),
        (Port::Notices, Code::NoticesUnavailable),
        (Port::ExternalScanner, Code::ScannerUnavailable),
        (Port::Node, Code::MachineUnavailable),
        (Port::Worker, Code::WorkerUnavailable),
        (Port::Settings, Code::ConfigInvalid),
    ];

    #[test]
    fn an_unavailable_port_has_its_own_code_even_if_the_attempt_read_the_upload() {
        for (port, code) in PORTS {
            let error = PortError::new(port, ErrorKind::Unavailable, "ask", "no answer");
            assert_eq!(error.fault(), Fault::new(code, "ask: no answer"), "{port:?}");
            assert_eq!(error.source_fault(), error.fault(), "{port:?}");
        }
    }

    #[test]
    fn only_the_object_store_says_what_became_of_a_source() {
        for (port, code) in PORTS {
            let source = |kind| PortError::new(port, kind, "open", "found none").source_fault().code;
            let expected = match port {
                Port::Objects => [
                    Code::SourceMissing,
                    Code::SourceChanged,
                    Code::Superseded,
                    Code::SourceArchived,
                    Code::SourceCustomerKey,
                    Code::ChecksumMismatch,
                ],
                Port::Store => [Code::StorageInconsistent; 6],
                Port::ExternalScanner => [Code::ScannerUnanswered; 6],
                _ => [code; 6],
            };
            let kinds = [
                ErrorKind::Missing,
                ErrorKind::Conflict,
                ErrorKind::Superseded,
                ErrorKind::Archived,
                ErrorKind::CustomerKey,
                ErrorKind::ChecksumMismatch,
            ];
            assert_eq!(kinds.map(source), expected, "{port:?}");
        }
    }

    #[test]
    fn what_waiting_does_not_mend_is_not_waited_out() {
        let kinds = [
            ErrorKind::Denied,
            ErrorKind::Missing,
            ErrorKind::Conflict,
            ErrorKind::Archived,
            ErrorKind::CustomerKey,
            ErrorKind::ChecksumMismatch,
            ErrorKind::Corrupt,
            ErrorKind::Invalid,
        ];
        for kind in kinds {
            for (port, _) in PORTS {
                let code = PortError::new(port, kind, "ask", "").fault().code;
                assert!(!code.is_waited_out(), "{port:?} {kind:?}: {}", code.as_str());
            }
        }
        for port in [Port::Objects, Port::Store, Port::ExternalScanner] {
            for kind in [ErrorKind::Unavailable, ErrorKind::Full] {
                let code = PortError::new(port, kind, "ask", "").fault().code;
                assert!(code.is_waited_out(), "{port:?} {kind:?}: {}", code.as_str());
            }
        }
    }

    #[test]
    fn a_disk_that_is_full_or_read_only_is_waited_out() {
        use std::io::ErrorKind as Io;
        for kind in [Io::StorageFull, Io::QuotaExceeded, Io::FileTooLarge, Io::ReadOnlyFilesystem] {
            for port in [Port::Objects, Port::Store] {
                let code = PortError::io(port, "write", &kind.into()).fault().code;
                assert!(code.is_waited_out(), "{port:?} {kind:?}: {}", code.as_str());
            }
        }
        let denied = PortError::io(Port::Objects, "write", &Io::PermissionDenied.into());
        assert_eq!(denied.fault().code, Code::AccessDenied);
    }

    #[test]
    fn a_full_disk_and_an_invalid_request_have_their_own_codes() {
        let code = |port, kind| PortError::new(port, kind, "write", "").fault().code;
        for port in [Port::Store, Port::Objects] {
            assert_eq!(code(port, ErrorKind::Full), Code::QuotaDisk);
            assert_eq!(code(port, ErrorKind::Invalid), Code::Internal);
        }
        assert_eq!(code(Port::ExternalScanner, ErrorKind::Invalid), Code::ScannerUnanswered);
    }

    #[test]
    fn an_error_of_a_bucket_behind_another_port_counts_as_an_error_of_that_port() {
        let error =
            PortError::new(Port::Objects, ErrorKind::Unavailable, "put a sidecar", "answered SlowDown");
        assert_eq!(error.of_port(Port::ExternalScanner).fault().code, Code::ScannerUnavailable);
    }
}
