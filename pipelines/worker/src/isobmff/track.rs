//! A track of a movie (ISO/IEC 14496-12, 8.3 to 8.6).

use super::edits::{Edit, Span, spans};
use super::kind::Purpose;
use super::samples::SampleIndex;
use super::table::TableBoxes;
use crate::inspect::boxes::Header;

/// A transformation matrix (8.2.2): the upper left part of 16.16, by rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Matrix {
    pub a: i32,
    pub b: i32,
    pub c: i32,
    pub d: i32,
}

impl Default for Matrix {
    fn default() -> Self {
        Self { a: 1 << 16, b: 0, c: 0, d: 1 << 16 }
    }
}

impl Matrix {
    /// This one, then the other.
    pub fn then(self, other: Self) -> Self {
        let sum = |x: i32, m: i32, y: i32, n: i32| {
            let sum = (i64::from(x) * i64::from(m) + i64::from(y) * i64::from(n)) >> 16;
            i32::try_from(sum).unwrap_or(0)
        };
        Self {
            a: sum(self.a, other.a, self.b, other.c),
            b: sum(self.a, other.b, self.b, other.d),
            c: sum(self.c, other.a, self.d, other.c),
            d: sum(self.c, other.b, self.d, other.d),
        }
    }
}

/// A sample description (8.5.2): its format, and the place of its content.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    pub entry: Header,
    /// Version of the box around it, which decides about the form of a description of sound.
    pub version: u8,
}

/// What a track is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Video,
    Audio,
    Text,
    /// Titles of the chapters of other tracks.
    Chapters,
    /// Positions and device data.
    Metadata,
    /// Time codes and instructions for servers: nothing for people.
    Technical,
    Unknown,
}

/// A track.
#[derive(Debug)]
pub struct Track {
    pub id: u32,
    /// Whether players show it unless somebody chooses another (8.3.2).
    pub enabled: bool,
    /// From the track's own matrix and the movie's.
    pub matrix: Matrix,
    /// Width and height on the screen, pixels; 0 if unknown.
    pub display: (u32, u32),
    pub handler: [u8; 4],
    pub role: Role,
    pub timescale: u32,
    /// As short as it can be (BCP 47); empty if unknown.
    pub language: String,
    pub purpose: Purpose,
    pub edits: Vec<Edit>,
    pub descriptions: Vec<Description>,
    pub samples: SampleIndex,
    /// Its tables could not be read.
    pub is_damaged: bool,
    /// Tracks with the titles of this one's chapters.
    pub(super) chapter_tracks: Vec<u32>,
    /// While fragments are read: the time of decoding of the next sample.
    pub(super) next_decode: Option<i64>,
    pub(super) boxes: TableBoxes,
}

impl Track {
    /// Spans of the media that are shown, in order.
    pub fn spans(&self, movie_timescale: u32) -> Vec<Span> {
        spans(&self.edits, movie_timescale, self.timescale, self.samples.end())
    }
}
