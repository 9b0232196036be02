//! Files and directories for their owner only, whatever the umask of the process.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// What others may do.
const OTHERS: u32 = 0o077;

/// Makes a directory and those above it; existing ones stay as they are.
pub fn make_dirs(path: &Path) -> io::Result<()> {
    let missing = |above: &&Path| !above.as_os_str().is_empty() && !above.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(missing).collect();
    for made in missing.into_iter().rev() {
        match DirBuilder::new().mode(DIRECTORY_MODE).create(made) {
            // Another thread or process was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && made.is_dir() => {}
            created => {
                created?;
                // The umask may have taken away what the owner needs.
                fs::set_permissions(made, Permissions::from_mode(DIRECTORY_MODE))?;
            }
        }
    }
    Ok(())
}

/// Makes a new file; an existing one is an error, and is not opened.
pub fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

/// Opens a file that processes lock, and makes it where there is none.
pub fn lock_file(path: &Path) -> io::Result<File> {
    match create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            restrict(path)?;
            OpenOptions::new().write(true).open(path)
        }
        created => created,
    }
}

/// Takes a file of an earlier version away from others; one that does not exist, or belongs to another user, stays as it
/// is. The file is not opened, because closing it would end the locks that this process has on it (fcntl(2)).
pub fn restrict(path: &Path) -> io::Result<()> {
    let restricted = || {
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & OTHERS == 0 {
            return Ok(());
        }
        fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))
    };
    match restricted() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn new_directories_are_private_and_existing_ones_stay_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let shared = dir.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(0o755)).unwrap();
        let deep = shared.join("a/b");
        make_dirs(&deep).unwrap();
        make_dirs(&deep).unwrap();
        assert_eq!((mode(&shared), mode(&shared.join("a")), mode(&deep)), (0o755, 0o700, 0o700));
        fs::write(shared.join("file"), b"").unwrap();
        assert!(make_dirs(&shared.join("file/below")).is_err());
    }

    #[test]
    fn a_lock_file_of_an_earlier_version_is_taken_away_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        drop(lock_file(&path).unwrap());
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        drop(lock_file(&path).unwrap());
        assert_eq!(mode(&path), 0o600);
        restrict(&dir.path().join("none")).unwrap();
    }
}
