//! One media segment: `styp`, `moof`, `mdat` (ISO/IEC 14496-12 8.16.2, 8.8, 8.1.1).

use mp4_atom::{Encode, FourCC, Header, Mfhd, Moof, Styp, Tfdt, Tfhd, Traf, Trun, TrunEntry, TrunSamples};
use reelgate_flow::reason::{Code, Fault};

use super::box_error::unwritable;

/// Depends on no other sample (ISO/IEC 14496-12 8.6.4: `sample_depends_on` = 2).
const SYNC_FLAGS: u32 = 0x0200_0000;
/// Depends on other samples and is no sync sample.
const INNER_FLAGS: u32 = 0x0101_0000;

/// Samples of one segment, in decoding order, until it is finished.
#[derive(Debug)]
pub struct Fragment {
    number: u32,
    delay: u64,
    samples: Vec<Sample>,
    media: Vec<u8>,
}

#[derive(Debug)]
struct Sample {
    presentation: u64,
    bytes: u32,
    sync: bool,
}

impl Fragment {
    /// An empty segment with its number on the segment grid. Composition happens `delay` ticks after presentation, and the
    /// edit list of the init segment removes this delay.
    pub fn new(number: u32, delay: u64) -> Self {
        Self { number, delay, samples: Vec::new(), media: Vec::new() }
    }

    pub fn number(&self) -> u32 {
        self.number
    }

    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Bytes of all samples but the first. They are the end of the segment.
    pub fn bytes_behind_first(&self) -> usize {
        self.media.len() - self.samples.first().map_or(0, |first| first.bytes as usize)
    }

    /// Whether the first sample can be decoded without another.
    pub fn starts_with_sync(&self) -> bool {
        self.samples.first().is_some_and(|sample| sample.sync)
    }

    /// Smallest and largest presentation time in ticks of the media timeline; `None` without a sample.
    pub fn span(&self) -> Option<(u64, u64)> {
        let times = || self.samples.iter().map(|sample| sample.presentation);
        Some((times().min()?, times().max()?))
    }

    /// Adds the next sample in decoding order. `presentation` is in ticks of the media timeline.
    pub fn push(&mut self, presentation: u64, sync: bool, payload: &[u8]) -> Result<(), Fault> {
        let bytes = u32::try_from(payload.len())
            .map_err(|_| Fault::new(Code::Internal, "sample larger than 4 GiB"))?;
        self.samples.push(Sample { presentation, bytes, sync });
        self.media.extend_from_slice(payload);
        Ok(())
    }

    /// Writes the segment. `end` is the start of the next segment in ticks of the media timeline, and must be greater than
    /// every presentation time. The segment needs at least one sample.
    pub fn finish(self, end: u64) -> Result<Vec<u8>, Fault> {
        let mut decode: Vec<u64> = self.samples.iter().map(|sample| sample.presentation).collect();
        decode.sort_unstable();
        let (Some(&first), Some(&last)) = (decode.first(), decode.last()) else {
            return Err(Fault::new(Code::Internal, "segment without a sample"));
        };
        if end <= last {
            return Err(Fault::new(
                Code::Internal,
                format!("segment ends at {end}, last frame is at {last}"),
            ));
        }
        let mut moof = Moof {
            mfhd: Mfhd { sequence_number: self.number.saturating_add(1) },
            traf: vec![Traf {
                tfhd: Tfhd {
                    track_id: super::init::TRACK_ID,
                    default_sample_flags: Some(self.default_flags()),
                    default_base_is_moof: true,
                    ..Tfhd::default()
                },
                tfdt: Some(Tfdt { base_media_decode_time: first }),
                trun: vec![Trun { data_offset: Some(0), samples: self.entries(&decode, end)? }],
                ..Traf::default()
            }],
        };
        self.write(&mut moof)
    }

    /// Flags of every sample, except the first one in video.
    fn default_flags(&self) -> u32 {
        if self.samples.iter().all(|sample| sample.sync) { SYNC_FLAGS } else { INNER_FLAGS }
    }

    fn entries(&self, decode: &[u64], end: u64) -> Result<TrunSamples, Fault> {
        let too_far = |_| Fault::new(Code::TimestampsBroken, "frames of one segment are too far apart");
        let ends = decode.iter().skip(1).chain([&end]);
        let reordered = self.samples.iter().zip(decode).any(|(sample, &at)| sample.presentation != at);
        let offsets = reordered || self.delay > 0;
        let all_sync = self.samples.iter().all(|sample| sample.sync);
        let later_sync = self.samples.iter().skip(1).any(|sample| sample.sync);
        let mut entries = Vec::with_capacity(self.samples.len());
        for (index, ((sample, &at), &next)) in self.samples.iter().zip(decode).zip(ends).enumerate() {
            let flags = if sample.sync { SYNC_FLAGS } else { INNER_FLAGS };
            let own_flags = !all_sync && (index == 0 || later_sync);
            let offset = i128::from(sample.presentation) + i128::from(self.delay) - i128::from(at);
            entries.push(TrunEntry {
                duration: Some(u32::try_from(next - at).map_err(too_far)?),
                size: Some(sample.bytes),
                flags: own_flags.then_some(flags),
                cts: if offsets { Some(i64::from(i32::try_from(offset).map_err(too_far)?)) } else { None },
            });
        }
        Ok(TrunSamples::Explicit(entries))
    }

    fn write(&self, moof: &mut Moof) -> Result<Vec<u8>, Fault> {
        let mut measured = Vec::new();
        moof.encode(&mut measured).map_err(unwritable)?;
        const MDAT_HEADER_BYTES: usize = 8;
        let offset = i32::try_from(measured.len() + MDAT_HEADER_BYTES)
            .map_err(|_| Fault::new(Code::Internal, "movie fragment header larger than 2 GiB"))?;
        for trun in moof.traf.iter_mut().flat_map(|traf| &mut traf.trun) {
            trun.data_offset = Some(offset);
        }
        if u32::try_from(self.media.len() + MDAT_HEADER_BYTES).is_err() {
            return Err(Fault::new(Code::BudgetOutput, "segment larger than 4 GiB"));
        }
        let styp = Styp {
            major_brand: FourCC::new(b"cmfs"),
            minor_version: 0,
            compatible_brands: vec![FourCC::new(b"cmfs"), FourCC::new(b"cmff"), FourCC::new(b"msdh")],
        };
        let mut bytes = Vec::with_capacity(self.media.len() + measured.len() + 64);
        styp.encode(&mut bytes).map_err(unwritable)?;
        moof.encode(&mut bytes).map_err(unwritable)?;
        Header { kind: FourCC::new(b"mdat"), size: Some(self.media.len()) }
            .encode(&mut bytes)
            .map_err(unwritable)?;
        bytes.extend_from_slice(&self.media);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mp4_atom::{Any, DecodeMaybe, Mdat};

    fn boxes(bytes: &[u8]) -> (Moof, Mdat) {
        let mut rest = bytes;
        let (mut moof, mut mdat) = (None, None);
        while let Some(any) = Any::decode_maybe(&mut rest).unwrap() {
            match any {
                Any::Moof(found) => moof = Some(found),
                Any::Mdat(found) => mdat = Some(found),
                _ => {}
            }
        }
        (moof.unwrap(), mdat.unwrap())
    }

    /// Decoding order I P B B P with frames 10 apart, first at 100.
    fn reordered() -> Fragment {
        let mut fragment = Fragment::new(7, 20);
        for (index, at) in [100, 130, 110, 120, 140].into_iter().enumerate() {
            fragment.push(at, index == 0, &[index as u8; 3]).unwrap();
        }
        fragment
    }

    #[test]
    fn decode_times_are_the_sorted_presentation_times() {
        let (moof, mdat) = boxes(&reordered().finish(155).unwrap());
        let traf = &moof.traf[0];
        assert_eq!(moof.mfhd.sequence_number, 8);
        assert_eq!(traf.tfdt.as_ref().unwrap().base_media_decode_time, 100);
        let entries: Vec<_> = traf.trun[0].samples.iter().collect();
        let durations: Vec<_> = entries.iter().map(|e| e.duration.unwrap()).collect();
        assert_eq!(durations, [10, 10, 10, 10, 15], "the last frame lasts to the end of the segment");
        let offsets: Vec<_> = entries.iter().map(|e| e.cts.unwrap()).collect();
        assert_eq!(offsets, [20, 40, 10, 10, 20], "composition is delayed by 20");
        assert_eq!(mdat.data.len(), 15);
    }

    #[test]
    fn only_the_first_sample_of_video_is_a_sync_sample() {
        let (moof, _) = boxes(&reordered().finish(150).unwrap());
        assert_eq!(moof.traf[0].tfhd.default_sample_flags, Some(INNER_FLAGS));
        let entries: Vec<_> = moof.traf[0].trun[0].samples.iter().collect();
        assert_eq!(entries[0].flags, Some(SYNC_FLAGS));
        assert!(entries[1..].iter().all(|entry| entry.flags.is_none()));
    }

    #[test]
    fn the_data_offset_points_behind_the_mdat_header() {
        let bytes = reordered().finish(150).unwrap();
        let (moof, _) = boxes(&bytes);
        let moof_at = bytes.windows(4).position(|four| four == b"moof").unwrap() - 4;
        let offset = moof.traf[0].trun[0].data_offset.unwrap() as usize;
        assert_eq!(&bytes[moof_at + offset..], &reordered().media[..]);
    }

    #[test]
    fn sound_has_neither_offsets_nor_flags_per_sample() {
        let mut fragment = Fragment::new(0, 0);
        fragment.push(0, true, b"a").unwrap();
        fragment.push(1024, true, b"bc").unwrap();
        let (moof, _) = boxes(&fragment.finish(2048).unwrap());
        assert_eq!(moof.traf[0].tfhd.default_sample_flags, Some(SYNC_FLAGS));
        assert!(moof.traf[0].trun[0].samples.iter().all(|e| e.flags.is_none() && e.cts.is_none()));
    }

    #[test]
    fn a_segment_that_would_end_before_its_last_frame_is_refused() {
        assert_eq!(reordered().finish(140).unwrap_err().code, Code::Internal);
        assert_eq!(Fragment::new(0, 0).finish(1).unwrap_err().code, Code::Internal);
    }
}
