//! A generator of captions and tags with personal data, and of captions and tags that only look as if they had some.
//!
//! Values are made from their standards (issuer ranges and Luhn, ISO 13616, numbering plans), not from the classifier's
//! tables. Near misses are values with an error, and other numbers that captions have.

use crate::scoring::Document;

/// A small generator of reproducible numbers (Steele and Vigna, SplitMix64).
pub(crate) struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }

    fn digits(&mut self, count: u64) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

/// `count` texts from `seed`; about a third have no personal data.
pub(crate) fn documents(seed: u64, count: usize) -> Vec<Document> {
    let mut n = Numbers(seed);
    (0..count).map(|_| document(&mut n)).collect()
}

fn document(n: &mut Numbers) -> Document {
    if n.below(3) == 0 {
        let before = n.one(BEFORE_NOTHING);
        return Document { text: format!("{before}{}{}", near_miss(n), n.one(AFTER)), labels: Vec::new() };
    }
    let (label, value, before) = match n.below(7) {
        0 => (
            "CREDIT_CARD",
            card(n),
            n.one(&["my card is ", "charge it to ", "Visa: ", "", "payment=", "card_number: "]),
        ),
        1 => (
            "EMAIL_ADDRESS",
            email(n),
            n.one(&["write to ", "Contact: ", "", "artist=", "<", "mailto:", "She's at "]),
        ),
        2 => ("IBAN_CODE", iban(n), n.one(&["send it to ", "IBAN ", "", "account: ", "Konto "])),
        3 => ("IP_ADDRESS", ip(n), n.one(&["the server is at ", "from ", "host=", "rtsp://", "ping "])),
        4 => (
            "US_SSN",
            format!("{:03}-{:02}-{:04}", 100 + n.below(500), 1 + n.below(99), 1 + n.below(9999)),
            n.one(&["SSN ", "my social is ", "", "ssn: "]),
        ),
        5 => ("PHONE_NUMBER", international(n), n.one(&["call ", "", "WhatsApp ", "Tel. ", "reach us at "])),
        _ => (
            "PHONE_NUMBER",
            national(n),
            n.one(&["call ", "Phone: ", "my number is ", "text me on ", "mobile "]),
        ),
    };
    let lead = n.one(&["", "- ", "[man] ", "♪ ", "Okay, ", "né à Genève, ", "他说 "]);
    let text = format!("{lead}{before}{value}{}", n.one(AFTER));
    let start = format!("{lead}{before}").chars().count();
    let end = start + value.chars().count();
    Document { text, labels: vec![(label.to_owned(), start, end)] }
}

const AFTER: &[&str] = &["", ".", ", right?", " - thanks", "\nand then", "!", " (new)", " …"];
const BEFORE_NOTHING: &[&str] = &[
    "",
    "it took ",
    "chapter ",
    "on ",
    "order no ",
    "version ",
    "the answer is ",
    "at ",
    "frame ",
    "id=",
    "take ",
];

fn near_miss(n: &mut Numbers) -> String {
    let digits = |n: &mut Numbers, count| n.digits(count);
    match n.below(16) {
        0 => format!("{:02}:{:02}:{:02},{:03}", n.below(24), n.below(60), n.below(60), n.below(1000)),
        1 => format!(
            "{}-{:02}-{:02} {:02}:{:02}",
            1970 + n.below(60),
            1 + n.below(12),
            1 + n.below(28),
            n.below(24),
            n.below(60)
        ),
        2 => broken(&card(n), n),
        3 => broken(&iban(n), n),
        4 => format!("v{}.{}.{}.{}", n.below(20), n.below(90), n.below(900), n.below(30)),
        5 => format!("978-{}-{}-{}-{}", n.below(10), digits(n, 2), digits(n, 6), n.below(10)),
        6 => format!("${},{:03},{:03}.{:02}", 1 + n.below(900), n.below(1000), n.below(1000), n.below(100)),
        7 => format!(
            "{}x{} at {}.{:02} fps",
            640 + n.below(3200),
            480 + n.below(1600),
            23 + n.below(37),
            n.below(100)
        ),
        8 => format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            n.below(1 << 32),
            n.below(1 << 16),
            n.below(4096),
            n.below(4096),
            n.below(1 << 48)
        ),
        9 => format!("{:016x}{:016x}", n.next(), n.next()),
        10 => format!("{}:{}", n.below(10), n.below(10)),
        11 => format!("@{}{}", n.one(&["jane", "the_real_john", "cinema"]), n.below(100)),
        12 => format!("{}.{}", n.below(1000), digits(n, 6)),
        13 => format!("{} {} {}", 1900 + n.below(120), 1900 + n.below(120), 1900 + n.below(120)),
        14 => digits(n, 9),
        _ => format!("{}/{}", n.below(10), n.below(10)),
    }
}

/// The value with one digit of its second half changed.
fn broken(value: &str, n: &mut Numbers) -> String {
    let places: Vec<usize> = value
        .char_indices()
        .filter(|(i, c)| *i > value.len() / 2 && c.is_ascii_digit())
        .map(|(i, _)| i)
        .collect();
    let place = places[n.below(places.len() as u64) as usize];
    let mut bytes = value.as_bytes().to_vec();
    bytes[place] = b'0' + (bytes[place] - b'0' + 1 + n.below(9) as u8) % 10;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn card(n: &mut Numbers) -> String {
    let (prefix, len, groups): (String, u64, &[usize]) = match n.below(5) {
        0 | 1 => ("4".into(), 16, &[4, 4, 4, 4]),
        2 => (format!("5{}", 1 + n.below(5)), 16, &[4, 4, 4, 4]),
        3 => (n.one(&["34", "37"]).into(), 15, &[4, 6, 5]),
        _ => ("6011".into(), 16, &[4, 4, 4, 4]),
    };
    let mut digits = format!("{prefix}{}", n.digits(len - 1 - prefix.len() as u64));
    let sum: u64 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let doubled = u64::from(b - b'0') * if i % 2 == 0 { 2 } else { 1 };
            doubled / 10 + doubled % 10
        })
        .sum();
    digits.push(char::from(b'0' + ((10 - sum % 10) % 10) as u8));
    let joint = n.one(&["", "", " ", " ", "-"]);
    grouped(&digits, groups, joint)
}

fn grouped(digits: &str, groups: &[usize], joint: &str) -> String {
    let mut rest = digits;
    let mut parts = Vec::new();
    for group in groups.iter().cycle() {
        let (part, after) = rest.split_at((*group).min(rest.len()));
        parts.push(part);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    parts.join(joint)
}

fn iban(n: &mut Numbers) -> String {
    let (country, account) = match n.below(6) {
        0 => ("DE", n.digits(18)),
        1 => ("GB", format!("{}{}", n.one(&["NWBK", "BARC", "MIDL"]), n.digits(14))),
        2 => ("FR", n.digits(23)),
        3 => ("ES", n.digits(20)),
        4 => ("NL", format!("{}{}", n.one(&["ABNA", "INGB"]), n.digits(10))),
        _ => ("NO", n.digits(11)),
    };
    let rest = format!("{account}{country}00").bytes().fold(0u64, |rest, b| match b {
        b'0'..=b'9' => (rest * 10 + u64::from(b - b'0')) % 97,
        _ => (rest * 100 + u64::from(b - b'A') + 10) % 97,
    });
    let joint = n.one(&["", " ", " "]);
    grouped(&format!("{country}{:02}{account}", 98 - rest), &[4], joint)
}

fn email(n: &mut Numbers) -> String {
    let name = n.one(&["jane", "j.doe", "o'brien", "info", "max_mustermann", "ana-maria", "x"]);
    let number = if n.below(2) == 0 { n.below(100).to_string() } else { String::new() };
    let host = n.one(&[
        "example.org",
        "mail.example.co.uk",
        "kino-club.example.de",
        "studio9.example.io",
        "uni.example.edu",
    ]);
    format!("{name}{number}@{host}")
}

fn ip(n: &mut Numbers) -> String {
    if n.below(3) == 0 {
        let groups: Vec<String> = (0..7).map(|_| format!("{:x}", 1 + n.below(65_535))).collect();
        return format!("2001:{}", groups.join(":"));
    }
    format!("{}.{}.{}.{}", 11 + n.below(100), n.below(256), n.below(256), 1 + n.below(254))
}

fn international(n: &mut Numbers) -> String {
    let joint = n.one(&[" ", "-", " ", ""]);
    match n.below(4) {
        0 => format!("+33{joint}{}{joint}{}", 6 + n.below(2), grouped(&n.digits(8), &[2], joint)),
        1 => format!("+44{joint}7{}{joint}{}", n.digits(3), n.digits(6)),
        2 => format!("+1{joint}{}{joint}{}{joint}{}", 201 + n.below(700), 201 + n.below(700), n.digits(4)),
        _ => format!("+49{joint}1{}{joint}{}", 50 + n.below(29), n.digits(7)),
    }
}

fn national(n: &mut Numbers) -> String {
    let (area, exchange, line) = (201 + n.below(700), 201 + n.below(700), n.digits(4));
    match n.below(5) {
        0 => format!("({area}) {exchange}-{line}"),
        1 => format!("{area}-{exchange}-{line}"),
        2 => format!("{area}.{exchange}.{line}"),
        3 => format!("0{} {} {}", 20 + n.below(70), n.digits(4), n.digits(4)),
        _ => format!("06 {}", grouped(&n.digits(8), &[2], " ")),
    }
}
