//! The checks that every kind of reply shares: lengths, ranges and conditions, each refused as `worker_protocol`.

use reelgate_flow::reason::{Code, Fault};

/// Latest time that is accepted (292 years), so that times fit signed 64 bits.
pub(super) const TIME_NS_MAX: u64 = i64::MAX as u64;

/// Checks a short word, such as a codec or a language: visible ASCII and spaces, possibly empty.
pub fn word(what: &str, text: &str, bytes_max: usize) -> Result<(), Fault> {
    let is_word = text.len() <= bytes_max && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    ensure(is_word, || format!("{what} of at most {bytes_max} visible ASCII characters"))
}

/// Checks text from the media: any characters, but a bounded length.
pub(super) fn text(what: &str, text: &str, bytes_max: usize) -> Result<(), Fault> {
    at_most(&format!("bytes of a {what}"), text.len() as u64, bytes_max as u64)
}

pub(super) fn at_most(what: &str, found: u64, max: u64) -> Result<(), Fault> {
    if found <= max { Ok(()) } else { Err(untrue(&format!("{what} up to {max}"), &found.to_string())) }
}

pub(super) fn ensure(holds: bool, expected: impl FnOnce() -> String) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(untrue(&expected(), "something else")) }
}

pub(super) fn untrue(expected: &str, found: &str) -> Fault {
    Fault::new(Code::WorkerProtocol, format!("expected {expected}, found {found}"))
}
