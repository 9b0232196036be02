//! Extracts plain text from subtitle packets. It removes markup and keeps words, including the names in WebVTT voice tags,
//! because personal data is searched in the result. Brackets and braces that may hold a value stay, whatever they are for. The
//! time is linear in the size of the packet.

use gstreamer as gst;

/// The format of a track's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextFormat {
    /// Plain UTF-8.
    Plain,
    /// Pango markup, and the tags of SRT and TTML: tags in angle brackets are removed.
    Markup,
    /// A line of SubStation Alpha as Matroska stores it: fields, of which the ninth is the text (RFC 9559, codec
    /// specifications `S_TEXT/SSA` and `S_TEXT/ASS`).
    Ssa,
    /// A WebVTT cue, with or without its header lines (W3C WebVTT).
    WebVtt,
    /// A subtitle codec that the demuxer does not know, such as WebM's `D_WEBVTT/SUBTITLES` (lines of identifier,
    /// settings and text). It is read as markup if it is text at all.
    Unknown,
}

impl TextFormat {
    /// The format by the caps at the demuxer; `None` for pictures of text and for captions.
    pub fn of(caps: &gst::CapsRef) -> Option<Self> {
        let structure = caps.structure(0)?;
        match structure.name().as_str() {
            "text/x-raw" if structure.get::<&str>("format").ok() == Some("utf8") => Some(Self::Plain),
            "text/x-raw" | "application/ttml+xml" | "application/x-usf" | "application/x-subtitle" => {
                Some(Self::Markup)
            }
            "application/x-ssa" | "application/x-ass" => Some(Self::Ssa),
            "application/x-subtitle-vtt" => Some(Self::WebVtt),
            "application/x-subtitle-unknown" => Some(Self::Unknown),
            _ => None,
        }
    }

    /// What a viewer sees of one packet: its words, for SubStation Alpha without the speaker's name, comments and drawings.
    pub fn shown(self, packet: &[u8]) -> String {
        if self != Self::Ssa {
            return self.words(packet);
        }
        let line = String::from_utf8_lossy(packet);
        let text = line.trim_matches(['\0', '\u{feff}', ' ', '\r', '\n', '\t']).splitn(9, ',').nth(8);
        let text = text.filter(|text| !draws(text));
        tidy(&text.map(without_braces).unwrap_or_default())
    }

    /// The words of one packet, with lines separated by `\n`; empty if there are none.
    pub fn words(self, packet: &[u8]) -> String {
        if self == Self::Unknown && !is_text(packet) {
            return String::new();
        }
        let text = String::from_utf8_lossy(packet);
        let text = text.trim_matches(['\0', '\u{feff}', ' ', '\r', '\n', '\t']);
        let words = match self {
            Self::Plain => text.to_owned(),
            Self::Markup | Self::Unknown => without_markup(text),
            Self::Ssa => ssa_text(text),
            Self::WebVtt => without_markup(vtt_payload(text)),
        };
        tidy(&words)
    }
}

fn is_text(packet: &[u8]) -> bool {
    let odd = |c: char| c.is_control() && !c.is_whitespace() && c != '\0';
    std::str::from_utf8(packet).is_ok_and(|text| !text.contains(odd))
}

/// The speaker's name (fourth field) and the ninth field, without override blocks in braces; `\N` and `\n` break
/// lines, `\h` is a space.
fn ssa_text(line: &str) -> String {
    let fields: Vec<&str> = line.splitn(9, ',').collect();
    let (speaker, text) = match fields[..] {
        [_, _, _, speaker, _, _, _, _, text] => (speaker.trim(), text),
        _ => ("", line),
    };
    let mut words = String::with_capacity(line.len());
    if !speaker.is_empty() {
        words.push_str(speaker);
        words.push_str(": ");
    }
    let mut rest = text;
    while let Some(at) = rest.find(['{', '\\']) {
        words.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match (rest.as_bytes()[0], rest.as_bytes().get(1)) {
            (b'\\', Some(b'N' | b'n')) => {
                words.push('\n');
                2
            }
            (b'\\', Some(b'h')) => {
                words.push(' ');
                2
            }
            (b'{', next) => match rest.find('}') {
                Some(close) => {
                    // Braces without an override are a comment, which nobody sees but everybody can read.
                    if next != Some(&b'\\') || may_hold_a_value(&rest[1..close]) {
                        words.push_str(&rest[..=close]);
                    }
                    close + 1
                }
                None => break,
            },
            _ => {
                words.push('\\');
                1
            }
        };
        rest = &rest[taken..];
    }
    words.push_str(rest);
    words
}

/// Whether a line draws shapes: an override `\p` with a scale above 0.
fn draws(text: &str) -> bool {
    text.split('{').skip(1).filter_map(|block| block.split_once('}')).any(|(inner, _)| {
        inner.split('\\').any(|tag| {
            tag.strip_prefix('p').is_some_and(|scale| scale.starts_with(|c| ('1'..='9').contains(&c)))
        })
    })
}

/// The text without anything in braces; `\N` and `\n` break lines, `\h` is a space.
fn without_braces(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}') else { break };
        words.push_str(&rest[..open]);
        rest = &rest[open + close + 1..];
    }
    words.push_str(rest);
    words.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
}

/// The lines after the timing line, or the whole cue if there is no such line.
fn vtt_payload(cue: &str) -> &str {
    let Some(arrow) = cue.find("-->") else { return cue };
    cue[arrow..].split_once('\n').map_or("", |(_, payload)| payload)
}

/// Removes tags and comments and resolves character references. A bracket that opens no tag is text.
fn without_markup(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        words.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('&') { reference(rest, &mut words) } else { tag(rest, &mut words) };
    }
    words.push_str(rest);
    words
}

/// Names of tags that subtitle formats and HTML use in a text.
const TAGS: &[&str] = &[
    "a", "abbr", "b", "bdo", "big", "body", "br", "c", "code", "del", "div", "em", "font", "i", "ins",
    "lang", "mark", "p", "rp", "rt", "ruby", "s", "small", "span", "strike", "strong", "sub", "sup", "table",
    "tbody", "td", "th", "tr", "tt", "u", "v", "wbr",
];
/// So many digits may be a value.
const VALUE_DIGITS: usize = 6;
/// So long a word with a digit may be a key.
const KEY_BYTES: usize = 16;

/// Whether the inside of a tag or an override may hold a value: an address, a number, a key. Times may not.
pub(super) fn may_hold_a_value(inner: &str) -> bool {
    let (mut digits, mut most) = (0, 0);
    for byte in inner.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b' ' | b'-' | b'.' | b'_' | b'/' => {}
            _ => digits = 0,
        }
        most = most.max(digits);
    }
    let is_key = |word: &str| word.len() >= KEY_BYTES && word.bytes().any(|byte| byte.is_ascii_digit());
    let parts = |c: char| !(c.is_alphanumeric() || "_-+/=".contains(c));
    inner.contains('@') || most >= VALUE_DIGITS || inner.split(parts).any(is_key)
}

/// Whether this is the inside of a tag or a comment and not text in brackets.
fn is_tag(inner: &str) -> bool {
    let comment = inner.starts_with("!--") || inner.starts_with('?');
    // WebVTT writes the time of a word in the middle of a cue.
    let time = inner.contains(':') && inner.bytes().all(|b| b.is_ascii_digit() || b":.".contains(&b));
    let name = inner.trim_start_matches('/');
    let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    comment || time || TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(name))
}

/// Skips one tag. A line break tag becomes a line break, and a voice tag becomes its name.
fn tag<'a>(rest: &'a str, words: &mut String) -> &'a str {
    let opens = rest[1..].starts_with(|c: char| c.is_ascii_alphanumeric() || "/!?".contains(c));
    let Some(close) = rest.find('>').filter(|_| opens) else {
        // Without a closing bracket no later bracket opens a tag either, so the whole rest is text. This keeps the
        // time linear.
        let literal = if opens { rest.len() } else { 1 };
        words.push_str(&rest[..literal]);
        return &rest[literal..];
    };
    let inner = &rest[1..close];
    if !is_tag(inner) || may_hold_a_value(inner) {
        words.push_str(&rest[..=close]);
        return &rest[close + 1..];
    }
    if inner.starts_with("br") || inner.starts_with("/p") {
        words.push('\n');
    }
    let voice = inner.strip_prefix("v").filter(|after| after.starts_with(['.', ' ']));
    if let Some((_, name)) = voice.and_then(|voice| voice.split_once(' ')) {
        words.push_str(name.trim());
        words.push_str(": ");
    }
    &rest[close + 1..]
}

/// Resolves one character reference. Any other text is kept unchanged.
fn reference<'a>(rest: &'a str, words: &mut String) -> &'a str {
    const LONGEST: usize = 12;
    let end = rest.bytes().take(LONGEST).position(|byte| byte == b';');
    let character = end.and_then(|end| match &rest[1..end] {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "lrm" | "rlm" => Some('\u{200e}'),
        name => numeric(name.strip_prefix('#')?),
    });
    match (character, end) {
        (Some(character), Some(end)) => {
            words.push(character);
            &rest[end + 1..]
        }
        _ => {
            words.push('&');
            &rest[1..]
        }
    }
}

fn numeric(digits: &str) -> Option<char> {
    let value = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(value)
}

/// Trims every line and removes empty ones.
fn tidy(words: &str) -> String {
    let lines = words.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_removed_and_words_stay_together() {
        let words = TextFormat::Markup
            .words("<i>jo<b>hn</b>@example.org</i><br/>a &lt; b &amp; c&#x21; 1 < 2".as_bytes());
        assert_eq!(words, "john@example.org\na < b & c! 1 < 2");
    }

    #[test]
    fn what_stands_in_brackets_and_is_no_tag_or_may_hold_a_value_stays() {
        for text in [
            "<jane@example.org>",
            "<4539 5787 6362 1486>",
            "<meta content=\"x\"/>",
            "<b id=\"219-09-9876\">",
            "<!-- jane@example.org -->",
            "<![CDATA[x]]>",
            "<laughs>",
        ] {
            assert_eq!(TextFormat::Markup.words(text.as_bytes()), text);
        }
        for text in [
            "<!-- x -->",
            "<font color=\"#ffff00\">",
            "<lang en-GB>",
            "</FONT>",
            "<00:00:01.000>",
            "<p begin=\"00:00:01.000\">",
        ] {
            assert_eq!(TextFormat::Markup.words(text.as_bytes()), "", "{text}");
        }
        for (text, words) in [
            ("{a comment}", "{a comment}"),
            (r"{\i1 jane@example.org}", r"{\i1 jane@example.org}"),
            (r"{\pos(192,280)\fad(100,200)}x", "x"),
        ] {
            let line = format!("3,0,Default,,0,0,0,,{text}");
            assert_eq!(TextFormat::Ssa.words(line.as_bytes()), words);
        }
    }

    #[test]
    fn plain_text_keeps_its_markup() {
        assert_eq!(TextFormat::Plain.words(b"  a <b> &amp; c \r\n\r\n d\0"), "a <b> &amp; c\nd");
    }

    #[test]
    fn a_voice_keeps_its_name() {
        let cue = "7\n00:01.000 --> 00:02.000 align:start\n<v.loud Ann Lee>hello</v> <00:01.500><c.x>you</c>";
        assert_eq!(TextFormat::WebVtt.words(cue.as_bytes()), "Ann Lee: hello you");
        assert_eq!(TextFormat::WebVtt.words(b"bare payload"), "bare payload");
        assert_eq!(TextFormat::WebVtt.words(b"00:01.000 --> 00:02.000"), "");
    }

    #[test]
    fn a_dialogue_line_gives_its_speaker_and_its_words_without_overrides() {
        let line = br"3,0,Default,Ann,0,0,0,,{\an8\i1}one,{\i0} two\Nthree\hfour \x {open";
        assert_eq!(TextFormat::Ssa.words(line), "Ann: one, two\nthree four \\x {open");
    }

    #[test]
    fn broken_markup_is_text_and_never_panics() {
        assert_eq!(
            TextFormat::Markup.words("a <b c &#xD800; &; & é&é".as_bytes()),
            "a <b c &#xD800; &; & é&é"
        );
        assert_eq!(TextFormat::Markup.words(&[0xff, b'<', 0xc3]), "\u{fffd}<\u{fffd}");
        assert_eq!(TextFormat::Markup.words(b""), "");
        assert_eq!(TextFormat::Ssa.words(b"{"), "{");
    }

    #[test]
    fn a_megabyte_of_brackets_takes_linear_time() {
        let brackets = "<a&".repeat(1 << 20);
        assert_eq!(TextFormat::Markup.words(brackets.as_bytes()).len(), brackets.len());
        let braces = "{".repeat(1 << 20);
        assert_eq!(TextFormat::Ssa.words(braces.as_bytes()).len(), braces.len());
    }

    #[test]
    fn the_format_follows_from_the_caps() {
        gst::init().unwrap();
        let of = |caps: &str| TextFormat::of(&caps.parse::<gst::Caps>().unwrap());
        assert_eq!(of("text/x-raw, format=utf8"), Some(TextFormat::Plain));
        assert_eq!(of("text/x-raw, format=pango-markup"), Some(TextFormat::Markup));
        assert_eq!(of("application/x-ass"), Some(TextFormat::Ssa));
        assert_eq!(of("application/x-subtitle-vtt"), Some(TextFormat::WebVtt));
        assert_eq!(of("subpicture/x-pgs"), None);
    }

    #[test]
    fn an_unknown_codec_gives_its_words_and_never_its_bytes() {
        assert_eq!(TextFormat::Unknown.words(b"\n\n<i>oop</i>"), "oop");
        assert_eq!(TextFormat::Unknown.words(b"BM\x01\x02 picture"), "");
        assert_eq!(TextFormat::Unknown.words(&[0x20, 0xff]), "");
    }
}
