//! Samples frames and gathers text.

use crate::stage::StageShell;
use crate::work::enrich::Enrich;

/// The shell; the work itself is in [`crate::work::enrich`].
pub type Enricher = StageShell<Enrich>;
