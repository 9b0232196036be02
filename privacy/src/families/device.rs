//! Numbers that identify one device: hardware addresses (IEEE 802), and the identifiers of medical devices (GS1).

use super::family::{Anchor, Family};
use crate::bytes::{at, before, is_word, run_end};
use crate::candidate::{Candidate, Strength};
use crate::checksum::national::gs1;
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, Severity, SeverityRule};
use crate::mask::Mask;

pub(crate) const MAC: Family = Family {
    identifiers: mac_identifiers,
    anchor: Anchor::Number(|b| b.is_ascii_hexdigit()),
    find: find_mac,
};

pub(crate) const UDI: Family =
    Family { identifiers: udi_identifiers, anchor: Anchor::Number(|b| b.is_ascii_digit()), find: find_udi };

const MAC_ADDRESS: Kind = Kind { id: "MAC_ADDRESS", category: Category::PersonalInformation };
const MEDICAL_DEVICE_UDI: Kind = Kind { id: "MEDICAL_DEVICE_UDI", category: Category::PersonalInformation };

const MAC_KEYWORDS: &[&str] = &[
    "bssid",
    "ethernet",
    "hardware address",
    "hwaddr",
    "mac",
    "mac address",
    "physical address",
    "wifi address",
];

/// Macie's list.
const UDI_KEYWORDS: &[&str] = &[
    "blood",
    "blood bag",
    "dev id",
    "device id",
    "device identifier",
    "gs1",
    "hibcc",
    "iccbba",
    "med",
    "udi",
    "unique device id",
    "unique device identifier",
];

/// Bytes of a hardware address with its separators.
const MAC_LEN: usize = 17;
/// Digits of a GTIN.
const GTIN_LEN: usize = 14;

fn mac_identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: MAC_ADDRESS,
        origin: Origin::Reelgate,
        keyword_rule: KeywordRule::Helps,
        keywords: MAC_KEYWORDS,
        validation: "six pairs with a letter among them, of one device; digits only with a keyword",
        severity: SeverityRule::new(Severity::Low, Severity::Low, Severity::Medium),
        mask: Mask::Shape,
    }]
}

fn udi_identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: MEDICAL_DEVICE_UDI,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::Required,
        keywords: UDI_KEYWORDS,
        validation: "GS1 element (01) with its check digit",
        severity: SeverityRule::RISING,
        mask: Mask::KeepLast(4),
    }]
}

/// Reads an address from any of its pairs that has a digit.
fn find_mac(text: &[u8], word: usize) -> Option<Candidate> {
    let sign = at(text, word + 2)
        .filter(|b| matches!(b, b':' | b'-'))
        .or_else(|| before(text, word).filter(|b| matches!(b, b':' | b'-')))?;
    let mut start = word;
    for _ in 0..5 {
        match start.checked_sub(3).map(|from| (from, &text[from..start])) {
            Some((from, [a, b, joint]))
                if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() && *joint == sign =>
            {
                start = from
            }
            _ => break,
        }
    }
    let form = text.get(start..start + MAC_LEN)?;
    let pairs = form.chunks(3).all(|pair| {
        let joint = pair.get(2).is_none_or(|joint| *joint == sign);
        pair[0].is_ascii_hexdigit() && pair[1].is_ascii_hexdigit() && joint
    });
    let end = start + MAC_LEN;
    let continues = |b: Option<u8>| is_word(b) || b == Some(sign);
    let group = form[1].to_ascii_lowercase();
    let multicast = !b"02468ace".contains(&group);
    let nobody = form.iter().filter(|b| **b != sign).all(|b| *b == form[0]);
    if !pairs || continues(before(text, start)) || continues(at(text, end)) || multicast || nobody {
        return None;
    }
    Some(if form.iter().any(u8::is_ascii_alphabetic) {
        Candidate::helped(start, end, Strength::Format, MAC_ADDRESS, 95, 90)
    } else {
        Candidate::keyed(start, end, Strength::Format, MAC_ADDRESS, 85)
    })
}

/// `(01)` and fourteen digits.
fn find_udi(text: &[u8], start: usize) -> Option<Candidate> {
    let end = run_end(text, start, GTIN_LEN + 1, |b| b.is_ascii_digit());
    let marked = text[..start].ends_with(b"(01)");
    let sound = end - start == GTIN_LEN && marked && !is_word(at(text, end)) && gs1(&text[start..end]);
    sound.then(|| Candidate::keyed(start, end, Strength::Checksum, MEDICAL_DEVICE_UDI, 95))
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    #[test]
    fn hardware_addresses_are_found_in_both_spellings() {
        assert_eq!(pieces("at 3c:22:fb:9a:01:7e."), ["3c:22:fb:9a:01:7e"]);
        assert_eq!(pieces("at AC-DE-48-00-11-22"), ["AC-DE-48-00-11-22"]);
        assert_eq!(found("mac 10:20:30:40:50:60"), ["MAC_ADDRESS"]);
    }

    #[test]
    fn times_groups_broadcasts_and_longer_chains_are_no_hardware_address() {
        for text in [
            "10:20:30:40:50:60",
            "ff:ff:ff:ff:ff:ff",
            "00:00:00:00:00:00",
            "01:00:5e:00:00:fb",
            "3c:22:fb:9a:01:7e:00",
            "3c:22:fb:9a:01",
            "3c:22-fb:9a:01:7e",
            "x3c:22:fb:9a:01:7e",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_device_identifier_needs_its_element_its_check_digit_and_a_keyword() {
        assert_eq!(found("UDI (01)00844588003288(17)141120"), ["MEDICAL_DEVICE_UDI"]);
        for text in ["(01)00844588003288", "UDI (01)00844588003289", "UDI 00844588003288"] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
