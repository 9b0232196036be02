//! Tables for people; plain ASCII rules, colour only on a terminal.

use std::io::{IsTerminal, Write};

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use reelgate_flow::asset::Phase;
use reelgate_flow::plain::is_plain;

use crate::exit::Failure;

/// A table with a header.
pub fn new(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(header.iter().copied());
    table
}

/// A phase, coloured where there is a terminal.
pub fn phase(phase: Phase) -> Cell {
    let color = match phase {
        Phase::Published => Color::Green,
        Phase::Quarantined => Color::Yellow,
        Phase::Rejected | Phase::Failed => Color::Red,
        _ => Color::Reset,
    };
    Cell::new(phase.as_str()).fg(color)
}

/// Writes data to standard output; a closed pipe ends the command quietly.
pub fn print(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Internal(format!("write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Replaces characters of user text, such as a file name, that must not reach a terminal: they steer it, or they show
/// another text than there is.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if is_plain(c) { c } else { '\u{fffd}' }).collect()
}

/// Seconds as `1:02:03.4` or `2.3 s`.
pub fn seconds(seconds: f64) -> String {
    // Zero without a sign.
    let seconds = seconds + 0.0;
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds as u64;
    let (hours, minutes, rest) = (whole / 3_600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02} min") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_seconds_have_no_sign() {
        assert_eq!([-0.0, 0.0, 59.94, 60.0].map(seconds), ["0.0 s", "0.0 s", "59.9 s", "1:00 min"]);
    }

    #[test]
    fn a_name_cannot_steer_the_terminal_or_turn_the_text_around() {
        assert_eq!(clean("a\x1b[2J\u{202e}4pm.exe"), "a\u{fffd}[2J\u{fffd}4pm.exe");
    }
}
