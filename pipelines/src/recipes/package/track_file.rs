//! A track as one file whose segments are addressed by ranges: `ftyp` and `moov`, the index `sidx` (ISO/IEC 14496-12 8.16.3), then every
//! segment as it was encoded.
//!
//! The file is named by what it holds. A playlist that a player or a cache still has never leads into the bytes of another film: after
//! a redo or a redaction the old name is gone.

use super::files::TrackFile;
use super::rendition::{Rendition, Segment};
use data_encoding::HEXLOWER;
use mp4_atom::{Encode, SegmentReference, Sidx};
use reelgate_flow::reason::{Code, Fault};
use sha2::{Digest, Sha256};

/// Track number in every header and segment.
const TRACK: u32 = 1;
/// Bytes of the hash in a name: enough that two contents of one asset never share one.
const NAME_BYTES: usize = 8;
/// Each segment begins with a sample that is decoded alone and shown first (ISO/IEC 14496-12 Annex I).
const SAP_TYPE: u8 = 1;

/// Size and hash of one staged file of a rendition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartFacts {
    pub size_bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl TrackFile {
    /// The file of a rendition, whose `parts` are the initialization segment and then all segments.
    ///
    /// # Errors
    /// `count_mismatch` if they are not the segments of the rendition, `internal` if no index can list them.
    pub(super) fn of(rendition: &Rendition, parts: &[PartFacts]) -> Result<Self, Fault> {
        let Some((init, segments)) = parts.split_first() else {
            return Err(mismatch(rendition, "an initialization segment", "none"));
        };
        let expected: Vec<u64> = rendition.segments.iter().map(|segment| segment.bytes).collect();
        let found: Vec<u64> = segments.iter().map(|segment| segment.size_bytes).collect();
        if expected != found {
            let text =
                |sizes: &[u64]| format!("{} segments of {} bytes", sizes.len(), sizes.iter().sum::<u64>());
            return Err(mismatch(rendition, &text(&expected), &text(&found)));
        }
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update(&part.sha256));
        let name = HEXLOWER.encode(&hash.finalize()[..NAME_BYTES]);
        let path = format!("{}/{name}.mp4", rendition.folder);
        let index_bytes = index(rendition)?.len() as u64;
        Ok(Self { path, init_bytes: init.size_bytes, index_bytes })
    }

    /// Where each part begins: the initialization segment, then the segments.
    pub fn offsets(&self, rendition: &Rendition) -> Vec<u64> {
        let mut next = self.init_bytes.saturating_add(self.index_bytes);
        let begin = |segment: &Segment| {
            let at = next;
            next = next.saturating_add(segment.bytes);
            at
        };
        std::iter::once(0).chain(rendition.segments.iter().map(begin)).collect()
    }
}

/// The index of a rendition: `sidx` with the size and the length of each segment. A gap that damage left is a part of the segment
/// before it.
///
/// # Errors
/// `internal` if there are more segments or longer ones than it can list.
pub fn index(rendition: &Rendition) -> Result<Vec<u8>, Fault> {
    let starts = rendition.segments.iter().map(|segment| segment.start_ticks);
    let ends = starts.skip(1).chain([rendition.end_ticks()]);
    let reference = |(segment, end): (&Segment, u64)| {
        Some(SegmentReference {
            reference_type: false,
            referenced_size: u32::try_from(segment.bytes).ok()?,
            subsegment_duration: u32::try_from(end.checked_sub(segment.start_ticks)?).ok()?,
            starts_with_sap: true,
            sap_type: SAP_TYPE,
            sap_delta_time: 0,
        })
    };
    let references: Option<Vec<SegmentReference>> =
        rendition.segments.iter().zip(ends).map(reference).collect();
    let name = &rendition.name;
    let too_long = |found: &str| {
        Fault::new(Code::Internal, format!("{name}: expected segments that an index can list, found {found}"))
    };
    let sidx = Sidx {
        reference_id: TRACK,
        timescale: rendition.timescale,
        earliest_presentation_time: rendition.segments.first().map_or(0, |first| first.start_ticks),
        first_offset: 0,
        references: references.ok_or_else(|| too_long("one of too many bytes or ticks"))?,
    };
    let mut bytes = Vec::new();
    sidx.encode(&mut bytes).map_err(|error| too_long(&error.to_string()))?;
    Ok(bytes)
}

fn mismatch(rendition: &Rendition, expected: &str, found: &str) -> Fault {
    Fault::new(Code::CountMismatch, format!("{}: expected {expected}, found {found}", rendition.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::package::tests::{packaged_in_track_files, text_at};
    use crate::recipes::package::{DASH_PATH, Packaged};
    use m3u8_rs::parse_media_playlist_res;

    /// Sizes and lengths of the segments that an index lists, read by its definition (ISO/IEC 14496-12 8.16.3).
    fn listed(index: &[u8]) -> (u32, u64, Vec<(u32, u32)>) {
        let word = |at: usize| u32::from_be_bytes(index[at..at + 4].try_into().unwrap());
        assert_eq!(
            (word(0) as usize, &index[4..8], word(8), word(12)),
            (index.len(), &b"sidx"[..], 0, TRACK)
        );
        let count = word(28) & 0xFFFF;
        assert_eq!((word(24), word(28) >> 16, index.len()), (0, 0, 32 + 12 * count as usize));
        let one = |number: u32| {
            let at = 32 + 12 * number as usize;
            assert_eq!(
                (word(at) >> 31, word(at + 8)),
                (0, 0x9000_0000),
                "media that begins with a SAP of type 1"
            );
            (word(at), word(at + 4))
        };
        (word(16), word(20).into(), (0..count).map(one).collect())
    }

    #[test]
    fn playlists_and_index_name_the_same_ranges() {
        let packaged = packaged_in_track_files();
        for rendition in &packaged.renditions {
            let file = rendition.file.as_ref().unwrap();
            let index = index(rendition).unwrap();
            assert_eq!(index.len() as u64, file.index_bytes);
            let (timescale, start, segments) = listed(&index);
            assert_eq!((timescale, start), (rendition.timescale, 0));
            let playlist = text_at(&packaged, &format!("{}/playlist.m3u8", rendition.folder));
            let playlist = parse_media_playlist_res(playlist.as_bytes()).unwrap();
            let map = playlist.segments[0].map.as_ref().unwrap();
            let range = map.byte_range.as_ref().unwrap();
            assert_eq!((map.uri.as_str(), range.length, range.offset), (file.name(), 700, Some(0)));
            assert_eq!(playlist.segments.len(), segments.len());
            let mut at = 700 + index.len() as u64;
            for (read, (size, ticks)) in playlist.segments.iter().zip(&segments) {
                let range = read.byte_range.as_ref().unwrap();
                assert_eq!((range.length, range.offset), (u64::from(*size), Some(at)));
                assert_eq!(read.uri, file.name());
                let seconds = f64::from(*ticks) / f64::from(timescale);
                assert!((f64::from(read.duration) - seconds).abs() < 1e-6, "{} {seconds}", read.duration);
                at += u64::from(*size);
            }
            assert_eq!(file.offsets(rendition)[1], 700 + index.len() as u64);
        }
        let tricks = text_at(&packaged, "video/720p/iframes.m3u8");
        let tricks = parse_media_playlist_res(tricks.as_bytes()).unwrap();
        let rendition = &packaged.renditions[1];
        let offsets = rendition.file.as_ref().unwrap().offsets(rendition);
        for (number, picture) in tricks.segments.iter().enumerate() {
            let range = picture.byte_range.as_ref().unwrap();
            assert_eq!((range.length, range.offset), (1_500, Some(offsets[number + 1])));
        }
    }

    #[test]
    fn the_dash_manifest_leads_to_each_index() {
        let packaged = packaged_in_track_files();
        let mpd = dash_mpd_core::parse(text_at(&packaged, DASH_PATH)).unwrap();
        assert_eq!(mpd.profiles.as_deref(), Some("urn:mpeg:dash:profile:isoff-on-demand:2011"));
        let sets = &mpd.periods[0].adaptations;
        let representations: Vec<_> = sets.iter().flat_map(|set| &set.representations).collect();
        assert_eq!(representations.len(), packaged.renditions.len());
        for (representation, rendition) in representations.into_iter().zip(&packaged.renditions) {
            let file = rendition.file.as_ref().unwrap();
            assert_eq!(representation.BaseURL[0].base, file.path);
            let base = representation.SegmentBase.as_ref().unwrap();
            let init = base.Initialization.as_ref().unwrap();
            assert_eq!(init.range.as_deref(), Some("0-699"));
            let range = format!("700-{}", 700 + file.index_bytes - 1);
            assert_eq!(
                (base.indexRange.as_deref(), base.timescale),
                (Some(&*range), Some(rendition.timescale.into()))
            );
        }
        for set in sets {
            assert!(set.SegmentTemplate.is_none());
            assert_eq!((set.subsegmentAlignment, set.subsegmentStartsWithSAP), (Some(true), Some(1)));
        }
    }

    #[test]
    fn a_gap_is_a_part_of_the_segment_before_it() {
        let mut rendition = packaged_in_track_files().renditions.remove(0);
        let segment = |start_ticks, duration_ticks, bytes| Segment {
            start_ticks,
            duration_ticks,
            samples: 1,
            bytes,
            first_picture_end: 0,
        };
        rendition.segments = vec![segment(0, 10, 5), segment(15, 10, 6), segment(25, 7, 8)];
        assert_eq!(listed(&index(&rendition).unwrap()).2, [(5, 15), (6, 10), (8, 7)]);
    }

    #[test]
    fn what_no_index_can_list_is_refused() {
        let mut rendition = packaged_in_track_files().renditions.remove(0);
        let first = rendition.segments[0];
        rendition.segments[0].bytes = 1 << 31;
        assert_eq!(index(&rendition).unwrap_err().code, Code::Internal);
        rendition.segments = vec![first; 65_536];
        for (number, segment) in (0..).zip(&mut rendition.segments) {
            segment.start_ticks = number;
        }
        assert_eq!(index(&rendition).unwrap_err().code, Code::Internal);
        rendition.segments.pop();
        assert_eq!(listed(&index(&rendition).unwrap()).2.len(), 65_535);
    }

    #[test]
    fn other_content_has_another_name_and_other_sizes_are_refused() {
        let packaged = packaged_in_track_files();
        let rendition = &packaged.renditions[0];
        let part = |size_bytes, sha256: &str| PartFacts { size_bytes, sha256: sha256.into() };
        let parts = |last: &str| {
            let sizes = rendition.segments.iter().map(|segment| segment.bytes);
            let mut parts: Vec<PartFacts> =
                [700].into_iter().chain(sizes).map(|size| part(size, "aa")).collect();
            parts.last_mut().unwrap().sha256 = last.into();
            parts
        };
        let path = |last| TrackFile::of(rendition, &parts(last)).unwrap().path;
        assert_eq!(path("bb"), path("bb"));
        assert_ne!(path("bb"), path("cc"));
        assert!(path("bb").starts_with("video/1080p/") && path("bb").ends_with(".mp4"));
        let mut cut = parts("bb");
        cut[3].size_bytes -= 1;
        assert_eq!(TrackFile::of(rendition, &cut).unwrap_err().code, Code::CountMismatch);
        assert_eq!(TrackFile::of(rendition, &cut[..4]).unwrap_err().code, Code::CountMismatch);
        assert_eq!(TrackFile::of(rendition, &[]).unwrap_err().code, Code::CountMismatch);
        let lost = Packaged { files: packaged.files[1..].to_vec(), ..packaged.clone() };
        let facts = |_: &super::super::StagedFile| Ok(part(700, "aa"));
        assert_eq!(lost.in_track_files(facts).unwrap_err().code, Code::CountMismatch);
    }
}
