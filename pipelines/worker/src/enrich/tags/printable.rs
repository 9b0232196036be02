//! Searches bytes in an unknown form for text: runs of characters that people can read, in UTF-8 or UTF-16. A text that is
//! written as it is cannot hide in them. What is packed or encrypted can, so it is recorded as not searched.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;

use super::runs::{OVERLAP_BYTES, RUN_MIN, pieces, runs};
use super::{exif, picture, value};
use crate::source::Source;

/// The same within bytes that look random, where short runs are chance.
const RUN_MIN_IN_NOISE: usize = 12;
/// Bytes in memory.
const BLOCK_BYTES: usize = 1 << 20;
/// Fewer bytes say nothing about whether they are random.
const NOISE_BYTES_MIN: u64 = 4 << 10;
/// Bytes of a header in front of a thumbnail, and bytes read of a picture.
const PICTURE_HEADER_BYTES_MAX: usize = 64;
const PICTURE_BYTES_MAX: usize = 32 << 20;
/// Bits of information in each byte of what is packed or encrypted. Text, tables and machine code have fewer.
const NOISE_BITS: f64 = 7.5;
/// Beginnings of packed files and documents: gzip, zip, 7z, RAR, xz, zstd, bzip2, PDF, Office.
const PACKED: [&[u8]; 9] = [
    &[0x1f, 0x8b, 0x08],
    b"PK\x03\x04",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\xfd7zXZ\0",
    &[0x28, 0xb5, 0x2f, 0xfd],
    b"BZh",
    b"%PDF-",
    &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
];

/// Bytes in unknown form that may still be searched in a file.
pub struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(64 << 20)
    }
}

/// What a search found out about its bytes.
struct Statistics {
    counts: [u64; 256],
}

impl Statistics {
    fn add(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.counts[usize::from(*byte)] += 1);
    }

    /// Whether the bytes are as good as random. Zeros are padding and do not count.
    fn is_noise(&self) -> bool {
        let total: u64 = self.counts[1..].iter().sum();
        let share = |count: &u64| *count as f64 / total as f64;
        let used = self.counts[1..].iter().filter(|count| **count > 0);
        let bits: f64 = used.map(|count| -share(count) * share(count).log2()).sum();
        total >= NOISE_BYTES_MIN && bits > NOISE_BITS
    }
}

/// Adds every run of text between two places of the source. What cannot be searched is a gap of the tags.
pub fn search(
    source: &Source,
    (start, end): (u64, u64),
    (field, track): (&str, Option<u32>),
    budget: &mut Budget,
    lines: &mut Lines,
) {
    let end = end.min(source.size_bytes());
    let mut all = Statistics { counts: [0; 256] };
    let mut is_picture = false;
    let mut at = start;
    while at < end {
        let length = end.saturating_sub(at).min(BLOCK_BYTES as u64) as usize; // at most BLOCK_BYTES
        let mut block = vec![0; length];
        let Ok(read) = source.read_at(at, &mut block) else {
            return lines.record_gap(Surface::Tags, track, NotSearched::Damaged);
        };
        block.truncate(read);
        if block.is_empty() {
            break;
        }
        let is_last = at.saturating_add(read as u64) >= end;
        if block.iter().all(|byte| *byte == block[0]) {
            at += read as u64; // padding
            continue;
        }
        if budget.0 < read as u64 {
            return lines.record_gap(Surface::Tags, track, NotSearched::LimitReached);
        }
        budget.0 -= read as u64;
        if at == start {
            is_picture = match picture_at(&block).filter(|_| !is_last) {
                // A picture is read as a whole.
                Some(_) => match value::read(source, start, end, PICTURE_BYTES_MAX) {
                    Ok(bytes) => known_form(&bytes, end - start <= PICTURE_BYTES_MAX as u64, track, lines),
                    Err(_) => false,
                },
                None => known_form(&block, true, track, lines),
            };
        }
        all.add(&block);
        let used = add_runs(&block, is_last, (field, track), lines);
        at += used as u64;
    }
    if all.is_noise() && !is_picture {
        lines.record_gap(Surface::Tags, track, NotSearched::UnknownForm);
    }
}

/// Adds every run of text in these bytes. What cannot be searched is a gap of the tags.
pub fn search_bytes(bytes: &[u8], field: &str, track: Option<u32>, lines: &mut Lines) {
    let is_picture = known_form(bytes, true, track, lines);
    add_runs(bytes, true, (field, track), lines);
    let mut all = Statistics { counts: [0; 256] };
    all.add(bytes);
    if all.is_noise() && !is_picture {
        lines.record_gap(Surface::Tags, track, NotSearched::UnknownForm);
    }
}

/// Adds every run of text in bytes that are set-up data, which may look random without hiding anything.
pub fn add_text(bytes: &[u8], field: &str, track: Option<u32>, lines: &mut Lines) {
    add_runs(bytes, true, (field, track), lines);
}

/// Reads pictures and camera data by their own readers, and recognises what is packed. Returns whether it is a picture.
fn known_form(bytes: &[u8], is_whole: bool, track: Option<u32>, lines: &mut Lines) -> bool {
    if PACKED.iter().any(|packed| bytes.starts_with(packed)) {
        lines.record_gap(Surface::Tags, track, NotSearched::UnknownForm);
    } else if let Some(at) = picture_at(bytes) {
        picture::collect(&bytes[at..], track, lines);
        if !is_whole {
            lines.record_gap(Surface::Tags, track, NotSearched::LimitReached);
        }
        return true;
    } else if exif::is_one(bytes) {
        exif::collect(bytes, track, lines);
    }
    false
}

/// Where a picture begins: at the front, or behind a short header.
fn picture_at(bytes: &[u8]) -> Option<usize> {
    (0..PICTURE_HEADER_BYTES_MAX.min(bytes.len())).find(|at| picture::is_one(&bytes[*at..]))
}

/// Adds the runs of a block, and returns how many of its bytes are done. A run that goes on behind the block is left for the
/// next, which begins with it.
fn add_runs(block: &[u8], is_last: bool, (field, track): (&str, Option<u32>), lines: &mut Lines) -> usize {
    let mut noise = Statistics { counts: [0; 256] };
    noise.add(block);
    let shortest = if noise.is_noise() { RUN_MIN_IN_NOISE } else { RUN_MIN };
    let mut done = if is_last { block.len() } else { block.len().saturating_sub(OVERLAP_BYTES).max(1) };
    for run in runs(block, shortest) {
        if !is_last && run.end == block.len() && run.start > 0 {
            done = run.start;
            break;
        }
        done = done.max(run.end);
        for piece in pieces(&run.text) {
            lines.add_tag(field, track, piece);
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;

    fn searched(bytes: &[u8]) -> (String, Vec<NotSearched>) {
        let mut lines = Lines::default();
        search(
            &source(bytes),
            (0, bytes.len() as u64),
            ("unknown", None),
            &mut Budget::default(),
            &mut lines,
        );
        let gaps = lines.reports()[0].gaps.iter().map(|gap| gap.why).collect();
        (String::from_utf8(lines.jsonl).unwrap(), gaps)
    }

    /// Bytes that look random.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn a_text_across_blocks_stays_whole_and_a_long_one_becomes_several_lines() {
        let mut bytes = vec![1; BLOCK_BYTES - 5];
        bytes.extend(b"card number 4539578763621486");
        bytes.extend(vec![1; BLOCK_BYTES]);
        assert!(searched(&bytes).0.contains("card number 4539578763621486"));
        let long = format!("{} 4539578763621486 {}", "word ".repeat(1_700), "word ".repeat(400_000));
        let (found, gaps) = searched(long.as_bytes());
        assert!(found.contains("4539578763621486") && gaps.is_empty(), "{gaps:?}");
    }

    #[test]
    fn what_is_packed_or_encrypted_is_a_gap_and_padding_is_not() {
        for (bytes, expected) in [
            (noise(1_000), vec![]),
            (noise(20_000), vec![NotSearched::UnknownForm]),
            (noise(3 << 20), vec![NotSearched::UnknownForm]),
            (b"\x1f\x8b\x08\0\0".to_vec(), vec![NotSearched::UnknownForm]),
            (b"%PDF-1.7 ".to_vec(), vec![NotSearched::UnknownForm]),
            (vec![0; 80 << 20], vec![]),
            (vec![0xff; 3 << 20], vec![]),
            (b"words and more words ".repeat(1_000), vec![]),
        ] {
            assert_eq!(searched(&bytes).1, expected, "{}", bytes.len());
        }
    }

    #[test]
    fn a_thumbnail_behind_a_header_is_read_as_a_picture_and_is_no_gap() {
        let mut jpeg = super::super::samples::jpeg();
        let at = jpeg.windows(2).position(|bytes| bytes == [0xff, 0xda]).unwrap() + 10;
        let picture: Vec<u8> = noise(2 << 20).into_iter().filter(|byte| *byte != 0xff).collect();
        jpeg.splice(at..at, picture);
        let (found, gaps) = searched(&[&b"\0\0\0\0\x01\x02header"[..], &jpeg].concat());
        assert!(found.contains("48.858222, 2.294500") && gaps.is_empty(), "{gaps:?}");
    }

    #[test]
    fn bytes_beyond_the_budget_are_a_gap() {
        let bytes = b"\x01\x02\x03\x04".repeat(17 << 20);
        assert_eq!(searched(&bytes).1, [NotSearched::LimitReached]);
    }

    #[test]
    fn any_bytes_end_in_linear_time() {
        let mut lines = Lines::default();
        for piece in
            [&b"a\0"[..], b"\0a", b"abcde\x01", b"\xc3", b"\n", b"\xf0\x9f", b"\xff\xd8\xff", b"II*\0"]
        {
            search_bytes(&piece.repeat(200_000), "x", None, &mut lines);
        }
    }
}
