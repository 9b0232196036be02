//! What a container of which we read the index ourselves delivers: tracks and their packets. It knows nothing of threads and pads.

use gstreamer as gst;
use reelgate_flow::caption_file::CaptionFlags;
use reelgate_pipelines::messages::AudioRole;

/// The times of a part of a track. The times of its packets are not those of the film.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// First time that is shown, nanoseconds in the times of the packets.
    pub start_ns: u64,
    /// Time after the last that is shown.
    pub stop_ns: Option<u64>,
    /// The time in the film that belongs to `start_ns`.
    pub time_ns: u64,
}

/// A packet with its content.
#[derive(Debug)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub shown_ns: Option<u64>,
    pub decode_ns: Option<u64>,
    pub duration_ns: Option<u64>,
    /// Whether decoding can start here. A container that does not say so says yes.
    pub keyframe: bool,
    /// Which caps apply; 0 at the beginning.
    pub description: u32,
    /// A new segment begins with this packet.
    pub segment: Option<Segment>,
}

/// What comes next.
pub enum Step {
    Packet(usize, Content),
    /// Nothing to deliver, but there is more.
    Skipped,
    /// The index lists a sample of this track that the file does not have.
    Missing(usize),
    /// A track begins that was not known before; it has the next number.
    Found,
    /// This track has ended.
    TrackEnd(usize),
    /// All active tracks have ended.
    End,
}

/// What a track is.
#[derive(Debug)]
pub struct TrackHeader {
    /// Never empty.
    pub caps: gst::Caps,
    /// Whether the file names it as one to play; `None` if it says nothing.
    pub is_chosen: Option<bool>,
    /// Empty if unknown.
    pub language: String,
    /// What it is for, if it is sound.
    pub role: AudioRole,
    /// What it is for, if it is text.
    pub captions: CaptionFlags,
    /// GStreamer's name of the rotation for display.
    pub orientation: Option<&'static str>,
}

/// A reader of one container.
pub trait PacketSource: Send {
    /// Tracks known so far.
    fn tracks(&self) -> usize;
    fn header(&self, track: usize) -> TrackHeader;
    fn caps(&self, track: usize, description: u32) -> gst::Caps;
    /// From now on the packets of a track are delivered, or no more. None is at the beginning.
    fn set_active(&mut self, track: usize, active: bool);
    fn step(&mut self) -> std::io::Result<Step>;
    /// Goes to the keyframe at or before a time of the film in every track. From there on everything is delivered, or only keyframes
    /// of pictures, and nothing before it is shown. False if this container cannot.
    fn seek(&mut self, to_ns: u64, keyframes_only: bool) -> bool;
    /// The end of a track in the film, if the index says it.
    fn end_ns(&self, track: usize) -> Option<u64>;
}
