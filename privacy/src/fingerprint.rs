//! Keyed hashes of values. They show whether two assets have the same value, without showing the value.
//!
//! A fingerprint is HMAC-SHA-256 (RFC 2104) over type and normalised value, with a key that only the deployment has.
//! Without a key, anyone could hash all of the few billion possible numbers of a kind. The key never leaves this type.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config_error::ConfigError;
use crate::folded_text::FoldedText;
use crate::identifier::{Category, Kind};

/// Bytes of the hash that are kept: enough that two values do not share a fingerprint by chance.
const KEPT_BYTES: usize = 16;
/// Fewest bytes of a key: as many as are kept of the hash.
const KEY_BYTES_MIN: usize = 16;

/// Makes fingerprints with one key. It has no `Debug`, because the key must not be printed.
#[derive(Clone)]
pub struct Fingerprinter(Hmac<Sha256>);

impl Fingerprinter {
    /// Takes a secret key of 16 bytes or more. Use the same key for all assets that you want to compare.
    pub fn new(key: &[u8]) -> Result<Fingerprinter, ConfigError> {
        let short = ConfigError::FingerprintKey { bytes: key.len() };
        if key.len() < KEY_BYTES_MIN {
            return Err(short);
        }
        Hmac::new_from_slice(key).map(Fingerprinter).map_err(|_| short)
    }

    /// The fingerprint of a value: 32 hexadecimal digits.
    pub(crate) fn of(&self, kind: Kind, value: &str) -> String {
        let mut mac = self.0.clone();
        // A card is the same value with and without a keyword near it.
        mac.update(kind.id.trim_end_matches("_(NO_KEYWORD)").as_bytes());
        mac.update(&[0]);
        mac.update(normalised(kind, value).as_bytes());
        let hash = mac.finalize().into_bytes();
        hash.iter().take(KEPT_BYTES).map(|b| format!("{b:02x}")).collect()
    }
}

/// The value as it is read, without separators and case, if these do not distinguish values of its kind.
fn normalised(kind: Kind, value: &str) -> String {
    if matches!(kind.category, Category::Credentials | Category::CustomIdentifier) {
        return value.to_owned();
    }
    let folded = FoldedText::of(value);
    let value = folded.as_ref().map_or(value, FoldedText::as_str);
    if value.contains('@') {
        return value.to_lowercase();
    }
    value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(id: &'static str) -> Kind {
        Kind { id, category: Category::FinancialInformation }
    }

    #[test]
    fn the_fingerprint_depends_on_value_and_key_but_not_on_spelling() {
        let print = Fingerprinter::new(&[7; 32]).unwrap();
        let first = print.of(card("CREDIT_CARD_NUMBER"), "4539 5787 6362 1486");
        assert_eq!(first.len(), 32);
        assert_eq!(print.of(card("CREDIT_CARD_NUMBER_(NO_KEYWORD)"), "4539-5787-6362-1486"), first);
        assert_ne!(print.of(card("CREDIT_CARD_NUMBER"), "4539578763621487"), first);
        for spelling in
            ["４５３９ ５７８７ ６３６２ １４８６", "4539%205787%206362%201486", "4539{\\i1}5787 6362 1486"]
        {
            assert_eq!(print.of(card("CREDIT_CARD_NUMBER"), spelling), first, "{spelling}");
        }
        assert_ne!(print.of(card("BANK_ACCOUNT_NUMBER"), "4539578763621486"), first);
        assert_ne!(
            Fingerprinter::new(&[8; 32]).unwrap().of(card("CREDIT_CARD_NUMBER"), "4539578763621486"),
            first
        );
    }

    #[test]
    fn a_key_that_could_be_guessed_is_refused() {
        assert!(matches!(Fingerprinter::new(b"short"), Err(ConfigError::FingerprintKey { bytes: 5 })));
    }
}
