//! Where the parts of a media file are: boxes, elements, packets, chunks, pages, tags.

use std::ops::Range;

/// One part of a file.
#[derive(Clone, Debug)]
pub struct Element {
    /// The whole part with its header.
    pub at: Range<usize>,
    /// What says which kind of part it is.
    pub id: Range<usize>,
    /// What says how long it is.
    pub size: Range<usize>,
}

/// The parts of a file, by its first bytes; none where they are unknown.
pub fn elements(data: &[u8]) -> Vec<Element> {
    let mut found = Vec::new();
    match data {
        [0x1a, 0x45, 0xdf, 0xa3, ..] => matroska(data, 0..data.len(), &mut found),
        [b'R', b'I', b'F', b'F', ..] => riff(data, 0..data.len(), &mut found),
        [b'O', b'g', b'g', b'S', ..] => starts(data, b"OggS", 26..27, &mut found),
        [0, 0, 1, 0xba, ..] => starts(data, &[0, 0, 1], 4..6, &mut found),
        [b'F', b'L', b'V', ..] => flv(data, &mut found),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => boxes(data, 0..data.len(), &mut found),
        _ if is_transport(data, 188, 0) => packets(data, 188, 0, &mut found),
        _ if is_transport(data, 192, 4) => packets(data, 192, 4, &mut found),
        _ => {}
    }
    found
}

fn number(data: &[u8], at: Range<usize>) -> usize {
    data[at].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// ISO/IEC 14496-12, 4.2.
fn boxes(data: &[u8], within: Range<usize>, found: &mut Vec<Element>) {
    const HOLD_OTHERS: [&[u8]; 12] = [
        b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"moof", b"traf", b"udta",
        b"mfra",
    ];
    let mut at = within.start;
    while at + 8 <= within.end {
        let size = number(data, at..at + 4);
        let end = at.saturating_add(size);
        if size < 8 || end > within.end {
            return;
        }
        found.push(Element { at: at..end, id: at + 4..at + 8, size: at..at + 4 });
        if HOLD_OTHERS.contains(&&data[at + 4..at + 8]) {
            boxes(data, at + 8..end, found);
        }
        at = end;
    }
}

/// RFC 8794, 4 and 5.
fn matroska(data: &[u8], within: Range<usize>, found: &mut Vec<Element>) {
    const HOLD_OTHERS: [usize; 9] =
        [0x1853_8067, 0x1549_a966, 0x1654_ae6b, 0xae, 0xe0, 0xe1, 0x1f43_b675, 0xa0, 0x1c53_bb6b];
    let mut at = within.start;
    while at < within.end {
        let id_len = data[at].leading_zeros() as usize + 1;
        let Some(first) = data.get(at + id_len).filter(|_| id_len <= 4) else { return };
        let size_len = first.leading_zeros() as usize + 1;
        let body = at + id_len + size_len;
        if size_len > 8 || body > within.end {
            return;
        }
        let size = number(data, at + id_len..body) & ((1usize << (7 * size_len)) - 1);
        let end = body.saturating_add(size).min(within.end);
        found.push(Element { at: at..end, id: at..at + id_len, size: at + id_len..body });
        if HOLD_OTHERS.contains(&number(data, at..at + id_len)) {
            matroska(data, body..end, found);
        }
        at = end;
    }
}

fn riff(data: &[u8], within: Range<usize>, found: &mut Vec<Element>) {
    let mut at = within.start;
    while at + 8 <= within.end {
        let size = u32::from_le_bytes(data[at + 4..at + 8].try_into().unwrap()) as usize;
        let end = (at + 8).saturating_add(size).min(within.end);
        found.push(Element { at: at..end, id: at..at + 4, size: at + 4..at + 8 });
        if [&b"RIFF"[..], b"LIST"].contains(&&data[at..at + 4]) && at + 12 <= end {
            riff(data, at + 12..end, found);
        }
        at = end + size % 2;
    }
}

/// Parts that begin with a mark: pages of Ogg, packs and packets of a program stream.
fn starts(data: &[u8], mark: &[u8], size: Range<usize>, found: &mut Vec<Element>) {
    let mut marks: Vec<usize> =
        (0..data.len().saturating_sub(32)).filter(|at| data[*at..].starts_with(mark)).collect();
    marks.push(data.len());
    for pair in marks.windows(2) {
        let at = pair[0];
        found.push(Element { at: at..pair[1], id: at + 3..at + 4, size: at + size.start..at + size.end });
    }
}

fn flv(data: &[u8], found: &mut Vec<Element>) {
    let mut at = 13;
    while at + 11 <= data.len() {
        let end = (at + 15 + number(data, at + 1..at + 4)).min(data.len());
        found.push(Element { at: at..end, id: at..at + 1, size: at + 1..at + 4 });
        at = end;
    }
}

fn is_transport(data: &[u8], len: usize, sync: usize) -> bool {
    data.len() > 4 * len && (0..4).all(|packet| data[packet * len + sync] == 0x47)
}

/// ISO/IEC 13818-1, 2.4.3: the identifier is the PID; the length is that of the adaptation field.
fn packets(data: &[u8], len: usize, sync: usize, found: &mut Vec<Element>) {
    for at in (0..data.len() / len).map(|packet| packet * len) {
        let head = at + sync;
        found.push(Element { at: at..at + len, id: head + 1..head + 3, size: head + 4..head + 5 });
    }
}
