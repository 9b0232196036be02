//! National identity, tax and social security numbers.
//!
//! The functions of the check digits name the sources of their rules. Macie has no keywords for most countries; the
//! keywords here are the names of the documents.

use super::row::Row;
use crate::candidate::Strength;
use crate::checksum::luhn;
use crate::checksum::national as check;
use crate::identifier::{Severity, SeverityRule};
use crate::mask::Mask;

const CHECKED: Row = Row { strength: Strength::Checksum, ..Row::COMMON };
const SHAPED: Row = Row { strength: Strength::Format, ..Row::COMMON };
/// Macie's severity of an organisation's number, and of a transport card.
const MIDDLING: SeverityRule = SeverityRule::new(Severity::Medium, Severity::Medium, Severity::High);

const CUIT: &[&str] = &[
    "clave única de identificación tributaria",
    "clave unica de identificacion tributaria",
    "código único de identificación laboral",
    "cuil",
    "cuit",
];
const NIT: &[&str] =
    &["nit", "número de identificación tributaria", "numero de identificacion tributaria", "rut"];
const RFC: &[&str] = &["registro federal de contribuyentes", "rfc"];

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "ARGENTINA_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
        validation: Some("CUIT or CUIL of a person, modulus 11"),
        keywords: CUIT,
        shapes: &["99 99999999 9"],
        check: check::cuit_of_person,
        ..CHECKED
    },
    Row {
        id: "ARGENTINA_ORGANIZATION_TAX_IDENTIFICATION_NUMBER",
        validation: Some("CUIT of an organisation, modulus 11"),
        keywords: CUIT,
        shapes: &["99 99999999 9"],
        check: check::cuit_of_organisation,
        severity: MIDDLING,
        ..CHECKED
    },
    Row {
        id: "ARGENTINA_DNI_NUMBER",
        validation: Some("7 or 8 digits, not all the same"),
        keywords: &["dni", "documento nacional de identidad", "número de dni", "numero de dni"],
        shapes: &["99 999 999", "9 999 999"],
        check: |number| !check::repeated(number),
        ..Row::COMMON
    },
    Row {
        id: "ARGENTINA_TARJETA_SUBE",
        validation: Some("16 digits that begin with 6061"),
        keywords: &["sistema único de boleto electrónico", "sube"],
        shapes: &["9999 9999 9999 9999"],
        check: |number| number.starts_with(b"6061"),
        severity: MIDDLING,
        ..SHAPED
    },
    Row {
        id: "AUSTRALIA_TAX_FILE_NUMBER",
        validation: Some("modulus 11"),
        keywords: &["tax file number", "tfn"],
        shapes: &["999 999 999", "99 999 999", "999 999 99"],
        check: check::tfn,
        ..CHECKED
    },
    Row {
        id: "BRAZIL_CPF_NUMBER",
        validation: Some("two check digits, modulus 11"),
        keywords: &[
            "cadastro de pessoa física",
            "cadastro de pessoas físicas",
            "cadastro de pessoa fisica",
            "cpf",
        ],
        shapes: &["999 999 999 99"],
        check: check::cpf,
        ..CHECKED
    },
    Row {
        id: "BRAZIL_CNPJ_NUMBER",
        validation: Some("two check digits, modulus 11"),
        keywords: &["cadastro nacional da pessoa jurídica", "cadastro nacional da pessoa juridica", "cnpj"],
        shapes: &["99 999 999 9999 99"],
        check: check::cnpj,
        ..CHECKED
    },
    Row {
        id: "BRAZIL_RG_NUMBER",
        validation: Some("8 digits and a digit or X"),
        keywords: &["cédula de identidade", "cedula de identidade", "registro geral", "rg"],
        shapes: &["99 999 999 #"],
        check: |number| number[8].is_ascii_digit() || number[8] == b'X',
        ..SHAPED
    },
    Row {
        id: "BRAZIL_CEP_CODE",
        validation: Some("8 digits, not all the same"),
        keywords: &["cep", "código de endereçamento postal", "código postal"],
        shapes: &["99999 999"],
        check: |number| !check::repeated(number),
        severity: SeverityRule::RISING,
        ..Row::COMMON
    },
    Row {
        id: "CANADA_SOCIAL_INSURANCE_NUMBER",
        validation: Some("Luhn, first digit not 0 or 8"),
        keywords: &[
            "canadian id",
            "numéro d'assurance sociale",
            "sin",
            "social insurance number",
            "social insurance",
        ],
        shapes: &["999 999 999"],
        check: check::sin,
        ..CHECKED
    },
    Row {
        id: "CANADA_NATIONAL_IDENTIFICATION_NUMBER",
        validation: Some("shape of a permanent resident's card or client number"),
        keywords: &[
            "carte de résident permanent",
            "numéro de résident permanent",
            "permanent resident card",
            "permanent resident number",
            "pr no",
            "pr number",
        ],
        shapes: &["AA9999999", "AA99999999", "AA9999999999", "9999 9999", "99 9999 9999"],
        ..SHAPED
    },
    Row {
        id: "CHILE_RUT_NUMBER",
        validation: Some("modulus 11"),
        keywords: &["cédula de identidad", "rol único nacional", "rol único tributario", "run", "rut"],
        shapes: &["99 999 999 #", "9 999 999 #", "99999999 #", "9999999 #"],
        check: check::rut,
        ..CHECKED
    },
    Row {
        id: "COLOMBIA_INDIVIDUAL_NIT_NUMBER",
        validation: Some("modulus 11, as persons have it"),
        keywords: NIT,
        shapes: &["999 999 999 9", "999999999 9"],
        check: check::nit_of_person,
        ..CHECKED
    },
    Row {
        id: "COLOMBIA_ORGANIZATION_NIT_NUMBER",
        validation: Some("modulus 11, as organisations have it"),
        keywords: NIT,
        shapes: &["999 999 999 9", "999999999 9"],
        check: check::nit_of_organisation,
        severity: MIDDLING,
        ..CHECKED
    },
    Row {
        id: "COLOMBIA_CITIZENSHIP_CARD_NUMBER",
        validation: Some("8 or 10 digits, not all the same"),
        keywords: &[
            "cédula",
            "cedula",
            "cédula de ciudadanía",
            "cedula de ciudadania",
            "documento de identificación",
        ],
        shapes: &["99 999 999", "9 999 999 999"],
        check: |number| !check::repeated(number),
        ..Row::COMMON
    },
    Row {
        id: "FRANCE_NATIONAL_IDENTIFICATION_NUMBER",
        validation: Some("NIR with its key, modulus 97"),
        keywords: &[
            "assurance sociale",
            "code insee",
            "insee",
            "numéro de sécurité sociale",
            "numero de securite sociale",
            "numéro insee",
            "numéro nir",
            "nir",
            "sécurité sociale",
            "securite sociale",
        ],
        shapes: &["9 99 99 9# 999 999 99"],
        check: check::nir,
        ..CHECKED
    },
    Row {
        id: "FRANCE_TAX_IDENTIFICATION_NUMBER",
        validation: Some("13 digits, modulus 511"),
        keywords: &[
            "identification fiscale",
            "numéro d'identification fiscale",
            "numéro fiscal",
            "numero fiscal",
            "numéro spi",
            "numéro de déclarant",
        ],
        shapes: &["99 99 999 999 999"],
        check: check::spi,
        ..CHECKED
    },
    Row {
        id: "GERMANY_TAX_IDENTIFICATION_NUMBER",
        validation: Some("11 digits, modulus 11,10"),
        keywords: &[
            "identifikationsnummer",
            "idnr",
            "steuer id",
            "steueridentifikationsnummer",
            "steuer identifikationsnummer",
            "steuernummer",
            "steuerliche identifikationsnummer",
            "tax id",
            "tin",
        ],
        shapes: &["99 999 999 999"],
        check: check::german_tax,
        ..CHECKED
    },
    Row {
        id: "GERMANY_NATIONAL_IDENTIFICATION_NUMBER",
        validation: Some("letters and digits of an identity card, its check digit where written"),
        keywords: &["ausweis", "ausweisnummer", "personalausweis", "personalausweisnummer", "id nummer"],
        shapes: &["A########", "A########9"],
        check: check::personalausweis,
        ..SHAPED
    },
    Row {
        id: "INDIA_AADHAAR_NUMBER",
        validation: Some("12 digits, Verhoeff"),
        keywords: &["aadhaar", "aadhar", "adhaar", "uidai", "aadhaar number"],
        shapes: &["9999 9999 9999"],
        check: check::aadhaar,
        ..CHECKED
    },
    Row {
        id: "INDIA_PERMANENT_ACCOUNT_NUMBER",
        validation: Some("5 letters with a holder's kind, 4 digits, a letter"),
        keywords: &["income tax", "pan", "pan card", "pan number", "permanent account number"],
        shapes: &["AAAAA9999A"],
        check: |number| b"ABCFGHLJPT".contains(&number[3]),
        ..SHAPED
    },
    Row {
        id: "ITALY_NATIONAL_IDENTIFICATION_NUMBER",
        validation: Some("codice fiscale with its check letter"),
        keywords: &[
            "codice fiscal",
            "codice fiscale",
            "cod fiscale",
            "cf",
            "dati anagrafici",
            "tessera sanitaria",
        ],
        shapes: &["AAAAAA##A##A###A", "AAA AAA ##A## A###A"],
        check: check::codice_fiscale,
        ..CHECKED
    },
    Row {
        id: "MEXICO_CURP_NUMBER",
        validation: Some("date, sex, check digit"),
        keywords: &["clave única de registro de población", "clave unica de registro de poblacion", "curp"],
        shapes: &["AAAA999999AAAAAA#9"],
        check: check::curp,
        ..CHECKED
    },
    Row {
        id: "MEXICO_INDIVIDUAL_RFC_NUMBER",
        validation: Some("4 letters, date, check character"),
        keywords: RFC,
        shapes: &["AAAA 999999 ###"],
        check: check::rfc,
        ..CHECKED
    },
    Row {
        id: "MEXICO_ORGANIZATION_RFC_NUMBER",
        validation: Some("3 letters, date, check character"),
        keywords: RFC,
        shapes: &["AAA 999999 ###"],
        check: check::rfc,
        severity: MIDDLING,
        ..CHECKED
    },
    Row {
        id: "SPAIN_DNI_NUMBER",
        validation: Some("8 digits, letter of modulus 23"),
        keywords: &[
            "dni",
            "dni número",
            "documento nacional de identidad",
            "identidad único",
            "identidadúnico",
            "insurance number",
            "national identification number",
            "national identity",
            "nationalid",
            "número nacional identidad",
        ],
        shapes: &["99999999 A", "99 999 999 A"],
        check: check::dni,
        ..CHECKED
    },
    Row {
        id: "SPAIN_NIE_NUMBER",
        validation: Some("X, Y or Z, 7 digits, letter of modulus 23"),
        keywords: &["nie", "número de identidad de extranjero", "numero de identidad de extranjero"],
        shapes: &["A9999999A", "A 9999999 A"],
        check: check::nie,
        ..CHECKED
    },
    Row {
        id: "SPAIN_NIF_NUMBER",
        validation: Some("letter of modulus 23"),
        keywords: &["nif", "número de identificación fiscal", "numero de identificacion fiscal"],
        shapes: &["99999999 A", "A9999999A", "A 9999999 A"],
        check: check::nif,
        ..CHECKED
    },
    Row {
        id: "SPAIN_TAX_IDENTIFICATION_NUMBER",
        validation: Some("letter, 7 digits, control digit or letter"),
        keywords: &["cif", "código de identificación fiscal", "nif", "tax id", "tax identification number"],
        shapes: &["A9999999#", "A 9999999 #"],
        check: check::cif,
        ..CHECKED
    },
    Row {
        id: "SPAIN_SOCIAL_SECURITY_NUMBER",
        validation: Some("12 digits, modulus 97"),
        keywords: &[
            "número de la seguridad social",
            "social security no.",
            "social security number",
            "socialsecurityno#",
            "ssn",
            "ssn#",
        ],
        shapes: &["99 99999999 99"],
        check: check::spain_social_security,
        ..CHECKED
    },
    Row {
        id: "UK_NATIONAL_INSURANCE_NUMBER",
        validation: Some("prefixes in use, 6 digits, A to D"),
        keywords: &[
            "insurance no.",
            "insurance number",
            "insurance#",
            "national insurance number",
            "national insurance",
            "nationalinsurance#",
            "nationalinsurancenumber",
            "nin",
            "nino",
        ],
        shapes: &["AA 99 99 99 A", "AA 999999 A", "AA999999 A"],
        check: check::nino,
        ..SHAPED
    },
    Row {
        id: "UK_TAX_IDENTIFICATION_NUMBER",
        validation: Some("10 digits, modulus 11"),
        keywords: &["tax id", "tax reference", "unique taxpayer reference", "unique tax reference", "utr"],
        shapes: &["9999999999", "99999 99999"],
        check: check::utr,
        ..CHECKED
    },
    Row {
        id: "UK_ELECTORAL_ROLL_NUMBER",
        validation: Some("2 letters and 1 to 4 digits"),
        keywords: &[
            "electoral #",
            "electoral number",
            "electoral roll #",
            "electoral roll no.",
            "electoral roll number",
            "electoralrollno",
        ],
        shapes: &["AA9", "AA99", "AA999", "AA9999"],
        ..Row::COMMON
    },
    Row {
        id: "USA_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
        validation: Some("begins with 9, group in use"),
        keywords: &["i.t.i.n.", "individual taxpayer identification number", "itin"],
        shapes: &["999 99 9999"],
        check: check::itin,
        ..SHAPED
    },
    Row {
        id: "VEHICLE_IDENTIFICATION_NUMBER",
        validation: Some("17 letters and digits of ISO 3779, 4 digits last"),
        keywords: &[
            "fahrgestellnummer",
            "niv",
            "vehicle identification number",
            "vin",
            "vin numeris",
            "numer vin",
        ],
        shapes: &["#############9999"],
        check: check::vin,
        severity: SeverityRule::new(Severity::Low, Severity::Low, Severity::Medium),
        mask: Mask::KeepLast(4),
        ..SHAPED
    },
];

/// Swedish personal number, which is also the number of Swedish driver's licences: Luhn over the last ten digits.
pub(super) fn personnummer(number: &[u8]) -> bool {
    let ten = number.len().checked_sub(10).map_or(number, |from| &number[from..]);
    luhn(ten) && !check::repeated(ten)
}
