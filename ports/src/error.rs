//! The one error shape of all ports: which port, is it permanent, and whose fault is it?

use reelgate_flow::reason::{Code, Fault};

/// What stands behind a port: decides by which code an operator is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Port {
    /// The database.
    Store,
    /// Buckets or directories.
    Objects,
    /// The stream, queue or directory that uploads are learned from.
    Events,
    /// Receivers of notices.
    Notices,
    /// The scanner outside, with its own bucket.
    ExternalScanner,
    /// The machine under a node, and who decides how many there are.
    Node,
    /// The jailed media worker.
    Worker,
    /// Settings that are kept elsewhere.
    Settings,
}

impl Port {
    /// The code of an attempt that this port did not serve as it should.
    fn unavailable(self) -> Code {
        match self {
            Self::Store => Code::StoreUnavailable,
            Self::Objects => Code::ObjectUnavailable,
            Self::Events => Code::EventsUnavailable,
            Self::Notices => Code::NoticesUnavailable,
            Self::ExternalScanner => Code::ScannerUnanswered,
            Self::Node => Code::MachineUnavailable,
            Self::Worker => Code::WorkerUnavailable,
            Self::Settings => Code::ConfigInvalid,
        }
    }
}

/// What kind of error; decides about retry and about the reason code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
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

/// An error of a port. `operation` is verb and object; `detail` holds no key, name or content of an upload.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{operation}: {detail}")]
pub struct PortError {
    /// The port that was called.
    pub port: Port,
    /// What kind of error.
    pub kind: ErrorKind,
    /// What was being done: "open source object".
    pub operation: &'static str,
    /// Expected and found.
    pub detail: String,
}

/// Result of a port's call.
pub type PortResult<T> = Result<T, PortError>;

impl PortError {
    /// An error with its detail.
    pub fn new(port: Port, kind: ErrorKind, operation: &'static str, detail: impl Into<String>) -> Self {
        Self { port, kind, operation, detail: detail.into() }
    }

    /// Classifies an I/O error by its kind; keeps the system's words, never a path.
    pub fn io(port: Port, operation: &'static str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => ErrorKind::Missing,
            Io::AlreadyExists => ErrorKind::Conflict,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::Full,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::Denied,
            Io::InvalidInput => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        };
        Self::new(port, kind, operation, error.to_string())
    }

    /// The same error as the caller of another port meets it, for a backend that serves one port by another.
    pub fn of_port(self, port: Port) -> Self {
        Self { port, ..self }
    }

    /// The reason an attempt that met this error ends with.
    pub fn fault(&self) -> Fault {
        let code = match (self.port, self.kind) {
            // Whether it has an answer for an asset is all that an operator asks of a scanner.
            (Port::ExternalScanner, _) => Code::ScannerUnanswered,
            (_, ErrorKind::Full) => Code::QuotaDisk,
            (_, ErrorKind::Invalid) => Code::Internal,
            (port, _) => port.unavailable(),
        };
        Fault::new(code, self.to_string())
    }

    /// The same where the upload itself was asked for, which its producer may have changed or removed.
    pub fn source_fault(&self) -> Fault {
        let code = match (self.port, self.kind) {
            (Port::Objects, ErrorKind::Missing) => Code::SourceMissing,
            (Port::Objects, ErrorKind::Conflict) => Code::SourceChanged,
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
        (Port::ExternalScanner, Code::ScannerUnanswered),
        (Port::Node, Code::MachineUnavailable),
        (Port::Worker, Code::WorkerUnavailable),
        (Port::Settings, Code::ConfigInvalid),
    ];

    #[test]
    fn a_port_that_is_away_is_told_by_its_own_code_even_where_the_upload_was_asked_for() {
        for (port, code) in PORTS {
            for kind in [ErrorKind::Unavailable, ErrorKind::Denied, ErrorKind::Corrupt] {
                let error = PortError::new(port, kind, "ask", "no answer");
                assert_eq!(error.fault(), Fault::new(code, "ask: no answer"), "{port:?}");
                assert_eq!(error.source_fault(), error.fault(), "{port:?}");
            }
        }
    }

    #[test]
    fn only_the_object_store_can_say_that_a_source_is_gone_or_changed() {
        for (port, code) in PORTS {
            let source = |kind| PortError::new(port, kind, "open", "found none").source_fault().code;
            let expected = match port {
                Port::Objects => [Code::SourceMissing, Code::SourceChanged],
                _ => [code; 2],
            };
            assert_eq!([ErrorKind::Missing, ErrorKind::Conflict].map(source), expected, "{port:?}");
        }
    }

    #[test]
    fn a_full_disk_and_a_mistake_of_ours_have_their_own_codes() {
        let code = |port, kind| PortError::new(port, kind, "write", "").fault().code;
        for port in [Port::Store, Port::Objects] {
            assert_eq!(code(port, ErrorKind::Full), Code::QuotaDisk);
            assert_eq!(code(port, ErrorKind::Invalid), Code::Internal);
        }
        assert_eq!(code(Port::ExternalScanner, ErrorKind::Invalid), Code::ScannerUnanswered);
    }

    #[test]
    fn an_error_of_a_bucket_behind_another_port_is_told_as_that_port_s() {
        let error =
            PortError::new(Port::Objects, ErrorKind::Denied, "put a sidecar", "answered AccessDenied");
        assert_eq!(error.of_port(Port::ExternalScanner).fault().code, Code::ScannerUnanswered);
    }
}
