//! Text made to break the classifier. The classifier must finish, must not panic, and must report places within the
//! text.

use reelgate_privacy::Span;

use crate::captions::Numbers;
use crate::{CLASSIFIER, line};

/// Pieces that are almost a value, from which text is built.
const PIECES: &[&str] = &[
    "4539578763621486",
    "4539 5787",
    "jane",
    "@",
    "example.org",
    ".",
    "..",
    "-",
    "+",
    "(",
    ")",
    ":",
    "::",
    "/",
    " ",
    "\n",
    "é",
    "邮",
    "°",
    "\u{202e}",
    "😀",
    "GB29",
    "NWBK60161331926819",
    "AKIA",
    "ssn",
    "phone",
    "x",
    "ext.",
    "00",
    "001",
    "48.8577",
    "N",
    "+48.8577",
    "+002.2950",
    "2001:db8",
    "ffff",
    "1.2.3.4",
    "255",
    "0",
    "_",
    "=",
    ",",
    "\u{0}",
    "999999999999999999999",
    "-----BEGIN ",
    "PRIVATE KEY-----",
    "WIFI:",
    "P:x;",
    "BEGIN:VCARD",
    "eyJhbGciOiJ1",
    "ghp_1",
    "Set-Cookie: a=b",
    "://a:b@",
    "Authorization: Basic ",
    "passport",
    "AB 12",
    "(01)",
    "12/03/1985",
    "born",
    "IL 62704",
    "Elm Street 5",
    "10115 Berlin",
    "3c:22:fb",
    "%B4539578763621486^",
    "O0lI5S8B",
    "４５３９",
    "%34%35",
    "%",
    "&#52;",
    "&nbsp;",
    "<b>",
    "<",
    "{\\i1}",
    "\\u0034",
    "\\",
    "\u{200b}",
    "‑",
    "card4539",
    "5787 6362 1486",
];

fn built(numbers: &mut Numbers, pieces: u64) -> String {
    (0..numbers.below(pieces)).map(|_| PIECES[numbers.below(PIECES.len() as u64) as usize]).collect()
}

fn assert_sound(text: &str, spans: &[Span]) {
    let length = text.chars().count();
    for span in spans {
        assert!(span.start < span.end && span.end <= length, "{span:?} in {length} characters");
        assert!(span.confidence <= 100, "{span:?}");
    }
    for pair in spans.windows(2) {
        assert!(pair[0].end <= pair[1].start, "{pair:?}");
    }
}

#[test]
fn text_built_from_near_misses_gives_valid_disjoint_spans() {
    let mut numbers = Numbers(1);
    let mut found = 0;
    for round in 0..20_000 {
        let text = built(&mut numbers, 24);
        let spans = CLASSIFIER.spans(&text);
        found += spans.len();
        assert_sound(&text, &spans);
        if round % 8 == 0 {
            let field = built(&mut numbers, 6);
            let findings = CLASSIFIER
                .scan([line(&text, ["file_name", "on_screen_text"][round % 16 / 8], &field)].into_iter());
            assert!(findings.iter().all(|f| f.count >= 1 && !f.locations.is_empty()), "round {round}");
        }
    }
    assert!(found > 1_000, "the pieces make matches too: {found}");
}

#[test]
fn arbitrary_bytes_read_as_text_give_valid_disjoint_spans() {
    let mut numbers = Numbers(2);
    for _ in 0..5_000 {
        let bytes: Vec<u8> = (0..numbers.below(200)).map(|_| numbers.next() as u8).collect();
        let text = String::from_utf8_lossy(&bytes);
        assert_sound(&text, &CLASSIFIER.spans(&text));
    }
}

/// The test has no clock: with any of these texts, a quadratic reader would exceed the time limit of the test runner.
#[test]
fn megabytes_of_one_near_miss_are_read_to_their_end() {
    for piece in PIECES.iter().chain(&[
        "a@",
        "1.",
        "12-",
        "a:",
        "4 ",
        "+1",
        "ab/",
        "jane.",
        "phone 12 34 ",
        "cookie:a=",
        "eyJ1-",
        "-1",
        "passport A1 ",
        "a1_",
        "St 1 IL 12345 ",
    ]) {
        let text = piece.repeat((1 << 20) / piece.len());
        assert_sound(&text, &CLASSIFIER.spans(&text));
    }
}
