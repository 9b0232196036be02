//! The unit of work of one writing call: the assets it concerns, loaded into memory and stepped by the core, and what must be
//! written afterwards. Every backend decides here, so that all backends decide the same; a backend only loads, locks and
//! writes rows.
//!
//! Nothing here does input or output. If a decision needs assets that are not loaded yet, the unit of work names them first
//! ([`UnitOfWork::next_follow_up`], [`UnitOfWork::content_to_look_for`]), and the caller loads them.

mod approvals;
mod arrivals;
mod budgets;
mod caption_files;
mod charges;
mod decisions;
mod deletions;
mod judgement;
mod leases;
mod relatives;
mod reports;
mod rows;
mod steps;
mod violations;

pub use approvals::needs_two_people;
pub use arrivals::{check_event, new_row};
pub use decisions::fresh_scans;
pub use deletions::{Deletion, LATE_EVENT_MS_MAX};
pub use relatives::Version;
pub use rows::{AssetRow, LearnedFact, Lease, Loaded, TaskExtra};
pub use steps::{FollowUp, UnitOfWork};
pub use violations::Violations;
