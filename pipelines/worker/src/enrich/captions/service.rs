//! CEA-708: builds packets from byte pairs, and tracks the windows of one service (CTA-708-E, 5 to 8).

use cea708_types::DTVCCPacket;
use cea708_types::tables::{Code, Ext1, WindowBits};

use super::caption_text::CaptionText;

/// Bytes of the largest packet (CTA-708-E, 5).
const PACKET_BYTES_MAX: usize = 128;
/// Windows of a service.
const WINDOWS: usize = 8;
/// Characters of a window: 15 rows of 42 (CTA-708-E, 8.4.6). If a text is longer, its beginning has scrolled away.
const WINDOW_CHARS_MAX: usize = 15 * 42;

/// Collects the bytes of a packet until it is complete.
#[derive(Default)]
pub struct Packets {
    bytes: Vec<u8>,
}

impl Packets {
    /// Adds a pair, which may begin a packet. Returns the codes of a complete packet with the numbers of their services.
    pub fn take(&mut self, is_start: bool, pair: [u8; 2]) -> Vec<(u8, Code)> {
        if is_start {
            self.bytes.clear();
        } else if self.bytes.is_empty() {
            return Vec::new(); // the beginning of the packet is missing
        }
        self.bytes.extend(pair);
        // The low six bits are half the size. 0 means the largest size.
        let size = match usize::from(self.bytes[0] & 0x3f) {
            0 => PACKET_BYTES_MAX,
            half => half * 2,
        };
        if self.bytes.len() < size {
            return Vec::new();
        }
        let bytes = std::mem::take(&mut self.bytes);
        let Ok(packet) = DTVCCPacket::parse(&bytes) else { return Vec::new() };
        let codes = |service: &cea708_types::Service| {
            let number = service.number();
            service.codes().iter().cloned().map(move |code| (number, code)).collect::<Vec<_>>()
        };
        packet.services().iter().flat_map(codes).collect()
    }
}

#[derive(Default)]
struct Window {
    text: String,
    /// Characters of a row; 0 until the window is defined.
    columns: usize,
    is_shown: bool,
    start_ns: Option<u64>,
}

/// The windows of one service.
#[derive(Default)]
pub struct Service {
    windows: [Window; WINDOWS],
    current: usize,
}

impl Service {
    /// Executes one code. Text that disappears from the screen is added to `gone`.
    pub fn execute(&mut self, number: u8, time_ns: u64, code: &Code, gone: &mut Vec<CaptionText>) {
        match code {
            Code::SetCurrentWindow0 => self.current = 0,
            Code::SetCurrentWindow1 => self.current = 1,
            Code::SetCurrentWindow2 => self.current = 2,
            Code::SetCurrentWindow3 => self.current = 3,
            Code::SetCurrentWindow4 => self.current = 4,
            Code::SetCurrentWindow5 => self.current = 5,
            Code::SetCurrentWindow6 => self.current = 6,
            Code::SetCurrentWindow7 => self.current = 7,
            Code::DefineWindow(window) => {
                self.current = usize::from(window.window_id & 7);
                self.windows[self.current].columns = usize::from(window.column_count) + 1;
                if window.visible {
                    self.windows[self.current].show(time_ns);
                }
            }
            Code::ClearWindows(which) | Code::DeleteWindows(which) => {
                let is_deleted = matches!(code, Code::DeleteWindows(_));
                self.each(*which, |window| {
                    window.end_text(number, time_ns, gone);
                    window.is_shown &= !is_deleted;
                });
            }
            Code::DisplayWindows(which) => self.each(*which, |window| window.show(time_ns)),
            Code::HideWindows(which) => self.each(*which, |window| window.hide(number, time_ns, gone)),
            Code::ToggleWindows(which) => self.each(*which, |window| match window.is_shown {
                true => window.hide(number, time_ns, gone),
                false => window.show(time_ns),
            }),
            Code::Reset => gone.extend(self.finish(number, time_ns)),
            Code::FF => self.windows[self.current].end_text(number, time_ns, gone),
            Code::BS => {
                self.windows[self.current].text.pop();
            }
            Code::HCR => {
                let text = &mut self.windows[self.current].text;
                text.truncate(text.rfind('\n').map_or(0, |at| at + 1));
            }
            Code::CR => self.windows[self.current].put('\n', number, time_ns, gone),
            // The pen moves within the window, so a new word follows.
            Code::SetPenLocation(_) => self.windows[self.current].put('\n', number, time_ns, gone),
            code => {
                if let Some(c) = character(code) {
                    self.windows[self.current].put(c, number, time_ns, gone);
                }
            }
        }
    }

    /// Ends all text that is shown.
    pub fn finish(&mut self, number: u8, time_ns: u64) -> Vec<CaptionText> {
        let mut gone = Vec::new();
        for window in &mut self.windows {
            window.hide(number, time_ns, &mut gone);
            window.text.clear();
        }
        gone
    }

    fn each(&mut self, which: WindowBits, mut change: impl FnMut(&mut Window)) {
        let bits = u8::from(which);
        for (index, window) in self.windows.iter_mut().enumerate() {
            if bits >> index & 1 == 1 {
                change(window);
            }
        }
    }
}

/// The character that a code shows.
fn character(code: &Code) -> Option<char> {
    match code {
        // They occupy a cell.
        Code::Ext1(Ext1::TransparentSpace | Ext1::NonBreakingTransparentSpace) => Some(' '),
        // A character that the sets of the standard lack, as Unicode (CTA-708-E, 7.1.10).
        Code::P16(unicode) => char::from_u32((*unicode).into()),
        code => code.char(),
    }
}

impl Window {
    fn put(&mut self, c: char, number: u8, time_ns: u64, gone: &mut Vec<CaptionText>) {
        if self.text.chars().count() >= WINDOW_CHARS_MAX {
            self.end_text(number, time_ns, gone);
        }
        if self.is_shown && self.text.trim().is_empty() {
            self.start_ns = Some(time_ns);
        }
        self.text.push(c);
    }

    fn show(&mut self, time_ns: u64) {
        if !self.is_shown {
            self.start_ns = Some(time_ns);
        }
        self.is_shown = true;
    }

    fn hide(&mut self, number: u8, time_ns: u64, gone: &mut Vec<CaptionText>) {
        if self.is_shown {
            let text = self.text.clone();
            self.end_text(number, time_ns, gone);
            self.text = text; // a hidden window keeps its text
        }
        self.is_shown = false;
    }

    fn end_text(&mut self, number: u8, time_ns: u64, gone: &mut Vec<CaptionText>) {
        let text = std::mem::take(&mut self.text);
        let rows: Vec<&str> = text.lines().map(str::trim).filter(|row| !row.is_empty()).collect();
        let start_ns = self.start_ns.take();
        if self.is_shown && !rows.is_empty() {
            let start_ns = start_ns.unwrap_or(time_ns).min(time_ns);
            let columns = if self.columns == 0 { usize::MAX } else { self.columns };
            gone.extend(CaptionText::read(&format!("service{number}"), (start_ns, time_ns), &rows, columns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of service 1 with this content.
    fn packet(content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0x20 | content.len() as u8];
        bytes.extend(content);
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        bytes[0] = bytes.len() as u8 / 2;
        bytes
    }

    fn run(packets: &[(u64, &[u8])]) -> Vec<(u64, u64, String)> {
        let (mut parser, mut service, mut gone) = (Packets::default(), Service::default(), Vec::new());
        for (time_ns, content) in packets {
            for (index, pair) in packet(content).chunks(2).enumerate() {
                for (number, code) in parser.take(index == 0, [pair[0], pair[1]]) {
                    assert_eq!(number, 1);
                    service.execute(1, *time_ns, &code, &mut gone);
                }
            }
        }
        gone.extend(service.finish(1, 99));
        gone.into_iter().map(|shown| (shown.start_ns, shown.end_ns, shown.text)).collect()
    }

    /// Define window 0, hidden or shown, with three rows of 32.
    fn define(visible: bool) -> Vec<u8> {
        vec![0x98, if visible { 0x38 } else { 0x18 }, 0x4a, 0xd1, 0x02, 0x1f, 0x11]
    }

    #[test]
    fn a_window_is_shown_from_its_display_to_its_deletion() {
        let hidden = [define(false), b"one\rtwo".to_vec()].concat();
        let shown = run(&[(1, &hidden), (5, &[0x89, 0x01]), (9, &[0x8c, 0x01]), (12, &[0x89, 0x01])]);
        assert_eq!(shown, [(5, 9, "one\ntwo".to_owned())]);
    }

    #[test]
    fn text_written_into_a_shown_window_begins_with_its_first_letter() {
        let shown = run(&[(1, &define(true)), (4, b"on"), (6, b"e"), (8, &[0x88, 0x01]), (9, b"two")]);
        assert_eq!(shown, [(4, 8, "one".to_owned()), (9, 99, "two".to_owned())]);
    }

    #[test]
    fn characters_of_16_bits_and_transparent_spaces_are_text() {
        let codes =
            [&[0x18, 0xd5, 0x5c, 0x10, 0x21][..], b"a", &[0x10, 0x20, 0x18, 0xd8, 0x00], b"b"].concat();
        assert_eq!(run(&[(1, &define(true)), (4, &codes)]), [(4, 99, "한 a b".to_owned())]);
    }

    #[test]
    fn a_word_that_fills_a_row_is_read_with_its_rest_too() {
        let narrow = vec![0x98, 0x38, 0x4a, 0xd1, 0x02, 0x03, 0x11];
        let shown = run(&[(1, &narrow), (4, b"abcd\ref g")]);
        assert_eq!(shown, [(4, 99, "abcdef g".to_owned()), (4, 99, "abcd\nef g".to_owned())]);
    }

    #[test]
    fn noise_never_panics() {
        let mut seed = 7u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        let (mut parser, mut service, mut gone) = (Packets::default(), Service::default(), Vec::new());
        for time_ns in 0..50_000 {
            for (number, code) in parser.take(noise() < 40, [noise(), noise()]) {
                service.execute(number, time_ns, &code, &mut gone);
            }
        }
        service.finish(1, 50_000);
    }
}
