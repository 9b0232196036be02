//! The jail that a media worker closes around itself before it reads the first untrusted byte. It cannot be opened
//! again. What is open stays open (three pipes and the source); the worker can open, connect, start or kill nothing
//! else.
//!
//! Its layers are resource limits, no capabilities, no new privileges, landlock (no file, no TCP), and a seccomp filter
//! that lists the system calls a decoder needs. Each layer alone stops most of what the others stop.
//! `docs/design/jail.md` says what is allowed and why.

mod calls;
mod error;
mod files;
mod limits;
mod refused;

pub use error::JailError;
pub use refused::refused_call;

use error::step;

/// Closes the jail around this process. It cannot be undone. After an error the jail may be half closed: end the
/// process.
pub fn close() -> Result<(), JailError> {
    check_single_thread()?;
    refused::report_on_stderr().map_err(step("catch refused system calls"))?;
    limits::apply()?;
    files::restrict()?;
    calls::filter()
}

fn check_single_thread() -> Result<(), JailError> {
    let threads = std::fs::read_dir("/proc/self/task").map_err(step("count threads"))?.count();
    if threads == 1 { Ok(()) } else { Err(JailError::Threads(threads)) }
}
