//! Videos with caption data in their pictures, for tests.

use std::process::Command;

/// Triplets that one picture can carry: their count has five bits (CTA-708-E, 4.3).
pub const TRIPLETS_MAX: usize = 31;
/// Nanoseconds of a picture.
pub const PICTURE_NS: u64 = 40_000_000;

/// A pair of line 21 as a triplet of field 1, with odd parity.
pub fn line21(pair: [u8; 2]) -> [u8; 3] {
    let odd = |byte: u8| byte | if byte.count_ones().is_multiple_of(2) { 0x80 } else { 0 };
    [0xfc, odd(pair[0]), odd(pair[1])]
}

/// An H.264 access unit's supplemental message with these triplets (ATSC A/53 part 4, 6.2.3: user data of a registered
/// country and provider, `GA94`, type 3).
fn message(triplets: &[[u8; 3]]) -> Vec<u8> {
    assert!(triplets.len() <= TRIPLETS_MAX);
    let head = [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03, 0xc0 | triplets.len() as u8, 0xff];
    let body = [&head, triplets.as_flattened(), &[0xff]].concat();
    let mut unit = vec![0, 0, 0, 1, 0x06, 0x04, body.len() as u8];
    for byte in body {
        // Emulation prevention (ITU-T H.264, 7.4.1).
        if byte <= 3 && unit.ends_with(&[0, 0]) {
            unit.push(3);
        }
        unit.push(byte);
    }
    unit.push(0x80);
    unit
}

/// An MP4 with a picture for each element, which has these triplets.
pub fn captioned(pictures: &[Vec<[u8; 3]>]) -> tempfile::NamedTempFile {
    let raw = tempfile::Builder::new().suffix(".h264").tempfile().unwrap();
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "smptebars=s=64x64:r=25", "-frames:v"])
        .args([&pictures.len().to_string(), "-c:v", "libx264", "-preset", "ultrafast"])
        .args(["-x264-params", "aud=1:bframes=0:sliced-threads=0:slices=1", "-f", "h264"])
        .arg(raw.path())
        .status()
        .unwrap();
    assert!(made.success());
    let stream = std::fs::read(raw.path()).unwrap();
    let mut pictures = pictures.iter();
    let mut with = Vec::new();
    let mut at = 0;
    // After each access unit delimiter, whose unit is two bytes long.
    while let Some(found) = stream[at..].windows(5).position(|window| window == [0, 0, 0, 1, 0x09]) {
        let end = at + found + 6;
        with.extend_from_slice(&stream[at..end]);
        with.extend(message(pictures.next().unwrap()));
        at = end;
    }
    with.extend_from_slice(&stream[at..]);
    assert!(pictures.next().is_none(), "a picture for every element");
    std::fs::write(raw.path(), with).unwrap();
    let movie = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-r", "25", "-i"])
        .arg(raw.path())
        .args(["-c", "copy"])
        .arg(movie.path())
        .status()
        .unwrap();
    assert!(made.success());
    movie
}
