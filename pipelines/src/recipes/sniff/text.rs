//! Text uploads: which of them point to other media, and the names of the others.
//!
//! A playlist named `upload.mp4` makes auto-plugging players open other files and addresses. Reelgate never follows
//! one. The refusal names the kind of text, so that the producer sees the mistake and the operator sees the attack.

/// Characters at the beginning that are read. They leave room for comments before a reference.
const HEAD_CHARS: usize = 8_192;

/// Beginnings, in lower case, of files that only refer to other media.
const REFERENCE_STARTS: &[(&str, &str)] = &[
    ("#extm3u", "an HLS or M3U playlist"),
    ("#ext-x-", "an HLS playlist"),
    ("#extinf", "an M3U playlist"),
    ("ffconcat", "a concatenation list"),
    ("file '", "a concatenation list"),
    ("[playlist]", "a PLS playlist"),
    ("[reference]", "an ASX reference"),
    ("asf http", "an ASX reference"),
    ("rtsptext", "a QuickTime link"),
    ("smiltext", "a QuickTime link"),
    ("# mpv edl", "an edit list"),
    ("mplayer edl", "an edit list"),
    ("<?quicktime", "a QuickTime link"),
    ("<?wpl", "a Windows Media playlist"),
];

/// Root elements, in lower case and without prefix, of XML that points to media.
const REFERENCE_ROOTS: &[(&str, &str)] = &[
    ("mpd", "a DASH manifest"),
    ("smoothstreamingmedia", "a Smooth Streaming manifest"),
    ("smil", "a SMIL presentation"),
    ("playlist", "an XSPF playlist"),
    ("asx", "an ASX playlist"),
    ("compositionplaylist", "an IMF composition playlist"),
    ("mlt", "an MLT project"),
    ("fcpxml", "a Final Cut project"),
    ("xmeml", "a Final Cut project"),
];

/// The kind of reference that the upload is; `None` if it is no reference.
pub fn reference(prefix: &[u8]) -> Option<&'static str> {
    let head = head(prefix)?;
    let text = head.as_str();
    if let Some((_, name)) = REFERENCE_STARTS.iter().find(|(start, _)| text.starts_with(start)) {
        return Some(name);
    }
    if let Some(root) = root_element(text) {
        return REFERENCE_ROOTS.iter().find(|(name, _)| *name == root).map(|(_, name)| *name);
    }
    // RFC 8866, section 5: the version line comes first, the origin line second.
    if text.starts_with("v=0") && text.contains("\no=") {
        return Some("a session description (SDP)");
    }
    // text/uri-list (RFC 2483, section 5) and plain M3U: the first line that is no comment.
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().filter(|line| is_address(line)).map(|_| "a list of addresses")
}

/// The kind of text that the upload is; `None` if it is no text. For uploads that are no reference.
pub fn kind(prefix: &[u8]) -> Option<&'static str> {
    let head = head(prefix)?;
    let text = head.as_str();
    if text.starts_with("webvtt") || text.starts_with("scenarist_scc") || text.starts_with("[script info]") {
        return Some("a subtitle file without media");
    }
    if text.lines().take(3).any(|line| line.contains(" --> ")) {
        return Some("a subtitle file without media");
    }
    match root_element(text).as_deref() {
        Some("tt") => return Some("a subtitle file without media"),
        Some("html" | "!doctype") => return Some("a web page"),
        Some(_) => return Some("an XML document"),
        None => {}
    }
    let is_text = text.chars().all(|c| !c.is_control() || c.is_whitespace()) && !text.contains('\u{FFFD}');
    is_text.then_some("a text")
}

/// The beginning of the text in lower case, without byte-order mark and leading white space. UTF-16 is recognised by
/// its mark, or without a mark if the text begins with ASCII characters. `None` if no text is left.
fn head(prefix: &[u8]) -> Option<String> {
    let text = match prefix {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [1..=0xFF, 0, 1..=0xFF, 0, ..] => utf16(prefix, u16::from_le_bytes),
        [0, 1..=0xFF, 0, 1..=0xFF, ..] => utf16(prefix, u16::from_be_bytes),
        _ => utf8(prefix),
    };
    let trimmed = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}' || c == '\0');
    (!trimmed.is_empty()).then(|| trimmed.to_ascii_lowercase())
}

fn utf8(bytes: &[u8]) -> String {
    let bytes = bytes.get(..HEAD_CHARS).unwrap_or(bytes);
    match core::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // The last character that is read may be cut in the middle.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into()
        }
        Err(_) => String::from_utf8_lossy(bytes).into(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .take(HEAD_CHARS)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// The local name of the first element after declarations, comments and the document type.
fn root_element(text: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let end = match rest {
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<!doctype html") => return Some("html".into()),
            _ if rest.starts_with("<!") => ">",
            _ => break,
        };
        rest = rest.split_once(end)?.1;
    }
    let name = rest.strip_prefix('<')?.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next()?;
    let local = name.rsplit_once(':').map_or(name, |(_, local)| local);
    (!local.is_empty() && local.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)))
        .then(|| local.into())
}

/// Whether the line is a URI with an authority (RFC 3986, section 3), or has a scheme that works without one.
fn is_address(line: &str) -> bool {
    const WITHOUT_AUTHORITY: &[&str] =
        &["file", "data", "concat", "subfile", "crypto", "cache", "pipe", "fd", "udp", "rtp"];
    let Some((scheme, rest)) = line.split_once(':') else { return false };
    let mut chars = scheme.chars();
    let is_scheme = chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || "+-.,".contains(c));
    is_scheme && (rest.starts_with("//") || WITHOUT_AUTHORITY.contains(&scheme))
}
