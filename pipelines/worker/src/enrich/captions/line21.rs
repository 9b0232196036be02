//! CEA-608: separates two fields of two channels each and passes their commands to the screens of the channels. Each channel
//! has one screen for captions and one for the text service, of which the decoder knows nothing.

use cea608_types::tables::{Channel, Code, Control};
use cea608_types::{Cea608, Cea608State, Mode, Text};

use super::caption_text::CaptionText;
use super::screen::Screen;

/// Names of the captions by field and channel.
const CAPTIONS: [&str; 4] = ["cc1", "cc2", "cc3", "cc4"];
/// Names of the text services.
const TEXTS: [&str; 4] = ["text1", "text2", "text3", "text4"];

#[derive(Default)]
pub struct Line21 {
    fields: [Field; 2],
}

#[derive(Default)]
struct Field {
    state: Cea608State,
    /// Whether a packet of extended data services is open, which is not for viewers (CTA-608-E, 9).
    in_service_data: bool,
    /// Whether the pair before was a transparent space. Control codes come twice.
    after_transparent_space: bool,
    channels: [Screens; 2],
}

/// The screens of one channel.
struct Screens {
    captions: Screen,
    /// Its rows roll, but more than four of them are shown.
    text: Screen,
    in_text: bool,
}

impl Default for Screens {
    fn default() -> Self {
        Self { captions: Screen::default(), text: Screen::new(Mode::RollUp4), in_text: false }
    }
}

impl Line21 {
    /// Decodes one pair of bytes of field 0 or 1, with their parity.
    pub fn take(&mut self, field: usize, time_ns: u64, pair: [u8; 2], shown: &mut Vec<CaptionText>) {
        let Some(field_state) = self.fields.get_mut(field) else { return };
        match pair[0] & 0x7f {
            0x01..=0x0f => field_state.in_service_data = field == 1,
            0x10..=0x1f => field_state.in_service_data = false,
            _ => {}
        }
        if field_state.in_service_data {
            return;
        }
        // A pair with wrong parity is noise.
        let Some((command, is_text)) = field_state.command(pair) else { return };
        let second = usize::from(command.channel() != Channel::ONE);
        let (name, screens) = (field * 2 + second, &mut field_state.channels[second]);
        if is_text {
            screens.text.execute(TEXTS[name], time_ns, &command, shown);
        } else {
            screens.captions.execute(CAPTIONS[name], time_ns, &command, shown);
        }
    }

    /// The texts that are on the screens at the end.
    pub fn finish(&mut self, time_ns: u64) -> Vec<CaptionText> {
        let mut shown = Vec::new();
        let channels = self.fields.iter_mut().flat_map(|field| &mut field.channels);
        for (name, screens) in channels.enumerate() {
            screens.captions.finish(CAPTIONS[name], time_ns, &mut shown);
            screens.text.finish(TEXTS[name], time_ns, &mut shown);
        }
        shown
    }
}

impl Field {
    /// The command of a pair, and whether it is for the text service.
    fn command(&mut self, pair: [u8; 2]) -> Option<(Cea608, bool)> {
        let decoded = self.state.decode(pair).ok()?;
        let control = match Code::from_data(pair) {
            Ok([Code::Control(code), _]) => Some((code.code(), code.channel())),
            _ => None,
        };
        let is_space = matches!(control, Some((Control::TransparentSpace, _)));
        let is_new_space = is_space && !self.after_transparent_space;
        self.after_transparent_space = is_new_space;
        let channel = control.map(|(_, channel)| channel).or(decoded.as_ref().map(Cea608::channel))?;
        let in_text = &mut self.channels[usize::from(channel != Channel::ONE)].in_text;
        let command = match control.map(|(control, _)| control) {
            // It occupies a cell.
            Some(Control::TransparentSpace) => is_new_space.then_some(Cea608::Text(Text {
                needs_backspace: false,
                char1: Some(' '),
                char2: None,
                channel,
            })),
            Some(Control::TextRestart) => {
                *in_text = true;
                Some(Cea608::EraseDisplay(channel))
            }
            Some(Control::ResumeTextDisplay) => {
                *in_text = true;
                None
            }
            // Those of captions: they end the text service or leave it as it is.
            Some(Control::EraseDisplayedMemory | Control::EraseNonDisplayedMemory) => {
                return decoded.map(|command| (command, false));
            }
            _ => {
                *in_text &= !matches!(decoded, Some(Cea608::NewMode(..) | Cea608::EndOfCaption(_)));
                decoded
            }
        };
        command.map(|command| (command, *in_text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets odd parity.
    fn odd(byte: u8) -> u8 {
        byte | if byte.count_ones().is_multiple_of(2) { 0x80 } else { 0 }
    }

    fn run(field: usize, pairs: &[(u64, [u8; 2])]) -> Vec<(String, u64, u64, String)> {
        let (mut line21, mut shown) = (Line21::default(), Vec::new());
        for (time_ns, [a, b]) in pairs {
            line21.take(field, *time_ns, [odd(*a), odd(*b)], &mut shown);
        }
        shown.extend(line21.finish(1_000));
        shown.into_iter().map(|s| (s.field, s.start_ns, s.end_ns, s.text)).collect()
    }

    fn line(field: &str, start: u64, end: u64, text: &str) -> (String, u64, u64, String) {
        (field.to_owned(), start, end, text.to_owned())
    }

    #[test]
    fn a_pop_on_caption_is_shown_from_end_of_caption_to_the_next_erasure() {
        let load = [
            (10, [0x14, 0x20]),
            (10, [0x14, 0x20]), // control codes come twice
            (11, [0x14, 0x70]), // row 15
            (12, *b"he"),
            (13, *b"y!"),
            (20, [0x14, 0x2f]),
            (50, [0x14, 0x2c]),
        ];
        assert_eq!(run(0, &load), [line("cc1", 20, 50, "hey!")]);
    }

    #[test]
    fn each_row_of_a_roll_up_is_one_text_while_it_is_shown() {
        let rolled = [
            (1, [0x14, 0x25]), // two rows
            (1, [0x14, 0x2d]),
            (2, *b"on"),
            (3, *b"e\0"),
            (10, [0x14, 0x2d]),
            (11, *b"tw"),
            (12, *b"o\0"),
            (20, [0x14, 0x2d]),
            (21, *b"3\0"),
        ];
        let expected =
            [line("cc1", 2, 20, "one"), line("cc1", 11, 1_000, "two"), line("cc1", 21, 1_000, "3")];
        assert_eq!(run(0, &rolled), expected);
    }

    #[test]
    fn channels_and_fields_have_names_and_program_data_are_ignored() {
        let second = [(1, [0x1c, 0x29]), (2, *b"ab"), (3, [0x1c, 0x2c])];
        assert_eq!(run(1, &second), [line("cc4", 2, 3, "ab")]);
        let data = [
            (1, [0x15, 0x29]),
            (2, *b"ab"),
            (3, [0x01, 0x03]),
            (4, *b"no"),
            (5, [0x0f, 0x1d]),
            (6, [0x15, 0x2c]),
        ];
        assert_eq!(run(1, &data), [line("cc3", 2, 6, "ab")]);
    }

    #[test]
    fn accents_replace_their_substitutes_and_backspace_deletes() {
        // "e", extended character é (channel 1), "x", backspace.
        let accents = [(1, [0x14, 0x29]), (2, *b"e\0"), (3, [0x12, 0x21]), (4, *b"x\0"), (5, [0x14, 0x21])];
        let shown = run(0, &accents);
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].3.chars().count(), 1, "{shown:?}");
        assert_ne!(shown[0].3, "e");
    }

    #[test]
    fn a_transparent_space_is_a_space_although_it_comes_twice() {
        let space = [0x11, 0x39];
        let twice =
            [(1, [0x14, 0x29]), (2, *b"ab"), (3, space), (3, space), (4, *b"cd"), (5, space), (6, *b"e\0")];
        assert_eq!(run(0, &twice), [line("cc1", 2, 1_000, "ab cd e")]);
    }

    #[test]
    fn an_extended_character_in_the_last_column_replaces_its_substitute_and_nothing_else() {
        let mut pairs = vec![(1, [0x14, 0x29])];
        pairs.extend([(2, *b"ab"); 15]);
        // The substitute in column 32, and an opening brace.
        pairs.extend([(3, *b"c("), (4, [0x13, 0x29])]);
        let expected = format!("{}c{{", "ab".repeat(15));
        assert_eq!(run(0, &pairs), [line("cc1", 2, 1_000, &expected)]);
    }

    #[test]
    fn text_that_is_loaded_and_never_shown_is_text_too() {
        let erased = [(1, [0x14, 0x20]), (2, *b"ab"), (5, [0x14, 0x2e]), (6, *b"cd"), (7, [0x14, 0x2e])];
        assert_eq!(run(0, &erased), [line("cc1", 2, 5, "ab"), line("cc1", 6, 7, "cd")]);
        assert_eq!(run(0, &erased[..2]), [line("cc1", 2, 1_000, "ab")]);
    }

    #[test]
    fn the_text_service_is_apart_from_the_captions() {
        let both = [
            (1, [0x14, 0x29]),
            (2, *b"ab"),
            (3, [0x14, 0x2a]), // restart of the text
            (4, *b"on"),
            (5, [0x14, 0x2d]),
            (6, *b"tw"),
            (7, [0x14, 0x29]),
            (8, *b"cd"),
            (9, [0x14, 0x2b]), // the text again
            (10, *b"o\0"),
            (11, [0x14, 0x2c]),
        ];
        let expected =
            [line("cc1", 2, 11, "abcd"), line("text1", 4, 1_000, "on"), line("text1", 6, 1_000, "two")];
        assert_eq!(run(0, &both), expected);
    }

    #[test]
    fn a_word_that_fills_a_row_of_a_roll_up_is_read_with_its_rest_too() {
        let long = "abcdefghijklmnopqrstuvwxyz012345";
        let mut pairs = vec![(1, [0x14, 0x25]), (1, [0x14, 0x2d])];
        pairs.extend(long.as_bytes().chunks(2).map(|two| (2, [two[0], two[1]])));
        pairs.extend([(3, [0x14, 0x2d]), (4, *b"6 "), (4, *b"ok"), (5, [0x14, 0x2d])]);
        let expected = [
            line("cc1", 2, 5, &format!("{long}6 ok")),
            line("cc1", 2, 5, &format!("{long}\n6 ok")),
            line("cc1", 4, 1_000, "6 ok"),
        ];
        assert_eq!(run(0, &pairs), expected);
    }

    #[test]
    fn noise_never_panics() {
        let mut seed = 1u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        let pairs: Vec<(u64, [u8; 2])> = (0..20_000).map(|time| (time, [noise(), noise()])).collect();
        run(0, &pairs);
        run(1, &pairs);
    }
}
