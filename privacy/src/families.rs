//! The identifier families, one file each. A new family is a file here and a row in [`FAMILIES`].

pub(crate) mod aws;
pub(crate) mod card;
pub(crate) mod dates;
pub(crate) mod device;
pub(crate) mod email;
pub(crate) mod iban;
pub(crate) mod ip;
pub(crate) mod keys;
pub(crate) mod location;
pub(crate) mod phone;
pub(crate) mod postal;
pub(crate) mod qr;
pub(crate) mod ssn;
pub(crate) mod stripe;
pub(crate) mod tokens;
pub(crate) mod web;

use crate::candidate::Candidate;
use crate::identifier::Identifier;

/// Where in a text a family is asked. Most text is letters and spaces, so families are tied to what is rare.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    /// At the start of a run of letters and digits that holds a digit, and at a `+`, `-` or `(` right before one; only
    /// where the byte there is accepted.
    Number(fn(u8) -> bool),
    /// At this byte, wherever it stands.
    Sign(u8),
}

/// A group of identifiers that share a shape.
pub(crate) struct Family {
    /// The rows it adds to the registry.
    pub identifiers: fn() -> Vec<Identifier>,
    /// Where [`Family::find`] is asked.
    pub anchor: Anchor,
    /// Reads a candidate that starts (or has its anchor) at an index of the text. Looks at a bounded number of bytes, so
    /// that a whole text costs linear time, and cuts between whole characters.
    pub find: fn(&[u8], usize) -> Option<Candidate>,
}

/// All families. Their order means nothing.
pub(crate) const FAMILIES: &[Family] = &[
    aws::ACCESS_KEY,
    aws::SECRET_KEY,
    card::FAMILY,
    dates::BIRTH,
    dates::EXPIRY,
    device::MAC,
    device::UDI,
    email::FAMILY,
    iban::FAMILY,
    ip::V4,
    ip::V6,
    ip::V6_LETTERS,
    keys::ARMOURED,
    keys::PUTTY,
    location::FAMILY,
    phone::FAMILY,
    postal::FAMILY,
    qr::FAMILY,
    ssn::FAMILY,
    stripe::FAMILY,
    tokens::FAMILY,
    web::HEADERS,
    web::TOKEN,
    web::URL,
];

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use crate::Classifier;

    static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(Classifier::new);

    /// The ids found in `text`, in order of place.
    pub(crate) fn found(text: &str) -> Vec<&'static str> {
        CLASSIFIER.spans(text).iter().map(|span| span.kind.id).collect()
    }

    /// The pieces of `text` in which something was found.
    pub(crate) fn pieces(text: &str) -> Vec<String> {
        let spans = CLASSIFIER.spans(text);
        spans.iter().map(|s| text.chars().skip(s.start).take(s.end - s.start).collect()).collect()
    }
}
