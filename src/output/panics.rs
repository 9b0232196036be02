//! What the process says about a panic: the line of code. The message of a panic may quote an upload, a key or the
//! configuration, so it is shown nowhere.

use std::panic::PanicHookInfo;

use super::stderr;

/// Replaces the hook of the standard library, which prints the message.
pub fn hide_messages() {
    std::panic::set_hook(Box::new(report));
}

fn report(panic: &PanicHookInfo<'_>) {
    let line = panic.location().map_or_else(|| "an unknown line".to_owned(), ToString::to_string);
    // The log is on standard error too, and every line of it must be JSON.
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!(line, "panicked: this is a bug; its message is left out, because it may quote an upload");
    } else {
        stderr::say(&format!(
            "reelgate: panicked at {line}: this is a bug; its message is left out, because it may quote an upload"
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_with_its_line_of_code_and_without_its_message() {
        let log = Log::default();
        let writer = log.clone();
        let lines = fmt().json().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(lines, || {
            hide_messages();
            let panicked = std::panic::catch_unwind(|| panic!("the file is called sesame"));
            drop(std::panic::take_hook());
            assert!(panicked.is_err());
        });
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("src/output/panics.rs:") && !log.contains("sesame"), "{log}");
    }
}
