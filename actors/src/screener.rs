//! Classifies the text.

use crate::stage::StageShell;
use crate::work::screen::Screen;

/// The shell; the work itself is in [`crate::work::screen`].
pub type Screener = StageShell<Screen>;
