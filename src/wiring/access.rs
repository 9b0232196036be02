//! What opening the ports may change on this machine.

use std::path::Path;

use reelgate_embedded::private_files;

use crate::exit::Failure;

/// What the ports are opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To work: the database is migrated, and missing files and directories are made.
    Work,
    /// To check them: nothing is changed.
    Inspect,
}

/// Makes a directory that `option` names, for its owner only: what is in it may be personal data.
pub fn make_dirs(option: &str, dir: &Path) -> Result<(), Failure> {
    private_files::make_dirs(dir)
        .map_err(|error| Failure::Usage(format!("{option}: {} cannot be created: {error}", dir.display())))
}
