//! Messages for people, on standard error.

use std::io::Write;

use crate::exit::Failure;

/// Prints one line. A closed standard error must not stop the work, so errors are ignored.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints a failure as one line.
pub fn failure(failure: &Failure) {
    say(&format!("reelgate: {failure}"));
}
