//! The owner file of a publication: the asset and the upload that it belongs to.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::Owner;

/// Names the asset of a publication; hidden, and not in its manifest.
pub(super) const OWNER_FILE: &str = ".asset";
/// Largest owner file read, bytes: ids, a hash and a sequencer.
const OWNER_BYTES_MAX: u64 = 4_096;
const WHAT: &str = "read the owner of outputs";

/// Reads the owner of a directory; `None` if the directory or its owner file is missing.
pub(super) fn read(dir: &Path) -> PortResult<Option<Owner>> {
    let file = match fs::File::open(dir.join(OWNER_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PortError::io(Port::Objects, WHAT, &error)),
    };
    let read = serde_json::from_reader(file.take(OWNER_BYTES_MAX));
    let corrupt =
        |_| PortError::new(Port::Objects, ErrorKind::Corrupt, WHAT, "expected an owner file of this version");
    read.map(Some).map_err(corrupt)
}
