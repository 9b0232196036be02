//! Contents of QR codes that phones read: the contact card of a person, the password of a network.
//!
//! Forms: RFC 6350 (vCard), NTT Docomo's MECARD, and the `WIFI:` form that both phone systems read (Wi-Fi Alliance,
//! WPA3 specification section 7). A match covers only the first line of a card, so that its contents are found as their
//! own types.

use super::family::{Anchor, Family};
use crate::bytes::{before, is_word};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, Severity, SeverityRule};
use crate::mask::Mask;

pub(crate) const FAMILY: Family = Family { identifiers, anchor: Anchor::Sign(b':'), find };

const VCARD: Kind = Kind { id: "VCARD", category: Category::PersonalInformation };
const MECARD: Kind = Kind { id: "MECARD", category: Category::PersonalInformation };
const WIFI: Kind = Kind { id: "WIFI_PASSWORD", category: Category::Credentials };

/// Most bytes of a network's payload that are read.
const PAYLOAD_MAX: usize = 512;

fn identifiers() -> Vec<Identifier> {
    let row = |kind: Kind, validation: &'static str, severity: SeverityRule| Identifier {
        kind,
        origin: Origin::Reelgate,
        keyword_rule: KeywordRule::NotNeeded,
        keywords: &[],
        validation,
        severity,
        mask: Mask::Whole,
    };
    let card = SeverityRule::new(Severity::Medium, Severity::Medium, Severity::High);
    vec![
        row(VCARD, "head of a card, RFC 6350", card),
        row(MECARD, "head of a card with a name or number", card),
        row(WIFI, "network payload with a password", SeverityRule::HIGH),
    ]
}

fn find(text: &[u8], colon: usize) -> Option<Candidate> {
    let (head, tail) = text.split_at(colon);
    let is = |name: &[u8]| {
        let start = head.len().checked_sub(name.len())?;
        (head[start..].eq_ignore_ascii_case(name) && !is_word(before(text, start))).then_some(start)
    };
    if let Some(start) = is(b"BEGIN") {
        let card = tail.get(1..6).is_some_and(|word| word.eq_ignore_ascii_case(b"VCARD"));
        return card.then(|| Candidate::plain(start, colon + 6, Strength::Format, VCARD, 98));
    }
    if let Some(start) = is(b"MECARD") {
        let fields: [&[u8]; 3] = [b":N:", b":TEL:", b":EMAIL:"];
        let card = fields.iter().any(|field| tail.starts_with(field));
        return card.then(|| Candidate::plain(start, colon + 1, Strength::Format, MECARD, 98));
    }
    is(b"WIFI")?;
    let payload = &tail[1..tail.len().min(PAYLOAD_MAX)];
    let password =
        fields(payload).find(|(from, to)| payload[*from..*to].starts_with(b"P:") && to - from > 2)?;
    let (start, end) = (colon + 1 + password.0 + 2, colon + 1 + password.1);
    Some(Candidate::plain(start, end, Strength::Format, WIFI, 97))
}

/// Places of the fields, each of which ends with `;`. A sign after `\` does not end a field.
fn fields(payload: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from;
        let mut i = from;
        while let Some(b) = payload.get(i) {
            match b {
                b';' => {
                    from = i + 1;
                    return (i > start).then_some((start, i));
                }
                b'\n' | b'\r' => return None,
                b'\\' => i += 2,
                _ => i += 1,
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    #[test]
    fn the_password_of_a_network_is_found_and_an_open_network_has_none() {
        assert_eq!(pieces(r"WIFI:T:WPA;S:Home;P:pa\;ss wörd;;"), [r"pa\;ss wörd"]);
        assert_eq!(found("WIFI:S:Home;T:WPA;P:hunter22;H:true;;"), ["WIFI_PASSWORD"]);
        for text in ["WIFI:T:nopass;S:Cafe;;", "WIFI:P:;;", "wifi: ask at the bar", "WIFI:P:never ended"] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_card_is_found_by_its_first_line_and_its_contents_by_their_own_types() {
        let card = "BEGIN:VCARD\nVERSION:3.0\nN:Doe;Jane\nEMAIL:jane.doe@example.org\nEND:VCARD";
        assert_eq!(found(card), ["VCARD", "EMAIL_ADDRESS"]);
        assert_eq!(found("MECARD:N:Doe,Jane;TEL:+33612345678;;"), ["MECARD", "FRANCE_PHONE_NUMBER"]);
        assert_eq!(found("BEGIN:VEVENT"), [""; 0]);
    }
}
