//! One caption text and the time during which it was on the screen.

/// Text that was on the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaptionText {
    /// `cc1` to `cc4`, `text1` to `text4`, or `service1` to `service63`.
    pub field: String,
    /// When it appeared, nanoseconds.
    pub start_ns: u64,
    /// When it disappeared, nanoseconds.
    pub end_ns: u64,
    /// Rows separated by `\n`; words that fill rows may be read in two ways.
    pub text: String,
    /// The rows as they are on the screen; `None` if nobody sees them, or if another text has them.
    pub shown: Option<String>,
}

impl CaptionText {
    /// The texts of rows that were shown together.
    pub fn read(
        field: &str,
        (start_ns, end_ns): (u64, u64),
        rows: &[&str],
        columns: usize,
    ) -> impl Iterator<Item = Self> {
        let mut shown = Some(rows.join("\n"));
        let field = field.to_owned();
        readings(rows, columns).into_iter().map(move |text| Self {
            field: field.clone(),
            start_ns,
            end_ns,
            text,
            shown: shown.take(),
        })
    }
}

/// Whether one word fills the whole row. Only a word that is longer than a row is broken, so the next row may continue it.
pub fn is_filled_by_a_word(row: &str, columns: usize) -> bool {
    row.chars().count() >= columns && !row.contains(' ')
}

/// The texts of rows that are shown together, separated by `\n`. If words fill rows, it is unknown whether the row after such
/// rows continues the word. So the first text has it continued, and the second has it not.
fn readings(rows: &[&str], columns: usize) -> Vec<String> {
    let (mut continued, mut ended) = (String::new(), String::new());
    let mut is_inside = false;
    for row in rows {
        let is_filled = is_filled_by_a_word(row, columns);
        if !(is_inside || continued.is_empty()) {
            continued.push('\n');
        }
        if !(is_inside && is_filled || ended.is_empty()) {
            ended.push('\n');
        }
        continued.push_str(row);
        ended.push_str(row);
        is_inside = is_filled;
    }
    if continued == ended { vec![continued] } else { vec![continued, ended] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_fills_a_row_is_read_with_and_without_a_break() {
        assert_eq!(readings(&["one", "two"], 4), ["one\ntwo"]);
        assert_eq!(readings(&["a", "abcd", "ef g"], 4), ["a\nabcdef g", "a\nabcd\nef g"]);
        assert_eq!(readings(&["a", "abcd", "efgh", "ij k"], 4), ["a\nabcdefghij k", "a\nabcdefgh\nij k"]);
        assert_eq!(readings(&["ab d", "efgh"], 4), ["ab d\nefgh"]);
        assert_eq!(readings(&["abcd"], 4), ["abcd"]);
        assert!(readings(&[], 4).concat().is_empty());
    }
}
