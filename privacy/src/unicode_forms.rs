//! Characters that are read as a character of ASCII: digits and letters in other forms, dashes, spaces, and characters that
//! are not shown.
//!
//! A card number in full-width or Devanagari digits is the same card number. Letters of other alphabets stay what they
//! are: a Cyrillic `а` is no Latin `a`.

/// How a character is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Itself,
    /// Not at all: it has no width, or it only decorates the character before it.
    Hidden,
    /// As this byte of ASCII.
    Ascii(u8),
}

/// Runs of digits: the first character, its value, the number of characters. They are all characters whose
/// `Numeric_Type` is Decimal or Digit (Unicode Character Database 16.0), sorted.
#[rustfmt::skip]
const DIGITS: &[(u32, u8, u8)] = &[
    (0xB2, 2, 2), (0xB9, 1, 1), (0x660, 0, 10), (0x6F0, 0, 10), (0x7C0, 0, 10), (0x966, 0, 10), (0x9E6, 0, 10),
    (0xA66, 0, 10), (0xAE6, 0, 10), (0xB66, 0, 10), (0xBE6, 0, 10), (0xC66, 0, 10), (0xCE6, 0, 10), (0xD66, 0, 10),
    (0xDE6, 0, 10), (0xE50, 0, 10), (0xED0, 0, 10), (0xF20, 0, 10), (0x1040, 0, 10), (0x1090, 0, 10), (0x1369, 1, 9),
    (0x17E0, 0, 10), (0x1810, 0, 10), (0x1946, 0, 10), (0x19D0, 0, 10), (0x19DA, 1, 1), (0x1A80, 0, 10),
    (0x1A90, 0, 10), (0x1B50, 0, 10), (0x1BB0, 0, 10), (0x1C40, 0, 10), (0x1C50, 0, 10), (0x2070, 0, 1),
    (0x2074, 4, 6), (0x2080, 0, 10), (0x2460, 1, 9), (0x2474, 1, 9), (0x2488, 1, 9), (0x24EA, 0, 1), (0x24F5, 1, 9),
    (0x24FF, 0, 1), (0x2776, 1, 9), (0x2780, 1, 9), (0x278A, 1, 9), (0xA620, 0, 10), (0xA8D0, 0, 10), (0xA900, 0, 10),
    (0xA9D0, 0, 10), (0xA9F0, 0, 10), (0xAA50, 0, 10), (0xABF0, 0, 10), (0xFF10, 0, 10), (0x104A0, 0, 10),
    (0x10A40, 1, 4), (0x10D30, 0, 10), (0x10D40, 0, 10), (0x10E60, 1, 9), (0x11052, 1, 9), (0x11066, 0, 10),
    (0x110F0, 0, 10), (0x11136, 0, 10), (0x111D0, 0, 10), (0x112F0, 0, 10), (0x11450, 0, 10), (0x114D0, 0, 10),
    (0x11650, 0, 10), (0x116C0, 0, 10), (0x116D0, 0, 10), (0x116DA, 0, 10), (0x11730, 0, 10), (0x118E0, 0, 10),
    (0x11950, 0, 10), (0x11BF0, 0, 10), (0x11C50, 0, 10), (0x11D50, 0, 10), (0x11DA0, 0, 10), (0x11F50, 0, 10),
    (0x16130, 0, 10), (0x16A60, 0, 10), (0x16AC0, 0, 10), (0x16B50, 0, 10), (0x16D70, 0, 10), (0x1CCF0, 0, 10),
    (0x1D7CE, 0, 10),
    (0x1D7D8, 0, 10), (0x1D7E2, 0, 10), (0x1D7EC, 0, 10), (0x1D7F6, 0, 10), (0x1E140, 0, 10), (0x1E2F0, 0, 10),
    (0x1E4F0, 0, 10), (0x1E5F1, 0, 10), (0x1E950, 0, 10), (0x1F100, 0, 1), (0x1F101, 0, 10), (0x1FBF0, 0, 10),
];

/// How `c` is read.
pub(crate) fn form(c: char) -> Form {
    match c {
        '\0'..'\u{80}' => Form::Itself,
        // Most text that is not ASCII: Latin, Greek and Cyrillic letters, kana, Han, Hangul.
        'À'..='ʯ' | 'Ͱ'..='Ά' | 'Έ'..='ԯ' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '㐀'..='鿿' | '가'..='힣' => {
            Form::Itself
        }
        '\u{AD}'
        | '\u{300}'..='\u{36F}'
        | '\u{61C}'
        | '\u{180B}'..='\u{180E}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{20D0}'..='\u{20F0}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}' => Form::Hidden,
        '\u{85}'
        | '\u{A0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200A}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{202F}'
        | '\u{205F}'
        | '\u{2800}'
        | '\u{3000}'
        | '\u{3164}'
        | '\u{FFA0}' => Form::Ascii(b' '),
        '֊'
        | '־'
        | '᐀'
        | '᠆'
        | '‐'..='―'
        | '⁃'
        | '⁻'
        | '₋'
        | '−'
        | '➖'
        | '⸗'
        | '⸚'
        | '⸺'
        | '⸻'
        | '⹀'
        | '⹝'
        | '〜'
        | '〰'
        | '゠'
        | 'ー'
        | '︱'
        | '︲'
        | '﹘'
        | '﹣'
        | 'ｰ'
        | '𐺭' => Form::Ascii(b'-'),
        '·' | '\u{387}' | '•' | '․' | '‧' | '∙' | '⋅' | '。' | '・' | '﹒' | '｡' | '･' => {
            Form::Ascii(b'.')
        }
        '⁄' | '∕' | '⧸' => Form::Ascii(b'/'),
        '∶' | '꞉' | '︓' | '﹕' => Form::Ascii(b':'),
        '⁺' | '₊' | '➕' | '﬩' | '﹢' => Form::Ascii(b'+'),
        '⁽' | '₍' | '﹙' => Form::Ascii(b'('),
        '⁾' | '₎' | '﹚' => Form::Ascii(b')'),
        '︳' | '︴' | '﹍'..='﹏' => Form::Ascii(b'_'),
        '﹟' => Form::Ascii(b'#'),
        '﹠' => Form::Ascii(b'&'),
        '﹪' => Form::Ascii(b'%'),
        '﹫' => Form::Ascii(b'@'),
        '！'..='～' => counted(c, '！', b'!'),
        'Ⓐ'..='Ⓩ' => counted(c, 'Ⓐ', b'A'),
        'ⓐ'..='ⓩ' => counted(c, 'ⓐ', b'a'),
        '🄰'..='🅉' => counted(c, '🄰', b'A'),
        '🅐'..='🅩' => counted(c, '🅐', b'A'),
        '🅰'..='🆉' => counted(c, '🅰', b'A'),
        // Thirteen alphabets of letters for formulas, each of 26 capitals and 26 small letters. Letters that were in
        // Unicode before have no place there; they are below.
        '\u{1D400}'..='\u{1D6A3}' => mathematical(c),
        'ℂ' | 'ℭ' => Form::Ascii(b'C'),
        'ℊ' => Form::Ascii(b'g'),
        'ℋ' | 'ℌ' | 'ℍ' => Form::Ascii(b'H'),
        'ℎ' => Form::Ascii(b'h'),
        'ℐ' | 'ℑ' => Form::Ascii(b'I'),
        'ℒ' => Form::Ascii(b'L'),
        'ℓ' => Form::Ascii(b'l'),
        'ℕ' => Form::Ascii(b'N'),
        'ℙ' => Form::Ascii(b'P'),
        'ℚ' => Form::Ascii(b'Q'),
        'ℛ' | 'ℜ' | 'ℝ' => Form::Ascii(b'R'),
        'ℤ' | 'ℨ' => Form::Ascii(b'Z'),
        '\u{212A}' => Form::Ascii(b'K'),
        'ℬ' => Form::Ascii(b'B'),
        'ℯ' => Form::Ascii(b'e'),
        'ℰ' => Form::Ascii(b'E'),
        'ℱ' => Form::Ascii(b'F'),
        'ℳ' => Form::Ascii(b'M'),
        'ℴ' => Form::Ascii(b'o'),
        _ => digit(c).map_or(Form::Itself, |value| Form::Ascii(b'0' + value)),
    }
}

/// Whether `c` is read as a digit.
pub(crate) fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || matches!(form(c), Form::Ascii(b'0'..=b'9'))
}

/// The byte as many places after `read` as `c` is after `first`; the caller knows that it is ASCII.
fn counted(c: char, first: char, read: u8) -> Form {
    let places = u32::from(c).saturating_sub(u32::from(first));
    u8::try_from(places).map_or(Form::Itself, |places| Form::Ascii(read.saturating_add(places)))
}

fn mathematical(c: char) -> Form {
    match u8::try_from((u32::from(c) - 0x1D400) % 52) {
        Ok(place @ 0..26) => Form::Ascii(b'A' + place),
        Ok(place) => Form::Ascii(b'a' + (place - 26)),
        Err(_) => Form::Itself,
    }
}

fn digit(c: char) -> Option<u8> {
    let code = u32::from(c);
    let run = DIGITS.partition_point(|(first, ..)| *first <= code).checked_sub(1)?;
    let (first, value, count) = DIGITS[run];
    let place = u8::try_from(code - first).ok().filter(|place| *place < count)?;
    Some(value + place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = char> {
        ('\u{80}'..=char::MAX).filter(|c| form(*c) != Form::Itself)
    }

    #[test]
    fn every_decimal_digit_of_unicode_is_read_as_its_value() {
        let every: String = ('\u{80}'..=char::MAX).collect();
        let decimal = regex::Regex::new(r"\p{Nd}").unwrap();
        let mut sets = 0;
        for found in decimal.find_iter(&every) {
            let c = found.as_str().chars().next().unwrap();
            assert!(is_digit(c), "U+{:04X} is a decimal digit", u32::from(c));
            sets += usize::from(form(c) == Form::Ascii(b'0'));
        }
        assert!(sets > 65, "{sets} sets of ten digits");
        assert!(DIGITS.windows(2).all(|pair| pair[0].0 + u32::from(pair[0].2) <= pair[1].0));
        assert!(DIGITS.iter().all(|(_, value, count)| value + count <= 10));
    }

    #[test]
    fn a_form_is_printable_and_letters_of_other_alphabets_have_none() {
        for c in all() {
            assert!(
                !matches!(form(c), Form::Ascii(byte) if !(b' '..=b'~').contains(&byte)),
                "U+{:04X}",
                u32::from(c)
            );
        }
        for c in "éßЖаοñ中あハ한ابجक♪…’“".chars() {
            assert_eq!(form(c), Form::Itself, "{c}");
        }
    }

    #[test]
    fn forms_are_read_as_what_they_show() {
        let read = |text: &str| -> String {
            text.chars()
                .filter_map(|c| match form(c) {
                    Form::Itself => Some(c),
                    Form::Hidden => None,
                    Form::Ascii(byte) => Some(char::from(byte)),
                })
                .collect()
        };
        assert_eq!(read("ｊａｎｅ＠ｅｘａｍｐｌｅ．ｏｒｇ"), "jane@example.org");
        assert_eq!(read("𝐉𝒶𝓷𝔢 ℎ𝕚 𝖹𝘡𝙯𝚉 ℝ"), "Jane hi ZZzZ R");
        assert_eq!(read("٠١٢٣ ४५६ ๗๘๙ 𝟎𝟙𝟸 ①② ²₃ ❹"), "0123 456 789 012 12 23 4");
        assert_eq!(read("1\u{FE0F}\u{20E3}2\u{200B}3\u{AD}4\u{2060}5\u{336}"), "12345");
        assert_eq!(read("1\u{A0}2\u{2009}3\u{202F}4\u{3000}5"), "1 2 3 4 5");
        assert_eq!(read("1‐2‑3‒4–5—6−7－8"), "1-2-3-4-5-6-7-8");
    }
}
