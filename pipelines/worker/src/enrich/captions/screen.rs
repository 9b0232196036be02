//! The screen of one caption channel: fifteen rows of 32 cells, once shown and once hidden (CTA-608-E, 7).

use cea608_types::{Cea608, Mode};

use super::caption_text::{CaptionText, is_filled_by_a_word};

const ROWS: usize = 15;
const COLUMNS: usize = 32;

/// Cells, and when their text appeared, if known.
#[derive(Clone)]
struct Row {
    cells: [char; COLUMNS],
    start_ns: Option<u64>,
}

impl Default for Row {
    fn default() -> Self {
        Self { cells: [' '; COLUMNS], start_ns: None }
    }
}

impl Row {
    fn text(&self) -> String {
        let text: String = self.cells.iter().collect();
        text.trim().to_owned()
    }
}

pub struct Screen {
    mode: Mode,
    shown: [Row; ROWS],
    hidden: [Row; ROWS],
    row: usize,
    /// Of the next character. After the last cell it is one more than that; further characters overwrite the last one.
    column: usize,
}

impl Default for Screen {
    fn default() -> Self {
        Self::new(Mode::PopOn)
    }
}

impl Screen {
    pub fn new(mode: Mode) -> Self {
        let rows = || std::array::from_fn(|_| Row::default());
        Self { mode, shown: rows(), hidden: rows(), row: ROWS - 1, column: 0 }
    }

    /// Executes one command. Text that disappears from the screen is added to `gone`.
    pub fn execute(&mut self, field: &str, time_ns: u64, command: &Cea608, gone: &mut Vec<CaptionText>) {
        match command {
            Cea608::Text(text) => {
                if text.needs_backspace {
                    self.back();
                }
                [text.char1, text.char2].into_iter().flatten().for_each(|c| self.put(c, time_ns));
            }
            Cea608::NewMode(_, mode) => self.change(*mode, field, time_ns, gone),
            Cea608::EraseDisplay(_) => self.erase(field, time_ns, gone),
            Cea608::EraseNonDisplay(_) => self.erase_hidden(field, time_ns, gone),
            Cea608::CarriageReturn(_) => self.roll(field, time_ns, gone),
            Cea608::Backspace(_) => self.back(),
            Cea608::EndOfCaption(_) => self.flip(field, time_ns, gone),
            Cea608::TabOffset(_, cells) => self.column = (self.column + usize::from(*cells)).min(COLUMNS - 1),
            Cea608::DeleteToEndOfRow(_) => {
                let column = self.column.min(COLUMNS - 1);
                self.current().cells[column..].fill(' ');
            }
            Cea608::Preamble(_, preamble) => {
                let row = usize::from(preamble.row()).min(ROWS - 1);
                if self.mode.is_rollup() && row != self.row {
                    self.shown.swap(row, self.row);
                }
                self.row = row;
                self.column = usize::from(preamble.column()).min(COLUMNS - 1);
            }
            // It occupies a cell.
            Cea608::MidRowChange(..) => self.put(' ', time_ns),
        }
    }

    /// Ends all text that is shown or hidden.
    pub fn finish(&mut self, field: &str, time_ns: u64, gone: &mut Vec<CaptionText>) {
        self.erase(field, time_ns, gone);
        self.erase_hidden(field, time_ns, gone);
    }

    fn current(&mut self) -> &mut Row {
        let rows = if self.mode == Mode::PopOn { &mut self.hidden } else { &mut self.shown };
        &mut rows[self.row]
    }

    fn put(&mut self, c: char, time_ns: u64) {
        let column = self.column.min(COLUMNS - 1);
        let row = self.current();
        row.cells[column] = c;
        if c != ' ' {
            row.start_ns.get_or_insert(time_ns);
        }
        self.column = column + 1;
    }

    fn back(&mut self) {
        self.column = self.column.saturating_sub(1);
        let column = self.column;
        self.current().cells[column] = ' ';
    }

    /// Changes the mode. Roll-up begins with an empty screen (CTA-608-E, 7.4); the other modes keep the text.
    fn change(&mut self, mode: Mode, field: &str, time_ns: u64, gone: &mut Vec<CaptionText>) {
        if mode.is_rollup() && !self.mode.is_rollup() {
            self.erase(field, time_ns, gone);
            self.row = ROWS - 1;
            self.column = 0;
        }
        self.mode = mode;
    }

    fn erase(&mut self, field: &str, time_ns: u64, gone: &mut Vec<CaptionText>) {
        let rows = std::mem::replace(&mut self.shown, std::array::from_fn(|_| Row::default()));
        if self.mode.is_rollup() {
            // Each row appeared separately.
            (0..ROWS).for_each(|top| end_top_row(&rows[top..], field, time_ns, gone));
        } else {
            end_rows(&rows, field, time_ns, gone);
        }
    }

    /// Erases hidden text. Nobody saw it, but it is in the file.
    fn erase_hidden(&mut self, field: &str, time_ns: u64, gone: &mut Vec<CaptionText>) {
        let rows = std::mem::replace(&mut self.hidden, std::array::from_fn(|_| Row::default()));
        let before = gone.len();
        end_rows(&rows, field, time_ns, gone);
        gone.iter_mut().skip(before).for_each(|text| text.shown = None);
    }

    /// Shows the whole hidden caption.
    fn flip(&mut self, field: &str, time_ns: u64, gone: &mut Vec<CaptionText>) {
        let rows = std::mem::replace(&mut self.shown, std::array::from_fn(|_| Row::default()));
        end_rows(&rows, field, time_ns, gone);
        self.shown = std::mem::replace(&mut self.hidden, std::array::from_fn(|_| Row::default()));
        for row in self.shown.iter_mut().filter(|row| row.start_ns.is_some()) {
            row.start_ns = Some(time_ns);
        }
        self.mode = Mode::PopOn;
    }

    /// Moves every row up by one. The top row of the window disappears.
    fn roll(&mut self, field: &str, time_ns: u64, gone: &mut Vec<CaptionText>) {
        let Some(rows) = self.mode.rollup_rows() else { return };
        let base = self.row;
        let top = (base + 1).saturating_sub(usize::from(rows));
        for row in 0..=top {
            end_top_row(&self.shown[row..=base], field, time_ns, gone);
            self.shown[row] = Row::default();
        }
        self.shown[top..=base].rotate_left(1);
        self.column = 0;
    }
}

/// Adds the text of rows that were shown until now.
fn end_rows(rows: &[Row], field: &str, end_ns: u64, gone: &mut Vec<CaptionText>) {
    let texts: Vec<String> = rows.iter().map(Row::text).filter(|text| !text.is_empty()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let start_ns = rows.iter().filter_map(|row| row.start_ns).min();
    if let Some(start_ns) = start_ns.filter(|_| !texts.is_empty()) {
        gone.extend(CaptionText::read(field, (start_ns, end_ns), &texts, COLUMNS));
    }
}

/// Adds the text of the first row, which was shown until now, with the rows below that may continue its last word.
fn end_top_row(rows: &[Row], field: &str, end_ns: u64, gone: &mut Vec<CaptionText>) {
    let filled = rows.iter().take_while(|row| is_filled_by_a_word(&row.text(), COLUMNS)).count();
    let before = gone.len();
    end_rows(&rows[..rows.len().min(filled + 1)], field, end_ns, gone);
    // The rows below go on being shown.
    if let Some(first) = gone.get_mut(before) {
        first.shown = rows.first().map(Row::text);
    }
}
