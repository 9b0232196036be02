//! Subtitles and captions as WebVTT: from the cues that a worker has read to the files that are published.
//!
//! A published asset has a folder for each track of subtitles, channel of captions and caption file: one whole file
//! (`captions.vtt`), which DASH plays and people download, and the same cues in segments, which HLS plays.

mod files;
mod tracks;
mod webvtt;
mod withheld;

pub use files::{FileCaptions, file_track};
pub use tracks::{CaptionTrack, Left, Shown, tracks};
pub use webvtt::{SEGMENT_S, segments, whole};
pub use withheld::Withheld;

#[cfg(test)]
mod tests;
