//! I-frame playlists, by which players show a film quickly: where each picture begins, and that the bytes of each decode alone.

use std::path::Path;
use std::process::Command;

/// One picture of an I-frame playlist.
pub struct IFrame {
    /// When it begins, in seconds.
    pub start_s: f64,
    offset: usize,
    bytes: usize,
    file: String,
    /// File and length of the header, with which the file begins.
    header: (String, Option<usize>),
}

/// Paths of the I-frame playlists that a multivariant playlist lists.
fn playlists(folder: &Path) -> Vec<String> {
    let master = std::fs::read_to_string(folder.join("master.m3u8")).unwrap();
    let listed = master.lines().filter(|line| line.starts_with("#EXT-X-I-FRAME-STREAM-INF:"));
    listed.map(|line| line.split_once("URI=\"").unwrap().1.trim_end_matches('"').to_owned()).collect()
}

/// The pictures of the first I-frame playlist; none without one.
pub fn first(folder: &Path) -> Vec<IFrame> {
    playlists(folder).first().map(|name| read(&folder.join(name))).unwrap_or_default()
}

fn read(playlist: &Path) -> Vec<IFrame> {
    let text = std::fs::read_to_string(playlist).unwrap();
    let (mut frames, mut start_s, mut length_s, mut range) = (Vec::new(), 0.0, 0.0, (0, 0));
    let mut header = (String::new(), None);
    for line in text.lines() {
        if let Some(map) = line.strip_prefix("#EXT-X-MAP:URI=\"") {
            let (file, rest) = map.split_once('"').unwrap();
            let bytes = rest.split_once("BYTERANGE=\"").map(|(_, range)| range.split_once("@0\"").unwrap().0);
            header = (file.to_owned(), bytes.map(|bytes| bytes.parse().unwrap()));
        } else if let Some(duration) = line.strip_prefix("#EXTINF:") {
            length_s = duration.trim_end_matches(',').parse::<f64>().unwrap();
        } else if let Some(bytes) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (bytes, offset) = bytes.split_once('@').unwrap();
            range = (offset.parse().unwrap(), bytes.parse().unwrap());
        } else if !line.starts_with('#') && !line.is_empty() {
            let (file, header) = (line.to_owned(), header.clone());
            frames.push(IFrame { start_s, offset: range.0, bytes: range.1, file, header });
            start_s += length_s;
        }
    }
    frames
}

/// What is wrong with the I-frame playlists of a publication.
pub fn complaints(folder: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in playlists(folder) {
        let playlist = folder.join(&name);
        let rung = playlist.parent().unwrap();
        let frames = read(&playlist);
        if frames.is_empty() {
            wrong.push(format!("{}: no picture", playlist.display()));
        }
        for frame in &frames {
            let segment = std::fs::read(rung.join(&frame.file)).unwrap();
            let header = std::fs::read(rung.join(&frame.header.0)).unwrap();
            let header = &header[..frame.header.1.unwrap_or(header.len())];
            let alone = [header, &segment[frame.offset..frame.offset + frame.bytes]].concat();
            let pictures = pictures(&alone);
            if pictures != 1 {
                wrong.push(format!(
                    "{} {}: {pictures} pictures decode alone",
                    playlist.display(),
                    frame.file
                ));
            }
        }
    }
    wrong
}

/// How many pictures ffmpeg decodes of a file that ends early.
fn pictures(bytes: &[u8]) -> usize {
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "quiet", "-i"]).arg(file.path());
    ffmpeg.args(["-vsync", "passthrough", "-vf", "scale=2:2", "-pix_fmt", "gray", "-f", "rawvideo", "-"]);
    ffmpeg.output().expect("ffmpeg starts").stdout.len() / 4
}
