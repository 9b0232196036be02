//! Signs that formats write in place of a character, and markup inside of a line: percent encoding, backslashes,
//! character references, tags, override blocks.
//!
//! A line does not say of which format it is, so all of them are read, and only where nothing else is meant: `50% off`,
//! `AT&T` and `a < b` stay. Every function reads a bounded number of bytes.

/// Longest tag, bytes.
const TAG_BYTES_MAX: usize = 256;
/// Longest override block, bytes.
const BLOCK_BYTES_MAX: usize = 512;
/// Longest character reference, bytes.
const REFERENCE_BYTES_MAX: usize = 12;
/// Longest disguised sign, bytes.
const DISGUISE_BYTES_MAX: usize = 5;
/// How often text that was encoded already may have been encoded again.
const REPEATS_MAX: usize = 2;

/// Tags inside of words, which subtitle formats and HTML use: what is before and after them stays together.
const INLINE_TAGS: &[&str] = &[
    "a", "abbr", "b", "bdo", "big", "c", "code", "del", "em", "font", "i", "ins", "lang", "mark", "rt",
    "ruby", "s", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "v", "wbr",
];

/// Named references (HTML, section 13.5) of signs that numbers and addresses have.
const REFERENCES: &[(&str, char)] = &[
    ("amp", '&'),
    ("apos", '\''),
    ("commat", '@'),
    ("dash", '-'),
    ("ensp", ' '),
    ("emsp", ' '),
    ("gt", '>'),
    ("hyphen", '-'),
    ("lowbar", '_'),
    ("lpar", '('),
    ("lrm", '\u{200E}'),
    ("lt", '<'),
    ("mdash", '-'),
    ("middot", '.'),
    ("minus", '-'),
    ("nbsp", ' '),
    ("ndash", '-'),
    ("numsp", ' '),
    ("percnt", '%'),
    ("period", '.'),
    ("plus", '+'),
    ("quot", '"'),
    ("rlm", '\u{200F}'),
    ("rpar", ')'),
    ("shy", '\u{AD}'),
    ("sol", '/'),
    ("thinsp", ' '),
    ("zwj", '\u{200D}'),
    ("zwnj", '\u{200C}'),
];

/// Whether an escape may begin with this byte.
pub(crate) const fn may_begin(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&' | b'<' | b'{' | b'[' | b'(')
}

/// The escape at the beginning of `text`: its length in bytes, and what it stands for; `None` for markup, which stands
/// for nothing.
pub(crate) fn read(text: &str) -> Option<(usize, Option<char>)> {
    let one = |(len, c)| (len, Some(c));
    match text.as_bytes().first()? {
        b'%' => percent(text.as_bytes()).map(one),
        b'\\' => backslash(text.as_bytes()).map(one),
        b'&' => reference(text).map(one),
        b'<' => tag(text),
        b'{' => override_block(text.as_bytes()).map(|len| (len, None)),
        b'[' | b'(' => disguised(text.as_bytes()).map(one),
        _ => None,
    }
}

/// `[.]` and the like: signs of an address that is written so that nothing makes a link of it.
fn disguised(text: &[u8]) -> Option<(usize, char)> {
    let end = text.iter().take(DISGUISE_BYTES_MAX).position(|b| matches!(b, b']' | b')'))?;
    let shown = match text[1..end].to_ascii_lowercase().as_slice() {
        b"." | b"dot" => '.',
        b"@" | b"at" => '@',
        b":" => ':',
        _ => return None,
    };
    Some((end + 1, shown))
}

/// `%40`, or up to four bytes that are one character in UTF-8 (RFC 3986, section 2.5).
fn percent(text: &[u8]) -> Option<(usize, char)> {
    let (first, mut end) = percent_byte(text, 0)?;
    let width = match first {
        0..=0x7F => 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let mut bytes = [first; 4];
    for byte in &mut bytes[1..width] {
        (*byte, end) = percent_byte(text, end)?;
    }
    Some((end, std::str::from_utf8(&bytes[..width]).ok()?.chars().next()?))
}

/// The byte that is encoded at `at`, and the index after it. `%2540` is `%40`, encoded again.
fn percent_byte(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut from = at + 1;
    (text.get(at) == Some(&b'%')).then_some(())?;
    for _ in 0..REPEATS_MAX {
        let again =
            text.get(from..from + 2) == Some(b"25".as_slice()) && number(text, from + 2, 2, 16).is_some();
        from += if again { 2 } else { 0 };
    }
    Some((u8::try_from(number(text, from, 2, 16)?).ok()?, from + 2))
}

/// `\N`, `\h` and the like are spaces; `\u0040` and `\x40` are characters; before another sign a backslash only protects
/// it, as in `jane\@example.org`.
fn backslash(text: &[u8]) -> Option<(usize, char)> {
    match text.get(1)? {
        b'u' => {
            let unit = number(text, 2, 4, 16)?;
            if !(0xD800..0xDC00).contains(&unit) {
                return Some((6, char::from_u32(unit)?));
            }
            let second = number(text, 8, 4, 16).filter(|unit| (0xDC00..0xE000).contains(unit))?;
            (text.get(6..8) == Some(br"\u".as_slice())).then_some(())?;
            Some((12, char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00))?))
        }
        b'x' => Some((4, char::from_u32(number(text, 2, 2, 16)?)?)),
        b'N' | b'n' | b'r' | b't' | b'h' => Some((2, ' ')),
        sign if sign.is_ascii_punctuation() => Some((2, char::from(*sign))),
        _ => None,
    }
}

/// `&#64;`, `&#x40;`, `&commat;`; also `&amp;#64;`, which was written again.
fn reference(text: &str) -> Option<(usize, char)> {
    let end = text.bytes().take(REFERENCE_BYTES_MAX).position(|b| b == b';')?;
    let body = &text[1..end];
    if body == "amp" {
        let inner = text[end + 1..].bytes().take(REFERENCE_BYTES_MAX).position(|b| b == b';');
        let inner = inner.map(|len| (end + 1, end + 1 + len));
        if let Some((from, to)) = inner
            && let Some(c) = referred(&text[from..to])
        {
            return Some((to + 1, c));
        }
    }
    Some((end + 1, referred(body)?))
}

/// The character of a reference without its `&` and `;`.
fn referred(body: &str) -> Option<char> {
    let Some(digits) = body.strip_prefix('#') else {
        return REFERENCES.iter().find(|(name, _)| *name == body).map(|(_, c)| *c);
    };
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    char::from_u32(number(digits.as_bytes(), 0, digits.len(), radix)?)
}

/// A tag or a comment. A tag that does not stand inside of words is a space. An address in angle brackets is no tag.
fn tag(text: &str) -> Option<(usize, Option<char>)> {
    let bytes = text.as_bytes();
    let end = 1 + bytes.iter().skip(1).take(TAG_BYTES_MAX).position(|b| matches!(b, b'<' | b'>'))?;
    let inner = text[1..end].trim_start_matches('/');
    let comment = inner.starts_with(['!', '?']);
    // WebVTT writes the time of a word in the middle of a cue.
    let time = inner.contains(':') && inner.bytes().all(|b| b.is_ascii_digit() || b":.".contains(&b));
    let word = inner.split_ascii_whitespace().next().unwrap_or_default().trim_end_matches('/');
    let (name, class) = word.split_once('.').map_or((word, None), |(name, class)| (name, Some(class)));
    let known = INLINE_TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(name));
    let sound = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:.".contains(&b));
    let named = inner.starts_with(|c: char| c.is_ascii_alphabetic())
        && sound(name)
        && class.is_none_or(|class| known && sound(class));
    let closed = bytes[end] == b'>' && (named || comment || time);
    closed.then_some((end + 1, if known || comment || time { None } else { Some(' ') }))
}

/// `{\i1}`: SubStation Alpha, and SubRip files that were made from it.
fn override_block(text: &[u8]) -> Option<usize> {
    let inner = text.strip_prefix(br"{\")?;
    let len = inner.iter().take(BLOCK_BYTES_MAX).position(|b| matches!(b, b'{' | b'}'))?;
    (inner[len] == b'}').then_some(len + 3)
}

/// The number of `count` digits at `from`.
fn number(text: &[u8], from: usize, count: usize, radix: u32) -> Option<u32> {
    let digits = text.get(from..from + count).filter(|digits| !digits.is_empty())?;
    digits
        .iter()
        .try_fold(0u32, |sum, b| sum.checked_mul(radix)?.checked_add(char::from(*b).to_digit(radix)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_gives_its_length_and_its_character() {
        for (text, len, shown) in [
            ("%40x", 3, '@'),
            ("%2540x", 5, '@'),
            ("%252540", 7, '@'),
            ("%EF%BC%94", 9, '４'),
            (r"\u0040", 6, '@'),
            (r"\uD835\uDFCE", 12, '𝟎'),
            (r"\x40", 4, '@'),
            (r"\N5407", 2, ' '),
            (r"\.com", 2, '.'),
            ("&#64;", 5, '@'),
            ("&#x40;", 6, '@'),
            ("&commat;", 8, '@'),
            ("&amp;#64;", 9, '@'),
            ("&amp; x", 5, '&'),
            ("&nbsp;", 6, ' '),
            ("<br/>", 5, ' '),
            ("[.]com", 3, '.'),
            ("(DOT)com", 5, '.'),
            ("[at]x", 4, '@'),
            ("</td>", 5, ' '),
        ] {
            assert_eq!(read(text), Some((len, Some(shown))), "{text}");
        }
    }

    #[test]
    fn markup_inside_of_words_stands_for_nothing() {
        for text in
            ["<i>", "</B>", "<c.yellow>", "<00:00:01.000>", "<v Jane>", "<!-- x -->", r"{\an8\i1}", r"{\}"]
        {
            assert_eq!(read(&format!("{text}1")), Some((text.len(), None)), "{text}");
        }
    }

    #[test]
    fn signs_that_begin_no_escape_stay() {
        for text in [
            "%",
            "%4",
            "% off",
            "%zz",
            "%C3x",
            "%FF",
            "%C3%28",
            r"\",
            r"\d",
            r"\u12",
            r"\uD835",
            r"\uDC00",
            r"\xg0",
            "&",
            "& co",
            "&;",
            "&#;",
            "&#x110000;",
            "&nosuchname;",
            "<",
            "<3",
            "< b>",
            "<a",
            "<a <b>",
            "<jane@example.org>",
            "<jane%40example.org>",
            "<j.doe&#64;example.org>",
            "<jane＠example.org>",
            "<12>",
            "[music]",
            "[]",
            "(a)",
            "[attic]",
            "{",
            "{a}",
            r"{\i1",
            r"{\a{",
            "é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&format!("<{}>", "a".repeat(TAG_BYTES_MAX))), None);
    }
}
