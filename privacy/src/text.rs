//! Text that is not prose: file names and object keys.
//!
//! People put data into names (`john_4539578763621486.mp4`), with the separators that names allow. A name is converted
//! to readable text without moving a character, so places in the result are also places in the name.

/// The [`surface`](reelgate_flow::place::TextPlace::surface) of a file name or object key. The scanner reads lines
/// of this surface through [`file_name`].
pub const FILE_NAME: &str = "file_name";

/// Endings that state the type of a file. No mail domain in real use ends in one of them.
const EXTENSIONS: &[&str] = &[
    "3g2", "3gp", "aac", "ac3", "aif", "aiff", "ass", "avi", "bmp", "csv", "dv", "eac3", "flac", "flv",
    "gif", "h264", "hevc", "jpeg", "jpg", "json", "jsonl", "log", "m2ts", "m4a", "m4s", "m4v", "mka", "mkv",
    "mks", "mov", "mp3", "mp4", "mpeg", "mpg", "mts", "mxf", "ogg", "ogv", "opus", "pdf", "png", "sha256",
    "srt", "ssa", "sub", "svg", "tif", "tiff", "ts", "ttml", "txt", "vob", "vtt", "wav", "webm", "webp",
    "wmv", "xml",
];

/// Whether `label` is the ending of a media, text or image file.
pub(crate) fn is_extension(label: &str) -> bool {
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(label))
}

/// A file name or key as text: without known endings, and with `_` between digits as a space.
///
/// The result is never longer than `name`, and each of its characters is at the same index in `name`.
pub fn file_name(name: &str) -> String {
    let stem = without_extensions(name);
    let mut text = String::with_capacity(stem.len());
    let mut chars = stem.chars().peekable();
    let mut previous = ' ';
    while let Some(c) = chars.next() {
        let between_digits = previous.is_ascii_digit() && chars.peek().is_some_and(char::is_ascii_digit);
        text.push(if c == '_' && between_digits { ' ' } else { c });
        previous = c;
    }
    text
}

/// The name without its known endings: `a` for `a.mp4.sha256`. `.mp4` alone stays, because a name must not become
/// empty.
fn without_extensions(name: &str) -> &str {
    let mut stem = name;
    while let Some((rest, label)) = stem.rsplit_once('.') {
        let is_last_word = rest.is_empty() || rest.ends_with('/');
        if is_last_word || !is_extension(label) {
            break;
        }
        stem = rest;
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_its_endings_and_nothing_else() {
        assert_eq!(file_name("john_4539578763621486.mp4"), "john_4539578763621486");
        assert_eq!(file_name("a.b@c.org.mov"), "a.b@c.org");
        assert_eq!(file_name("clip.MP4.sha256"), "clip");
        assert_eq!(file_name("holiday.2019"), "holiday.2019");
        assert_eq!(file_name("in/.mp4"), "in/.mp4");
        assert_eq!(file_name(""), "");
    }

    #[test]
    fn underscores_between_digits_become_spaces_at_the_same_index() {
        assert_eq!(file_name("card_4539_5787_6362_1486_x.mkv"), "card_4539 5787 6362 1486_x");
        assert_eq!(file_name("é_1_2_3"), "é_1 2 3");
    }
}
