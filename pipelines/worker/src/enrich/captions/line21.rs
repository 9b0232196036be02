//! CEA-608: separates two fields of two channels each and passes their commands to the screens of the channels.

use cea608_types::tables::Channel;
use cea608_types::{Cea608, Cea608State};

use super::caption_text::CaptionText;
use super::screen::Screen;

#[derive(Default)]
pub struct Line21 {
    fields: [Field; 2],
}

#[derive(Default)]
struct Field {
    state: Cea608State,
    /// Whether a packet of extended data services is open, which is not for viewers (CTA-608-E, 9).
    in_service_data: bool,
    screens: [Screen; 2],
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
        let Ok(Some(command)) = field_state.state.decode(pair) else { return };
        let second = usize::from(channel(&command) != Channel::ONE);
        let name = ["cc1", "cc2", "cc3", "cc4"][field * 2 + second];
        field_state.screens[second].execute(name, time_ns, &command, shown);
    }

    /// The texts that are on the screens at the end.
    pub fn finish(&mut self, time_ns: u64) -> Vec<CaptionText> {
        let mut shown = Vec::new();
        for (number, field) in self.fields.iter_mut().enumerate() {
            for (second, screen) in field.screens.iter_mut().enumerate() {
                screen.finish(["cc1", "cc2", "cc3", "cc4"][number * 2 + second], time_ns, &mut shown);
            }
        }
        shown
    }
}

fn channel(command: &Cea608) -> Channel {
    command.channel()
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
