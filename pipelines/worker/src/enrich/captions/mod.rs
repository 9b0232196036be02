//! Closed captions: CEA-608 (ANSI/CTA-608-E) and CEA-708 (ANSI/CTA-708-E), inside video or in separate tracks. Each caption
//! becomes one text with the time during which it is on the screen.

mod av1;
mod caption_text;
mod line21;
mod screen;
mod service;
mod unpack;

pub use av1::{messages_in_av1, triplets_in_av1};
pub use unpack::{Wrapping, triplets};

use std::collections::BTreeMap;

use reelgate_flow::place::TextPlace;
use reelgate_pipelines::messages::Cue;

use super::lines::Lines;
use caption_text::CaptionText;
use line21::Line21;
use service::{Packets, Service};

/// Pictures that are buffered to sort them in order of presentation: as many as a decoder may buffer (ITU-T H.264, A.3.1).
const BUFFERED_MAX: usize = 17;

/// The captions of one track.
#[derive(Default)]
pub struct Captions {
    /// Data of pictures by their time, until no earlier picture can arrive.
    buffered: BTreeMap<u64, Vec<[u8; 3]>>,
    line21: Line21,
    packets: Packets,
    services: BTreeMap<u8, Service>,
    last_ns: u64,
}

impl Captions {
    /// Adds the triplets of one picture, in order of decoding. Text that disappears from the screen is written to `lines`.
    pub fn take(&mut self, time_ns: u64, triplets: &[[u8; 3]], track: u32, lines: &mut Lines) {
        self.buffered.entry(time_ns).or_default().extend_from_slice(triplets);
        if self.buffered.len() > BUFFERED_MAX
            && let Some((time_ns, triplets)) = self.buffered.pop_first()
        {
            self.decode(time_ns, &triplets, track, lines);
        }
    }

    /// Ends the track. Text that is still on the screen ends with it.
    pub fn finish(&mut self, track: u32, lines: &mut Lines) {
        while let Some((time_ns, triplets)) = self.buffered.pop_first() {
            self.decode(time_ns, &triplets, track, lines);
        }
        let mut shown = self.line21.finish(self.last_ns);
        for (number, service) in &mut self.services {
            shown.extend(service.finish(*number, self.last_ns));
        }
        write_lines(shown, track, lines);
    }

    /// CTA-708, 4.4: marker bits, a valid bit, and the type in two bits.
    fn decode(&mut self, time_ns: u64, triplets: &[[u8; 3]], track: u32, lines: &mut Lines) {
        self.last_ns = self.last_ns.max(time_ns);
        let mut shown = Vec::new();
        for [head, a, b] in triplets.iter().copied().filter(|[head, ..]| head & 0x04 != 0) {
            match head & 0x03 {
                0 => self.line21.take(0, time_ns, [a, b], &mut shown),
                1 => self.line21.take(1, time_ns, [a, b], &mut shown),
                kind => {
                    for (number, code) in self.packets.take(kind == 3, [a, b]) {
                        self.services.entry(number).or_default().execute(number, time_ns, &code, &mut shown);
                    }
                }
            }
        }
        write_lines(shown, track, lines);
    }
}

fn write_lines(texts: Vec<CaptionText>, track: u32, lines: &mut Lines) {
    for CaptionText { field, start_ns, end_ns, text, shown } in texts {
        let place = TextPlace {
            start_ns: Some(start_ns),
            end_ns: Some(end_ns),
            ..TextPlace::untimed("caption", &field, Some(track))
        };
        lines.add(place, &text);
        // Texts of the text services are no captions.
        if let Some(text) = shown.filter(|_| !field.starts_with("text")) {
            let (channel, end_ns) = (Some(field), Some(end_ns));
            lines.add_cue(|| Some(Cue { track, channel, start_ns, end_ns, text }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_read_in_order_of_presentation() {
        let mut captions = Captions::default();
        let mut lines = Lines::default();
        // Resume direct captioning, then letters, decoded in the order of a pyramid.
        let pairs: [(u64, [u8; 2]); 5] =
            [(0, [0x94, 0x29]), (4, *b"\xe5\xe6"), (2, *b"\x61\x62"), (3, *b"\xe3\x64"), (9, [0x94, 0x2c])];
        for (time_ns, [a, b]) in pairs {
            captions.take(time_ns, &[[0xfc, a, b]], 7, &mut lines);
        }
        captions.finish(7, &mut lines);
        let text = String::from_utf8(lines.jsonl).unwrap();
        assert!(text.contains(r#""text":"abcdef""#), "{text}");
        assert!(text.contains(r#""field":"cc1","track":7,"start_ns":2,"end_ns":9"#), "{text}");
    }
}
