//! CMAF tracks (ISO/IEC 23000-19) of our own making: an init segment and numbered media segments.
//!
//! Why not `cmafmux`: a chunk of a video is encoded by whoever takes it, and its segments must stand beside
//! those of other chunks as if one encoder had made them all. That needs exact control over decode times,
//! over the duration of a chunk's last frame and over every byte of the init segment; a muxer that starts
//! its clock anew and guesses the last duration gives none of it.
//!
//! Decode times come from the presentation times alone: the sample that is i-th in decoding order is decoded
//! at the i-th smallest presentation time of its segment. Composition happens a constant delay later, which the
//! edit list of the init segment takes back, so a segment begins where it is first seen and segments join
//! without a gap whoever made them. Negative composition offsets without an edit list (`cmf2`) would say the
//! same in fewer words, but libavformat shows such fragments late by the largest of them, sound not.

mod box_error;
mod fragment;
mod init;
mod ticks;

pub use fragment::Fragment;
pub use init::{Track, aac_track, avc_track, init};
pub use ticks::{from_ns, to_ns};

/// Name of the init segment of a track.
pub fn init_name(track: &str) -> String {
    format!("{track}/init.mp4")
}

/// Name of a media segment of a track.
pub fn segment_name(track: &str, number: u32) -> String {
    format!("{track}/{number:05}.m4s")
}
