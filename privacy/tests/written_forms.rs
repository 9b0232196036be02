//! Values in many written forms, as a generator for tests: separators, scripts, encodings, markup, what stands around them.
//! What the classifier does not find is listed here and named in the documentation.

/// What is planted: a name for the lists below, the text before the value, the value, and the beginning of its id.
const VALUES: &[(&str, &str, &str, &str)] = &[
    ("card", "card: ", "4532 1290 0741 8896", "CREDIT_CARD_NUMBER"),
    ("iban", "pay to ", "DE44 5001 0517 5407 3249 31", "GERMANY_BANK_ACCOUNT_NUMBER"),
    ("e-mail", "write to ", "jane.q.tester@northwind-mail.com", "EMAIL_ADDRESS"),
    ("phone", "call ", "+33 6 12 34 56 78", "FRANCE_PHONE_NUMBER"),
    ("ssn", "SSN ", "536-90-4399", "USA_SOCIAL_SECURITY_NUMBER"),
    ("ip", "host ", "69.196.0.85", "IPV4_ADDRESS"),
    ("nhs", "NHS number ", "943 476 5919", "UK_NHS_NUMBER"),
    ("token", "token ", "ghp_x7Kq2Zr9Wm4Tb6Yc1Nd8Vf3Gh5Jp0Lsa2Qwe", "SECRET_TOKEN"),
    ("login", "see ", "https://jane:Qx7vbTz9w@db.northwind-mail.com", "URL_WITH_CREDENTIALS"),
    ("position", "gps ", "48.85774,2.29504", "LATITUDE_LONGITUDE"),
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

/// RFC 4648, section 4.
fn base64(value: &str) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut written = String::new();
    for group in value.as_bytes().chunks(3) {
        let bits = group.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * place)) as usize & 63];
            written.push(if place > group.len() { '=' } else { char::from(sign) });
        }
    }
    written
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
    ("subscript spaces of typewriters", |v| parted(v, "\u{2007}")),
    ("figure dashes", |v| parted(v, "‒")),
    ("line breaks", |v| parted(v, "\n")),
    ("line breaks of Windows", |v| parted(v, "\r\n")),
    ("colons", |v| parted(v, ":")),
    ("commas", |v| parted(v, ", ")),
    ("apostrophes", |v| parted(v, "'")),
    ("vertical bars", |v| parted(v, " | ")),
    ("word joiners", |v| each(v, |c| format!("{c}\u{2060}"))),
    ("byte order marks", |v| each(v, |c| format!("{c}\u{FEFF}"))),
    ("groups of three", |v| {
        let joined = parted(v, "");
        joined.as_bytes().chunks(3).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }),
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
    ("Tamil digits", |v| script(v, '௦')),
    ("Khmer digits", |v| script(v, '០')),
    ("sans-serif digits", |v| script(v, '𝟢')),
    ("monospaced digits", |v| script(v, '𝟶')),
    ("segmented digits", |v| script(v, '🯰')),
    ("subscript digits", |v| script(v, '₀')),
    ("digits in filled circles", |v| {
        digits(v, |d| ['⓿', '❶', '❷', '❸', '❹', '❺', '❻', '❼', '❽', '❾'][d as usize].to_string())
    }),
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
    ("octal escapes", |v| each(v, |c| format!("\\{:03o}", u32::from(c)))),
    ("escapes of Rust", |v| each(v, |c| format!("\\u{{{:x}}}", u32::from(c)))),
    ("references without a semicolon", |v| each(v, |c| format!("&#{}", u32::from(c)))),
    ("hexadecimal", |v| v.bytes().map(|b| format!("{b:02x}")).collect()),
    ("Base64", base64),
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
    ("SubRip underline in capitals", |v| marked(v, "<U>", "</U>")),
    ("WebVTT voice", |v| format!("<v Roger Bingham>{v}</v>")),
    ("ruby", |v| marked(v, "<ruby>", "<rt></rt></ruby>")),
    ("SubStation position", |v| format!(r"{{\pos(192,280)\an8}}{v}")),
    ("SubStation break inside", |v| marked(v, r"{\1c&HFFFFFF&}", r"{\r}")),
    ("MicroDVD codes", |v| format!("{{y:i}}{v}")),
    ("an attribute of a tag", |v| format!("<meta name=\"x\" content=\"{v}\"/>")),
    ("character data", |v| format!("<![CDATA[{v}]]>")),
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
    ("a value of JSON in JSON", |v| format!("{{\\\"value\\\": \\\"{v}\\\"}}")),
    ("a name of camel case", |v| format!("{{\"plantedValue\":\"{v}\"}}")),
    ("a name of snake case", |v| format!("planted_value={v}")),
    ("a path", |v| format!("/media/in/{v}/take.mov")),
    ("an end of a sentence", |v| format!("{v}.")),
    ("an ellipsis", |v| format!("{v}…")),
    ("Chinese text around", |v| format!("号码{v}。谢谢")),
    ("a word before", |v| format!("it is {v} thanks")),
    ("at for @", |v| v.replace('@', " (at) ").replace(".com", " dot com")),
    ("brackets around dots", |v| v.replace('.', "[.]")),
    ("brackets around words for signs", |v| v.replace('.', "(dot)").replace('@', "[at]")),
];

/// What is not found: the form, and the values. The documentation names the forms.
const LIMITS: &[(&str, &[&str])] = &[
    ("slashes", &["phone"]),
    ("line breaks", &["card", "iban", "phone", "ssn", "nhs"]),
    ("line breaks of Windows", &["card", "iban", "phone", "ssn", "nhs"]),
    ("colons", &["card", "iban", "phone", "ssn", "nhs"]),
    ("commas", &["card", "iban", "phone", "ssn", "nhs"]),
    ("apostrophes", &["card", "iban", "phone", "ssn", "nhs"]),
    ("vertical bars", &["phone"]),
    ("groups of three", &["iban", "e-mail", "ssn", "ip", "nhs", "token", "login", "position"]),
    ("digits one by one", &["iban", "e-mail", "phone", "ssn", "ip", "nhs", "token", "login", "position"]),
    ("digits two by two", &["e-mail", "ssn", "ip", "nhs", "token", "login", "position"]),
    ("Cyrillic letters that look Latin", &["iban", "token", "login"]),
    ("Chinese numerals", &["card", "iban", "phone", "ssn", "ip", "nhs", "token", "login", "position"]),
    ("words for digits", &["card", "iban", "phone", "ssn", "ip", "nhs", "token", "login", "position"]),
    ("letters that look like digits", &["card", "iban", "phone", "ssn", "ip", "nhs", "position"]),
    ("octal escapes", &["card", "iban", "e-mail", "phone", "ssn", "ip", "nhs", "token", "login", "position"]),
    (
        "escapes of Rust",
        &["card", "iban", "e-mail", "phone", "ssn", "ip", "nhs", "token", "login", "position"],
    ),
    (
        "references without a semicolon",
        &["card", "iban", "e-mail", "phone", "ssn", "ip", "nhs", "token", "login", "position"],
    ),
    ("hexadecimal", &["card", "iban", "e-mail", "phone", "ssn", "ip", "nhs", "token", "login", "position"]),
    ("Base64", &["card", "iban", "e-mail", "phone", "ssn", "ip", "nhs", "token", "login", "position"]),
    (
        "quoted-printable",
        &["card", "iban", "e-mail", "phone", "ssn", "ip", "nhs", "token", "login", "position"],
    ),
    ("backwards", &["card", "iban", "phone", "ssn", "ip", "nhs", "token", "login", "position"]),
    ("capitals", &["token"]),
    ("at for @", &["e-mail", "login"]),
];

/// What is after each planted value.
pub const AFTER: &str = " ok";

/// One value in one form.
pub struct Planted {
    pub form: &'static str,
    /// The name of the value.
    pub value: &'static str,
    /// With the words around it; the text ends with [`AFTER`].
    pub text: String,
    /// The beginning of the id that is right.
    pub id: &'static str,
}

/// Every value in every form, form by form.
pub fn planted() -> Vec<Planted> {
    let forms = [SEPARATORS, SCRIPTS, ENCODINGS, MARKUP, SURROUNDINGS].concat();
    let mut planted = Vec::new();
    for (form, write) in forms {
        for (name, lead, value, id) in VALUES {
            let text = format!("{lead}{}{AFTER}", write(value));
            planted.push(Planted { form, value: name, text, id });
        }
    }
    planted
}

/// Forms, and the values that are not found in them.
pub fn limits() -> Vec<(&'static str, Vec<&'static str>)> {
    LIMITS.iter().map(|(form, values)| (*form, values.to_vec())).collect()
}
