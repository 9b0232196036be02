//! Reads ISO base media and QuickTime files by their own index (ISO/IEC 14496-12; QuickTime File Format): which tracks there
//! are, where every sample lies, when it is shown.
//!
//! The index is the truth about the file. So every track and every sample that it lists is delivered, and edits cut exactly
//! what they say. `inspect::bmff` has compared the tables with the limits and with the size of the file before.

mod caps;
mod description;
mod edits;
mod esds;
mod fragments;
mod kind;
mod language;
mod movie;
mod packet;
mod reader;
mod run;
mod samples;
mod sound;
mod table;
mod text;
mod ticks;
mod track;
mod video;

pub use caps::is_read_elsewhere;
pub use language::shortest;
pub use movie::{Movie, children};
pub use packet::Cursor;
pub use reader::Reader;
pub use ticks::time_ns;
pub use track::{Role, Track};

#[cfg(test)]
mod tests;
