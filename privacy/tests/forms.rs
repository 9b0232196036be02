//! Values in many forms: separators, scripts, encodings, markup, what stands around them. What is not found is listed
//! here and named in the documentation.

use std::collections::BTreeSet;

use crate::CLASSIFIER;

/// What is planted: a name for the lists below, the text before the value, the value, and the beginning or end of its id.
const VALUES: &[(&str, &str, &str, &str)] = &[
    ("card", "card: ", "4532 1290 0741 8896", "CREDIT_CARD_NUMBER"),
    ("iban", "pay to ", "DE44 5001 0517 5407 3249 31", "GERMANY_BANK_ACCOUNT_NUMBER"),
    ("e-mail", "write to ", "jane.q.tester@northwind-mail.com", "EMAIL_ADDRESS"),
    ("phone", "call ", "+33 6 12 34 56 78", "FRANCE_PHONE_NUMBER"),
    ("ssn", "SSN ", "536-90-4399", "USA_SOCIAL_SECURITY_NUMBER"),
    ("ip", "host ", "69.196.0.85", "IPV4_ADDRESS"),
    ("nhs", "NHS number ", "943 476 5919", "UK_NHS_NUMBER"),
];

type Form = (&'static str, fn(&str) -> String);

/// The value with `sign` for each of its spaces and dashes.
fn parted(value: &str, sign: &str) -> String {
    let mail = value.contains('@');
    value
        .chars()
        .map(|c| if !mail && matches!(c, ' ' | '-') { sign.to_owned() } else { c.to_string() })
        .collect()
}

/// The value with what `shown` gives for each digit.
fn digits(value: &str, shown: impl Fn(u32) -> String) -> String {
    value.chars().map(|c| c.to_digit(10).map_or_else(|| c.to_string(), &shown)).collect()
}

/// The value in the decimal digits that begin with `zero`.
fn script(value: &str, zero: char) -> String {
    digits(value, |digit| char::from_u32(u32::from(zero) + digit).expect("ten in a row").to_string())
}

/// The value with what `shown` gives for each character.
fn each(value: &str, shown: impl Fn(char) -> String) -> String {
    value.chars().map(shown).collect()
}

/// The value with `before` and `after` around its second and third part of four characters.
fn marked(value: &str, before: &str, after: &str) -> String {
    format!("{}{before}{}{after}{}", &value[..4], &value[4..8], &value[8..])
}

const SEPARATORS: &[Form] = &[
    ("as it is", str::to_owned),
    ("no separators", |v| parted(v, "")),
    ("dashes", |v| parted(v, "-")),
    ("spaces", |v| parted(v, " ")),
    ("dots", |v| parted(v, ".")),
    ("underscores", |v| parted(v, "_")),
    ("slashes", |v| parted(v, "/")),
    ("two spaces", |v| parted(v, "  ")),
    ("spaced dashes", |v| parted(v, " - ")),
    ("tabs", |v| parted(v, "\t")),
    ("no-break spaces", |v| parted(v, "\u{A0}")),
    ("thin spaces", |v| parted(v, "\u{2009}")),
    ("narrow no-break spaces", |v| parted(v, "\u{202F}")),
    ("ideographic spaces", |v| parted(v, "\u{3000}")),
    ("no-break hyphens", |v| parted(v, "‑")),
    ("en dashes", |v| parted(v, "–")),
    ("em dashes", |v| parted(v, "—")),
    ("minus signs", |v| parted(v, "−")),
    ("middle dots", |v| parted(v, "·")),
    ("bullets", |v| parted(v, "•")),
    ("zero-width spaces for separators", |v| parted(v, "\u{200B}")),
    ("zero-width spaces everywhere", |v| each(v, |c| format!("{c}\u{200B}"))),
    ("soft hyphens everywhere", |v| each(v, |c| format!("{c}\u{AD}"))),
    ("direction marks around", |v| format!("\u{202D}{}\u{202C}", each(v, |c| format!("{c}\u{200E}")))),
    ("digits one by one", |v| each(&parted(v, ""), |c| format!("{c} "))),
    ("digits two by two", |v| {
        let joined = parted(v, "");
        joined.as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }),
];

const SCRIPTS: &[Form] = &[
    ("full-width digits", |v| script(v, '０')),
    ("full-width everything", |v| {
        each(v, |c| match c {
            ' ' => "\u{3000}".to_owned(),
            c => char::from_u32(u32::from(c) + 0xFEE0).expect("a full-width form").to_string(),
        })
    }),
    ("Arabic-Indic digits", |v| script(v, '٠')),
    ("Persian digits", |v| script(v, '۰')),
    ("Devanagari digits", |v| script(v, '०')),
    ("Bengali digits", |v| script(v, '০')),
    ("Thai digits", |v| script(v, '๐')),
    ("bold digits", |v| script(v, '𝟎')),
    ("double-struck digits", |v| script(v, '𝟘')),
    ("bold letters and digits", |v| {
        each(&script(v, '𝟎'), |c| match c {
            'A'..='Z' => char::from_u32(0x1D400 + u32::from(c) - 65).expect("a bold letter").to_string(),
            'a'..='z' => char::from_u32(0x1D41A + u32::from(c) - 97).expect("a bold letter").to_string(),
            c => c.to_string(),
        })
    }),
    ("circled digits", |v| {
        digits(v, |d| ['⓪', '①', '②', '③', '④', '⑤', '⑥', '⑦', '⑧', '⑨'][d as usize].to_string())
    }),
    ("superscript digits", |v| {
        digits(v, |d| ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][d as usize].to_string())
    }),
    ("keycaps", |v| digits(v, |d| format!("{d}\u{FE0F}\u{20E3}"))),
    ("struck through", |v| each(v, |c| format!("{c}\u{336}"))),
    ("two scripts", |v| {
        let (head, tail) = v.split_at(v.len() / 2);
        format!("{}{}", script(head, '０'), script(tail, '०'))
    }),
    ("Cyrillic letters that look Latin", |v| {
        each(v, |c| match c {
            'a' => "а".to_owned(),
            'e' => "е".to_owned(),
            'E' => "Е".to_owned(),
            c => c.to_string(),
        })
    }),
    ("Chinese numerals", |v| {
        digits(v, |d| ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'][d as usize].to_string())
    }),
    ("words for digits", |v| {
        const WORDS: [&str; 10] =
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
        digits(&parted(v, " "), |d| format!("{} ", WORDS[d as usize]))
    }),
    ("letters that look like digits", |v| {
        each(v, |c| match c {
            '0' => "O".to_owned(),
            '1' => "l".to_owned(),
            '5' => "S".to_owned(),
            c => c.to_string(),
        })
    }),
];

const ENCODINGS: &[Form] = &[
    ("percent-encoded separators", |v| {
        each(v, |c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c.to_string()
            } else {
                format!("%{:02X}", u32::from(c))
            }
        })
    }),
    ("percent-encoded everything", |v| each(v, |c| format!("%{:02x}", u32::from(c)))),
    ("percent-encoded twice", |v| {
        each(
            v,
            |c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("%25{:02X}", u32::from(c)) },
        )
    }),
    ("percent-encoded full-width digits", |v| digits(v, |d| format!("%EF%BC%{:02X}", 0x90 + d))),
    ("plus signs for spaces", |v| v.replace('+', "%2B").replace(' ', "+")),
    ("decimal references", |v| each(v, |c| format!("&#{};", u32::from(c)))),
    ("hexadecimal references", |v| each(v, |c| format!("&#x{:X};", u32::from(c)))),
    ("named references", |v| {
        v.replace(' ', "&nbsp;").replace('@', "&commat;").replace('+', "&plus;").replace('-', "&hyphen;")
    }),
    ("escapes of JSON", |v| each(v, |c| format!("\\u{:04x}", u32::from(c)))),
    ("escapes of C", |v| each(v, |c| format!("\\x{:02x}", u32::from(c)))),
    ("protected signs", |v| {
        each(v, |c| if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() })
    }),
    ("quoted-printable", |v| {
        each(v, |c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("={:02X}", u32::from(c)) })
    }),
    ("backwards", |v| v.chars().rev().collect()),
];

const MARKUP: &[Form] = &[
    ("SubRip bold", |v| marked(v, "<b>", "</b>")),
    ("SubRip font", |v| marked(v, "<font color=\"#ffff00\">", "</font>")),
    ("WebVTT class", |v| marked(v, "<c.yellow.bg_blue>", "</c>")),
    ("WebVTT time", |v| marked(v, "<00:00:01.000>", "")),
    ("WebVTT language", |v| marked(v, "<lang en-GB>", "</lang>")),
    ("TTML span", |v| marked(v, "<span tts:color=\"red\">", "</span>")),
    ("comment of HTML", |v| marked(v, "<!-- x -->", "")),
    ("SubStation italics", |v| marked(v, r"{\i1}", r"{\i0}")),
    ("SubStation karaoke", |v| marked(v, r"{\k20}", r"{\kf15\c&H00FFFF&}")),
    ("SubStation line break", |v| v.replace(' ', r"\N")),
    ("table cells", |v| format!("<tr><td>{}</td></tr>", v.replace(' ', "</td><td>"))),
];

const SURROUNDINGS: &[Form] = &[
    ("capitals", |v| v.to_uppercase()),
    ("small letters", |v| v.to_lowercase()),
    ("double quotes", |v| format!("\"{v}\"")),
    ("typographic quotes", |v| format!("“{v}”")),
    ("guillemets", |v| format!("«{v}»")),
    ("corner brackets", |v| format!("「{v}」")),
    ("parentheses", |v| format!("({v})")),
    ("brackets", |v| format!("[{v}]")),
    ("braces", |v| format!("{{{v}}}")),
    ("angle brackets", |v| format!("<{v}>")),
    ("backticks", |v| format!("`{v}`")),
    ("stars", |v| format!("**{v}**")),
    ("a value of JSON", |v| format!("{{\"value\": \"{v}\"}}")),
    ("a value of a query", |v| format!("?value={v}&x=1")),
    ("an end of a sentence", |v| format!("{v}.")),
    ("an ellipsis", |v| format!("{v}…")),
    ("Chinese text around", |v| format!("号码{v}。谢谢")),
    ("a word before", |v| format!("it is {v} thanks")),
    ("at for @", |v| v.replace('@', " (at) ").replace(".com", " dot com")),
    ("brackets around dots", |v| v.replace('.', "[.]")),
];

/// What is not found: the form, and the values. The documentation names the forms.
const LIMITS: &[(&str, &[&str])] = &[
    ("slashes", &["phone"]),
    ("digits one by one", &["iban", "e-mail", "phone", "ssn", "ip", "nhs"]),
    ("digits two by two", &["e-mail", "ssn", "ip", "nhs"]),
    ("Cyrillic letters that look Latin", &["iban"]),
    ("Chinese numerals", &["card", "iban", "phone", "ssn", "ip", "nhs"]),
    ("words for digits", &["card", "iban", "phone", "ssn", "ip", "nhs"]),
    ("letters that look like digits", &["card", "iban", "phone", "ssn", "ip", "nhs"]),
    ("quoted-printable", &["card", "iban", "e-mail", "phone", "ssn", "ip", "nhs"]),
    ("backwards", &["card", "iban", "phone", "ssn", "ip", "nhs"]),
    ("at for @", &["e-mail"]),
    ("brackets around dots", &["e-mail", "ip"]),
];

#[test]
fn values_are_found_in_every_form_that_is_not_a_named_limit() {
    let forms = [SEPARATORS, SCRIPTS, ENCODINGS, MARKUP, SURROUNDINGS].concat();
    assert!(forms.len() >= 60, "{} forms", forms.len());
    let mut missed: Vec<(&str, Vec<&str>)> = Vec::new();
    for (form, write) in &forms {
        let found = |(_, lead, value, id): &(&str, &str, &str, &str)| {
            let text = format!("{lead}{} ok", write(value));
            let from = lead.chars().count();
            let span = CLASSIFIER.spans(&text).into_iter().find(|span| span.kind.id.starts_with(id));
            // All of the value, whatever the form adds around it: its last character is a part of it.
            let last = |end: usize| {
                let rest: Vec<char> = text.chars().skip(end).collect();
                !rest.iter().take(3).any(char::is_ascii_digit)
            };
            span.is_some_and(|span| span.start < from + write(value).chars().count() && last(span.end))
        };
        let values: Vec<&str> = VALUES.iter().filter(|value| !found(value)).map(|value| value.0).collect();
        if !values.is_empty() {
            missed.push((form, values));
        }
    }
    let limits: Vec<(&str, Vec<&str>)> =
        LIMITS.iter().map(|(form, values)| (*form, values.to_vec())).collect();
    assert_eq!(missed, limits);
}

#[test]
fn the_documentation_names_every_limit() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/identifiers.md");
    let document =
        String::from_utf8(std::fs::read(path).expect("the documentation is in the workspace")).unwrap();
    let section =
        document.split("## Forms").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let named: BTreeSet<(&str, &str)> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(form, _)| !form.starts_with("not found") && !form.starts_with('-'))
        .collect();
    let limits: Vec<(&str, String)> =
        LIMITS.iter().map(|(form, values)| (*form, values.join(", "))).collect();
    let limits: BTreeSet<(&str, &str)> =
        limits.iter().map(|(form, values)| (*form, values.as_str())).collect();
    assert_eq!(named, limits);
}
