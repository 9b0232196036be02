//! The library of the media worker: the only code that links GStreamer. It reads one source through one file descriptor
//! and sends its results to a [`progress_sink::ProgressSink`]. It opens no path and no socket and starts no process.

pub mod audio;
pub mod cmaf;
pub mod codecs;
mod colour;
#[cfg(test)]
mod corpus;
mod deinterlace;
pub mod demux;
pub mod enrich;
mod frame_starts;
pub mod inspect;
mod isobmff;
mod mpegts;
mod packet_rules;
pub mod pipe_sink;
pub mod plugins;
pub mod progress_sink;
pub mod source;
#[cfg(test)]
mod test_boxes;
#[cfg(test)]
mod testing;
mod unicode;
pub mod video;
