//! International bank account numbers.
//!
//! Countries, lengths and account structures: SWIFT, "IBAN Registry" (the registry of ISO 13616-2). The structure is
//! written as in the registry: `4a14n` is four letters, then fourteen digits; `c` is either. Macie has one type per
//! country.

use super::family::{Anchor, Family};
use crate::bytes::{at, before, gap_end, is_word};
use crate::candidate::{Candidate, Strength};
use crate::checksum::mod97;
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const FAMILY: Family =
    Family { identifiers, anchor: Anchor::Number(|b| b.is_ascii_alphanumeric()), find };

/// The type for countries without a type of Macie.
const OTHER: &str = "IBAN_OTHER_COUNTRY";

/// Keywords of domestic account numbers, for the countries whose ids also cover these numbers.
pub(crate) const FRENCH_KEYWORDS: &[&str] = &[
    "code banque",
    "coordonnées bancaires",
    "numéro de compte",
    "numero de compte",
    "rib",
    "relevé d'identité bancaire",
    "account code",
    "account number",
    "bban",
    "compte bancaire",
];
pub(crate) const GERMAN_KEYWORDS: &[&str] = &[
    "account code",
    "account number",
    "bankleitzahl",
    "bankverbindung",
    "bban",
    "blz",
    "kontonummer",
    "kontonr",
    "kartennummer",
    "sepa",
];
pub(crate) const ITALIAN_KEYWORDS: &[&str] = &[
    "account code",
    "account number",
    "bban",
    "codice bancario",
    "conto bancario",
    "conto corrente",
    "numero conto",
    "coordinate bancarie",
];
pub(crate) const SPANISH_KEYWORDS: &[&str] = &[
    "account code",
    "account number",
    "bban",
    "ccc",
    "código cuenta",
    "código cuenta cliente",
    "cuenta bancaria",
    "cuenta cliente id",
    "número cuenta",
    "número de cuenta",
    "numero de cuenta",
];
pub(crate) const BRITISH_KEYWORDS: &[&str] =
    &["account code", "account number", "account no", "bank account", "bban", "sort code", "sortcode"];

/// The keyword lists by id.
const KEYWORDS: &[(&str, &[&str])] = &[
    ("FRANCE_BANK_ACCOUNT_NUMBER", FRENCH_KEYWORDS),
    ("GERMANY_BANK_ACCOUNT_NUMBER", GERMAN_KEYWORDS),
    ("ITALY_BANK_ACCOUNT_NUMBER", ITALIAN_KEYWORDS),
    ("SPAIN_BANK_ACCOUNT_NUMBER", SPANISH_KEYWORDS),
    ("UK_BANK_ACCOUNT_NUMBER", BRITISH_KEYWORDS),
];

/// Longest number in the registry, characters.
const LEN_MAX: usize = 34;

struct Country {
    code: &'static str,
    structure: &'static str,
    id: &'static str,
}

const fn country(code: &'static str, structure: &'static str, id: &'static str) -> Country {
    Country { code, structure, id }
}

#[rustfmt::skip]
const COUNTRIES: &[Country] = &[
    country("AD", "8n12c", "ANDORRA_BANK_ACCOUNT_NUMBER"),
    country("AE", "19n", "UNITED_ARAB_EMIRATES_BANK_ACCOUNT_NUMBER"),
    country("AL", "8n16c", "ALBANIA_BANK_ACCOUNT_NUMBER"),
    country("AT", "16n", OTHER),
    country("AZ", "4a20c", OTHER),
    country("BA", "16n", "BOSNIA_AND_HERZEGOVINA_BANK_ACCOUNT_NUMBER"),
    country("BE", "12n", OTHER),
    country("BG", "4a6n8c", "BULGARIA_BANK_ACCOUNT_NUMBER"),
    country("BH", "4a14c", OTHER),
    country("BI", "23n", OTHER),
    country("BR", "23n1a1c", "BRAZIL_BANK_ACCOUNT_NUMBER"),
    country("BY", "4c4n16c", OTHER),
    country("CH", "5n12c", "SWITZERLAND_BANK_ACCOUNT_NUMBER"),
    country("CR", "18n", "COSTA_RICA_BANK_ACCOUNT_NUMBER"),
    country("CY", "8n16c", "CYPRUS_BANK_ACCOUNT_NUMBER"),
    country("CZ", "20n", "CZECH_REPUBLIC_BANK_ACCOUNT_NUMBER"),
    country("DE", "18n", "GERMANY_BANK_ACCOUNT_NUMBER"),
    country("DJ", "23n", OTHER),
    country("DK", "14n", "DENMARK_BANK_ACCOUNT_NUMBER"),
    country("DO", "4c20n", "DOMINICAN_REPUBLIC_BANK_ACCOUNT_NUMBER"),
    country("EE", "16n", "ESTONIA_BANK_ACCOUNT_NUMBER"),
    country("EG", "25n", "EGYPT_BANK_ACCOUNT_NUMBER"),
    country("ES", "20n", "SPAIN_BANK_ACCOUNT_NUMBER"),
    country("FI", "14n", "FINLAND_BANK_ACCOUNT_NUMBER"),
    country("FK", "2a12n", OTHER),
    country("FO", "14n", "FAROE_ISLANDS_BANK_ACCOUNT_NUMBER"),
    country("FR", "10n11c2n", "FRANCE_BANK_ACCOUNT_NUMBER"),
    country("GB", "4a14n", "UK_BANK_ACCOUNT_NUMBER"),
    country("GE", "2a16n", "GEORGIA_BANK_ACCOUNT_NUMBER"),
    country("GI", "4a15c", OTHER),
    country("GL", "14n", "GREENLAND_BANK_ACCOUNT_NUMBER"),
    country("GR", "7n16c", "GREECE_BANK_ACCOUNT_NUMBER"),
    country("GT", "24c", OTHER),
    country("HR", "17n", "CROATIA_BANK_ACCOUNT_NUMBER"),
    country("HU", "24n", "HUNGARY_BANK_ACCOUNT_NUMBER"),
    country("IE", "4a14n", "IRELAND_BANK_ACCOUNT_NUMBER"),
    country("IL", "19n", OTHER),
    country("IQ", "4a15n", OTHER),
    country("IS", "22n", "ICELAND_BANK_ACCOUNT_NUMBER"),
    country("IT", "1a10n12c", "ITALY_BANK_ACCOUNT_NUMBER"),
    country("JO", "4a4n18c", "JORDAN_BANK_ACCOUNT_NUMBER"),
    country("KW", "4a22c", OTHER),
    country("KZ", "3n13c", OTHER),
    country("LB", "4n20c", OTHER),
    country("LC", "4a24c", OTHER),
    country("LI", "5n12c", "LIECHTENSTEIN_BANK_ACCOUNT_NUMBER"),
    country("LT", "16n", "LITHUANIA_BANK_ACCOUNT_NUMBER"),
    country("LU", "3n13c", OTHER),
    country("LV", "4a13c", OTHER),
    country("LY", "21n", OTHER),
    country("MC", "10n11c2n", "MONACO_BANK_ACCOUNT_NUMBER"),
    country("MD", "20c", OTHER),
    country("ME", "18n", "MONTENEGRO_BANK_ACCOUNT_NUMBER"),
    country("MK", "3n10c2n", "NORTH_MACEDONIA_BANK_ACCOUNT_NUMBER"),
    country("MN", "16n", OTHER),
    country("MR", "23n", "MAURITANIA_BANK_ACCOUNT_NUMBER"),
    country("MT", "4a5n18c", "MALTA_BANK_ACCOUNT_NUMBER"),
    country("MU", "4a19n3a", "MAURITIUS_BANK_ACCOUNT_NUMBER"),
    country("NI", "4a20n", OTHER),
    country("NL", "4a10n", "NETHERLANDS_BANK_ACCOUNT_NUMBER"),
    country("NO", "11n", OTHER),
    country("OM", "3n16c", OTHER),
    country("PK", "4a16c", OTHER),
    country("PL", "24n", "POLAND_BANK_ACCOUNT_NUMBER"),
    country("PS", "4a21c", OTHER),
    country("PT", "21n", "PORTUGAL_BANK_ACCOUNT_NUMBER"),
    country("QA", "4a21c", OTHER),
    country("RO", "4a16c", OTHER),
    country("RS", "18n", "SERBIA_BANK_ACCOUNT_NUMBER"),
    country("RU", "14n15c", OTHER),
    country("SA", "2n18c", OTHER),
    country("SC", "4a20n3a", OTHER),
    country("SD", "14n", OTHER),
    country("SE", "20n", "SWEDEN_BANK_ACCOUNT_NUMBER"),
    country("SI", "15n", "SLOVENIA_BANK_ACCOUNT_NUMBER"),
    country("SK", "20n", "SLOVAKIA_BANK_ACCOUNT_NUMBER"),
    country("SM", "1a10n12c", "SAN_MARINO_BANK_ACCOUNT_NUMBER"),
    country("SN", "2a22n", "SENEGAL_BANK_ACCOUNT_NUMBER"),
    country("SO", "19n", OTHER),
    country("ST", "21n", OTHER),
    country("SV", "4a20n", OTHER),
    country("TL", "19n", "TIMOR_LESTE_BANK_ACCOUNT_NUMBER"),
    country("TN", "20n", "TUNISIA_BANK_ACCOUNT_NUMBER"),
    country("TR", "6n16c", "TURKIYE_BANK_ACCOUNT_NUMBER"),
    country("UA", "6n19c", "UKRAINE_BANK_ACCOUNT_NUMBER"),
    country("VA", "18n", OTHER),
    country("VG", "4a16n", "VIRGIN_ISLANDS_BANK_ACCOUNT_NUMBER"),
    country("XK", "16n", "KOSOVO_BANK_ACCOUNT_NUMBER"),
    country("YE", "4a4n18c", OTHER),
];

impl Country {
    fn kind(&self) -> Kind {
        Kind { id: self.id, category: Category::FinancialInformation }
    }

    /// The parts of the account structure: the number of characters and their class.
    fn parts(&self) -> impl Iterator<Item = (usize, char)> {
        self.structure.split_inclusive(|c: char| c.is_ascii_alphabetic()).map(|part| {
            let (count, class) = part.split_at(part.len() - 1);
            let count =
                count.parse().expect("structures in the table are well formed; a test reads them all");
            (count, class.chars().next().unwrap_or('c'))
        })
    }

    /// Length of the whole number, characters.
    fn len(&self) -> usize {
        4 + self.parts().map(|(count, _)| count).sum::<usize>()
    }

    fn fits(&self, account: &[u8]) -> bool {
        let mut rest = account;
        for (count, class) in self.parts() {
            let Some((part, after)) = rest.split_at_checked(count) else {
                return false;
            };
            let right = part.iter().all(|b| match class {
                'n' => b.is_ascii_digit(),
                'a' => b.is_ascii_alphabetic(),
                _ => b.is_ascii_alphanumeric(),
            });
            if !right {
                return false;
            }
            rest = after;
        }
        rest.is_empty()
    }
}

fn identifiers() -> Vec<Identifier> {
    let row = |kind: Kind| {
        let domestic = KEYWORDS.iter().find(|(id, _)| *id == kind.id);
        let international = "IBAN: country's length and structure, mod-97";
        let both = "IBAN: country's length and structure, mod-97; or the domestic number with a keyword";
        Identifier {
            kind,
            origin: if kind.id == OTHER { Origin::Reelgate } else { Origin::Macie },
            keyword_rule: if domestic.is_some() { KeywordRule::Helps } else { KeywordRule::NotNeeded },
            keywords: domestic.map_or(&[], |(_, keywords)| *keywords),
            validation: if domestic.is_some() { both } else { international },
            severity: SeverityRule::HIGH,
            mask: Mask::KeepLast(4),
        }
    };
    let other = Kind { id: OTHER, category: Category::FinancialInformation };
    let named = COUNTRIES.iter().map(Country::kind).filter(|kind| kind.id != OTHER);
    named.chain([other]).map(row).collect()
}

fn find(text: &[u8], word: usize) -> Option<Candidate> {
    let start = if text[word].is_ascii_digit() { parted_code(text, word)? } else { word };
    let check = if start == word { word + 2 } else { word };
    let two =
        |from: usize, fits: fn(&u8) -> bool| text.get(from..from + 2).is_some_and(|b| b.iter().all(fits));
    if !two(start, u8::is_ascii_alphabetic) || !two(check, u8::is_ascii_digit) {
        return None;
    }
    let code = &text[start..start + 2];
    let country = COUNTRIES.iter().find(|country| country.code.as_bytes().eq_ignore_ascii_case(code))?;
    let (number, end) = read(text, start, country.len())?;
    let sound = !is_word(at(text, end)) && country.fits(&number[4..]) && mod97(&number);
    sound.then(|| Candidate::plain(start, end, Strength::Checksum, country.kind(), 99))
}

/// Start of the two letters before a gap and the digits at `digits`: `DE 89 3704 …`.
fn parted_code(text: &[u8], digits: usize) -> Option<usize> {
    let start = digits.checked_sub(3)?;
    let parted = gap_end(text, digits - 1) == digits && !is_word(before(text, start));
    parted.then_some(start)
}

/// Reads `len` letters and digits from `start`, with at most one gap between two of them.
fn read(text: &[u8], start: usize, len: usize) -> Option<(Vec<u8>, usize)> {
    let mut number = Vec::with_capacity(len.min(LEN_MAX));
    let mut i = start;
    while number.len() < len {
        let b = at(text, i)?;
        if b.is_ascii_alphanumeric() {
            number.push(b);
            i += 1;
            continue;
        }
        let next = gap_end(text, i);
        if next == i || !is_word(at(text, next)) {
            return None;
        }
        i = next;
    }
    Some((number, i))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{found, pieces};

    #[test]
    fn the_table_is_sorted_well_formed_and_within_the_longest_number() {
        assert!(COUNTRIES.windows(2).all(|pair| pair[0].code < pair[1].code));
        for country in COUNTRIES {
            assert!((15..=LEN_MAX).contains(&country.len()), "{}", country.code);
        }
        assert_eq!(COUNTRIES.iter().find(|c| c.code == "MT").map(Country::len), Some(31));
    }

    #[test]
    fn examples_of_the_registry_are_found_with_and_without_spaces() {
        for (iban, id) in [
            ("GB29 NWBK 6016 1331 9268 19", "UK_BANK_ACCOUNT_NUMBER"),
            ("DE89 3704 0044 0532 0130 00", "GERMANY_BANK_ACCOUNT_NUMBER"),
            ("FR14 2004 1010 0505 0001 3M02 606", "FRANCE_BANK_ACCOUNT_NUMBER"),
            ("NO93 8601 1117 947", OTHER),
            ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "MALTA_BANK_ACCOUNT_NUMBER"),
            ("CH93 0076 2011 6238 5295 7", "SWITZERLAND_BANK_ACCOUNT_NUMBER"),
            ("BR18 0036 0305 0000 1000 9795 493C 1", "BRAZIL_BANK_ACCOUNT_NUMBER"),
        ] {
            let joined = iban.replace(' ', "");
            assert_eq!(found(&format!("pay {iban} now")), [id], "{iban}");
            assert_eq!(pieces(&format!("iban:{joined}, now")), std::slice::from_ref(&joined));
            assert_eq!(found(&joined.to_lowercase()), [id], "{iban}");
            for sign in ["-", ".", "_", "/", "  ", " - "] {
                assert_eq!(found(&iban.replace(' ', sign)), [id], "{iban} {sign:?}");
            }
            let parted = format!("{} {}", &iban[..2], &iban[2..]);
            assert_eq!(pieces(&format!("iban {parted}")), [parted]);
        }
    }

    #[test]
    fn a_wrong_digit_length_structure_or_country_is_refused() {
        for text in [
            "GB29NWBK60161331926818",
            "GB29NWBK601613319268190",
            "GB29NWBK6016133192681",
            "ZZ89370400440532013000",
            "xGB29NWBK60161331926819",
            "GB29NWBK60161331926819x",
            "GB29    NWBK60161331926819",
            "xGB 29 NWBK 6016 1331 9268 19",
            "GB  29 NWBK 6016 1331 9268 19",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
