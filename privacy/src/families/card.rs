//! Payment card numbers (ISO/IEC 7812): a known issuer's prefix, a length that issuer uses, and the Luhn digit.
//!
//! Without a keyword only the lengths that today's cards have count (14 to 16 digits, or the printed grouping).
//! Otherwise one in ten of a container's 19-digit unique ids would pass the Luhn check. Digits that are written one by
//! one count as a card only if no other number continues them.

use super::family::{Anchor, Family};
use crate::bytes::{at, before, gap_end, is_digit, is_word, joined_after, joined_before, number, run_end};
use crate::candidate::{Candidate, CandidateReading, Strength};
use crate::checksum::luhn;
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const FAMILY: Family =
    Family { identifiers, anchor: Anchor::Number(|b| b.is_ascii_digit()), find };

const CARD: Kind = Kind { id: "CREDIT_CARD_NUMBER", category: Category::FinancialInformation };
const CARD_NO_KEYWORD: Kind =
    Kind { id: "CREDIT_CARD_NUMBER_(NO_KEYWORD)", category: Category::FinancialInformation };

/// Macie's list.
const KEYWORDS: &[&str] = &[
    "account number",
    "american express",
    "amex",
    "bank card",
    "c card",
    "card",
    "cc",
    "cc #",
    "ccn",
    "check card",
    "cred card",
    "credit",
    "credit card",
    "credit cards",
    "credit no",
    "credit num",
    "dankort",
    "debit",
    "debit card",
    "debit no",
    "debit num",
    "diners club",
    "discover",
    "electron",
    "japanese card bureau",
    "jcb",
    "mastercard",
    "mc",
    "pan",
    "payment account number",
    "payment card number",
    "pcn",
    "pmnt #",
    "pmnt card",
    "pmnt no",
    "pmnt number",
    "union pay",
    "visa",
];

/// Fewest and most digits of a card number.
const DIGITS_MIN: usize = 13;
const DIGITS_MAX: usize = 19;

/// The groupings in which cards print their numbers.
const PRINTED_GROUPINGS: &[&[usize]] =
    &[&[4, 4, 4, 4], &[4, 4, 4, 4, 3], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 2]];

/// An issuer's range of leading digits, `first..=last` (equally long), and the lengths it issues.
struct Issuer {
    first: u32,
    last: u32,
    lengths: std::ops::RangeInclusive<usize>,
}

const fn issuer(first: u32, last: u32, shortest: usize, longest: usize) -> Issuer {
    Issuer { first, last, lengths: shortest..=longest }
}

/// Issuer ranges as the networks publish them. Visa's odd lengths are checked in [`issued`].
const ISSUERS: &[Issuer] = &[
    issuer(4, 4, 13, 19),           // Visa
    issuer(51, 55, 16, 16),         // Mastercard
    issuer(2221, 2720, 16, 16),     // Mastercard
    issuer(34, 34, 15, 15),         // American Express
    issuer(37, 37, 15, 15),         // American Express
    issuer(300, 305, 14, 14),       // Diners Club
    issuer(3095, 3095, 14, 14),     // Diners Club
    issuer(36, 36, 14, 14),         // Diners Club
    issuer(38, 39, 14, 16),         // Diners Club
    issuer(6011, 6011, 16, 19),     // Discover
    issuer(644, 649, 16, 19),       // Discover
    issuer(65, 65, 16, 19),         // Discover
    issuer(3528, 3589, 16, 19),     // JCB
    issuer(1800, 1800, 15, 15),     // JCB, older
    issuer(2131, 2131, 15, 15),     // JCB, older
    issuer(62, 62, 16, 19),         // UnionPay
    issuer(5018, 5018, 13, 19),     // Maestro
    issuer(5019, 5019, 16, 16),     // Dankort
    issuer(5020, 5020, 13, 19),     // Maestro
    issuer(5038, 5038, 13, 19),     // Maestro
    issuer(5893, 5893, 13, 19),     // Maestro
    issuer(6304, 6304, 13, 19),     // Maestro
    issuer(6759, 6759, 13, 19),     // Maestro
    issuer(6761, 6763, 13, 19),     // Maestro
    issuer(2200, 2204, 16, 19),     // Mir
    issuer(506099, 506198, 16, 19), // Verve
    issuer(650002, 650027, 16, 19), // Verve
    issuer(606282, 606282, 16, 16), // Hipercard
    issuer(6521, 6522, 16, 16),     // RuPay
    issuer(9792, 9792, 16, 16),     // Troy
];

/// Numbers that payment providers publish for tests. They belong to no one.
const TEST_NUMBERS: &[&str] = &[
    "4111111111111111",
    "4012888888881881",
    "4222222222222",
    "4242424242424242",
    "4000056655665556",
    "4000000000000002",
    "4000000000000077",
    "4000000000009995",
    "4917610000000000",
    "4988438843884305",
    "4166676667666746",
    "4646464646464644",
    "4444333322221111",
    "4005519200000004",
    "4009348888881881",
    "5555555555554444",
    "5105105105105100",
    "5200828282828210",
    "5454545454545454",
    "5500000000000004",
    "5424000000000015",
    "2223003122003222",
    "2222400010000008",
    "2222420000001113",
    "378282246310005",
    "371449635398431",
    "378734493671000",
    "340000000000009",
    "370000000000002",
    "341111111111111",
    "30569309025904",
    "38520000023237",
    "36227206271667",
    "3056930009020004",
    "30000000000004",
    "36006666333344",
    "6011111111111117",
    "6011000990139424",
    "6011000000000004",
    "6011981111111113",
    "6445644564456445",
    "3530111333300000",
    "3566002020360505",
    "3569990010095841",
    "6200000000000005",
    "6205500000000000004",
    "6304000000000000",
    "6759649826438453",
    "5019717010103742",
];

fn identifiers() -> Vec<Identifier> {
    let common = Identifier {
        kind: CARD,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::Required,
        keywords: KEYWORDS,
        validation: "issuer prefix and length, Luhn; published test numbers excluded",
        severity: SeverityRule::HIGH,
        mask: Mask::KeepLast(4),
    };
    let bare = Identifier {
        kind: CARD_NO_KEYWORD,
        keyword_rule: KeywordRule::NotNeeded,
        keywords: &[],
        validation: "as CREDIT_CARD_NUMBER, and 14-16 digits or the printed grouping",
        ..common.clone()
    };
    vec![common, bare]
}

fn find(text: &[u8], start: usize) -> Option<Candidate> {
    let run = read(text, start)?;
    // Try the longest number first. A security code or an expiry date after a card may look like one more group.
    let enough = run.groups.iter().scan(0, |digits, group| {
        *digits += group.len;
        Some(*digits)
    });
    let least = enough.take_while(|digits| *digits < DIGITS_MIN).count() + 1;
    (least..=run.groups.len()).rev().find_map(|count| reading(text, start, &run, count))
}

/// The card in the first `count` groups of `run`.
fn reading(text: &[u8], start: usize, run: &Run, count: usize) -> Option<Candidate> {
    let groups = run.groups.get(..count)?;
    let (len, end) = (groups.iter().map(|g| g.len).sum::<usize>(), groups.last()?.end);
    let digits = run.digits.get(..len)?;
    let joints: &[u8] = if count > 1 { b".:-" } else { b".:" };
    let cut = joined_before(text, start, joints) || joined_after(text, end, joints) || is_word(at(text, end));
    if len < DIGITS_MIN || cut || !issued(digits) || !luhn(digits) || is_test_number(digits) {
        return None;
    }
    let widths: Vec<usize> = groups.iter().map(|g| g.len).collect();
    let usual = match widths.as_slice() {
        [width] => (14..=16).contains(width),
        widths if widths.iter().all(|width| *width == 1) => {
            (14..=16).contains(&len) && is_whole_chain(text, start, end)
        }
        widths => PRINTED_GROUPINGS.contains(&widths),
    };
    // Other signs than spaces and dashes also part numbers that are none together, such as those of a version.
    let plain = count == 1 || run.separator.is_none_or(|sign| matches!(sign, b" " | b"-" | b"_"));
    (usual || plain).then_some(Candidate {
        start,
        end,
        strength: Strength::Checksum,
        with_keyword: Some(CandidateReading { kind: CARD, confidence: 99 }),
        without_keyword: usual.then_some(CandidateReading { kind: CARD_NO_KEYWORD, confidence: 85 }),
    })
}

/// Whether no other digits are before `start` or after `end` with a gap in between.
fn is_whole_chain(text: &[u8], start: usize, end: usize) -> bool {
    let signs = text[..start].iter().rev().take_while(|b| matches!(b, b' ' | b'-' | b'.' | b'/')).count();
    let after = gap_end(text, end);
    let led = signs > 0 && is_digit(before(text, start - signs));
    let continued = after > end && is_digit(at(text, after));
    !(led || continued)
}

/// Groups of digits with the same signs between them, at most as many as a card has.
struct Run<'t> {
    digits: Vec<u8>,
    groups: Vec<Group>,
    separator: Option<&'t [u8]>,
}

struct Group {
    len: usize,
    end: usize,
}

fn read(text: &[u8], start: usize) -> Option<Run<'_>> {
    let continued = |end: usize| {
        let next = gap_end(text, end);
        (next > end && is_digit(at(text, next))).then_some(next)
    };
    let first_end = run_end(text, start, DIGITS_MIN, |b| b.is_ascii_digit());
    if first_end - start < DIGITS_MIN && continued(first_end).is_none() {
        return None; // true for nearly every number in a text, and nothing is allocated yet
    }
    let mut run = Run { digits: Vec::with_capacity(DIGITS_MAX), groups: Vec::new(), separator: None };
    let mut from = start;
    loop {
        let end = run_end(text, from, DIGITS_MAX + 1, |b| b.is_ascii_digit());
        if run.digits.len() + (end - from) > DIGITS_MAX {
            break;
        }
        run.digits.extend_from_slice(&text[from..end]);
        run.groups.push(Group { len: end - from, end });
        let Some(next) = continued(end) else {
            break;
        };
        if *run.separator.get_or_insert(&text[end..next]) != &text[end..next] {
            break;
        }
        from = next;
    }
    (run.digits.len() >= DIGITS_MIN).then_some(run)
}

fn issued(digits: &[u8]) -> bool {
    let is_visa = digits.first() == Some(&b'4');
    if is_visa && !matches!(digits.len(), 13 | 16 | 19) {
        return false;
    }
    ISSUERS.iter().any(|issuer| {
        let width = issuer.first.checked_ilog10().map_or(1, |log| log as usize + 1);
        let leads = digits.get(..width).and_then(number);
        issuer.lengths.contains(&digits.len())
            && leads.is_some_and(|n| (issuer.first..=issuer.last).contains(&n))
    })
}

/// Whether the number is a published test number or one repeated digit.
fn is_test_number(digits: &[u8]) -> bool {
    TEST_NUMBERS.iter().any(|known| known.as_bytes() == digits) || digits[1..].iter().all(|d| *d == digits[1])
}

#[cfg(test)]
mod tests {
    use crate::families::tests::found;

    const BARE: &str = "CREDIT_CARD_NUMBER_(NO_KEYWORD)";

    #[test]
    fn a_card_is_found_in_every_usual_spelling() {
        for text in ["4539578763621486", "4539 5787 6362 1486", "4539-5787-6362-1486", "(4539578763621486)"] {
            assert_eq!(found(text), [BARE], "{text}");
        }
        assert_eq!(found("my card is 4539 5787 6362 1486, ok"), ["CREDIT_CARD_NUMBER"]);
        assert_eq!(found("john_4539578763621486.mp4"), [BARE]);
        assert_eq!(found("卡号4539578763621486。"), [BARE]);
    }

    #[test]
    fn a_card_is_found_with_the_same_signs_between_its_groups() {
        for sign in [" ", "-", ".", "_", "/", "+", "|", "\t", "  ", " - ", " / "] {
            let groups = ["4539", "5787", "6362", "1486"];
            assert_eq!(found(&format!("see {} ok", groups.join(sign))), [BARE], "{sign:?}");
            assert_eq!(found(&format!("see 4539{sign}5787,6362{sign}1486")), [""; 0], "{sign:?}");
        }
        assert_eq!(found("4539 5787-6362 1486"), [""; 0]);
        assert_eq!(found("4539    5787    6362    1486"), [""; 0]);
    }

    #[test]
    fn digits_one_by_one_are_a_card_if_nothing_continues_them() {
        let one_by_one = "4 5 3 9 5 7 8 7 6 3 6 2 1 4 8 6";
        assert_eq!(found(&format!("it's {one_by_one}, ok")), [BARE]);
        assert_eq!(found(&one_by_one.replace(' ', "-")), [BARE]);
        for text in [format!("7 {one_by_one}"), format!("{one_by_one} 7"), format!("1.{one_by_one}")] {
            assert_eq!(found(&text), [""; 0], "{text}");
        }
        assert_eq!(found(&format!("card: {one_by_one} 12")), ["CREDIT_CARD_NUMBER"]);
    }

    #[test]
    fn dotted_numbers_that_are_not_printed_so_are_no_card_even_near_a_keyword() {
        assert_eq!(found("card 45.39.57.87.63.62.14.86"), [""; 0]);
        assert_eq!(found("card 45 39 57 87 63 62 14 86"), ["CREDIT_CARD_NUMBER"]);
    }

    #[test]
    fn a_number_without_a_sign_after_its_keyword_is_found() {
        assert_eq!(found("card4539578763621486"), ["CREDIT_CARD_NUMBER"]);
        assert_eq!(found("creditCardNumber4539578763621486"), ["CREDIT_CARD_NUMBER"]);
        for text in
            ["discard4539578763621486", "john4539578763621486", "card4539578763621486f", "ab4539578763621486"]
        {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_follows_a_card_does_not_hide_it() {
        for tail in ["12/29", "123", "1234 5678", "- 12"] {
            assert_eq!(found(&format!("visa 4539 5787 6362 1486 {tail}")), ["CREDIT_CARD_NUMBER"], "{tail}");
            assert_eq!(found(&format!("visa 4539578763621486 {tail}")), ["CREDIT_CARD_NUMBER"], "{tail}");
        }
    }

    #[test]
    fn wrong_check_digit_unknown_prefix_and_wrong_length_are_refused() {
        for digits in ["4539578763621487", "9999578763621481", "45395787636214", "1234567812345670"] {
            assert_eq!(found(&format!("card {digits}")), [""; 0], "{digits}");
        }
    }

    #[test]
    fn published_test_numbers_are_not_reported() {
        for digits in ["4111111111111111", "4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444"] {
            assert_eq!(found(&format!("card {digits}")), [""; 0], "{digits}");
        }
        for digits in super::TEST_NUMBERS {
            assert!(crate::checksum::luhn(digits.as_bytes()), "{digits} would not be reported anyway");
        }
    }

    #[test]
    fn digits_inside_a_hash_a_fraction_or_a_longer_chain_are_not_a_card() {
        for text in ["a4539578763621486", "4539578763621486f", "0.4539578763621486", "12-4539-5787-6362-1486"]
        {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn the_rare_lengths_need_a_keyword() {
        let rare = "4539578763621486008";
        assert!(crate::checksum::luhn(rare.as_bytes()));
        assert_eq!(found(rare), [""; 0]);
        assert_eq!(found(&format!("card {rare}")), ["CREDIT_CARD_NUMBER"]);
    }
}
