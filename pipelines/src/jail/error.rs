//! Why a jail could not be closed.

use std::io;

/// Why the jail could not be closed. After this error nothing untrusted may be read.
#[derive(Debug, thiserror::Error)]
pub enum JailError {
    /// On older kernels landlock restricts only the thread that asks for it, so there must be no other thread.
    #[error("expected one thread when the jail closes, found {0}; a plugin starts threads while it loads")]
    Threads(usize),
    #[error("{step}")]
    Step {
        /// What was being done.
        step: &'static str,
        source: io::Error,
    },
    /// The kernel has no landlock, or it is switched off.
    #[error("expected landlock in the kernel, found none; boot with `lsm=landlock,…` on Linux 5.13 or later")]
    NoLandlock,
    #[error("restrict files")]
    Files(#[from] landlock::RulesetError),
    /// The filter does not compile, or the kernel refused it.
    #[error("filter system calls")]
    Calls(#[from] seccompiler::Error),
    /// The filter does not compile.
    #[error("compile the filter of system calls")]
    Filter(#[from] seccompiler::BackendError),
}

/// Names the step that an IO error belongs to.
pub(super) fn step(step: &'static str) -> impl FnOnce(io::Error) -> JailError {
    move |source| JailError::Step { step, source }
}
