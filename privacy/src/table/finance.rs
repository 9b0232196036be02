//! Bank accounts, and the data of a card apart from its number.
//!
//! Domestic account numbers (BBAN) have the same id as the international form of their country, which the IBAN family
//! lists.

use super::row::Row;
use crate::candidate::Strength;
use crate::checksum::national::{aba, italian_account, repeated, rib, spanish_account};
use crate::families::iban;
use crate::identifier::{Category, Origin, Severity, SeverityRule};
use crate::mask::Mask;

const FINANCIAL: Row =
    Row { category: Category::FinancialInformation, mask: Mask::KeepLast(4), ..Row::COMMON };
const BBAN: Row = Row { validation: None, strength: Strength::Checksum, ..FINANCIAL };

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "BANK_ACCOUNT_NUMBER",
        validation: Some("9 to 17 digits, not all the same"),
        keywords: &[
            "bank account",
            "bank acct",
            "checking account",
            "checking acct",
            "deposit account",
            "deposit acct",
            "savings account",
            "savings acct",
            "chequing account",
            "chequing acct",
        ],
        shapes: &[
            "999999999",
            "9999999999",
            "99999999999",
            "999999999999",
            "9999999999999",
            "99999999999999",
            "999999999999999",
            "9999999999999999",
            "99999999999999999",
        ],
        check: |number| !repeated(number),
        ..FINANCIAL
    },
    Row {
        id: "CREDIT_CARD_SECURITY_CODE",
        validation: Some("3 or 4 digits, not a year"),
        keywords: &[
            "card id",
            "card identification code",
            "card identification number",
            "card security code",
            "card validation code",
            "card validation number",
            "card verification data",
            "card verification value",
            "cvc",
            "cvc2",
            "cvv",
            "cvv2",
            "elo verification code",
        ],
        shapes: &["999", "9999"],
        check: |code| code.len() == 3 || !matches!(code, [b'1', b'9', ..] | [b'2', b'0', ..]),
        severity: SeverityRule::new(Severity::Medium, Severity::High, Severity::High),
        mask: Mask::Whole,
        ..FINANCIAL
    },
    Row {
        id: "USA_BANK_ROUTING_NUMBER",
        origin: Origin::Reelgate,
        validation: Some("ABA check digit, Federal Reserve district"),
        keywords: &["routing", "routing number", "routing no", "aba", "aba number", "rtn", "transit number"],
        shapes: &["999999999", "9999 9999 9"],
        check: aba,
        strength: Strength::Checksum,
        severity: SeverityRule::RISING,
        ..FINANCIAL
    },
    Row {
        id: "FRANCE_BANK_ACCOUNT_NUMBER",
        keywords: iban::FRENCH_KEYWORDS,
        shapes: &["99999 99999 ########### 99"],
        check: rib,
        ..BBAN
    },
    Row {
        id: "GERMANY_BANK_ACCOUNT_NUMBER",
        keywords: iban::GERMAN_KEYWORDS,
        shapes: &["99999999 9999999999", "999 999 99 9999999999"],
        check: |number| !repeated(number),
        strength: Strength::Loose,
        ..BBAN
    },
    Row {
        id: "ITALY_BANK_ACCOUNT_NUMBER",
        keywords: iban::ITALIAN_KEYWORDS,
        shapes: &["A 99999 99999 ############"],
        check: italian_account,
        ..BBAN
    },
    Row {
        id: "SPAIN_BANK_ACCOUNT_NUMBER",
        keywords: iban::SPANISH_KEYWORDS,
        shapes: &["9999 9999 99 9999999999"],
        check: spanish_account,
        ..BBAN
    },
    Row {
        id: "UK_BANK_ACCOUNT_NUMBER",
        keywords: iban::BRITISH_KEYWORDS,
        shapes: &["99 99 99 99999999"],
        check: |number| !repeated(number),
        strength: Strength::Format,
        ..BBAN
    },
];
