//! Private keys as they are written in files: armoured text (RFC 7468, RFC 4880), and PuTTY's format. A match covers
//! only the header line of a key, which is not secret; that the key is there is enough.

use super::family::{Anchor, Family};
use crate::bytes::{before, is_word, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const ARMOURED: Family =
    Family { identifiers: armoured_identifiers, anchor: Anchor::Sign(b'-'), find: find_armoured };

pub(crate) const PUTTY: Family =
    Family { identifiers: putty_identifiers, anchor: Anchor::Sign(b':'), find: find_putty };

const fn kind(id: &'static str) -> Kind {
    Kind { id, category: Category::Credentials }
}

const OPENSSH: Kind = kind("OPENSSH_PRIVATE_KEY");
const PGP: Kind = kind("PGP_PRIVATE_KEY");
const PKCS: Kind = kind("PKCS");
const PUTTY_KEY: Kind = kind("PUTTY_PRIVATE_KEY");

fn row(kind: Kind, validation: &'static str) -> Identifier {
    Identifier {
        kind,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::NotNeeded,
        keywords: &[],
        validation,
        severity: SeverityRule::HIGH,
        mask: Mask::Whole,
    }
}

fn armoured_identifiers() -> Vec<Identifier> {
    vec![
        row(OPENSSH, "head of the armour"),
        row(PGP, "head of the armour"),
        row(PKCS, "head of the armour, PKCS #1, PKCS #8 or SEC 1"),
    ]
}

fn putty_identifiers() -> Vec<Identifier> {
    vec![row(PUTTY_KEY, "first line of the file, version 1 to 3")]
}

fn find_armoured(text: &[u8], start: usize) -> Option<Candidate> {
    let label = text.get(start..)?.strip_prefix(b"-----BEGIN ")?;
    let len = run_end(label, 0, 40, |b| b.is_ascii_uppercase() || b == b' ');
    let kind = match &label[..len] {
        b"OPENSSH PRIVATE KEY" => OPENSSH,
        b"PGP PRIVATE KEY BLOCK" => PGP,
        b"PRIVATE KEY"
        | b"RSA PRIVATE KEY"
        | b"EC PRIVATE KEY"
        | b"DSA PRIVATE KEY"
        | b"ENCRYPTED PRIVATE KEY" => PKCS,
        _ => return None,
    };
    let end = start + b"-----BEGIN ".len() + len;
    let closed = label[len..].starts_with(b"-----") && before(text, start) != Some(b'-');
    closed.then(|| Candidate::plain(start, end + 5, Strength::Format, kind, 99))
}

fn find_putty(text: &[u8], colon: usize) -> Option<Candidate> {
    const HEAD: &[u8] = b"PuTTY-User-Key-File-";
    let start = colon.checked_sub(HEAD.len() + 1)?;
    let sound = text[start..].starts_with(HEAD)
        && matches!(text[colon - 1], b'1'..=b'3')
        && !is_word(before(text, start));
    sound.then(|| Candidate::plain(start, colon + 1, Strength::Format, PUTTY_KEY, 99))
}

#[cfg(test)]
mod tests {
    use crate::families::tests::found;

    #[test]
    fn the_header_of_each_kind_of_key_has_its_own_type() {
        for (label, id) in [
            ("OPENSSH PRIVATE KEY", "OPENSSH_PRIVATE_KEY"),
            ("PGP PRIVATE KEY BLOCK", "PGP_PRIVATE_KEY"),
            ("RSA PRIVATE KEY", "PKCS"),
            ("PRIVATE KEY", "PKCS"),
        ] {
            assert_eq!(found(&format!("-----BEGIN {label}-----\nMIIE")), [id]);
        }
        assert_eq!(found("PuTTY-User-Key-File-2: ssh-rsa"), ["PUTTY_PRIVATE_KEY"]);
    }

    #[test]
    fn public_keys_certificates_and_dashes_are_not_private() {
        for text in [
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN CERTIFICATE-----",
            "-----",
            "-----BEGIN PRIVATE KEY",
            "00:01 --> 00:02",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
