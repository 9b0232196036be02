//! What a process says about a panic: the line of code. The message of a panic may quote an upload, a key or the
//! configuration, so it is shown nowhere.

use std::panic::PanicHookInfo;

const LEFT_OUT: &str = "this is a bug; its message is left out, because it may quote an upload";

/// Replaces the hook of the standard library, which prints the message. `say` prints a line where nothing is logged.
pub fn hide_messages(say: impl Fn(&str) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| report(panic, &say)));
}

fn report(panic: &PanicHookInfo<'_>, say: &dyn Fn(&str)) {
    let line = panic.location().map_or_else(|| "an unknown line".to_owned(), ToString::to_string);
    // The log is on standard error too, and every line of it must be JSON.
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!(line, "panicked: {LEFT_OUT}");
    } else {
        say(&format!("reelgate: panicked at {line}: {LEFT_OUT}"));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn without_a_log_a_panic_is_said_with_its_line_of_code_and_without_its_message() {
        let said = Arc::new(Mutex::new(String::new()));
        let saying = Arc::clone(&said);
        hide_messages(move |line| *saying.lock().unwrap() += line);
        let panicked = std::panic::catch_unwind(|| panic!("the file is called sesame"));
        drop(std::panic::take_hook());
        assert!(panicked.is_err());
        let said = said.lock().unwrap();
        assert!(said.contains("actors/src/panics.rs:") && !said.contains("sesame"), "{said}");
    }
}
