//! Reads tracks of positions and device data that no demuxer exposes. They are found by the tables of the movie (ISO/IEC
//! 14496-12, 8.6 and 8.7). The first and the last sample are read, and one every few seconds between them.

mod gpmf;
#[cfg(test)]
mod gpmf_samples;

pub use gpmf::read as read_gpmf;

use reelgate_flow::place::TextPlace;
use reelgate_flow::surface::{NotSearched, Surface};

use super::lines::{Lines, position_place};
use crate::isobmff::{Cursor, Movie, Role, Track, time_ns};
use crate::source::Source;

/// Interval of the positions that are read, nanoseconds. Within it, a camera hardly moves.
const INTERVAL_NS: u64 = 10_000_000_000;
/// Samples read of one track.
const SAMPLES_MAX: usize = 2_000;
/// Bytes read of one sample.
const SAMPLE_BYTES_MAX: u64 = 1 << 20;

/// Adds positions and devices of every metadata track of an ISO base media file. A track in a format other than GPMF is
/// recorded as not searched.
pub fn collect(source: &Source, lines: &mut Lines) {
    // Without a movie there is no film, and inspection has refused the file.
    let Ok(movie) = Movie::read(source) else { return };
    for track in movie.tracks.iter().filter(|track| track.role == Role::Metadata) {
        let format = track.descriptions.first().map(|description| description.entry.kind);
        if format != Some(*b"gpmd") {
            lines.record_gap(Surface::Telemetry, None, NotSearched::UnknownForm);
        } else if track.is_damaged {
            lines.record_gap(Surface::Locations, None, NotSearched::Damaged);
        } else {
            read_samples(source, track, lines);
        }
    }
}

fn read_samples(source: &Source, track: &Track, lines: &mut Lines) {
    let (samples, mut cursor) = (track.samples.count(), Cursor::default());
    let mut next_ns = 0;
    let mut count = 0;
    for sample in 0..samples {
        let Some(packet) = track.samples.packet(sample, &mut cursor) else {
            return lines.record_gap(Surface::Locations, None, NotSearched::Damaged);
        };
        let ns = |ticks: i64| time_ns(ticks, track.timescale);
        let start_ns = ns(packet.shown);
        if start_ns < next_ns && sample + 1 < samples {
            continue;
        }
        count += 1;
        if count > SAMPLES_MAX {
            return lines.record_gap(Surface::Locations, None, NotSearched::LimitReached);
        }
        if packet.bytes > SAMPLE_BYTES_MAX {
            lines.record_gap(Surface::Locations, None, NotSearched::LimitReached);
            continue;
        }
        next_ns = start_ns.saturating_add(INTERVAL_NS);
        let mut bytes = vec![0; packet.bytes as usize]; // bounded above
        let Ok(read) = source.read_at(packet.offset, &mut bytes) else {
            return lines.record_gap(Surface::Locations, None, NotSearched::Damaged);
        };
        let end_ns = ns(packet.shown.saturating_add_unsigned(packet.duration));
        let place = TextPlace { start_ns: Some(start_ns), end_ns: Some(end_ns), ..position_place(None) };
        read_gpmf(&bytes[..read], place, lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;
    use crate::test_boxes::{atom, media, numbers};

    /// A movie whose only track is metadata of this format, one sample a second in one chunk.
    fn movie(format: &[u8; 4], samples: &[Vec<u8>]) -> Vec<u8> {
        let mdat = atom(b"mdat", &samples.concat());
        let sizes: Vec<u32> = samples.iter().map(|sample| sample.len() as u32).collect();
        let trak = atom(b"trak", &media(b"meta", format, &sizes));
        let header = atom(b"mvhd", &numbers(&[&[0, 0, 0, 1_000][..], &[0; 21]].concat()));
        [mdat, atom(b"moov", &[header, trak].concat())].concat()
    }

    fn collected(file: &[u8]) -> Lines {
        let mut lines = Lines::default();
        collect(&source(file), &mut lines);
        lines
    }

    #[test]
    fn positions_of_the_first_the_last_and_every_tenth_second_are_read_with_their_times() {
        let samples: Vec<_> = (0..25).map(|n| gpmf_samples::sample(100_000_000 + n, 22_945_000, 3)).collect();
        let text = String::from_utf8(collected(&movie(b"gpmd", &samples)).jsonl).unwrap();
        let times: Vec<u64> = text
            .lines()
            .map(|line| serde_json::from_str::<reelgate_pipelines::messages::TextLine>(line).unwrap())
            .filter(|line| line.field == "position")
            .map(|line| line.start_ns.unwrap() / 1_000_000_000)
            .collect();
        assert_eq!(times, [0, 10, 20, 24]);
    }

    #[test]
    fn a_track_in_another_format_or_with_broken_tables_is_recorded_as_not_searched() {
        let why = |file: &[u8]| {
            let reports = collected(file).reports();
            let gap = reports.iter().find_map(|report| Some((report.surface, report.gaps.first()?.why)));
            gap.filter(|_| reports.iter().all(|report| report.is_consistent()))
        };
        let samples = [gpmf_samples::sample(1, 2, 3)];
        let unknown = (Surface::Telemetry, NotSearched::UnknownForm);
        assert_eq!(why(&movie(b"mebx", &samples)), Some(unknown));
        let mut broken = movie(b"gpmd", &samples);
        let at = broken.windows(4).position(|window| window == b"stco").unwrap();
        broken[at..at + 4].copy_from_slice(b"free");
        assert_eq!(why(&broken), Some((Surface::Locations, NotSearched::Damaged)));
        assert_eq!(why(&movie(b"gpmd", &samples)), None);
    }
}
