//! Sniffs, hashes, inspects and plans.

use crate::stage::StageShell;
use crate::work::validate::Validate;

/// The shell; the work itself is in [`crate::work::validate`].
pub type Validator = StageShell<Validate>;
