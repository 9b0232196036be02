//! Writes CMAF tracks (ISO/IEC 23000-19): an init segment and numbered media segments.
//!
//! Why not `cmafmux`: any worker may encode a chunk of a video, and the segments of all chunks must join as if one encoder
//! had made them all. That needs exact control over the decode times, over the duration of a chunk's last frame and over
//! every byte of the init segment. A muxer that restarts its clock and guesses the last duration gives no such control.
//!
//! Decode times follow from the presentation times: the i-th sample in decoding order is decoded at the i-th smallest
//! presentation time of its segment. Composition happens a constant delay later, and the edit list of the init segment
//! removes this delay. So a segment begins at its first presentation time, and segments of different workers join without
//! a gap. Negative composition offsets without an edit list (`cmf2`) would be shorter, but libavformat shows such video
//! fragments too late by the largest offset, and sound not.

mod box_error;
mod fragment;
mod init;
mod ticks;

pub use fragment::Fragment;
pub use init::{Track, aac_track, avc_track, init};
pub use ticks::{from_ns, to_ns};

pub fn init_name(track: &str) -> String {
    format!("{track}/init.mp4")
}

pub fn segment_name(track: &str, number: u32) -> String {
    format!("{track}/{number:05}.m4s")
}
