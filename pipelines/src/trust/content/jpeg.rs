//! A JPEG picture (ITU-T T.81) as our encoder writes it: baseline, JFIF, one scan, and nothing after its end. Application
//! data (Exif, XMP, profiles) and comments are refused: a worker writes none, and they can hold anything.

use reelgate_flow::reason::Fault;

use super::header::Header;
use crate::trust::range_checks::{ensure, untrue};

/// Bytes before the coded picture; ours takes about 630.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// A marker and the length of its segment.
const SEGMENT_HEAD_BYTES: usize = 4;
/// A marker without a segment.
const START_BYTES: usize = 2;

const START: [u8; 2] = [0xff, 0xd8];
const END: u8 = 0xd9;
const JFIF: u8 = 0xe0;
const BASELINE_FRAME: u8 = 0xc0;
const HUFFMAN_TABLES: u8 = 0xc4;
const QUANTISATION_TABLES: u8 = 0xdb;
const SCAN: u8 = 0xda;

/// Sides of a picture in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PictureSize {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

/// The check of one picture.
pub struct JpegCheck {
    most: PictureSize,
    header: Header,
    part: Part,
    size: Option<PictureSize>,
}

/// What comes next.
enum Part {
    Start,
    SegmentHead,
    /// The rest of a segment with this marker, which began here.
    Segment {
        marker: u8,
        begun_at: usize,
    },
    /// The coded picture; whether the last byte was 0xff.
    Scan {
        is_marker: bool,
    },
    End,
}

impl JpegCheck {
    pub fn new(most: PictureSize) -> Self {
        Self { most, header: Header::new(START_BYTES, HEADER_BYTES_MAX), part: Part::Start, size: None }
    }

    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            bytes = match self.part {
                Part::End => return Err(untrue("nothing after the end of a JPEG", "more bytes")),
                Part::Scan { is_marker } => self.scan(is_marker, bytes)?,
                _ => {
                    let rest = self.header.take(bytes);
                    if self.header.is_complete() {
                        self.next_part()?;
                    }
                    rest
                }
            };
        }
        Ok(())
    }

    pub fn finish(self) -> Result<PictureSize, Fault> {
        match (self.part, self.size) {
            (Part::End, Some(size)) => Ok(size),
            _ => Err(untrue("a JPEG up to its end marker", "an earlier end")),
        }
    }

    /// Passes the coded picture up to its end marker and returns what follows. Within it every 0xff is followed by 0.
    fn scan<'a>(&mut self, is_marker: bool, bytes: &'a [u8]) -> Result<&'a [u8], Fault> {
        if !is_marker {
            let found = bytes.iter().position(|b| *b == 0xff);
            self.part = Part::Scan { is_marker: found.is_some() };
            return Ok(&bytes[found.map_or(bytes.len(), |at| at + 1)..]);
        }
        self.part = match bytes[0] {
            0 => Part::Scan { is_marker: false },
            END => Part::End,
            other => {
                return Err(untrue("one scan and then the end of a JPEG", &format!("marker {other:#04x}")));
            }
        };
        Ok(&bytes[1..])
    }

    /// Reads the part that has arrived and wants the next.
    fn next_part(&mut self) -> Result<(), Fault> {
        let bytes = self.header.bytes();
        match self.part {
            Part::Start => {
                ensure(*bytes == START, || "a JPEG that begins with its start marker".to_owned())?;
                self.part = Part::SegmentHead;
            }
            Part::SegmentHead => {
                let Some((_, [prefix, marker, high, low])) = bytes.split_last_chunk() else {
                    return Err(untrue("a JPEG's segment", "fewer bytes"));
                };
                let known = [JFIF, BASELINE_FRAME, HUFFMAN_TABLES, QUANTISATION_TABLES, SCAN];
                if *prefix != 0xff || !known.contains(marker) {
                    let found = format!("bytes {prefix:#04x} {marker:#04x}");
                    return Err(untrue("a marker of a baseline JPEG without application data", &found));
                }
                let length = u64::from(u16::from_be_bytes([*high, *low]));
                // The length counts its own two bytes. No segment is empty.
                let body = length.checked_sub(2).filter(|body| *body > 0);
                let body = body.ok_or_else(|| untrue("a JPEG's segment with a body", "an empty one"))?;
                self.part = Part::Segment { marker: *marker, begun_at: bytes.len() };
                return self.header.want(body, "a JPEG's header");
            }
            Part::Segment { marker, begun_at } => {
                let segment = &bytes[begun_at..];
                match marker {
                    JFIF => check_jfif(segment)?,
                    BASELINE_FRAME => self.size = Some(frame_size(segment, self.size, self.most)?),
                    _ => {}
                }
                if marker == SCAN {
                    ensure(self.size.is_some(), || "a JPEG's frame before its scan".to_owned())?;
                    self.part = Part::Scan { is_marker: false };
                    return Ok(());
                }
                self.part = Part::SegmentHead;
            }
            Part::Scan { .. } | Part::End => return Ok(()),
        }
        self.header.want(SEGMENT_HEAD_BYTES as u64, "a JPEG's header")
    }
}

/// JFIF's own segment (ITU-T T.871 10.1) without a thumbnail.
fn check_jfif(segment: &[u8]) -> Result<(), Fault> {
    let is_plain = segment.len() == 14 && segment.starts_with(b"JFIF\0") && segment.ends_with(&[0, 0]);
    ensure(is_plain, || "JFIF without a thumbnail".to_owned())
}

/// The size in a frame header (T.81 B.2.2): 8 bits, three components.
fn frame_size(segment: &[u8], before: Option<PictureSize>, most: PictureSize) -> Result<PictureSize, Fault> {
    let Ok([8, top, bottom, left, right, 3, ..]) = <&[u8; 15]>::try_from(segment) else {
        return Err(untrue("a JPEG's frame of 8 bits and three components", "another"));
    };
    ensure(before.is_none(), || "one frame in a JPEG".to_owned())?;
    let size = PictureSize {
        width: u16::from_be_bytes([*left, *right]).into(),
        height: u16::from_be_bytes([*top, *bottom]).into(),
    };
    let is_allowed = (1..=most.width).contains(&size.width) && (1..=most.height).contains(&size.height);
    if is_allowed {
        return Ok(size);
    }
    let expected = format!("a picture of at most {}x{}", most.width, most.height);
    Err(untrue(&expected, &format!("{}x{}", size.width, size.height)))
}
