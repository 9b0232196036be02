//! One writing call of a store as a unit of work: the assets it concerns in memory, stepped by the core, and what
//! must be written afterwards. Every store on a database decides here, so that all decide the same; a store adds
//! only how rows are loaded, locked and written.
//!
//! Nothing here does input or output. Where a decision needs assets that are not in memory yet, the unit names
//! them first ([`UnitOfWork::next_follow_up`], [`UnitOfWork::content_to_look_for`]), and the store loads them.

mod arrivals;
mod decisions;
mod deletions;
mod leases;
mod relatives;
mod reports;
mod rows;
mod steps;
mod violations;

pub use arrivals::{check_event, new_row};
pub use decisions::fresh_scans;
pub use deletions::{Deletion, LATE_EVENT_MS_MAX};
pub use relatives::Version;
pub use rows::{AssetRow, LearnedFact, Lease, Loaded, TaskExtra};
pub use steps::{FollowUp, UnitOfWork};
pub use violations::Violations;
