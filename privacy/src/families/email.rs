//! E-mail addresses. The anchor is the `@`; the local part is read backwards from it and the domain forwards.
//!
//! The grammar is what mail systems accept in practice: a subset of RFC 5321 section 4.1.2 (no quoted local parts, no
//! address literals), plus non-ASCII letters (RFC 6531).

use super::family::{Anchor, Family};
use crate::bytes::{before, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, Severity, SeverityRule};
use crate::mask::Mask;
use crate::text::is_extension;

pub(crate) const FAMILY: Family = Family { identifiers, anchor: Anchor::Sign(b'@'), find };

const EMAIL: Kind = Kind { id: "EMAIL_ADDRESS", category: Category::PersonalInformation };

/// Longest local part and domain, bytes (RFC 5321 section 4.5.3.1).
const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 255;
/// Accounts that all people share who read a repository.
const REPOSITORY_ACCOUNTS: &[&str] = &["git", "gitea", "gitlab", "hg", "svn"];
/// Longest label of a domain, bytes (RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;

fn identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: EMAIL,
        origin: Origin::Reelgate,
        keyword_rule: KeywordRule::NotNeeded,
        keywords: &[],
        validation: "RFC 5321 form, domain of two labels or more, last label not a file ending",
        severity: SeverityRule::new(Severity::Medium, Severity::Medium, Severity::High),
        mask: Mask::Email,
    }]
}

fn find(text: &[u8], anchor: usize) -> Option<Candidate> {
    let start = local_start(text, anchor)?;
    let end = domain_end(text, anchor + 1)?;
    if is_repository(&text[start..anchor], &text[end..]) {
        return None;
    }
    Some(Candidate::plain(start, end, Strength::Format, EMAIL, 95))
}

/// Whether the address is a part of the address of a repository, such as `git@example.org:group/project`.
fn is_repository(local: &[u8], after: &[u8]) -> bool {
    let account = REPOSITORY_ACCOUNTS.iter().any(|account| account.as_bytes().eq_ignore_ascii_case(local));
    let path = run_end(after, 1, LOCAL_MAX, |b| b.is_ascii_alphanumeric() || b"._-~/".contains(&b));
    account && matches!(after.first(), Some(b':' | b'/')) && path > 1
}

/// Start of the local part that ends before `anchor`.
fn local_start(text: &[u8], anchor: usize) -> Option<usize> {
    let mut start = anchor;
    while let Some(len) = local_char_before(text, start) {
        start -= len;
        if anchor - start > LOCAL_MAX {
            return None;
        }
    }
    // Text before two dots is not part of the address (`...jane@…`), and neither are leading signs (`'jane@…`).
    if let Some(dots) = text[start..anchor].windows(2).rposition(|pair| pair == b"..") {
        start += dots + 2;
    }
    let leads = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    let first = text[start..anchor].iter().position(|b| leads(*b))?;
    (text[anchor - 1] != b'.').then_some(start + first)
}

/// Length in bytes of the character before `at`; `None` if a local part must not contain it.
fn local_char_before(text: &[u8], at: usize) -> Option<usize> {
    let last = before(text, at)?;
    if last.is_ascii() {
        return (last.is_ascii_alphanumeric() || b"._%+-'&".contains(&last)).then_some(1);
    }
    let char_len = text[..at].iter().rev().take(4).position(|b| *b >= 0xC0)? + 1;
    let letter = std::str::from_utf8(&text[at - char_len..at]).ok()?.chars().next()?;
    letter.is_alphanumeric().then_some(char_len)
}

/// End of the domain that starts at `start`.
fn domain_end(text: &[u8], start: usize) -> Option<usize> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b >= 0x80;
    let mut labels: Vec<(usize, usize)> = Vec::new();
    let mut from = start;
    while from - start < DOMAIN_MAX {
        let end = run_end(text, from, LABEL_MAX, allowed);
        if end == from {
            break;
        }
        labels.push((from, end));
        if text.get(end) != Some(&b'.') {
            break;
        }
        from = end + 1;
    }
    // A file ending is not part of a domain, and neither is text that follows without a space (`…@example.org-Fax`).
    while let Some((from, end)) = labels.pop_if(|(from, end)| !is_top_level(&text[*from..*end])) {
        if let Some(cut) = cut_to_top_level(text, from, end) {
            labels.push((from, cut));
            break;
        }
    }
    let &(_, end) = labels.last()?;
    let labels_sound = labels.iter().all(|(from, end)| text[*from] != b'-' && text[end - 1] != b'-');
    (labels.len() >= 2 && labels_sound).then_some(end)
}

/// End of the top level label that starts at `from`, such as `com` in `com-Fax` and `com名`: the letters before the
/// first byte that no top level label has.
fn cut_to_top_level(text: &[u8], from: usize, end: usize) -> Option<usize> {
    let cut = run_end(text, from, end - from, |b| b.is_ascii_alphabetic());
    (cut < end && is_top_level(&text[from..cut]) && !text[cut].is_ascii_digit()).then_some(cut)
}

/// Whether the label has two or more letters only, or is an encoded `xn--` label, and is no ending of a file.
fn is_top_level(label: &[u8]) -> bool {
    let letters = label.len() >= 2 && label.len() <= 24 && label.iter().all(u8::is_ascii_alphabetic);
    let encoded = label.len() > 4 && label[..4].eq_ignore_ascii_case(b"xn--");
    let ending = std::str::from_utf8(label).is_ok_and(is_extension);
    (letters || encoded) && !ending
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    #[test]
    fn an_address_is_cut_out_of_what_surrounds_it() {
        for (text, address) in [
            ("write to jane.doe@mail.example.org.", "jane.doe@mail.example.org"),
            ("<jane+tag@example.co.uk>", "jane+tag@example.co.uk"),
            ("mailto:j@example.io?subject=x", "j@example.io"),
            ("a.b@c.org.mov", "a.b@c.org"),
            ("'jane@example.org'", "jane@example.org"),
            ("JANE@EXAMPLE.ORG-Fax", "JANE@EXAMPLE.ORG"),
            ("josé@example.es", "josé@example.es"),
            ("邮箱：wang@example.cn。", "wang@example.cn"),
            ("...jane@example.org", "jane@example.org"),
            ("git@example.org: hello", "git@example.org"),
            ("jane@example.org:org/repo", "jane@example.org"),
        ] {
            assert_eq!(pieces(text), [address], "{text}");
        }
    }

    #[test]
    fn at_signs_that_are_no_address_are_refused() {
        for text in [
            "@type",
            "@jane",
            "jane@",
            "logo@2x.png",
            "clip@home.mp4",
            "a@b",
            "core@1.2.3",
            "a@-b.org",
            ".@b.org",
            "@@@@",
            "user@localhost",
            "git@host:org/repo",
            "git@example.org:org/repo.git",
            "ssh://git@example.org/org/repo",
            "ssh://git@example.org:22/org/repo",
            "60fps@1080p",
            "a.@b.org",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_local_part_longer_than_the_standard_allows_is_refused() {
        assert_eq!(found(&format!("{}@example.org", "x".repeat(64))).len(), 1);
        assert_eq!(found(&format!("{}@example.org", "x".repeat(65))).len(), 0);
    }
}
