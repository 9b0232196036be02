//! Chapters of ISO base media files, which the demuxer does not announce: tracks of text to which another track refers (QuickTime
//! File Format, "Chapter lists"; the form of a sample is that of 3GPP TS 26.245, 5.17), and the list that Nero's programs
//! write into the movie's user data.

use super::boxes::{Fields, Header};
use super::describe::Chapters;
use crate::isobmff::{Cursor, Movie, Role, children, time_ns};
use crate::source::Source;
use crate::unicode::unicode;

/// Bytes of one title: its length has 16 bits.
const TITLE_BYTES_MAX: u64 = u16::MAX as u64;
/// Nanoseconds in a unit of time of Nero's list.
const NERO_NS: u64 = 100;

/// The chapters of every kind. A title that both kinds have at the same time counts once.
pub fn of_bmff(source: &Source) -> Chapters {
    let mut chapters = Chapters::default();
    chapter_tracks(source, &mut chapters);
    for movie in children(source, Header { kind: *b"file", body: 0, end: source.size_bytes() }) {
        if movie.kind != *b"moov" {
            continue;
        }
        let user_data = children(source, movie).filter(|part| part.kind == *b"udta");
        for list in user_data.flat_map(|part| children(source, part)).filter(|part| part.kind == *b"chpl") {
            chapters.is_damaged |= nero_list(source, list, &mut chapters).is_none();
        }
    }
    chapters.list.sort_by_key(|chapter| chapter.start_ns);
    chapters
}

fn chapter_tracks(source: &Source, chapters: &mut Chapters) {
    // Without a movie there is no film, and inspection has refused the file.
    let Ok(movie) = Movie::read(source) else { return };
    for track in movie.tracks.iter().filter(|track| track.role == Role::Chapters) {
        let (mut cursor, mut sample) = (Cursor::default(), 0);
        while let Some(packet) = track.samples.packet(sample, &mut cursor) {
            if chapters.is_full() {
                chapters.is_cut = true;
                break;
            }
            sample += 1;
            let bytes = packet.bytes.min(TITLE_BYTES_MAX + 2);
            let title = text_sample(source, packet.offset, bytes);
            chapters.is_damaged |= title.is_none();
            let ns = |ticks: i64| time_ns(ticks, track.timescale);
            let end_ns = ns(packet.shown.saturating_add_unsigned(packet.duration));
            chapters.add(ns(packet.shown), Some(end_ns), &title.unwrap_or_default());
        }
        // Tables that contradict each other name no place for some samples.
        chapters.is_damaged |= sample < track.samples.count() || track.is_damaged;
    }
}

/// A length in bytes and a text.
fn text_sample(source: &Source, offset: u64, bytes: u64) -> Option<String> {
    let mut fields = Fields::new(source, offset, offset.checked_add(bytes)?);
    let length = fields.u16().ok()?;
    text(&mut fields, length)
}

fn text(fields: &mut Fields<'_>, length: u16) -> Option<String> {
    let bytes: Option<Vec<u8>> = (0..length).map(|_| fields.u8().ok()).collect();
    Some(unicode(&bytes?))
}

/// Version and flags, in version 1 four bytes without a meaning, a count, and for each chapter its start and a counted title.
fn nero_list(source: &Source, list: Header, chapters: &mut Chapters) -> Option<()> {
    let mut fields = Fields::new(source, list.body, list.end);
    let is_first_version = fields.u8().ok()? == 0;
    fields.skip(if is_first_version { 3 } else { 7 }).ok()?;
    for _ in 0..fields.u8().ok()? {
        let start_ns = fields.u64().ok()?.saturating_mul(NERO_NS);
        let length = fields.u8().ok()?;
        let title = text(&mut fields, length.into())?;
        if !chapters.has(start_ns, &title) {
            chapters.add(start_ns, None, &title);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;
    use crate::test_boxes::{atom, media, numbers};

    fn track(id: u32, parts: &[Vec<u8>]) -> Vec<u8> {
        let header = [&[0, 0, 0, id][..], &[0; 17]].concat();
        atom(b"trak", &[atom(b"tkhd", &numbers(&header)), parts.concat()].concat())
    }

    /// A track of text with these samples, one second each, in one chunk at the eighth byte.
    fn text_track(id: u32, samples: &[&[u8]]) -> Vec<u8> {
        let sizes: Vec<u32> = samples.iter().map(|sample| sample.len() as u32).collect();
        track(id, &[media(b"text", b"text", &sizes)])
    }

    /// A video whose chapters are in this track.
    fn video(chapters: u32) -> Vec<u8> {
        let mdia = atom(b"hdlr", &[&[0; 8][..], b"vide", &[0; 13]].concat());
        track(1, &[atom(b"tref", &atom(b"chap", &chapters.to_be_bytes())), atom(b"mdia", &mdia)])
    }

    fn movie(samples: &[&[u8]], parts: &[Vec<u8>]) -> Chapters {
        let header = atom(b"mvhd", &numbers(&[&[0, 0, 0, 1_000][..], &[0; 21]].concat()));
        let movie = atom(b"moov", &[header, parts.concat()].concat());
        of_bmff(&source(&[atom(b"mdat", &samples.concat()), movie].concat()))
    }

    fn found(chapters: &Chapters) -> Vec<(u64, &str)> {
        chapters.list.iter().map(|one| (one.start_ns / 1_000_000, one.title.as_str())).collect()
    }

    fn nero(version: u8, chapters: &[(u64, &str)]) -> Vec<u8> {
        let mut body = vec![version, 0, 0, 0];
        body.extend((0..u32::from(version) * 4).map(|_| 0));
        body.push(chapters.len() as u8);
        for (start_ms, title) in chapters {
            body.extend((start_ms * 10_000).to_be_bytes());
            body.push(title.len() as u8);
            body.extend(title.as_bytes());
        }
        atom(b"udta", &atom(b"chpl", &body))
    }

    #[test]
    fn titles_of_a_chapter_track_are_read_in_both_encodings_and_other_text_is_not() {
        let samples: [&[u8]; 2] = [b"\0\x02Hi\0\0\0\x0cencd\0\0\x01\0", b"\0\x06\xfe\xff\0y\0o"];
        let chapters = movie(&samples, &[video(7), text_track(7, &samples)]);
        assert_eq!(found(&chapters), [(0, "Hi"), (1_000, "yo")]);
        assert_eq!(chapters.list[0].end_ns, Some(1_000_000_000));
        assert!(!chapters.is_damaged && !chapters.is_cut);
        assert_eq!(movie(&samples, &[video(8), text_track(7, &samples)]), Chapters::default());
    }

    #[test]
    fn the_list_of_nero_is_read_in_both_versions_and_adds_only_what_the_track_has_not() {
        for version in [0, 1] {
            let list = nero(version, &[(0, "Hi"), (1_500, "Ann Lee")]);
            let samples: [&[u8]; 1] = [b"\0\x02Hi"];
            let chapters = movie(&samples, &[video(7), text_track(7, &samples), list]);
            assert_eq!(found(&chapters), [(0, "Hi"), (1_500, "Ann Lee")], "{version}");
            assert!(!chapters.is_damaged);
        }
        let late = movie(&[], &[nero(0, &[(u64::MAX / 10_000, "never")])]);
        assert_eq!(late.list[0].start_ns, i64::MAX as u64);
        assert_eq!(found(&movie(&[], &[nero(1, &[(9_000, "b"), (0, "a")])])), [(0, "a"), (9_000, "b")]);
    }

    #[test]
    fn chapters_that_cannot_be_read_whole_are_damaged_or_cut() {
        let samples: [&[u8]; 2] = [b"\0\x09Hi", b"\0\x02yo"];
        let chapters = movie(&samples, &[video(7), text_track(7, &samples)]);
        assert!(chapters.is_damaged);
        assert_eq!(found(&chapters), [(0, ""), (1_000, "yo")]);
        let mut list = nero(0, &[(0, "Hi"), (1, "cut off")]);
        list.truncate(list.len() - 2);
        let cut_off = (list.len() as u32).to_be_bytes();
        list[..4].copy_from_slice(&cut_off);
        let chapters = movie(&[], &[list]);
        assert_eq!((found(&chapters), chapters.is_damaged), (vec![(0, "Hi")], true));
        assert!(!movie(&[], &[video(7), text_track(7, &[])]).is_damaged);
        let many: Vec<&[u8]> = vec![b"\0\x01x"; 1_001];
        let chapters = movie(&many, &[video(7), text_track(7, &many)]);
        assert_eq!((chapters.list.len(), chapters.is_cut), (1_000, true));
    }
}
