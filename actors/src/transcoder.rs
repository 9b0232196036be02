//! Encodes chunks and audio.

use crate::stage::StageShell;
use crate::work::transcode::Transcode;

/// The shell; the work itself is in [`crate::work::transcode`].
pub type Transcoder = StageShell<Transcode>;
