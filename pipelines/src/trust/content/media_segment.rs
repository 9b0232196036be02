//! A CMAF segment (ISO/IEC 23000-19 7.3.2): `styp`, one `moof` of one track fragment with one run, and `mdat`, which holds
//! exactly the samples that the run lists. The header is kept until `mdat` begins; the media only passes.

use reelgate_flow::reason::Fault;

use super::boxes::{Boxes, HEADER_BYTES, TRACK, exactly, header, name, u32_at};
use super::header::Header;
use crate::trust::range_checks::{ensure, untrue};

/// Longest header. A sample takes 16 bytes of it at most.
const HEADER_BYTES_MAX: usize = 8 << 20;
/// The boxes of a segment in their order.
const ORDER: [&[u8; 4]; 3] = [b"styp", b"moof", b"mdat"];

/// Flags of `tfhd`: default flags are present, and offsets count from `moof`. A base offset or another sample description
/// would lead elsewhere.
const TFHD_FLAGS: u32 = 0x02_0020;
const RUN_OFFSET: u32 = 0x1;
const RUN_FIRST_FLAGS: u32 = 0x4;
const RUN_DURATIONS: u32 = 0x100;
const RUN_SIZES: u32 = 0x200;
const RUN_FLAGS: u32 = 0x400;
const RUN_COMPOSITION: u32 = 0x800;
/// `sample_is_non_sync_sample` (14496-12 8.8.3.1).
const NOT_SYNC: u32 = 0x1_0000;

/// What the header of a segment says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MediaSegment {
    /// Decode time of the first sample, ticks.
    pub decode_ticks: u64,
    /// Sum of the samples' durations, ticks.
    pub duration_ticks: u64,
    /// Samples.
    pub samples: u32,
    /// The first sample depends on no other.
    pub starts_with_sync: bool,
    /// Bytes up to the end of the first sample.
    pub first_sample_end: u64,
}

/// The samples that the header of a segment lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentSamples {
    /// Decode time of the first sample, ticks.
    pub decode_ticks: u64,
    /// In decoding order; at least one.
    pub samples: Vec<Sample>,
}

/// One sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// From its decode time to that of the next sample.
    pub duration_ticks: u32,
    /// Size.
    pub bytes: u32,
    /// It depends on no other sample.
    pub is_sync: bool,
    /// From its decode time to its presentation.
    pub composition_ticks: i64,
}

impl SegmentSamples {
    /// Reads a whole segment: its samples, and its media, which is exactly these samples.
    ///
    /// # Errors
    /// `worker_protocol` if it is not a segment as workers write it.
    pub fn read(segment: &[u8]) -> Result<(Self, &[u8]), Fault> {
        let mut boxes = Boxes::new("a segment", segment);
        boxes.next(b"styp")?;
        let moof = boxes.next(b"moof")?;
        let media = boxes.next(b"mdat")?;
        boxes.end()?;
        Ok((moof_body(moof, media.len() as u64)?, media))
    }

    /// What is checked of a segment whose media begins at this byte.
    fn summary(&self, media_at: u64) -> MediaSegment {
        let first = self.samples.first();
        MediaSegment {
            decode_ticks: self.decode_ticks,
            duration_ticks: self.samples.iter().map(|sample| u64::from(sample.duration_ticks)).sum(),
            samples: u32::try_from(self.samples.len()).unwrap_or(u32::MAX),
            starts_with_sync: first.is_some_and(|sample| sample.is_sync),
            first_sample_end: media_at + first.map_or(0, |sample| u64::from(sample.bytes)),
        }
    }
}

/// The check of one segment.
pub struct MediaSegmentCheck {
    header: Header,
    /// Boxes of [`ORDER`] whose own header has arrived.
    begun: usize,
    /// Where the body of `moof` begins.
    moof_at: usize,
    /// The segment and the bytes of `mdat` that are still to come, from the beginning of `mdat` on.
    media: Option<(MediaSegment, u64)>,
}

impl Default for MediaSegmentCheck {
    fn default() -> Self {
        Self { header: Header::new(HEADER_BYTES, HEADER_BYTES_MAX), begun: 0, moof_at: 0, media: None }
    }
}

impl MediaSegmentCheck {
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            if let Some((_, left)) = &mut self.media {
                let count = bytes.len() as u64;
                *left = left.checked_sub(count).ok_or_else(|| untrue("nothing after mdat", "more bytes"))?;
                return Ok(());
            }
            bytes = self.header.take(bytes);
            if self.header.is_complete() {
                self.next_box()?;
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Result<MediaSegment, Fault> {
        match self.media {
            Some((segment, 0)) => Ok(segment),
            Some((_, left)) => {
                Err(untrue("the whole of mdat", &format!("an end {left} bytes before its own")))
            }
            None => Err(untrue("styp, moof and mdat", "an end before mdat")),
        }
    }

    /// Reads the header of a box, which has arrived last, and wants its body and the header of the next box.
    fn next_box(&mut self) -> Result<(), Fault> {
        let collected = self.header.bytes();
        let Some((_, head)) = collected.split_last_chunk::<HEADER_BYTES>() else {
            return Err(untrue("a box", "fewer bytes"));
        };
        let (size, kind) = header(head)?;
        let expected = ORDER[self.begun];
        ensure_kind(expected, kind)?;
        let body_bytes = u64::from(size) - HEADER_BYTES as u64;
        if expected == b"mdat" {
            let moof = &collected[self.moof_at..collected.len() - HEADER_BYTES];
            let segment = moof_body(moof, body_bytes)?;
            self.media = Some((segment.summary(collected.len() as u64), body_bytes));
            return Ok(());
        }
        if expected == b"moof" {
            self.moof_at = collected.len();
        }
        self.begun += 1;
        self.header.want(body_bytes + HEADER_BYTES as u64, &name(kind))
    }
}

fn ensure_kind(expected: &[u8; 4], found: [u8; 4]) -> Result<(), Fault> {
    if *expected == found {
        return Ok(());
    }
    Err(untrue(&format!("a box {} in a segment", name(*expected)), &format!("a box {}", name(found))))
}

/// Reads the body of `moof`; `mdat` holds `media_bytes`.
fn moof_body(moof: &[u8], media_bytes: u64) -> Result<SegmentSamples, Fault> {
    let mut boxes = Boxes::new("moof", moof);
    exactly::<8>("mfhd", boxes.next(b"mfhd")?)?;
    let mut traf = Boxes::new("traf", boxes.next(b"traf")?);
    boxes.end()?;
    let tfhd = exactly::<12>("tfhd", traf.next(b"tfhd")?)?;
    ensure(u32_at(tfhd, 0) == TFHD_FLAGS, || format!("tfhd with flags {TFHD_FLAGS:#x}"))?;
    ensure(u32_at(tfhd, 4) == TRACK, || format!("samples of track {TRACK}"))?;
    let tfdt = exactly::<12>("tfdt", traf.next(b"tfdt")?)?;
    ensure(u32_at(tfdt, 0) == 1 << 24, || "tfdt of version 1".to_owned())?;
    let decode_ticks = u64::from(u32_at(tfdt, 4)) << 32 | u64::from(u32_at(tfdt, 8));
    let (offset, samples) = run(traf.next(b"trun")?, u32_at(tfhd, 8))?;
    traf.end()?;
    // Offsets count from the beginning of moof.
    let expected = (HEADER_BYTES + moof.len() + HEADER_BYTES) as u64;
    ensure(u64::from(offset) == expected, || format!("samples from byte {expected} of moof on"))?;
    let listed: u64 = samples.iter().map(|sample| u64::from(sample.bytes)).sum();
    if listed != media_bytes {
        return Err(untrue(&format!("samples of the {media_bytes} bytes of mdat"), &listed.to_string()));
    }
    Ok(SegmentSamples { decode_ticks, samples })
}

/// Reads the body of `trun` (14496-12 8.8.8): where its samples begin, and the samples.
fn run(body: &[u8], default_flags: u32) -> Result<(u32, Vec<Sample>), Fault> {
    let mut words = body.chunks_exact(4).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    let cut_short = || untrue("trun with all of its fields", "its end");
    let mut word = || words.next().ok_or_else(cut_short);
    let full = word()?;
    // Offsets have a sign from version 1 on.
    let (version, flags) = (full >> 24, full & 0x00ff_ffff);
    let required = RUN_OFFSET | RUN_DURATIONS | RUN_SIZES;
    let known = required | RUN_FIRST_FLAGS | RUN_FLAGS | RUN_COMPOSITION;
    let is_known = flags & required == required && flags & !known == 0;
    ensure(is_known, || "trun with an offset, durations and sizes".to_owned())?;
    let count = word()?;
    let offset = word()?;
    let mut first_flags = if flags & RUN_FIRST_FLAGS != 0 { Some(word()?) } else { None };
    let fields = 2 + u64::from(flags & RUN_FLAGS != 0) + u64::from(flags & RUN_COMPOSITION != 0);
    let head = 12 + if first_flags.is_some() { 4 } else { 0 };
    let expected = head + u64::from(count) * fields * 4;
    if expected != body.len() as u64 {
        return Err(untrue(&format!("trun of {expected} bytes"), &body.len().to_string()));
    }
    ensure(count > 0, || "at least one sample in trun".to_owned())?;
    let mut samples = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let (duration_ticks, bytes) = (word()?, word()?);
        let own = if flags & RUN_FLAGS != 0 { Some(word()?) } else { None };
        let composition = if flags & RUN_COMPOSITION != 0 { word()? } else { 0 };
        let flags = first_flags.take().or(own).unwrap_or(default_flags);
        samples.push(Sample {
            duration_ticks,
            bytes,
            is_sync: flags & NOT_SYNC == 0,
            composition_ticks: if version == 0 {
                composition.into()
            } else {
                composition.cast_signed().into()
            },
        });
    }
    Ok((offset, samples))
}
