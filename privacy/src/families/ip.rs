//! IP addresses, version 4 and 6, without those that identify no host (unspecified, loopback, multicast, masks).
//!
//! Four numbers with dots may also be a version. Hexadecimal groups with colons may also be a hardware address, a time
//! or a path in a program. The rules below distinguish them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::family::{Anchor, Family};
use crate::bytes::{at, before, is_word, joined_after, joined_before, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, Severity, SeverityRule};
use crate::mask::Mask;

pub(crate) const V4: Family =
    Family { identifiers: v4_identifiers, anchor: Anchor::Number(|b| b.is_ascii_digit()), find: find_v4 };

pub(crate) const V6: Family =
    Family { identifiers: v6_identifiers, anchor: Anchor::Number(|b| b.is_ascii_hexdigit()), find: find_v6 };

/// The same address if its first group has letters only (`fdab:…`), which the anchor for numbers does not find.
pub(crate) const V6_LETTERS: Family =
    Family { identifiers: Vec::new, anchor: Anchor::Sign(b':'), find: find_v6_at_colon };

const IPV4: Kind = Kind { id: "IPV4_ADDRESS", category: Category::PersonalInformation };
const IPV6: Kind = Kind { id: "IPV6_ADDRESS", category: Category::PersonalInformation };

const KEYWORDS: &[&str] =
    &["ip", "ip address", "ipv4", "ipv6", "address", "host", "server", "client", "peer", "remote"];

/// An address shows where a device is, but rarely who uses it. So only many addresses are more than Low.
const SEVERITY: SeverityRule = SeverityRule::new(Severity::Low, Severity::Low, Severity::Medium);

fn v4_identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: IPV4,
        origin: Origin::Reelgate,
        keyword_rule: KeywordRule::Helps,
        keywords: KEYWORDS,
        validation: "four numbers to 255; not a version, mask, loopback or multicast address",
        severity: SEVERITY,
        mask: Mask::Shape,
    }]
}

fn v6_identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: IPV6,
        origin: Origin::Reelgate,
        keyword_rule: KeywordRule::Helps,
        keywords: KEYWORDS,
        validation: "RFC 4291 text form; not a hardware address; short forms only in assigned ranges",
        severity: SEVERITY,
        mask: Mask::Shape,
    }]
}

/// Longest text form of a version 6 address, bytes.
const V6_LEN_MAX: usize = 45;

fn find_v4(text: &[u8], start: usize) -> Option<Candidate> {
    let end = v4_end(text, start)?;
    let address: Ipv4Addr = std::str::from_utf8(&text[start..end]).ok()?.parse().ok()?;
    let joined = joined_before(text, start, b".:-/") || before(text, start) == Some(b'.');
    let continues = is_word(at(text, end)) || joined_after(text, end, b".-");
    let nobody = matches!(address.octets()[0], 0 | 127 | 224..);
    if joined || continues || nobody || follows_version_word(text, start) {
        return None;
    }
    let like_a_version = address.octets().iter().all(|octet| *octet < 10);
    Some(if like_a_version {
        Candidate::keyed(start, end, Strength::Format, IPV4, 70)
    } else {
        Candidate::helped(start, end, Strength::Format, IPV4, 95, 80)
    })
}

/// End of four dotted runs of one to three digits.
fn v4_end(text: &[u8], start: usize) -> Option<usize> {
    let mut end = run_end(text, start, 4, |b| b.is_ascii_digit());
    for _ in 0..3 {
        if at(text, end) != Some(b'.') {
            return None;
        }
        end = run_end(text, end + 1, 4, |b| b.is_ascii_digit());
    }
    Some(end)
}

/// Whether the word right before `start` announces a version.
fn follows_version_word(text: &[u8], start: usize) -> bool {
    const WORDS: &[&[u8]] =
        &[b"v", b"ver", b"version", b"release", b"build", b"firmware", b"rev", b"revision"];
    let mut end = start;
    while end > 0 && start - end < 4 && b" :=.\"/_-".contains(&text[end - 1]) {
        end -= 1;
    }
    let mut from = end;
    while from > 0 && end - from < 10 && text[from - 1].is_ascii_alphabetic() {
        from -= 1;
    }
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(&text[from..end]))
}

fn find_v6_at_colon(text: &[u8], colon: usize) -> Option<Candidate> {
    at(text, colon + 1).filter(|b| b.is_ascii_hexdigit() || *b == b':')?;
    let letters = text[..colon].iter().rev().take(5).take_while(|b| b.is_ascii_alphabetic()).count();
    let start = colon - letters;
    let first_group = (1..=4).contains(&letters)
        && text[start..colon].iter().all(u8::is_ascii_hexdigit)
        && !is_word(before(text, start));
    if first_group { find_v6(text, start) } else { None }
}

fn find_v6(text: &[u8], start: usize) -> Option<Candidate> {
    if joined_before_v6(text, start) {
        return None;
    }
    let run = run_end(text, start, V6_LEN_MAX + 1, |b| b.is_ascii_hexdigit() || b == b':');
    let mut end = run;
    while end > start && text[end - 1] == b':' && !text[..end].ends_with(b"::") {
        end -= 1;
    }
    let form = text.get(start..end)?;
    let colons = form.iter().filter(|b| **b == b':').count();
    if colons < 2 || is_word(at(text, end)) || joined_after(text, end, b".") {
        return None;
    }
    let address: Ipv6Addr = std::str::from_utf8(form).ok()?.parse().ok()?;
    let full = colons == 7 && !form.windows(2).any(|pair| pair == b"::");
    let hardware = full && form.split(|b| *b == b':').all(|group| group.len() <= 2);
    let assigned = matches!(address.segments()[0], 0x2000..=0x3fff | 0xfc00..=0xfdff | 0xfe80..=0xfebf);
    if hardware || address.is_multicast() || address.is_loopback() || address.is_unspecified() {
        return None;
    }
    (full || assigned).then(|| Candidate::helped(start, end, Strength::Format, IPV6, 95, 85))
}

/// Whether the hexadecimal run at `start` continues to the left, because it is in the middle of an address, a path or a
/// time.
fn joined_before_v6(text: &[u8], start: usize) -> bool {
    let joined = before(text, start) == Some(b':');
    joined && start >= 2 && (text[start - 2] == b':' || text[start - 2].is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    #[test]
    fn addresses_are_cut_out_of_what_surrounds_them() {
        for (text, address) in [
            ("from 69.196.0.85 today", "69.196.0.85"),
            ("http://69.196.0.85:8080/x", "69.196.0.85"),
            ("69.196.0.85/24.", "69.196.0.85"),
            ("at 2001:0db8:85a3::8a2e:370:7334.", "2001:0db8:85a3::8a2e:370:7334"),
            ("[fe80::1ff:fe23:4567:890a]:80", "fe80::1ff:fe23:4567:890a"),
            ("d80:e4b5:79da:6cf6:71f3:51f7:9161:c319", "d80:e4b5:79da:6cf6:71f3:51f7:9161:c319"),
            ("address: 1.2.3.4", "1.2.3.4"),
        ] {
            assert_eq!(pieces(text), [address], "{text}");
        }
    }

    #[test]
    fn versions_masks_and_longer_chains_are_no_addresses() {
        for text in [
            "1.2.3.4",
            "v10.20.30.40",
            "version 10.20.30.40",
            "Version: 10.20.30.40",
            "10.20.30.40.50",
            "255.255.255.0",
            "127.0.0.1",
            "0.0.0.0",
            "300.1.1.1",
            "10.20.30.400",
            "10.20.30",
            "10.020.30.40",
            "239.1.10.20",
            "10.20.30.40-1",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn times_hardware_addresses_and_paths_are_no_version_six_addresses() {
        for text in [
            "00:01:02",
            "00:01:02:03",
            "01:02:03:04:05:06:07:08",
            "00:1b:63:84:45:e6:00:01",
            "std::ops::add",
            "dead::beef",
            "::1",
            "::",
            "a::b",
            "1:2:3:4:5:6:7:8:9",
            "12:34:56:78:9a:bc:de:f0:11:22",
            "ff02::1",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
