//! Reads the metadata blocks of FLAC (RFC 9639, 8): comments, pictures, data of applications, and padding.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::printable::{Budget, search};
use super::value::{Damaged, Window, read};
use super::{id3, vorbis};
use crate::source::Source;

/// Blocks read.
const BLOCKS_MAX: usize = 1_000;
/// Bytes read of one block: its length has 24 bits.
const BLOCK_BYTES_MAX: usize = 1 << 24;

/// Adds every text of the blocks.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let mut window = Window::new(source);
    let mut budget = Budget::default();
    let mut at = id3::end_of_leading_tags(source);
    if window.get(at, 4) != Some(b"fLaC") {
        return Err(Damaged);
    }
    at += 4;
    for _ in 0..BLOCKS_MAX {
        let [kind, size @ ..] = window.array::<4>(at).ok_or(Damaged)?;
        let end = at + 4 + u64::from(u32::from_be_bytes([0, size[0], size[1], size[2]]));
        if end > source.size_bytes() {
            return Err(Damaged);
        }
        block(source, kind & 0x7f, (at + 4, end), &mut budget, lines)?;
        at = end;
        if kind & 0x80 != 0 {
            return Ok(());
        }
    }
    lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
    Ok(())
}

fn block(
    source: &Source,
    kind: u8,
    (start, end): (u64, u64),
    budget: &mut Budget,
    lines: &mut Lines,
) -> Result<(), Damaged> {
    match kind {
        0 | 3 => {} // numbers
        4 => vorbis::collect(&read(source, start, end, BLOCK_BYTES_MAX)?, None, lines)?,
        6 => vorbis::block_picture(&read(source, start, end, BLOCK_BYTES_MAX)?, None, lines)?,
        1 => search(source, (start, end), ("padding", None), budget, lines),
        _ => search(source, (start, end), ("application_data", None), budget, lines),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn block(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind], &(body.len() as u32).to_be_bytes()[1..], body].concat()
    }

    fn file() -> Vec<u8> {
        [
            b"fLaC".to_vec(),
            block(0, &[0x41; 34]),
            block(4, &samples::comments(&["ARTIST=Ann Lee"])),
            block(6, &samples::block()),
            block(2, b"riffdata of an application"),
            block(0x81, b"\0\0\0in the padding\0\0"),
            vec![0xff, 0xf8],
        ]
        .concat()
    }

    fn collected(file: &[u8]) -> (String, bool) {
        samples::collected(collect, file)
    }

    #[test]
    fn every_block_with_text_is_read() {
        let (text, is_whole) = collected(&file());
        for value in
            ["Ann Lee", "cover of Dan", "48.858222, 2.294500", "data of an application", "in the padding"]
        {
            assert!(text.contains(value), "{value}: {text}");
        }
        assert!(is_whole && !text.contains("AAAA"), "{text}");
    }

    #[test]
    fn blocks_cut_or_changed_anywhere_never_panic() {
        let whole = file();
        for at in 0..whole.len() {
            collected(&whole[..at]);
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            collected(&changed);
        }
    }
}
