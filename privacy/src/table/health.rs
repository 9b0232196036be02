//! Health insurance and medicine.
//!
//! Shapes: NHS data dictionary, CMS (Medicare), the Canadian provinces, Decision S1 of the European administrative
//! commission (health insurance card), 21 CFR 207.33 (drug codes).

use super::row::Row;
use crate::candidate::Strength;
use crate::checksum::national::{dea, mbi, nhs, npi, repeated};
use crate::identifier::Origin;

const CHECKED: Row = Row { strength: Strength::Checksum, ..Row::COMMON };
const SHAPED: Row = Row { strength: Strength::Format, ..Row::COMMON };

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "CANADA_HEALTH_NUMBER",
        validation: Some("shape of a province's number"),
        keywords: &[
            "care card",
            "carte soleil",
            "carte d'assurance maladie",
            "health card",
            "health card number",
            "health number",
            "healthcare number",
            "msp",
            "ohip",
            "personal health number",
            "personal healthcare number",
            "phn",
            "ramq",
            "soins de santé",
        ],
        shapes: &[
            "9999 999 999",
            "9999 999 999 AA",
            "AAAA 9999 9999",
            "999 999 999",
            "999999 999",
            "99999 9999",
            "999999999999",
        ],
        check: |number| !repeated(number),
        ..Row::COMMON
    },
    Row {
        id: "FINLAND_EUROPEAN_HEALTH_INSURANCE_NUMBER",
        validation: Some("20 digits of a Finnish card"),
        keywords: &[
            "ehic",
            "eurooppalainen sairaanhoitokortti",
            "finnish health insurance card",
            "finska sjukförsäkringskort",
            "health card",
            "sairaanhoitokortti",
            "sairausvakuutuskortti",
            "sairausvakuutusnumero",
            "suomen sairausvakuutuskortti",
            "terveyskortti",
        ],
        shapes: &["99999999999999999999", "9999 9999 9999 9999 9999"],
        check: |number| number.starts_with(b"80246"),
        ..SHAPED
    },
    Row {
        id: "EUROPEAN_HEALTH_INSURANCE_CARD_NUMBER",
        validation: Some("20 digits that begin with 80"),
        keywords: &[
            "assicurazione sanitaria numero",
            "carta assicurazione numero",
            "carte d'assurance maladie",
            "carte européenne d'assurance maladie",
            "ceam",
            "ehic",
            "european health insurance card",
            "europäische krankenversicherungskarte",
            "health insurance card",
            "krankenversicherungskarte",
            "krankenversicherungsnummer",
            "medical account number",
            "numéro carte santé",
            "tarjeta sanitaria europea",
            "tessera sanitaria",
            "tessera sanitaria numero",
        ],
        shapes: &["99999999999999999999", "9999 9999 9999 9999 9999", "9999999999 9999999999"],
        check: |number| number.starts_with(b"80"),
        ..SHAPED
    },
    Row {
        id: "FRANCE_HEALTH_INSURANCE_NUMBER",
        validation: Some("21 digits of a carte vitale"),
        keywords: &[
            "carte assuré social",
            "carte assure social",
            "carte vitale",
            "insurance card",
            "numéro de carte vitale",
        ],
        shapes: &["9999999999 9999999999 9"],
        check: |number| !repeated(number),
        ..SHAPED
    },
    Row {
        id: "UK_NHS_NUMBER",
        validation: Some("modulus 11"),
        keywords: &["national health service", "nhs", "nhs no", "nhs number"],
        shapes: &["999 999 9999"],
        check: nhs,
        ..CHECKED
    },
    Row {
        id: "USA_MEDICARE_BENEFICIARY_IDENTIFIER",
        validation: Some("11 places, each of its class, no S, L, O, I, B, Z"),
        keywords: &["mbi", "medicare", "medicare beneficiary", "medicare number"],
        shapes: &["9A#9 A#9 AA99"],
        check: mbi,
        ..SHAPED
    },
    Row {
        id: "USA_HEALTH_INSURANCE_CLAIM_NUMBER",
        validation: Some("social security number and the suffix of a claim"),
        keywords: &[
            "health insurance claim number",
            "hic no",
            "hic number",
            "hic#",
            "hicn",
            "hicn#",
            "hicno#",
        ],
        shapes: &["999 99 9999A", "999 99 9999A#", "999 99 9999 A", "999 99 9999 A#"],
        check: |number| !number.starts_with(b"000"),
        ..SHAPED
    },
    Row {
        id: "USA_HEALTHCARE_PROCEDURE_CODE",
        validation: Some("a letter A to V and 4 digits, or 5 digits"),
        keywords: &["current procedural terminology", "hcpcs", "healthcare common procedure coding system"],
        shapes: &["A9999", "99999", "9999A"],
        check: |code| code[0].is_ascii_digit() || code[0] <= b'V',
        ..Row::COMMON
    },
    Row {
        id: "USA_NATIONAL_DRUG_CODE",
        validation: Some("labeler, product and package in 10 or 11 digits"),
        keywords: &["national drug code", "ndc"],
        shapes: &["9999 9999 99", "99999 999 99", "99999 9999 9", "99999 9999 99"],
        check: |number| !repeated(number),
        ..Row::COMMON
    },
    Row {
        id: "USA_NATIONAL_PROVIDER_IDENTIFIER",
        validation: Some("Luhn with the prefix 80840, begins with 1 or 2"),
        keywords: &["hipaa", "n.p.i", "national provider", "npi"],
        shapes: &["9999999999", "999 999 9999"],
        check: npi,
        ..CHECKED
    },
    Row {
        id: "US_DRUG_ENFORCEMENT_AGENCY_NUMBER",
        validation: Some("two letters or a letter and 9, check digit"),
        keywords: &["dea number", "dea registration"],
        shapes: &["A#9999999", "A# 9999999"],
        check: dea,
        ..CHECKED
    },
    Row {
        id: "MEDICAL_RECORD_NUMBER",
        origin: Origin::Reelgate,
        validation: Some("6 to 10 digits, not all the same"),
        keywords: &[
            "medical record",
            "medical record no",
            "medical record number",
            "mrn",
            "patient id",
            "patient number",
        ],
        shapes: &["999999", "9999999", "99999999", "999999999", "9999999999"],
        check: |number| !repeated(number),
        ..Row::COMMON
    },
];

#[cfg(test)]
mod tests {
    use crate::families::tests::found;

    #[test]
    fn a_card_of_the_european_scheme_is_found_and_finland_has_its_own() {
        assert_eq!(found("EHIC 80040000010010002458"), ["EUROPEAN_HEALTH_INSURANCE_CARD_NUMBER"]);
        assert_eq!(found("EHIC 80246000000010002458"), ["FINLAND_EUROPEAN_HEALTH_INSURANCE_NUMBER"]);
        assert_eq!(found("EHIC 70040000010010002458"), [""; 0]);
    }
}
