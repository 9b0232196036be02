//! Limits that are the same for every job, and everything that the kernel lets a process give up. The engine sets the
//! limits on CPU time and memory from outside, because they follow the job's budget.

use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::error::{JailError, step};

/// Hard and soft limits, which are equal. `NPROC` is not among them: it counts all processes of the user.
pub(super) const LIMITS: [(Resource, u64); 4] = [
    // No file can grow, not even an open one.
    (Resource::Fsize, 0),
    // A core dump would hold the media.
    (Resource::Core, 0),
    // Each pipeline makes a few event descriptors; eight decoders in parallel take about a hundred.
    (Resource::Nofile, 512),
    // Nothing needs memory that cannot be swapped.
    (Resource::Memlock, 0),
];

pub(super) fn apply() -> Result<(), JailError> {
    for (resource, limit) in LIMITS {
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
