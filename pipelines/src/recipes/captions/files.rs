//! Captions of files beside the film.

use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::ids::AssetId;

use super::tracks::{CaptionTrack, Left, placed, without_muted};
use crate::messages::{Cue, Span};

/// What was read of a caption file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileCaptions {
    /// The asset of the file.
    pub file: AssetId,
    /// BCP 47; `None` if its name has none.
    pub language: Option<String>,
    /// What it is for.
    pub flags: CaptionFlags,
    /// Its cues. Their times count from the start of the presentation.
    pub cues: Vec<Cue>,
}

/// The track that is published of a caption file; `None` if it is withheld. `time` is the presentation, stream time of the source.
pub fn file_track(file: FileCaptions, time: Span, left: Option<Left<'_>>) -> Option<CaptionTrack> {
    let FileCaptions { file, language, flags, mut cues } = file;
    if left.is_some_and(|left| left.withheld.holds_file(&file)) {
        return None;
    }
    for cue in &mut cues {
        cue.start_ns = cue.start_ns.saturating_add(time.start_ns);
        cue.end_ns = cue.end_ns.map(|end_ns| end_ns.saturating_add(time.start_ns));
    }
    without_muted(&mut cues, left);
    let shown = placed(cues, time);
    Some(CaptionTrack { track: None, file: Some(file), channel: None, language, flags, shown })
}
