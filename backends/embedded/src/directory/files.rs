//! File operations with the right permissions and the right syncs.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

#[cfg(test)]
use super::freeze;
pub(super) use crate::private_files::{create, make_dirs};

/// Lets others read a directory or file.
pub(super) fn allow_reading(path: &Path) -> io::Result<()> {
    let mode = if path.is_dir() { 0o755 } else { 0o644 };
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Moves a file or directory.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step();
    fs::rename(from, to)
}

/// Moves a file or directory to a free path.
pub(super) fn rename_to_free(from: &Path, to: &Path) -> rustix::io::Result<()> {
    step();
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
}

/// Exchanges two directories.
pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    step();
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Removes a file; nothing there is fine.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    step();
    absent_is_fine(fs::remove_file(path))
}

/// The moment before a step. Tests freeze an attempt there.
fn step() {
    #[cfg(test)]
    freeze::step();
}

/// Removes a directory and all in it; nothing there is fine.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    step();
    absent_is_fine(fs::remove_dir_all(path))
}

/// Links a file under a second name, or copies it where that cannot be.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    step();
    match fs::hard_link(from, to) {
        // Another file system, or one without hard links.
        Err(error) if matches!(error.raw_os_error(), Some(code) if no_links(code)) => {
            copy_whole(&mut File::open(from)?, to)?;
            fs::set_permissions(to, fs::metadata(from)?.permissions())
        }
        linked => linked,
    }
}

fn no_links(code: i32) -> bool {
    use rustix::io::Errno;
    [Errno::XDEV, Errno::PERM, Errno::MLINK, Errno::OPNOTSUPP]
        .iter()
        .any(|errno| errno.raw_os_error() == code)
}

/// Turns "not found" into success.
pub(super) fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes the names in a directory survive a power cut.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Copies a file to the directory of its target and renames it, so that the target is whole or absent. Shares the
/// blocks where the file system can (`copy_file_range`).
pub(super) fn copy_whole(from: &mut File, to: &Path) -> io::Result<()> {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    // A name of full length has no room for the ending.
    let part = if name.len() > 255 { to.with_file_name(".part") } else { to.with_file_name(name) };
    absent_is_fine(fs::remove_file(&part))?;
    let mut copy = create(&part)?;
    io::copy(from, &mut copy)?;
    copy.sync_all()?;
    fs::rename(&part, to)
}
