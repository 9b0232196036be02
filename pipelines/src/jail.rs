//! The jail a media worker closes around itself before it reads the first untrusted byte. There is no way out:
//! what is open stays open (three pipes and the source), nothing else can be opened, connected, started or killed.
//!
//! Layers, each of which would hold alone against most of what the others hold: resource limits, no capabilities,
//! no new privileges, landlock (no file, no TCP), and a seccomp filter that lists the system calls a decoder needs.
//! `docs/design/jail.md` says what is allowed and why.

mod calls;
mod error;
mod files;
mod limits;
mod refused;

pub use error::JailError;
pub use refused::refused_call;

use error::step;

/// Closes the jail around this process, for good. On an error it may be half closed: end the process.
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
