//! The media worker's insides: the only code that links GStreamer. It reads one source through one file
//! descriptor and hands results to an [`progress_sink::ProgressSink`]; it opens no path, no socket, no process.

pub mod audio;
pub mod cmaf;
pub mod codecs;
#[cfg(test)]
mod corpus;
pub mod demux;
pub mod enrich;
pub mod inspect;
pub mod pipe_sink;
pub mod plugins;
pub mod progress_sink;
pub mod source;
#[cfg(test)]
mod testing;
pub mod video;
