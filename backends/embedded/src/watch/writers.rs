//! Whether anybody still has a file open for writing: the kernel's own answer, by way of a read lease.
//!
//! A file that has stopped changing may still be half an upload whose sender is slow. Linux grants a read lease
//! (fcntl(2), `F_SETLEASE` with `F_RDLCK`) only while no process has the file open for writing, nor mapped for it. The
//! lease is taken for one look at the metadata and given back at once; a writer who comes in between waits for that
//! moment and does not notice. Where the kernel has no answer (network file systems ask only their own side; others
//! refuse leases, as do files of other owners without `CAP_LEASE`) the settle time decides alone.

#![expect(unsafe_code, reason = "no safe wrapper of F_SETLEASE and F_SETSIG is known")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use rustix::fs::fstatfs;

/// Sets the signal of a broken lease: `asm-generic/fcntl.h` of Linux, the same number on every architecture.
const F_SETSIG: libc::c_int = 10;

/// `f_type` of file systems whose lease says nothing of writers on other machines, and which refuse it as if there
/// was one: NFS, SMB1, SMB2 and later; `linux/magic.h`.
const REMOTE: &[u32] = &[0x6969, 0xff53_4d42, 0xfe53_4d42];

/// Runs `look` while nobody can write to the file, or returns `None` where somebody has it open for writing.
pub(super) fn without_writers<T>(file: &File, look: impl FnOnce() -> T) -> Option<T> {
    let lease = match Lease::take(file) {
        Ok(lease) => Some(lease),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && !is_remote(file) => return None,
        Err(_) => None,
    };
    let seen = look();
    drop(lease);
    Some(seen)
}

fn is_remote(file: &File) -> bool {
    // The type's width and sign depend on the architecture; the magic numbers fit 32 bits.
    fstatfs(file).is_ok_and(|stat| REMOTE.contains(&(stat.f_type as u32)))
}

/// A read lease; given back when dropped.
struct Lease<'a>(&'a File);

impl<'a> Lease<'a> {
    fn take(file: &'a File) -> io::Result<Self> {
        // A writer who has to wait makes the kernel signal the holder: by default with SIGIO, which would end this
        // process. SIGURG is ignored unless somebody asks for it.
        fcntl(file, F_SETSIG, libc::SIGURG)?;
        fcntl(file, libc::F_SETLEASE, libc::F_RDLCK)?;
        Ok(Self(file))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // It can only fail where the kernel has taken the lease back already.
        let _ = fcntl(self.0, libc::F_SETLEASE, libc::F_UNLCK);
    }
}

fn fcntl(file: &File, command: libc::c_int, argument: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open while `file` is borrowed; both commands take an int and no memory.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), command, argument) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    fn non_blocking_writer(path: &std::path::Path) -> io::Result<File> {
        File::options().write(true).custom_flags(libc::O_NONBLOCK).open(path)
    }

    #[test]
    fn a_file_open_for_writing_is_not_looked_at_until_it_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let writer = File::create(&path).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(without_writers(&file, || 1), None);
        drop(writer);
        assert_eq!(without_writers(&file, || 1), Some(1));
    }

    #[test]
    fn a_writer_waits_for_the_check_and_breaks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"a").unwrap();
        let file = File::open(&path).unwrap();
        let during =
            without_writers(&file, || non_blocking_writer(&path).map_err(|error| error.kind()).err());
        assert_eq!(during, Some(Some(io::ErrorKind::WouldBlock)));
        assert!(non_blocking_writer(&path).is_ok(), "the lease is given back");
    }
}
