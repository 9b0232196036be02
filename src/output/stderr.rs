//! Talk: lines for a person on standard error.

use std::io::Write;

use crate::exit::Failure;

/// One line. A closed standard error must not stop the work, so the result is not looked at.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// One line for a failure.
pub fn failure(failure: &Failure) {
    say(&format!("reelgate: {failure}"));
}
