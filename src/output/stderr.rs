//! Messages for people, on standard error.

use std::io::Write;

use crate::exit::Failure;
use crate::output::table::clean;

/// Prints one line. A closed standard error must not stop the work, so errors are ignored. Names of files and messages of other
/// programs may be in the line, so whatever would steer a terminal is escaped.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", clean(line));
}

/// Prints a failure as one line.
pub fn failure(failure: &Failure) {
    say(&format!("reelgate: {failure}"));
}
