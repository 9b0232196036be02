//! Keys of Amazon Web Services: access key ids and their secrets.
//!
//! Forms: AWS IAM user guide, "IAM identifiers" (prefixes) and "Managing access keys" (lengths). The keys in
//! Amazon's documentation contain the word `EXAMPLE` and are not reported.

use super::family::{Anchor, Family};
use crate::bytes::{at, before, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const ACCESS_KEY: Family = Family {
    identifiers: access_key_identifiers,
    anchor: Anchor::Number(|b| b == b'A'),
    find: find_access_key,
};

pub(crate) const SECRET_KEY: Family = Family {
    identifiers: secret_key_identifiers,
    anchor: Anchor::Number(|b| b.is_ascii_alphanumeric()),
    find: find_secret_key,
};

const ACCESS_KEY_ID: Kind = Kind { id: "AWS_ACCESS_KEY_ID", category: Category::Credentials };
const SECRET: Kind = Kind { id: "AWS_CREDENTIALS", category: Category::Credentials };

/// Macie's list, and the same words as SDKs and configuration files write them.
const SECRET_KEYWORDS: &[&str] = &[
    "aws_secret_access_key",
    "aws secret access key",
    "aws secret",
    "credentials",
    "secret access key",
    "secret key",
    "set-awscredential",
];

/// Long-term and temporary access keys, bearer tokens and context-specific credentials.
const PREFIXES: &[&[u8]] = &[b"AKIA", b"ASIA", b"ABIA", b"ACCA"];
const ACCESS_KEY_LEN: usize = 20;
const SECRET_LEN: usize = 40;

fn access_key_identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: ACCESS_KEY_ID,
        origin: Origin::Reelgate,
        keyword_rule: KeywordRule::NotNeeded,
        keywords: &[],
        validation: "known prefix, 20 characters of base 32, not a documentation example",
        severity: SeverityRule::HIGH,
        mask: Mask::KeepFirst(4),
    }]
}

fn secret_key_identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: SECRET,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::Required,
        keywords: SECRET_KEYWORDS,
        validation: "40 characters of base 64 with upper, lower and digit, not a documentation example",
        severity: SeverityRule::HIGH,
        mask: Mask::Whole,
    }]
}

fn find_access_key(text: &[u8], start: usize) -> Option<Candidate> {
    let end = run_end(text, start, ACCESS_KEY_LEN + 1, |b| b.is_ascii_alphanumeric());
    let key = &text[start..end];
    let well_formed = end - start == ACCESS_KEY_LEN
        && PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        && key.iter().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'));
    (well_formed && !holds_example(key))
        .then(|| Candidate::plain(start, end, Strength::Format, ACCESS_KEY_ID, 95))
}

fn find_secret_key(text: &[u8], word: usize) -> Option<Candidate> {
    let start = word - text[..word].iter().rev().take(SECRET_LEN).take_while(|b| is_secret_byte(**b)).count();
    if before(text, start).is_some_and(is_secret_byte) {
        return None;
    }
    let end = run_end(text, start, SECRET_LEN + 1, is_secret_byte);
    let secret = &text[start..end];
    let mixed = secret.iter().any(u8::is_ascii_uppercase)
        && secret.iter().any(u8::is_ascii_lowercase)
        && secret.iter().any(u8::is_ascii_digit);
    let alone = end - start == SECRET_LEN && at(text, end) != Some(b'=');
    (alone && mixed && !holds_example(secret))
        .then(|| Candidate::keyed(start, end, Strength::Format, SECRET, 90))
}

fn is_secret_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'/' || b == b'+'
}

fn holds_example(key: &[u8]) -> bool {
    key.windows(7).any(|window| window == b"EXAMPLE")
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    // Invented keys, in parts, so that no scanner of repositories reports them as leaked.
    fn access_key() -> String {
        ["AKIA", "QX4BIPWN7RTZ", "5HJ2"].concat()
    }

    fn secret() -> String {
        ["pV7k/2Rz9mQe", "LxT4+HdNw8Bs", "YcJf3UaG6oKiE1Xt"].concat()
    }

    #[test]
    fn an_access_key_id_is_found_and_the_documentation_one_is_not() {
        assert_eq!(pieces(&format!("key={};", access_key())), [access_key()]);
        assert_eq!(found("AKIAIOSFODNN7EXAMPLE"), [""; 0]);
        assert_eq!(found(&access_key()[..19]), [""; 0]);
        assert_eq!(found(&format!("{}A", access_key())), [""; 0]);
        assert_eq!(found(&access_key().to_lowercase()), [""; 0]);
    }

    #[test]
    fn a_secret_key_needs_its_keyword() {
        assert_eq!(found(&secret()), [""; 0]);
        for lead in
            ["aws_secret_access_key=", "AWS_SECRET_ACCESS_KEY: ", "secretAccessKey\":\"", "secret key "]
        {
            assert_eq!(pieces(&format!("{lead}{}", secret())), [secret()], "{lead}");
        }
    }

    #[test]
    fn a_hash_near_the_keyword_and_the_documentation_secret_are_not_reported() {
        assert_eq!(found("secret key da39a3ee5e6b4b0d3255bfef95601890afd80709"), [""; 0]);
        assert_eq!(found("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), [""; 0]);
        assert_eq!(found(&format!("secret key {}=", secret())), [""; 0]);
    }
}
