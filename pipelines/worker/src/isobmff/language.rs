//! Languages of tracks.

/// Codes of three letters (ISO 639-2/T) that have one of two (ISO 639-1), which BCP 47 prefers.
const SHORT: &[(&str, &str)] = &[
    ("afr", "af"),
    ("amh", "am"),
    ("ara", "ar"),
    ("aze", "az"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bod", "bo"),
    ("bos", "bs"),
    ("bre", "br"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("chi", "zh"),
    ("cym", "cy"),
    ("cze", "cs"),
    ("dan", "da"),
    ("deu", "de"),
    ("dut", "nl"),
    ("ell", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("est", "et"),
    ("eus", "eu"),
    ("fas", "fa"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("ger", "de"),
    ("gle", "ga"),
    ("glg", "gl"),
    ("gre", "el"),
    ("guj", "gu"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ind", "id"),
    ("isl", "is"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kan", "kn"),
    ("kat", "ka"),
    ("kaz", "kk"),
    ("khm", "km"),
    ("kor", "ko"),
    ("lao", "lo"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("ltz", "lb"),
    ("mal", "ml"),
    ("mar", "mr"),
    ("mkd", "mk"),
    ("mlt", "mt"),
    ("mon", "mn"),
    ("msa", "ms"),
    ("mya", "my"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("nno", "nn"),
    ("nob", "nb"),
    ("nor", "no"),
    ("pan", "pa"),
    ("per", "fa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("pus", "ps"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("rus", "ru"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("som", "so"),
    ("spa", "es"),
    ("sqi", "sq"),
    ("srp", "sr"),
    ("swa", "sw"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tgl", "tl"),
    ("tha", "th"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("vie", "vi"),
    ("xho", "xh"),
    ("zho", "zh"),
    ("zul", "zu"),
];

/// Languages by the codes of the Macintosh, from 0 (QuickTime File Format, "Language code values").
const MACINTOSH: &[&str] = &[
    "en", "fr", "de", "it", "nl", "sv", "es", "da", "pt", "no", "he", "ja", "ar", "fi", "el", "is", "mt",
    "tr", "hr", "zh", "ur", "hi", "th", "ko", "lt", "pl", "hu", "et", "lv", "se", "fo", "fa", "ru", "zh",
];

/// The language of a media header (ISO/IEC 14496-12, 8.4.2): three letters of five bits, or a code of the Macintosh; empty if it
/// is undetermined.
pub fn of(code: u16) -> String {
    const FIRST_LETTERS: u16 = 0x400;
    if code < FIRST_LETTERS {
        return MACINTOSH.get(usize::from(code)).copied().unwrap_or_default().to_owned();
    }
    let letter = |shift: u16| char::from((code >> shift & 0x1F) as u8 + 0x60);
    let long: String = [letter(10), letter(5), letter(0)].iter().collect();
    if long.bytes().all(|b| b.is_ascii_lowercase()) { shortest(&long) } else { String::new() }
}

/// The shortest code of a language of three letters; empty if it is undetermined.
pub fn shortest(long: &str) -> String {
    if matches!(long, "und" | "mis" | "zxx" | "mul" | "qaa") {
        return String::new();
    }
    let short = SHORT.iter().find(|(known, _)| *known == long);
    short.map_or(long, |(_, short)| short).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(letters: &str) -> u16 {
        letters.bytes().fold(0, |sum, b| sum << 5 | u16::from(b - 0x60))
    }

    #[test]
    fn the_shortest_code_is_taken_and_no_language_is_none() {
        for (code, expected) in [
            (packed("eng"), "en"),
            (packed("deu"), "de"),
            (packed("gsw"), "gsw"),
            (packed("und"), ""),
            (0, "en"),
            (2, "de"),
            (0x3FF, ""),
            (0x7FFF, ""),
            (0x0400, ""),
        ] {
            assert_eq!(of(code), expected, "{code:#x}");
        }
    }
}
