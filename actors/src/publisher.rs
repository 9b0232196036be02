//! Packages, publishes and withdraws.

use crate::stage::StageShell;
use crate::work::publish::Publish;

/// The shell; the work itself is in [`crate::work::publish`].
pub type Publisher = StageShell<Publish>;
