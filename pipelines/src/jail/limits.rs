//! Limits that depend on no job, and everything the kernel lets a process give up. The engine sets the limits on
//! CPU time and memory from outside, because they follow the job's budget.

use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::error::{JailError, step};

/// Hard limits, soft limits alike. `NPROC` is not among them: it counts all processes of the user.
pub(super) const LIMITS: [(Resource, u64); 4] = [
    // No file can grow, not even one that was left open.
    (Resource::Fsize, 0),
    // A memory image would hold the media.
    (Resource::Core, 0),
    // Pipelines make event descriptors, a few for each; eight decoders side by side take about a hundred.
    (Resource::Nofile, 512),
    // Nothing needs memory that cannot be swapped.
    (Resource::Memlock, 0),
];

pub(super) fn apply() -> Result<(), JailError> {
    for (resource, limit) in LIMITS {
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        rustix::process::setrlimit(resource, limit).map_err(|e| step("set resource limits")(e.into()))?;
    }
    // Neither traceable by its own user nor dumped; its entries in /proc belong to root from here on.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| step("forbid dumps")(e.into()))?;
    rustix::thread::set_no_new_privs(true).map_err(|e| step("forbid new privileges")(e.into()))?;
    // Root without capabilities is a user like any other.
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none).map_err(|e| step("drop capabilities")(e.into()))
}
