//! One progressive MP4 file of a video rung and the main audio: its index stands before its media, so it plays while it
//! arrives, and in players that know neither HLS nor DASH.
//!
//! Nothing is encoded again. The samples of the rung's segments are listed in one index (ISO/IEC 14496-12 8.6), and their media
//! follows, video and audio in turn, a segment at a time.

mod index;

#[cfg(test)]
mod tests;

use crate::recipes::package::{Kind, Packaged, Rendition};
use crate::trust::SegmentSamples;
pub use index::Head;
use index::{Track, broken};
use reelgate_flow::reason::Fault;

/// Its path among the outputs.
pub const PATH: &str = "progressive.mp4";

/// The renditions in the file: the highest rung of at most this height, or the lowest one if all are higher, and the main audio.
pub fn chosen(packaged: &Packaged, height_max: u32) -> Vec<&Rendition> {
    let height = |rendition: &&Rendition| match &rendition.kind {
        Kind::Video(picture) => Some(picture.width.min(picture.height)),
        Kind::Audio(_) | Kind::Captions(_) => None,
    };
    // From the highest to the lowest.
    let rungs: Vec<&Rendition> = packaged.renditions.iter().filter(|one| height(one).is_some()).collect();
    let fits = |rung: &&&Rendition| height(rung).is_some_and(|height| height <= height_max);
    let rung = rungs.iter().find(fits).or(rungs.last()).copied();
    let mut sounds = packaged.renditions.iter().filter(|one| matches!(one.kind, Kind::Audio(_)));
    rung.into_iter().chain(sounds.next()).collect()
}

/// Collects what the index needs: the initialization segment of each track, then its segments, in order.
#[derive(Default)]
pub struct Builder {
    tracks: Vec<Track>,
}

impl Builder {
    /// Begins a track.
    ///
    /// # Errors
    /// `internal` if this is no initialization segment of one track.
    pub fn track(&mut self, init: &[u8]) -> Result<(), Fault> {
        self.tracks.push(Track::read(init)?);
        Ok(())
    }

    /// Adds the next segment of the last track.
    ///
    /// # Errors
    /// `count_mismatch` if it begins before the segment before it ends; `worker_protocol` if it is no segment.
    pub fn segment(&mut self, segment: &[u8]) -> Result<(), Fault> {
        let (samples, _) = SegmentSamples::read(segment)?;
        let track = self.tracks.last_mut().ok_or_else(|| broken("a track before its segments", "none"))?;
        track.push(&samples)
    }

    /// Ends the index.
    ///
    /// # Errors
    /// `internal` if a track has no samples, or the index cannot be written.
    pub fn finish(self) -> Result<Head, Fault> {
        index::head(self.tracks)
    }
}

/// The media of a segment.
///
/// # Errors
/// `worker_protocol` if it is no segment.
pub fn media(segment: &[u8]) -> Result<&[u8], Fault> {
    SegmentSamples::read(segment).map(|(_, media)| media)
}
