//! The header of a CMAF track (ISO/IEC 23000-19 7.3.1): `ftyp` and a `moov` with the one track that the job encodes and
//! without samples. Every box is known, so nothing can hide in it: no second track, no metadata, and no data reference
//! (14496-12 8.7.2) to another file.

use reelgate_flow::reason::Fault;

use super::boxes::{Boxes, TRACK, exactly, u16_at, u32_at};
use super::codec_records::{avc_codecs, mp4a_codecs};
use crate::trust::range_checks::{ensure, untrue};

/// A header takes less than 1 KB; the rest is for parameter sets.
const BYTES_MAX: usize = 64 << 10;
/// A data reference to the file itself: it has this flag and no location.
const SELF_CONTAINED: u32 = 1;

/// What the job encodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExpectedTrack {
    /// AVC of this size.
    Video { timescale: u32, width: u32, height: u32 },
    /// AAC; its timescale is the sample rate.
    Audio { sample_rate: u32, channels: u8 },
}

/// What the header of a track says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InitSegment {
    /// RFC 6381 codec string of the one track.
    pub codecs: String,
    /// Ticks of the media timeline before the presentation begins.
    pub skip_ticks: u64,
}

/// The check of one header, which is kept until it is complete.
pub struct InitSegmentCheck {
    track: ExpectedTrack,
    bytes: Vec<u8>,
}

impl InitSegmentCheck {
    pub fn new(track: ExpectedTrack) -> Self {
        Self { track, bytes: Vec::new() }
    }

    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.bytes.len() + bytes.len() > BYTES_MAX {
            return Err(untrue(&format!("a track's header of at most {BYTES_MAX} bytes"), "more"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub fn finish(self) -> Result<InitSegment, Fault> {
        let mut file = Boxes::new("a track's header", &self.bytes);
        let brands = file.next(b"ftyp")?;
        let are_brands = brands.len() >= 8 && brands.len().is_multiple_of(4);
        ensure(are_brands, || "ftyp with whole brands".to_owned())?;
        let moov = file.next(b"moov")?;
        file.end()?;
        self.track.moov(moov)
    }
}

impl ExpectedTrack {
    fn timescale(self) -> u32 {
        match self {
            Self::Video { timescale, .. } => timescale,
            Self::Audio { sample_rate, .. } => sample_rate,
        }
    }

    fn moov(self, moov: &[u8]) -> Result<InitSegment, Fault> {
        let mut moov = Boxes::new("moov", moov);
        let mvhd = exactly::<112>("mvhd", moov.next(b"mvhd")?)?;
        self.check_timescale(u32_at(mvhd, 20))?;
        let mut mvex = Boxes::new("mvex", moov.next(b"mvex")?);
        let trex = exactly::<24>("trex", mvex.next(b"trex")?)?;
        ensure(u32_at(trex, 4) == TRACK, || format!("trex of track {TRACK}"))?;
        mvex.end()?;
        let mut trak = Boxes::new("trak", moov.next(b"trak")?);
        moov.end()?;
        let tkhd = exactly::<96>("tkhd", trak.next(b"tkhd")?)?;
        ensure(u32_at(tkhd, 20) == TRACK, || format!("a track numbered {TRACK}"))?;
        let codecs = self.mdia(trak.next(b"mdia")?)?;
        let skip_ticks = trak.next_if(b"edts")?.map_or(Ok(0), Self::edit)?;
        trak.end()?;
        Ok(InitSegment { codecs, skip_ticks })
    }

    fn check_timescale(self, found: u32) -> Result<(), Fault> {
        let expected = self.timescale();
        if found == expected {
            Ok(())
        } else {
            Err(untrue(&format!("timescale {expected}"), &found.to_string()))
        }
    }

    /// The beginning of the presentation in the media: one edit to the end, at normal speed.
    fn edit(edts: &[u8]) -> Result<u64, Fault> {
        let mut edts = Boxes::new("edts", edts);
        let elst = exactly::<20>("elst with one edit", edts.next(b"elst")?)?;
        edts.end()?;
        let is_start =
            [u32_at(elst, 0), u32_at(elst, 4), u32_at(elst, 8), u32_at(elst, 16)] == [0, 1, 0, 1 << 16];
        ensure(is_start, || "an edit that only moves the start".to_owned())?;
        Ok(u32_at(elst, 12).into())
    }

    fn mdia(self, mdia: &[u8]) -> Result<String, Fault> {
        let mut mdia = Boxes::new("mdia", mdia);
        let mdhd = exactly::<36>("mdhd", mdia.next(b"mdhd")?)?;
        self.check_timescale(u32_at(mdhd, 20))?;
        let (handler, name): (&[u8], &[u8]) = match self {
            Self::Video { .. } => (b"vide", b"video\0"),
            Self::Audio { .. } => (b"soun", b"sound\0"),
        };
        let hdlr = mdia.next(b"hdlr")?;
        let is_handler = hdlr.get(8..12) == Some(handler) && hdlr.get(24..) == Some(name);
        ensure(is_handler, || format!("the handler {}", String::from_utf8_lossy(handler)))?;
        let mut minf = Boxes::new("minf", mdia.next(b"minf")?);
        mdia.end()?;
        check_data_reference(minf.next(b"dinf")?)?;
        let codecs = self.stbl(minf.next(b"stbl")?)?;
        match self {
            Self::Video { .. } => exactly::<12>("vmhd", minf.next(b"vmhd")?).map(drop)?,
            Self::Audio { .. } => exactly::<8>("smhd", minf.next(b"smhd")?).map(drop)?,
        }
        minf.end()?;
        Ok(codecs)
    }

    fn stbl(self, stbl: &[u8]) -> Result<String, Fault> {
        let mut stbl = Boxes::new("stbl", stbl);
        let codecs = self.stsd(stbl.next(b"stsd")?)?;
        for (kind, bytes) in [(b"stts", 8), (b"stsc", 8), (b"stsz", 12), (b"stco", 8)] {
            let table = stbl.next(kind)?;
            let is_empty = table.len() == bytes && table.iter().all(|b| *b == 0);
            ensure(is_empty, || "tables without samples".to_owned())?;
        }
        stbl.end()?;
        Ok(codecs)
    }

    /// The one sample description: 14496-12 8.5.2 and 12.1.3, 12.2.3.
    fn stsd(self, stsd: &[u8]) -> Result<String, Fault> {
        let (head, entries) = first_bytes::<8>("stsd", stsd)?;
        ensure(u32_at(head, 4) == 1, || "one sample description".to_owned())?;
        let mut entries = Boxes::new("stsd", entries);
        let codecs = match self {
            Self::Video { width, height, .. } => {
                let (entry, children) = first_bytes::<78>("avc1", entries.next(b"avc1")?)?;
                ensure(u16_at(entry, 6) == 1, || "samples in the file itself".to_owned())?;
                let found = (u16_at(entry, 24).into(), u16_at(entry, 26).into());
                if found != (width, height) {
                    let found = format!("{}x{}", found.0, found.1);
                    return Err(untrue(&format!("pictures of {width}x{height}"), &found));
                }
                let mut children = Boxes::new("avc1", children);
                let record = children.next(b"avcC")?;
                children.end()?;
                avc_codecs(record)?
            }
            Self::Audio { sample_rate, channels } => {
                let (entry, children) = first_bytes::<28>("mp4a", entries.next(b"mp4a")?)?;
                ensure(u16_at(entry, 6) == 1, || "samples in the file itself".to_owned())?;
                let is_sound =
                    u16_at(entry, 16) == u16::from(channels) && u32::from(u16_at(entry, 24)) == sample_rate;
                ensure(is_sound, || format!("{channels} channels at {sample_rate} Hz"))?;
                let mut children = Boxes::new("mp4a", children);
                let descriptors = children.next(b"esds")?;
                children.end()?;
                mp4a_codecs(descriptors)?
            }
        };
        entries.end()?;
        Ok(codecs)
    }
}

/// Checks that the track's data lies in the file itself.
fn check_data_reference(dinf: &[u8]) -> Result<(), Fault> {
    let mut dinf = Boxes::new("dinf", dinf);
    let (head, references) = first_bytes::<8>("dref", dinf.next(b"dref")?)?;
    dinf.end()?;
    ensure(u32_at(head, 4) == 1, || "one data reference".to_owned())?;
    let mut references = Boxes::new("dref", references);
    let url = references.next(b"url ")?;
    references.end()?;
    let is_own = url.try_into().is_ok_and(|url: &[u8; 4]| u32_at(url, 0) == SELF_CONTAINED);
    if is_own { Ok(()) } else { Err(untrue("a data reference to the file itself", "a location")) }
}

/// The first bytes of a body and the rest.
fn first_bytes<'a, const N: usize>(what: &str, body: &'a [u8]) -> Result<(&'a [u8; N], &'a [u8]), Fault> {
    body.split_first_chunk()
        .ok_or_else(|| untrue(&format!("{what} of at least {N} bytes"), &body.len().to_string()))
}
