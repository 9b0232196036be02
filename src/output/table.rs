//! Tables for people: a header, a line below it, and rows without rules between them. On a terminal a table is as wide as its
//! columns allow and no wider than the terminal: only the widest column is broken into lines, and where that would make it too
//! narrow, what matters least is left out first. In a pipe everything is written, at any width.

use std::fmt;
use std::io::{IsTerminal, Write};

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, LineStyle, Row, Table, TableStyle};
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::plain::is_plain;

use crate::exit::Failure;

/// A line below the header and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// Blanks to the right of a column.
const PADDING: u16 = 1;
/// What a column takes beside its content: the padding, and the blank between two columns.
const GAP: u16 = PADDING + 1;
/// Width to which the widest column is broken before another column is left out, characters.
const BROKEN: u16 = 40;
/// Least width to which the widest column is broken before every column is, characters.
const BROKEN_MIN: u16 = 16;
/// Fewest characters of a shortened id. The ids of a million assets begin differently, but for one chance in a million each.
const ID_CHARS_MIN: usize = 8;

/// A table that is being filled.
pub struct Rows {
    table: Table,
    /// For each column, how early it is left out where the terminal is narrow; a column with 0 is always there.
    dispensable: Vec<u8>,
}

/// A table that keeps all of its columns.
pub fn new(header: &[&str]) -> Rows {
    of(header.iter().map(|name| (*name, 0)))
}

/// A table whose columns are left out on a narrow terminal, those with the highest number first and never those with 0.
pub fn narrowing(header: &[(&str, u8)]) -> Rows {
    of(header.iter().copied())
}

fn of<'a>(header: impl Iterator<Item = (&'a str, u8)>) -> Rows {
    let (names, dispensable): (Vec<&str>, Vec<u8>) = header.unzip();
    let mut table = Table::new();
    table.load_style(STYLE).set_header(names);
    Rows { table, dispensable }
}

impl Rows {
    /// Adds a row of as many cells as there are columns.
    pub fn add_row(&mut self, row: impl Into<Row>) {
        self.table.add_row(row);
    }

    /// The text for a terminal of this width, or of any width.
    fn lay_out(&self, width: Option<u16>) -> String {
        let mut table = self.table.clone();
        for column in table.column_iter_mut() {
            column.set_padding((0, PADDING));
        }
        let Some(width) = width else {
            table.force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
            return table.trim_fmt();
        };
        let widths = table.column_max_content_widths();
        let total =
            |shown: &[usize]| shown.iter().map(|at| u32::from(widths[*at].saturating_add(GAP))).sum::<u32>();
        let widest_of = |shown: &[usize]| shown.iter().copied().max_by_key(|at| widths[*at]);
        let least = |shown: &[usize]| {
            let broken = widest_of(shown).map_or(0, |at| u32::from(widths[at].saturating_sub(BROKEN)));
            total(shown) - broken
        };
        let mut shown: Vec<usize> = (0..widths.len()).collect();
        while least(&shown) > u32::from(width) {
            let dispensable = shown.iter().copied().filter(|at| self.dispensable[*at] > 0);
            let Some(first) = dispensable.max_by_key(|at| self.dispensable[*at]) else { break };
            shown.retain(|at| *at != first);
        }
        let widest = widest_of(&shown);
        let others: Vec<usize> = shown.iter().copied().filter(|at| Some(*at) != widest).collect();
        let is_wide_enough = total(&others) + u32::from(BROKEN_MIN + GAP) <= u32::from(width);
        for (at, column) in table.column_iter_mut().enumerate() {
            if !shown.contains(&at) {
                column.set_constraint(ColumnConstraint::Hidden);
            } else if Some(at) != widest && is_wide_enough {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
        table.trim_fmt()
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lay_out(self.table.width()))
    }
}

/// The ids as a table shows them: on a terminal shortened to beginnings that differ, in a pipe whole.
pub fn ids<'a>(assets: impl Iterator<Item = &'a AssetId>) -> Vec<String> {
    let whole: Vec<&str> = assets.map(AssetId::as_str).collect();
    let chars = if std::io::stdout().is_terminal() { chars_that_differ(&whole) } else { AssetId::CHARS };
    whole.iter().map(|id| id.chars().take(chars).collect()).collect()
}

/// How many first characters keep all of the ids apart.
fn chars_that_differ(ids: &[&str]) -> usize {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let common = |pair: &[&str]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    sorted.windows(2).map(|pair| common(pair) + 1).max().unwrap_or(0).max(ID_CHARS_MIN)
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

/// Escapes characters of user text, such as a file name, that must not reach a terminal as they are: they steer it, or they show
/// another text than there is.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) { clean.push(c) } else { clean.extend(c.escape_default()) }
    }
    clean
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

    fn listing() -> Rows {
        let mut rows = narrowing(&[
            ("asset", 0),
            ("state", 0),
            ("verdict", 2),
            ("reason", 1),
            ("received", 3),
            ("source", 0),
        ]);
        for (id, state, reason, source) in [
            ("aaaaaaaa", "quarantined", "personal_data", "a.mp4"),
            (
                "bbbbbbbb",
                "published",
                "",
                "shows/a folder with a long name/and another one/episode one of them all.mp4",
            ),
        ] {
            rows.add_row([id, state, "flagged", reason, "2026-01-02 03:04:05.678", source]);
        }
        rows
    }

    /// Every word of one column's narrow cells stands whole in one of the lines.
    fn assert_whole(text: &str, words: &[&str]) {
        for word in words {
            assert!(
                text.lines().any(|line| line.split(' ').any(|found| found == *word)),
                "{word} in\n{text}"
            );
        }
    }

    #[test]
    fn a_pipe_gets_every_column_and_one_line_for_each_row() {
        let text = listing().lay_out(None);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert_whole(&text, &["received", "verdict", "personal_data", "quarantined"]);
    }

    #[test]
    fn a_narrow_terminal_gets_what_matters_most_and_no_broken_word() {
        for (width, has, lacks) in [
            (140, &["received", "verdict", "reason"][..], &[][..]),
            (100, &["verdict", "reason"], &["received"]),
            (80, &["reason"], &["received"]),
            (50, &[], &["received", "verdict", "reason"]),
        ] {
            let text = listing().lay_out(Some(width));
            for line in text.lines() {
                assert!(line.chars().count() <= usize::from(width), "{width}:\n{text}");
            }
            assert_whole(&text, &["aaaaaaaa", "quarantined", "published", "asset", "state", "source"]);
            assert_whole(&text, has);
            for name in lacks {
                assert!(!text.contains(name), "{name} at {width}:\n{text}");
            }
            assert!(!text.lines().skip(2).any(|line| line.contains('─')), "{text}");
        }
    }

    #[test]
    fn a_terminal_too_narrow_for_the_least_table_gets_one_all_the_same() {
        let text = listing().lay_out(Some(20));
        assert!(text.lines().all(|line| line.chars().count() <= 20), "{text}");
    }

    #[test]
    fn ids_are_shortened_to_beginnings_that_differ() {
        assert_eq!(chars_that_differ(&[]), 8);
        assert_eq!(chars_that_differ(&["abcdefghij", "abcdefghij"]), 8);
        assert_eq!(chars_that_differ(&["abcdefghijk2", "zzz", "abcdefghijk3"]), 12);
    }

    #[test]
    fn no_seconds_have_no_sign() {
        assert_eq!([-0.0, 0.0, 59.94, 60.0].map(seconds), ["0.0 s", "0.0 s", "59.9 s", "1:00 min"]);
    }

    #[test]
    fn a_name_cannot_steer_the_terminal_or_turn_the_text_around() {
        assert_eq!(clean("a\x1b[2J\u{202e}4pm.exe"), "a\\u{1b}[2J\\u{202e}4pm.exe");
    }
}
