//! The jail a media worker closes around itself before it reads the first untrusted byte. There is no way out:
//! what is open stays open (three pipes and the source), nothing else can be opened, connected, started or killed.
//!
//! Layers, each of which would hold alone against most of what the others hold: resource limits, no capabilities,
//! no new privileges, landlock (no file, no TCP), and a seccomp filter that lists the system calls a decoder needs.
//! `docs/design/jail.md` says what is allowed and why.

mod calls;
mod files;
mod limits;
mod refused;

pub use refused::refused_call;

use std::io;

/// Why the jail could not be closed. Nothing untrusted may be read then.
#[derive(Debug, thiserror::Error)]
pub enum JailError {
    /// Landlock binds only the thread that asks for it on older kernels, so there must be no other.
    #[error("expected one thread when the jail closes, found {0}; a plugin starts threads when it is loaded")]
    Threads(usize),
    /// A step failed.
    #[error("{step}")]
    Step {
        /// What was being done.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel has no landlock, or it is switched off.
    #[error("expected landlock in the kernel, found none; boot with `lsm=landlock,…` on Linux 5.13 or later")]
    NoLandlock,
    /// Landlock refused.
    #[error("restrict files")]
    Files(#[from] landlock::RulesetError),
    /// The filter does not compile, or the kernel refused it.
    #[error("filter system calls")]
    Calls(#[from] seccompiler::Error),
    /// The filter does not compile.
    #[error("compile the filter of system calls")]
    Filter(#[from] seccompiler::BackendError),
}

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

fn step(step: &'static str) -> impl FnOnce(io::Error) -> JailError {
    move |source| JailError::Step { step, source }
}
