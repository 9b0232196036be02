//! Limits that are the same for every job, and everything that the kernel lets a process give up. The engine sets the
//! limits on CPU time and memory from outside, because they follow the job's budget.

use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::error::{JailError, step};

/// Hard and soft limits, which are equal.
pub(super) const LIMITS: [(Resource, u64); 6] = [
    // No file can grow, not even an open one.
    (Resource::Fsize, 0),
    // A core dump would hold the media.
    (Resource::Core, 0),
    // Each pipeline makes a few event descriptors; eight decoders in parallel take about a hundred. What is written into
    // a pipe or a pair of sockets is kernel memory that no size shows, so there are no more than needed.
    (Resource::Nofile, 256),
    // Nothing needs memory that cannot be swapped.
    (Resource::Memlock, 0),
    // The stack of the first thread grows without counting as private memory. Other threads have fixed stacks.
    (Resource::Stack, 8 << 20),
    // Queued signals take kernel memory, and use up those of all processes of the user. Signals that are not queued,
    // such as those of `abort` and of the filter, need none.
    (Resource::Sigpending, 0),
];

/// Most threads of the user for whom a worker may start one more (`NPROC`). The kernel counts those of the service and of all
/// workers together, so a low limit would stop one worker because others work. This one is far above what all of them
/// need, and keeps a worker that starts threads without end from using up the process ids of the machine. The filter of system
/// calls allows no process, the engine counts the threads of each worker as memory, and a control group limits them.
pub(super) fn threads_of_user_max() -> u64 {
    const BASE: u64 = 4_096;
    const PER_CORE: u64 = 512;
    BASE + PER_CORE * std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64)
}

pub(super) fn apply() -> Result<(), JailError> {
    for (resource, limit) in LIMITS.into_iter().chain([(Resource::Nproc, threads_of_user_max())]) {
        // The engine's own hard limit may be lower, and only root can raise it.
        let limit = limit.min(rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX));
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        rustix::process::setrlimit(resource, limit).map_err(|e| step("set resource limits")(e.into()))?;
    }
    // From here on the process cannot be traced by its own user or dumped, and root owns its entries in /proc.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| step("forbid dumps")(e.into()))?;
    rustix::thread::set_no_new_privs(true).map_err(|e| step("forbid new privileges")(e.into()))?;
    // Without capabilities root is an ordinary user.
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none).map_err(|e| step("drop capabilities")(e.into()))
}
