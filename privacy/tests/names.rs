//! Element names: their words are keywords, and a value in a name is found.

use reelgate_privacy::{Classifier, CustomIdentifier, Options};

use crate::{CLASSIFIER, line};

fn found(text: &str, field: &str) -> Vec<&'static str> {
    let findings = CLASSIFIER.scan([line(text, "tag", field)].into_iter());
    findings.iter().map(|finding| finding.kind.id).collect()
}

#[test]
fn the_words_of_a_name_are_a_keyword_however_they_are_written() {
    // A number of a rare length, which counts only near a keyword.
    let rare = "4539578763621486008";
    for name in [
        "card",
        "CARD",
        "Card-Number",
        "card-number",
        "card_number",
        "card.number",
        "card number",
        "CARD2",
        "2ndCard",
        "creditCardNumber",
        "CreditCardNUMBER",
        "credit-card-no",
        "CREDIT__CARD",
        "payment:card/pan",
        "CCNumber",
        "userCCValue",
        "com.example.creditCard",
        "ＣＡＲＤ",
        "card‑number",
        "credit%20card",
        "𝐜𝐚𝐫𝐝",
        "car\u{AD}d",
    ] {
        assert_eq!(found(rare, name), ["CREDIT_CARD_NUMBER"], "{name}");
    }
    for name in ["", "comment", "discard", "cardio", "wildcards", "placard", "account", "streams.codec_tag"] {
        assert_eq!(found(rare, name), [""; 0], "{name}");
    }
    for name in ["SSNValue", "userSSN", "social.security.number", "Soc-Sec", "SOCIAL_SECURITY"] {
        assert_eq!(found("536904399", name), ["USA_SOCIAL_SECURITY_NUMBER"], "{name}");
    }
    for name in ["homePhone", "PHONE-NO", "tel", "userMOBILEPhone1", "téléphone.phone"] {
        assert_eq!(found("2125550123", name), ["PHONE_NUMBER"], "{name}");
    }
}

#[test]
fn the_keyword_of_a_custom_identifier_is_found_in_the_words_of_a_name() {
    let badge = CustomIdentifier {
        keywords: vec!["email".into(), "customer number".into()],
        ..serde_json::from_str(r#"{"name": "badge", "regex": "E-[0-9]{5}"}"#).expect("well formed")
    };
    let classifier = Classifier::with(&[badge], &[], Options::default()).expect("within the limits");
    let found = |field: &str| classifier.scan([line("E-12345", "tag", field)].into_iter()).len();
    for name in
        ["email", "E-Mail", "eMail", "user.EMAIL2", "customerNumber", "Customer-Number", "CUSTOMER_NUMBER"]
    {
        assert_eq!(found(name), 1, "{name}");
    }
    for name in ["", "mail", "customer", "numberCustomer", "costumerNumber"] {
        assert_eq!(found(name), 0, "{name}");
    }
}

#[test]
fn a_value_in_a_name_is_found_and_masked_there() {
    for (name, id, shown) in [
        ("CARD_4539578763621486", "CREDIT_CARD_NUMBER", "CARD_************1486"),
        ("card_4539_5787_6362_1486", "CREDIT_CARD_NUMBER", "card_****_****_****_1486"),
        ("cardNumber4539578763621486", "CREDIT_CARD_NUMBER", "cardNumber************1486"),
        ("x-4539.5787.6362.1486", "CREDIT_CARD_NUMBER_(NO_KEYWORD)", "x-****.****.****.1486"),
        ("iban.GB29NWBK60161331926819", "UK_BANK_ACCOUNT_NUMBER", "iban.******************6819"),
        ("mail:jane%40example.org", "EMAIL_ADDRESS", "mail:j***@***"),
        ("phone_212_555_0123", "PHONE_NUMBER", "phone_***_***_**23"),
        ("ssn536904399", "USA_SOCIAL_SECURITY_NUMBER", "ssn*********"),
        ("ssn_536-90-4399", "USA_SOCIAL_SECURITY_NUMBER", "ssn_***-**-****"),
    ] {
        let findings = CLASSIFIER.scan([line("plain", "tag", name)].into_iter());
        let [finding] = findings.as_slice() else { panic!("{name}: one finding, not {}", findings.len()) };
        assert_eq!((finding.kind.id, finding.locations[0].address.field.as_str()), (id, shown), "{name}");
    }
}

#[test]
fn names_that_containers_have_are_no_finding() {
    for name in [
        "com.apple.quicktime.location.ISO6709",
        "MPEG-4 ES 1936024687",
        "major_brand_isom512",
        "ID3v2_priv.TIT2",
        "a4539578763621486f",
        "john4539578763621486",
        "_STATISTICS_WRITING_DATE_UTC-eng",
        "handler_name",
        "creation_time_2024-03-12",
        "iTunSMPB_00000000_00000840_000001CA",
    ] {
        assert_eq!(found("1234567890", name), [""; 0], "{name}");
    }
}
