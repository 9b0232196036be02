//! What is visible of a publication, read as it is.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::MeasuredOutput;
use reelgate_ports::sha256::hash_file;

use super::owner::OWNER_FILE;
use crate::paths::stays_inside;

/// The names of all files below the directory of a publication, in order, without the store's own; none where there is no
/// directory.
pub fn names(dir: &Path) -> PortResult<Vec<String>> {
    let mut names = Vec::new();
    collect(dir, Path::new(""), &mut names)
        .map_err(|error| PortError::io(Port::Objects, "list a publication", &error))?;
    names.sort();
    Ok(names)
}

fn collect(dir: &Path, below: &Path, names: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(dir.join(below)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(dir, &name, names)?;
        } else if name != Path::new(OWNER_FILE) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// Size and hash of one file of a publication; `None` if there is none. A name that leads out of the directory is never opened.
pub fn measure(dir: &Path, name: &str) -> PortResult<Option<MeasuredOutput>> {
    let what = "read a visible output";
    if !stays_inside(name) {
        return Err(PortError::new(Port::Objects, ErrorKind::Invalid, what, "expected a relative name"));
    }
    let measured = File::open(dir.join(name)).and_then(|file| {
        Ok(MeasuredOutput { size_bytes: file.metadata()?.len(), sha256: hash_file(&file)? })
    });
    match measured {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        measured => measured.map(Some).map_err(|error| PortError::io(Port::Objects, what, &error)),
    }
}
