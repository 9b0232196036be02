//! Boxes of ISO base media files, made for tests (ISO/IEC 14496-12, 4.2).

/// A box with this content.
pub fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// Numbers of 32 bits.
pub fn numbers(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// The `mdia` of a track with samples of these sizes, one second each, in one chunk that begins at the eighth byte of the file.
pub fn media(handler: &[u8; 4], format: &[u8; 4], sizes: &[u32]) -> Vec<u8> {
    let count = sizes.len() as u32;
    let stbl = [
        atom(b"stsd", &[&numbers(&[0, 1])[..], &atom(format, &[0; 8])].concat()),
        atom(b"stts", &numbers(&[0, 1, count, 1_000])),
        atom(b"stsc", &numbers(&[0, 1, 1, count, 1])),
        atom(b"stsz", &[numbers(&[0, 0, count]), numbers(sizes)].concat()),
        atom(b"stco", &numbers(&[0, 1, 8])),
    ];
    let mdia = [
        atom(b"mdhd", &numbers(&[0, 0, 0, 1_000, count * 1_000, 0])),
        atom(b"hdlr", &[&[0; 8][..], handler, &[0; 13]].concat()),
        atom(b"minf", &atom(b"stbl", &stbl.concat())),
    ];
    atom(b"mdia", &mdia.concat())
}
