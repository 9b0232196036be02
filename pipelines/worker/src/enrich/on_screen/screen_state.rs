//! Combines the readings of single pictures to texts with times. A text that is read again at the same position is still
//! on the screen.

use reelgate_flow::place::{FrameBox, TextPlace};

use super::super::lines::Lines;
use super::reader::{Kind, ReadItem};
use super::tesseract::Area;

/// Smallest overlap of two readings of the same text in two pictures.
const SAME_POSITION_OVERLAP_MIN: f64 = 0.5;

/// The texts that are on the screen.
pub struct ScreenState {
    /// Position of the video track.
    pub track: u32,
    /// Size of the pictures that are read.
    pub read: (u32, u32),
    /// Size of the picture as displayed, in the pixels of a [`FrameBox`].
    pub shown: (u32, u32),
    items: Vec<ShownItem>,
}

struct ShownItem {
    item: ReadItem,
    start_ns: u64,
    is_present: bool,
}

impl ScreenState {
    pub fn new(track: u32, shown: (u32, u32)) -> Self {
        Self { track, read: (1, 1), shown, items: Vec::new() }
    }

    /// Compares the items of one picture with those on the screen. Items that have disappeared are written with the
    /// picture's time as their end.
    pub fn update(&mut self, time_ns: u64, seen: Vec<ReadItem>, lines: &mut Lines) {
        self.items.iter_mut().for_each(|old| old.is_present = false);
        let before = self.items.len();
        for new in seen {
            let known =
                self.items[..before].iter_mut().find(|old| !old.is_present && is_same(&old.item, &new));
            match known {
                Some(old) => old.is_present = true,
                None => self.items.push(ShownItem { item: new, start_ns: time_ns, is_present: true }),
            }
        }
        let (here, gone) = std::mem::take(&mut self.items).into_iter().partition(|old| old.is_present);
        self.items = here;
        self.write(gone, time_ns, lines);
    }

    /// Ends all items at the end of the track.
    pub fn finish(&mut self, end_ns: u64, lines: &mut Lines) {
        let items = std::mem::take(&mut self.items);
        self.write(items, end_ns, lines);
    }

    fn write(&self, gone: Vec<ShownItem>, end_ns: u64, lines: &mut Lines) {
        for ShownItem { item, start_ns, .. } in gone {
            let (surface, field) = match item.kind {
                Kind::Text => ("on_screen_text", "text"),
                Kind::Code => ("code", "qr_payload"),
            };
            let place = TextPlace {
                start_ns: Some(start_ns),
                end_ns: Some(end_ns.max(start_ns)),
                frame_box: self.frame_box(item.area),
                ..TextPlace::untimed(surface, field, Some(self.track))
            };
            lines.add(place, &item.text);
        }
    }

    /// Converts pixels of the read picture to those of the displayed picture. The box has at least one pixel and is inside
    /// the picture.
    fn frame_box(&self, area: Area) -> Option<FrameBox> {
        let scale = |at: i32, read: u32, shown: u32| {
            let at = u64::try_from(at.max(0)).unwrap_or(0).min(read.into());
            u32::try_from(at * u64::from(shown) / u64::from(read.max(1))).unwrap_or(shown)
        };
        let (x, y) =
            (scale(area.left, self.read.0, self.shown.0), scale(area.top, self.read.1, self.shown.1));
        let right = scale(area.right, self.read.0, self.shown.0);
        let bottom = scale(area.bottom, self.read.1, self.shown.1);
        let (x, y) = (x.min(self.shown.0.checked_sub(1)?), y.min(self.shown.1.checked_sub(1)?));
        Some(FrameBox {
            x,
            y,
            width: right.saturating_sub(x).max(1),
            height: bottom.saturating_sub(y).max(1),
        })
    }
}

/// Whether both are the same text at the same position. A different text at the same position is another line, because it
/// is unknown which reading is right.
fn is_same(old: &ReadItem, new: &ReadItem) -> bool {
    old.kind == new.kind && old.text == new.text && old.area.overlap(new.area) >= SAME_POSITION_OVERLAP_MIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use reelgate_pipelines::messages::TextLine;

    fn seen(text: &str, left: i32) -> ReadItem {
        let area = Area { left, top: 10, right: left + 100, bottom: 30 };
        ReadItem { kind: Kind::Text, text: text.to_owned(), confidence: 90.0, area }
    }

    #[test]
    fn a_text_that_is_read_again_lasts_until_the_first_picture_without_it() {
        let (mut screen, mut lines) =
            (ScreenState { read: (200, 100), ..ScreenState::new(3, (400, 100)) }, Lines::default());
        screen.update(10, vec![seen("one", 0)], &mut lines);
        screen.update(20, vec![seen("two", 90), seen("one", 4)], &mut lines);
        screen.update(30, vec![seen("two", 90)], &mut lines);
        screen.finish(40, &mut lines);
        let found: Vec<TextLine> = String::from_utf8(lines.jsonl)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let times: Vec<_> =
            found.iter().map(|l| (l.text.as_str(), l.start_ns.unwrap(), l.end_ns.unwrap())).collect();
        assert_eq!(times, [("one", 10, 30), ("two", 20, 40)]);
        assert_eq!(found[0].frame_box, Some(FrameBox { x: 0, y: 10, width: 200, height: 20 }));
        assert_eq!((found[0].surface.as_str(), found[0].track), ("on_screen_text", Some(3)));
    }

    #[test]
    fn a_box_at_or_past_the_edge_stays_inside_the_picture() {
        let screen = ScreenState { read: (100, 100), ..ScreenState::new(0, (50, 50)) };
        let edge = screen.frame_box(Area { left: 100, top: -5, right: 130, bottom: 0 }).unwrap();
        assert_eq!(edge, FrameBox { x: 49, y: 0, width: 1, height: 1 });
        let none = ScreenState { read: (100, 100), ..ScreenState::new(0, (0, 0)) };
        assert_eq!(none.frame_box(Area { left: 0, top: 0, right: 9, bottom: 9 }), None);
    }
}
