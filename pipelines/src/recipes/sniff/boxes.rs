//! ISO base media and QuickTime: the type and size of the first box.

use reelgate_flow::reason::{Code, Fault};

/// Boxes that a file may begin with. ISO/IEC 14496-12 (4.3) requires `ftyp`. Older QuickTime files begin with any of
/// the others, and fragments cut from a stream begin with `styp`, `sidx` or `moof`.
const FIRST_BOXES: &[&[u8; 4]] =
    &[b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"uuid", b"sidx", b"moof"];

/// Major brands of still pictures and picture sequences (ISO/IEC 23008-12, AVIF, Canon raw).
const PICTURE_BRANDS: &[&[u8; 4]] = &[
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1",
    b"avif", b"avis", b"jpeg", b"jpgs", b"crx ",
];

/// Whether the upload begins as ISO base media. A picture in that format is refused.
pub fn matches(prefix: &[u8], size_bytes: u64) -> Result<bool, Fault> {
    let (Some(size), Some(kind)) = (prefix.first_chunk::<4>(), prefix.get(4..8)) else { return Ok(false) };
    if !FIRST_BOXES.iter().any(|known| known.as_slice() == kind) || !plausible(*size, prefix, size_bytes) {
        return Ok(false);
    }
    let brand = prefix.get(8..12).unwrap_or_default();
    if kind == b"ftyp" && PICTURE_BRANDS.iter().any(|known| known.as_slice() == brand) {
        return Err(Fault::new(Code::NotMedia, "a picture (HEIF family)"));
    }
    Ok(true)
}

/// Whether the size of the first box is plausible. It may reach past the end, because a truncated upload is reported
/// later. But then it must not be four letters of a text that continues with the name of a box.
fn plausible(size: [u8; 4], prefix: &[u8], size_bytes: u64) -> bool {
    match u32::from_be_bytes(size) {
        0 => true, // to the end of the file
        1 => prefix
            .get(8..16)
            .and_then(|large| large.try_into().ok())
            .is_some_and(|large| u64::from_be_bytes(large) >= 16),
        2..8 => false,
        size => u64::from(size) <= size_bytes || !size_is_text(size.to_be_bytes()),
    }
}

fn size_is_text(size: [u8; 4]) -> bool {
    size.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}
