//! Reads transport streams by the times of their packets (ISO/IEC 13818-1).
//!
//! Clock references tell a receiver when to show a picture of a broadcast. A file needs none of them: each packet says when it is
//! shown. So references that are sparse, missing or wrong change nothing here. Breaks in the times, as where
//! an advertisement was put in, are closed for all tracks together.

mod clock;
mod packet;
mod program;
mod reader;
mod stream_type;

pub use reader::Reader;

#[cfg(test)]
mod tests;
