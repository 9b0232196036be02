//! Documents that only this program reads, as the text that the database holds.

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

use crate::error::corrupt;

/// A document as text.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> PortResult<String> {
    serde_json::to_string(value).map_err(|error| {
        PortError::new(Port::Store, ErrorKind::Invalid, "write a document", error.to_string())
    })
}

/// A document that this program wrote.
pub(crate) fn document<T: serde::de::DeserializeOwned>(json: &str, column: &'static str) -> PortResult<T> {
    serde_json::from_str(json).map_err(|_| corrupt(column, "a document of this version"))
}
