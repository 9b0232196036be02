//! The records that describe a codec in a sample description. They give the codec string of playlists (RFC 6381).

use reelgate_flow::reason::Fault;

use crate::trust::range_checks::{ensure, untrue};

/// Profiles whose record ends with chroma format and bit depths (ISO/IEC 14496-15 5.3.3.1).
const PROFILES_WITH_FORMATS: [u8; 4] = [100, 110, 122, 144];
/// Tags of descriptors (ISO/IEC 14496-1 7.2.2.1).
const ES: u8 = 3;
const DECODER_CONFIG: u8 = 4;
const DECODER_SPECIFIC: u8 = 5;
const SYNC_LAYER: u8 = 6;
/// The object type of MPEG-4 audio.
const MPEG4_AUDIO: u8 = 0x40;

/// `avc1.PPCCLL` of an `avcC` record.
pub fn avc_codecs(record: &[u8]) -> Result<String, Fault> {
    let mut record = Fields { what: "avcC", rest: record };
    let [version, profile, compatible, level, lengths] = record.take()?;
    ensure(version == 1 && lengths == 0xff, || "avcC of version 1 with lengths of 4 bytes".to_owned())?;
    let [sequence_sets] = record.take()?;
    record.skip_sets(sequence_sets & 0x1f)?;
    let [picture_sets] = record.take()?;
    record.skip_sets(picture_sets)?;
    if PROFILES_WITH_FORMATS.contains(&profile) {
        let [_chroma, _luma_depth, _chroma_depth, extensions] = record.take()?;
        record.skip_sets(extensions)?;
    }
    record.end()?;
    Ok(format!("avc1.{profile:02X}{compatible:02X}{level:02X}"))
}

/// `mp4a.40.N` of an `esds` body.
pub fn mp4a_codecs(body: &[u8]) -> Result<String, Fault> {
    let mut esds = Fields { what: "esds", rest: body };
    let [0, 0, 0, 0] = esds.take()? else {
        return Err(untrue("esds of version 0", "another"));
    };
    let mut stream = esds.descriptor(ES)?;
    esds.end()?;
    // The flags could announce a URL from which the stream is to be read.
    let [_, _, flags] = stream.take()?;
    ensure(flags == 0, || "a stream descriptor without a location".to_owned())?;
    let mut config = stream.descriptor(DECODER_CONFIG)?;
    let sync_layer = stream.descriptor(SYNC_LAYER)?;
    ensure(sync_layer.rest == [2], || "a sync layer as in MP4".to_owned())?;
    stream.end()?;
    let [object_type, ..] = config.take::<13>()?;
    ensure(object_type == MPEG4_AUDIO, || "MPEG-4 audio".to_owned())?;
    let mut specific = config.descriptor(DECODER_SPECIFIC)?;
    config.end()?;
    let [first, second] = specific.take()?;
    // ISO/IEC 14496-3 1.6.2.1: five bits, or 31 and six more.
    let kind = match first >> 3 {
        31 => 32 + ((first & 7) << 3 | second >> 5),
        kind => kind,
    };
    Ok(format!("mp4a.40.{kind}"))
}

/// The fields of a record that are not read yet.
struct Fields<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.cut_short())?;
        self.rest = rest;
        Ok(*taken)
    }

    fn skip(&mut self, bytes: usize) -> Result<&'a [u8], Fault> {
        let (skipped, rest) = self.rest.split_at_checked(bytes).ok_or_else(|| self.cut_short())?;
        self.rest = rest;
        Ok(skipped)
    }

    /// Skips parameter sets, each after its length.
    fn skip_sets(&mut self, count: u8) -> Result<(), Fault> {
        for _ in 0..count {
            let length = u16::from_be_bytes(self.take()?);
            self.skip(length.into())?;
        }
        Ok(())
    }

    /// The body of the next descriptor, which must have this tag. Its length has 7 bits in each of up to four bytes.
    fn descriptor(&mut self, tag: u8) -> Result<Self, Fault> {
        let [found] = self.take()?;
        if found != tag {
            return Err(untrue(&format!("a descriptor with tag {tag}"), &found.to_string()));
        }
        let mut length = 0;
        for _ in 0..4 {
            let [byte] = self.take()?;
            length = length << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(Self { what: self.what, rest: self.skip(length)? });
            }
        }
        Err(untrue("a descriptor's length of four bytes", "a longer one"))
    }

    fn end(self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(untrue(&format!("the end of {}", self.what), &format!("{} bytes", self.rest.len())))
    }

    fn cut_short(&self) -> Fault {
        untrue(&format!("all fields of {}", self.what), "its end")
    }
}
