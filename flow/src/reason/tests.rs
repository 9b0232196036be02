//! The documents that are generated from this table agree with it. `REELGATE_BLESS=1` writes them again.

extern crate std;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::path::PathBuf;

use super::*;
use crate::limits::{
    BACKOFF_MAX_MS, BACKOFF_MIN_MS, REDRIVES_MAX, STARTS_MAX, UNCOUNTED_MAX, WITHDRAWAL_BACKOFF_MAX_MS,
};

const REASONS_HEAD: &str = "# Reasons

Why an asset was refused or failed. Codes are part of the public interface: their texts never change their meaning, and new
ones may come. **Class** says whose fault it is: `bad_media` and `policy` are the producer's and end in `rejected` (or
`quarantined`, `superseded`); `config`, `quota`, `infrastructure` and `bug` are ours and end in `failed`, which can be
redriven. **Attempts** is how often a task that ends with this code is started in all; **waits** means that attempts begin to count only after
about a week, because the service will answer, or the disk have room, again. See
[life-of-an-asset.md](../design/life-of-an-asset.md) for how they are counted.

| code | class | attempts | what happened | what to do |
|---|---|---|---|---|
";

fn reasons() -> String {
    let mut text = REASONS_HEAD.to_string();
    for code in Code::ALL {
        let (class, attempts) = (code.class().as_str(), code.attempts_max());
        let (message, advice) = (code.message(), code.advice());
        let waits = if code.is_waited_out() { "waits, then " } else { "" };
        text += &format!("| `{}` | `{class}` | {waits}{attempts} | {message} | {advice} |\n", code.as_str());
    }
    text
}

const RULES_BEGIN: &str =
    "<!-- retry rules: written by the tests of reelgate-flow with REELGATE_BLESS=1 -->\n";
const RULES_END: &str = "<!-- end of retry rules -->\n";

fn retry_rules() -> String {
    let mut text = "\n| starts in all | out of attempts leads to | codes |\n|---|---|---|\n".to_string();
    let mut kinds: Vec<(u32, bool)> =
        Code::ALL.iter().map(|code| (code.attempts_max(), code.class().is_producers())).collect();
    kinds.sort_unstable_by_key(|(attempts, producers)| (!producers, *attempts));
    kinds.dedup();
    for (attempts, producers) in kinds {
        let same = |code: &&Code| (code.attempts_max(), code.class().is_producers()) == (attempts, producers);
        let codes: Vec<String> =
            Code::ALL.iter().filter(same).map(|code| format!("`{}`", code.as_str())).collect();
        let codes = if codes.len() > 10 {
            "every other of `bad_media` and `policy`".into()
        } else {
            codes.join(", ")
        };
        let end = if producers { "an exit" } else { "`failed`" };
        text += &format!("| {attempts} | {end} | {codes} |\n");
    }
    text += &format!(
        "\n| bound | value |\n|---|---|\n\
        | first wait between two attempts | {BACKOFF_MIN_MS} ms, doubled each time |\n\
        | longest wait | {BACKOFF_MAX_MS} ms; of `withdraw` {WITHDRAWAL_BACKOFF_MAX_MS} ms |\n\
        | jitter | up to a quarter of the wait is added |\n\
        | starts of one task, whatever mixture of codes it meets | {STARTS_MAX} |\n\
        | starts of one task that are uncounted | {UNCOUNTED_MAX}; then giving back counts as losing |\n\
        | redrives of one asset | {REDRIVES_MAX} |\n\n"
    );
    text
}

fn document(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

fn agrees(name: &str, found: &str, expected: &str) {
    if found != expected && std::env::var_os("REELGATE_BLESS").is_some() {
        return std::fs::write(document(name), expected).expect("the document can be written");
    }
    assert!(found == expected, "docs/{name} differs from the code: write it again with REELGATE_BLESS=1");
}

#[test]
fn the_document_of_reasons_agrees_with_the_codes() {
    let name = "reference/reasons.md";
    let found = std::fs::read_to_string(document(name)).unwrap_or_default();
    agrees(name, &found, &reasons());
}

#[test]
fn the_document_of_the_life_of_an_asset_agrees_with_the_retry_rules() {
    let name = "design/life-of-an-asset.md";
    let found = std::fs::read_to_string(document(name)).expect("the document exists");
    let (before, rest) = found.split_once(RULES_BEGIN).expect("the document has a place for the rules");
    let (_, after) = rest.split_once(RULES_END).expect("the place for the rules ends");
    agrees(name, &found, &[before, RULES_BEGIN, &retry_rules(), RULES_END, after].concat());
}

#[test]
fn codes_are_parsed_back_and_each_has_its_own_text() {
    for code in Code::ALL {
        assert_eq!(Code::parse(code.as_str()), Some(*code));
        assert!(code.message().ends_with('.') && code.advice().ends_with('.'), "{}", code.as_str());
        assert!(code.attempts_max() > 0, "{} would never be tried", code.as_str());
    }
    assert_eq!(Code::parse("no_such_code"), None);
}

#[test]
fn a_fault_cuts_its_detail_at_a_character_border() {
    let fault = Fault::new(Code::Internal, "ä".repeat(400));
    assert_eq!(fault.detail.len(), Fault::DETAIL_BYTES_MAX);
    let odd = Fault::new(Code::Internal, format!("x{}", "ä".repeat(400)));
    assert_eq!(odd.detail.len(), Fault::DETAIL_BYTES_MAX - 1);
    assert_eq!(Fault::new(Code::Internal, "5 of 7").to_string(), "internal: 5 of 7");
    assert_eq!(Fault::new(Code::Internal, "").to_string(), "internal");
}

#[test]
fn a_fault_has_only_plain_characters() {
    let fault = Fault::new(Code::Internal, "a\x1b[31m\nä\u{202e}b\u{2066}");
    assert_eq!(fault.detail, "a?[31m?ä?b?");
}

#[cfg(feature = "serde")]
#[test]
fn a_deserialised_fault_has_its_detail_cut() {
    use serde::Deserialize;
    use serde::de::value::{Error, MapDeserializer};

    let long = "x".repeat(Fault::DETAIL_BYTES_MAX + 1);
    let fields = [("code", "internal"), ("detail", long.as_str())];
    let fault = Fault::deserialize(MapDeserializer::<_, Error>::new(fields.into_iter()));
    assert_eq!(fault.map(|fault| fault.detail.len()), Ok(Fault::DETAIL_BYTES_MAX));
}
