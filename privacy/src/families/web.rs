//! Credentials that browsers and servers exchange: headers, tokens, addresses with a password.

use super::family::{Anchor, Family};
use crate::bytes::{at, before, is_word, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const HEADERS: Family = Family {
    identifiers: header_identifiers,
    anchor: Anchor::Sign(b':'),
    find: |text, colon| basic_auth(text, colon).or_else(|| cookie(text, colon)),
};

pub(crate) const TOKEN: Family =
    Family { identifiers: token_identifiers, anchor: Anchor::Number(|b| b == b'e'), find: find_token };

pub(crate) const URL: Family =
    Family { identifiers: url_identifiers, anchor: Anchor::Sign(b'@'), find: find_url };

const BASIC: Kind = Kind { id: "HTTP_BASIC_AUTH_HEADER", category: Category::Credentials };
const COOKIE: Kind = Kind { id: "HTTP_COOKIE", category: Category::PersonalInformation };
const JWT: Kind = Kind { id: "JSON_WEB_TOKEN", category: Category::Credentials };
const URL_WITH_CREDENTIALS: Kind = Kind { id: "URL_WITH_CREDENTIALS", category: Category::Credentials };

/// Most bytes of a header's value that are read.
const VALUE_MAX: usize = 2048;
/// Most bytes of each part of a token.
const PART_MAX: usize = 2048;
/// Most bytes of scheme, name and password before the `@`.
const USER_INFO_MAX: usize = 200;

fn row(kind: Kind, origin: Origin, validation: &'static str, severity: SeverityRule) -> Vec<Identifier> {
    let keyword_rule = KeywordRule::NotNeeded;
    vec![Identifier { kind, origin, keyword_rule, keywords: &[], validation, severity, mask: Mask::Whole }]
}

fn header_identifiers() -> Vec<Identifier> {
    let mut rows = row(
        BASIC,
        Origin::Macie,
        "the header's name, `Basic`, and base 64 that holds a colon (RFC 7617)",
        SeverityRule::HIGH,
    );
    rows.extend(row(
        COOKIE,
        Origin::Macie,
        "`Cookie` or `Set-Cookie` header with a pair (RFC 6265)",
        SeverityRule::RISING,
    ));
    rows
}

fn token_identifiers() -> Vec<Identifier> {
    row(
        JWT,
        Origin::Macie,
        "three parts of base 64, the first two JSON objects (RFC 7519)",
        SeverityRule::HIGH,
    )
}

fn url_identifiers() -> Vec<Identifier> {
    row(
        URL_WITH_CREDENTIALS,
        Origin::Reelgate,
        "scheme, name, password and host (RFC 3986)",
        SeverityRule::HIGH,
    )
}

/// Start of `name` if it ends right before the colon, with or without quotes.
fn named(text: &[u8], colon: usize, name: &[u8]) -> Option<usize> {
    let end = if matches!(before(text, colon), Some(b'"' | b'\'')) { colon - 1 } else { colon };
    let start = end.checked_sub(name.len())?;
    let whole = text[start..end].eq_ignore_ascii_case(name) && !is_word(before(text, start));
    whole.then_some(start)
}

fn basic_auth(text: &[u8], colon: usize) -> Option<Candidate> {
    let start = named(text, colon, b"authorization")?;
    let scheme = run_end(text, colon + 1, 4, |b| matches!(b, b' ' | b'"' | b'\''));
    let value = text
        .get(scheme..scheme + 6)
        .filter(|word| word.eq_ignore_ascii_case(b"basic "))
        .map(|_| scheme + 6)?;
    let end = run_end(text, value, VALUE_MAX, |b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    let decoded = base64(&text[value..end]);
    decoded.contains(&b':').then(|| Candidate::plain(start, end, Strength::Format, BASIC, 98))
}

/// Decodes base 64 (RFC 4648) up to the first byte that is none.
fn base64(encoded: &[u8]) -> Vec<u8> {
    let (mut bits, mut held, mut decoded) = (0u32, 0, Vec::new());
    for b in encoded {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held & 0xFF) as u8);
        }
    }
    decoded
}

fn cookie(text: &[u8], colon: usize) -> Option<Candidate> {
    let start = named(text, colon, b"set-cookie").or_else(|| named(text, colon, b"cookie"))?;
    let name = run_end(text, colon + 1, 4, |b| matches!(b, b' ' | b'"' | b'\''));
    let equals = run_end(text, name, 128, |b| b.is_ascii_alphanumeric() || b"_-.$!#%&*+^`|~".contains(&b));
    let value = run_end(text, equals + 1, VALUE_MAX, |b| b.is_ascii_graphic() && !b"\"',;\\".contains(&b));
    if equals == name || at(text, equals) != Some(b'=') || value == equals + 1 {
        return None;
    }
    let end = run_end(text, value, VALUE_MAX, |b| matches!(b, b' '..=b'~') && b != b'"');
    Some(Candidate::plain(start, end, Strength::Format, COOKIE, 95))
}

fn find_token(text: &[u8], start: usize) -> Option<Candidate> {
    let part =
        |from: usize| run_end(text, from, PART_MAX, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let object = |from: usize, end: usize| end - from >= 10 && text[from..end].starts_with(b"eyJ");
    let header = part(start);
    if !object(start, header) || at(text, header) != Some(b'.') {
        return None;
    }
    let claims = part(header + 1);
    if !object(header + 1, claims) || at(text, claims) != Some(b'.') {
        return None;
    }
    let end = part(claims + 1);
    (end - claims > 16 && before(text, start) != Some(b'.'))
        .then(|| Candidate::plain(start, end, Strength::Format, JWT, 98))
}

/// Reads `https://name:password@host` from its `@`.
fn find_url(text: &[u8], sign: usize) -> Option<Candidate> {
    let floor = sign.saturating_sub(USER_INFO_MAX);
    let from = floor
        + text[floor..sign]
            .iter()
            .rposition(|b| !b.is_ascii_graphic() || b"\"'<>`".contains(b))
            .map_or(0, |i| i + 1);
    let slashes = from + text[from..sign].windows(3).position(|three| three == b"://")?;
    let scheme =
        text[from..slashes].iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'+').count();
    let (start, user) = (slashes - scheme, &text[slashes + 3..sign]);
    let colon = user.iter().position(|b| *b == b':')?;
    let password = &user[colon + 1..];
    let placeholder = password.iter().all(|b| *b == b'*' || *b == b'x')
        || password.starts_with(b"$")
        || password.starts_with(b"{");
    let end = run_end(text, sign + 1, 253, |b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
    let sound =
        scheme >= 2 && !password.is_empty() && !placeholder && !user.contains(&b'/') && end > sign + 1;
    sound.then(|| Candidate::plain(start, end, Strength::Format, URL_WITH_CREDENTIALS, 97))
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    #[test]
    fn a_basic_header_is_found_where_it_holds_name_and_password() {
        // `jane:secret`
        assert_eq!(found("Authorization: Basic amFuZTpzZWNyZXQ="), ["HTTP_BASIC_AUTH_HEADER"]);
        assert_eq!(found(r#"{"authorization": "Basic amFuZTpzZWNyZXQ="}"#), ["HTTP_BASIC_AUTH_HEADER"]);
        assert_eq!(found("Authorization: Basic amFuZQ=="), [""; 0]);
        assert_eq!(found("Authorization: Bearer amFuZTpzZWNyZXQ="), [""; 0]);
    }

    #[test]
    fn a_cookie_header_is_found_with_its_pairs_and_the_word_alone_is_not() {
        let header = "Set-Cookie: sid=31d4d96e407aad42; Path=/; HttpOnly";
        assert_eq!((found(header), pieces(header)), (vec!["HTTP_COOKIE"], vec![header.to_owned()]));
        assert_eq!(found("cookie: chocolate"), [""; 0]);
        assert_eq!(found("A cookie: yes = no"), [""; 0]);
    }

    #[test]
    fn a_token_of_three_parts_is_found_whole() {
        let token = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJqYW5lIn0", "d3x5c4Zw1kXj0vWq2uJr8tYh6mNb"].join(".");
        assert_eq!(pieces(&format!("token={token};")), [token.as_str()]);
        assert_eq!(found(&token[..40]), [""; 0]);
        assert_eq!(found("eyJhbGciOiJIUzI1NiJ9.notjson0.d3x5c4Zw1kXj0vWq2uJr8tYh6mNb"), [""; 0]);
    }

    #[test]
    fn an_address_with_a_password_is_found_and_one_without_is_not() {
        assert_eq!(
            pieces("see ftp://jane:s3cret@files.example.org/x"),
            ["ftp://jane:s3cret@files.example.org"]
        );
        for text in [
            "https://jane@example.org",
            "https://example.org/@jane",
            "https://jane:***@host",
            "https://a:$PASS@host",
        ] {
            assert!(!found(text).contains(&"URL_WITH_CREDENTIALS"), "{text}");
        }
    }
}
