//! Samples of a GPMF track, for tests.

/// One item: key, type and size of a structure, then its data with padding.
pub fn item(key: &[u8; 4], kind: u8, structure: u8, data: &[u8]) -> Vec<u8> {
    let count = data.len().checked_div(structure.into()).unwrap_or(0) as u16;
    let mut bytes = [key, &[kind, structure][..], &count.to_be_bytes(), data].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A sample of a camera at a position in ten-millionths of a degree.
pub fn sample(latitude: i32, longitude: i32, fix: u32) -> Vec<u8> {
    let scale: Vec<u8> =
        [10_000_000, 10_000_000, 1000, 1000, 100].iter().flat_map(|n: &i32| n.to_be_bytes()).collect();
    let gps: Vec<u8> = [latitude, longitude, 1, 2, 3].iter().flat_map(|n: &i32| n.to_be_bytes()).collect();
    let stream = [
        item(b"GPSF", b'L', 4, &fix.to_be_bytes()),
        item(b"SCAL", b'l', 4, &scale),
        item(b"GPS5", b'l', 20, &[&gps[..], &gps].concat()),
    ];
    let device = [item(b"DVNM", b'c', 1, b"Hero Nine"), item(b"STRM", 0, 1, &stream.concat())];
    item(b"DEVC", 0, 1, &device.concat())
}
