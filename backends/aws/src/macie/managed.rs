//! The managed identifiers that a job searches for, listed one by one. By default a job uses Macie's recommended set, which
//! omits phone numbers, bank accounts, names, positions, JSON web tokens and more. The set of all identifiers changes
//! without notice.
//!
//! Source: Amazon Macie User Guide, "Quick reference: Managed data identifiers by type". The text of a video may contain
//! any of them. `CREDIT_CARD_NUMBER` needs a keyword near the number, and its form without keyword does not. The list has
//! both, because captions and pictures rarely have a keyword.

use std::collections::BTreeSet;

use aws_sdk_macie2::Client;
use reelgate_ports::error::{Port, PortResult};

use crate::error::ApiCall;

const LIST: ApiCall = ApiCall::new(
    Port::ExternalScanner,
    "list the scanner's managed identifiers",
    "macie2:ListManagedDataIdentifiers",
);

/// Ids of managed identifiers, by category.
pub const MANAGED_IDENTIFIERS: &[&str] = &[
    // CREDENTIALS
    "AWS_CREDENTIALS",
    "GCP_API_KEY",
    "HTTP_BASIC_AUTH_HEADER",
    "JSON_WEB_TOKEN",
    "OPENSSH_PRIVATE_KEY",
    "PGP_PRIVATE_KEY",
    "PKCS",
    "PUTTY_PRIVATE_KEY",
    "STRIPE_CREDENTIALS",
    // FINANCIAL_INFORMATION
    "BANK_ACCOUNT_NUMBER",
    "ALBANIA_BANK_ACCOUNT_NUMBER",
    "ANDORRA_BANK_ACCOUNT_NUMBER",
    "BOSNIA_AND_HERZEGOVINA_BANK_ACCOUNT_NUMBER",
    "BRAZIL_BANK_ACCOUNT_NUMBER",
    "BULGARIA_BANK_ACCOUNT_NUMBER",
    "COSTA_RICA_BANK_ACCOUNT_NUMBER",
    "CROATIA_BANK_ACCOUNT_NUMBER",
    "CYPRUS_BANK_ACCOUNT_NUMBER",
    "CZECH_REPUBLIC_BANK_ACCOUNT_NUMBER",
    "DENMARK_BANK_ACCOUNT_NUMBER",
    "DOMINICAN_REPUBLIC_BANK_ACCOUNT_NUMBER",
    "EGYPT_BANK_ACCOUNT_NUMBER",
    "ESTONIA_BANK_ACCOUNT_NUMBER",
    "FAROE_ISLANDS_BANK_ACCOUNT_NUMBER",
    "FINLAND_BANK_ACCOUNT_NUMBER",
    "FRANCE_BANK_ACCOUNT_NUMBER",
    "GEORGIA_BANK_ACCOUNT_NUMBER",
    "GERMANY_BANK_ACCOUNT_NUMBER",
    "GREECE_BANK_ACCOUNT_NUMBER",
    "GREENLAND_BANK_ACCOUNT_NUMBER",
    "HUNGARY_BANK_ACCOUNT_NUMBER",
    "ICELAND_BANK_ACCOUNT_NUMBER",
    "IRELAND_BANK_ACCOUNT_NUMBER",
    "ITALY_BANK_ACCOUNT_NUMBER",
    "JORDAN_BANK_ACCOUNT_NUMBER",
    "KOSOVO_BANK_ACCOUNT_NUMBER",
    "LIECHTENSTEIN_BANK_ACCOUNT_NUMBER",
    "LITHUANIA_BANK_ACCOUNT_NUMBER",
    "MALTA_BANK_ACCOUNT_NUMBER",
    "MAURITANIA_BANK_ACCOUNT_NUMBER",
    "MAURITIUS_BANK_ACCOUNT_NUMBER",
    "MONACO_BANK_ACCOUNT_NUMBER",
    "MONTENEGRO_BANK_ACCOUNT_NUMBER",
    "NETHERLANDS_BANK_ACCOUNT_NUMBER",
    "NORTH_MACEDONIA_BANK_ACCOUNT_NUMBER",
    "POLAND_BANK_ACCOUNT_NUMBER",
    "PORTUGAL_BANK_ACCOUNT_NUMBER",
    "SAN_MARINO_BANK_ACCOUNT_NUMBER",
    "SENEGAL_BANK_ACCOUNT_NUMBER",
    "SERBIA_BANK_ACCOUNT_NUMBER",
    "SLOVAKIA_BANK_ACCOUNT_NUMBER",
    "SLOVENIA_BANK_ACCOUNT_NUMBER",
    "SPAIN_BANK_ACCOUNT_NUMBER",
    "SWEDEN_BANK_ACCOUNT_NUMBER",
    "SWITZERLAND_BANK_ACCOUNT_NUMBER",
    "TIMOR_LESTE_BANK_ACCOUNT_NUMBER",
    "TUNISIA_BANK_ACCOUNT_NUMBER",
    "TURKIYE_BANK_ACCOUNT_NUMBER",
    "UK_BANK_ACCOUNT_NUMBER",
    "UKRAINE_BANK_ACCOUNT_NUMBER",
    "UNITED_ARAB_EMIRATES_BANK_ACCOUNT_NUMBER",
    "VIRGIN_ISLANDS_BANK_ACCOUNT_NUMBER",
    "CREDIT_CARD_EXPIRATION",
    "CREDIT_CARD_MAGNETIC_STRIPE",
    "CREDIT_CARD_NUMBER",
    "CREDIT_CARD_NUMBER_(NO_KEYWORD)",
    "CREDIT_CARD_SECURITY_CODE",
    // PERSONAL_INFORMATION
    "US_DRUG_ENFORCEMENT_AGENCY_NUMBER",
    "USA_HEALTH_INSURANCE_CLAIM_NUMBER",
    "CANADA_HEALTH_NUMBER",
    "EUROPEAN_HEALTH_INSURANCE_CARD_NUMBER",
    "FINLAND_EUROPEAN_HEALTH_INSURANCE_NUMBER",
    "FRANCE_HEALTH_INSURANCE_NUMBER",
    "UK_NHS_NUMBER",
    "USA_MEDICARE_BENEFICIARY_IDENTIFIER",
    "USA_HEALTHCARE_PROCEDURE_CODE",
    "USA_NATIONAL_DRUG_CODE",
    "USA_NATIONAL_PROVIDER_IDENTIFIER",
    "MEDICAL_DEVICE_UDI",
    "DATE_OF_BIRTH",
    "DRIVERS_LICENSE",
    "AUSTRALIA_DRIVERS_LICENSE",
    "AUSTRIA_DRIVERS_LICENSE",
    "BELGIUM_DRIVERS_LICENSE",
    "BULGARIA_DRIVERS_LICENSE",
    "CANADA_DRIVERS_LICENSE",
    "CROATIA_DRIVERS_LICENSE",
    "CYPRUS_DRIVERS_LICENSE",
    "CZECHIA_DRIVERS_LICENSE",
    "DENMARK_DRIVERS_LICENSE",
    "ESTONIA_DRIVERS_LICENSE",
    "FINLAND_DRIVERS_LICENSE",
    "FRANCE_DRIVERS_LICENSE",
    "GERMANY_DRIVERS_LICENSE",
    "GREECE_DRIVERS_LICENSE",
    "HUNGARY_DRIVERS_LICENSE",
    "INDIA_DRIVERS_LICENSE",
    "IRELAND_DRIVERS_LICENSE",
    "ITALY_DRIVERS_LICENSE",
    "LATVIA_DRIVERS_LICENSE",
    "LITHUANIA_DRIVERS_LICENSE",
    "LUXEMBOURG_DRIVERS_LICENSE",
    "MALTA_DRIVERS_LICENSE",
    "NETHERLANDS_DRIVERS_LICENSE",
    "POLAND_DRIVERS_LICENSE",
    "PORTUGAL_DRIVERS_LICENSE",
    "ROMANIA_DRIVERS_LICENSE",
    "SLOVAKIA_DRIVERS_LICENSE",
    "SLOVENIA_DRIVERS_LICENSE",
    "SPAIN_DRIVERS_LICENSE",
    "SWEDEN_DRIVERS_LICENSE",
    "UK_DRIVERS_LICENSE",
    "UK_ELECTORAL_ROLL_NUMBER",
    "NAME",
    "LATITUDE_LONGITUDE",
    "HTTP_COOKIE",
    "ADDRESS",
    "BRAZIL_CEP_CODE",
    "ARGENTINA_DNI_NUMBER",
    "BRAZIL_RG_NUMBER",
    "CHILE_RUT_NUMBER",
    "COLOMBIA_CITIZENSHIP_CARD_NUMBER",
    "FRANCE_NATIONAL_IDENTIFICATION_NUMBER",
    "GERMANY_NATIONAL_IDENTIFICATION_NUMBER",
    "INDIA_AADHAAR_NUMBER",
    "ITALY_NATIONAL_IDENTIFICATION_NUMBER",
    "MEXICO_CURP_NUMBER",
    "SPAIN_DNI_NUMBER",
    "UK_NATIONAL_INSURANCE_NUMBER",
    "CANADA_PASSPORT_NUMBER",
    "FRANCE_PASSPORT_NUMBER",
    "GERMANY_PASSPORT_NUMBER",
    "ITALY_PASSPORT_NUMBER",
    "SPAIN_PASSPORT_NUMBER",
    "UK_PASSPORT_NUMBER",
    "USA_PASSPORT_NUMBER",
    "CANADA_NATIONAL_IDENTIFICATION_NUMBER",
    "PHONE_NUMBER",
    "BRAZIL_PHONE_NUMBER",
    "FRANCE_PHONE_NUMBER",
    "GERMANY_PHONE_NUMBER",
    "ITALY_PHONE_NUMBER",
    "SPAIN_PHONE_NUMBER",
    "UK_PHONE_NUMBER",
    "ARGENTINA_TARJETA_SUBE",
    "CANADA_SOCIAL_INSURANCE_NUMBER",
    "USA_SOCIAL_SECURITY_NUMBER",
    "SPAIN_SOCIAL_SECURITY_NUMBER",
    "ARGENTINA_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    "AUSTRALIA_TAX_FILE_NUMBER",
    "BRAZIL_CNPJ_NUMBER",
    "BRAZIL_CPF_NUMBER",
    "COLOMBIA_INDIVIDUAL_NIT_NUMBER",
    "FRANCE_TAX_IDENTIFICATION_NUMBER",
    "GERMANY_TAX_IDENTIFICATION_NUMBER",
    "INDIA_PERMANENT_ACCOUNT_NUMBER",
    "MEXICO_INDIVIDUAL_RFC_NUMBER",
    "SPAIN_NIE_NUMBER",
    "SPAIN_NIF_NUMBER",
    "SPAIN_TAX_IDENTIFICATION_NUMBER",
    "UK_TAX_IDENTIFICATION_NUMBER",
    "USA_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    "ARGENTINA_ORGANIZATION_TAX_IDENTIFICATION_NUMBER",
    "COLOMBIA_ORGANIZATION_NIT_NUMBER",
    "MEXICO_ORGANIZATION_RFC_NUMBER",
    "VEHICLE_IDENTIFICATION_NUMBER",
];

/// Those of `wanted` that Macie knows in this region, in the same order. A warning lists the others, because Macie refuses
/// a whole job if it does not know one of its identifiers.
pub(super) async fn known(client: &Client, wanted: &[String]) -> PortResult<Vec<String>> {
    let mut listed = BTreeSet::new();
    let mut pages = client.list_managed_data_identifiers().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(LIST.failed())?;
        listed.extend(page.items().iter().filter_map(|item| item.id()).map(str::to_owned));
    }
    let (known, unknown): (Vec<String>, Vec<String>) =
        wanted.iter().cloned().partition(|id| listed.contains(id));
    if !unknown.is_empty() {
        tracing::warn!(identifiers = ?unknown, "the scanner does not know these managed identifiers; jobs do not search for them");
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_managed_identifier_of_the_reference_is_listed_once() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/macie-managed-identifiers.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: no corpus: the list of managed identifiers is not next to this checkout");
            return;
        };
        let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let reference: BTreeSet<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        let ours: BTreeSet<&str> = MANAGED_IDENTIFIERS.iter().copied().collect();
        assert_eq!(ours.len(), MANAGED_IDENTIFIERS.len(), "an identifier is listed twice");
        assert_eq!(ours, reference);
    }

    #[test]
    fn identifiers_that_the_recommended_set_omits_are_listed() {
        for id in
            ["PHONE_NUMBER", "NAME", "LATITUDE_LONGITUDE", "JSON_WEB_TOKEN", "GERMANY_BANK_ACCOUNT_NUMBER"]
        {
            assert!(MANAGED_IDENTIFIERS.contains(&id), "{id}");
        }
    }
}
