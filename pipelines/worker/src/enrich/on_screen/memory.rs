//! From readings of single pictures to texts with a time: what is read again at its place still stands there.

use reelgate_flow::place::{FrameBox, TextPlace};

use super::super::lines::{Lines, untimed};
use super::reader::{Kind, ReadItem};
use super::tesseract::Area;

/// Readings of one thing in two pictures overlap at least so much.
const SAME_PLACE_MIN: f64 = 0.5;

/// What stands on the screen.
pub struct Memory {
    /// Position of the video track.
    pub track: u32,
    /// Size of the pictures that are read.
    pub read: (u32, u32),
    /// Size of the picture as displayed, in the pixels of a [`FrameBox`].
    pub shown: (u32, u32),
    standing: Vec<Standing>,
}

struct Standing {
    seen: ReadItem,
    start_ns: u64,
    is_here: bool,
}

impl Memory {
    /// Nothing stands yet.
    pub fn new(track: u32, shown: (u32, u32)) -> Self {
        Self { track, read: (1, 1), shown, standing: Vec::new() }
    }

    /// Takes what was read in the picture of a time; what is gone is written with that time as its end.
    pub fn look(&mut self, time_ns: u64, seen: Vec<ReadItem>, lines: &mut Lines) {
        self.standing.iter_mut().for_each(|old| old.is_here = false);
        let before = self.standing.len();
        for new in seen {
            let known =
                self.standing[..before].iter_mut().find(|old| !old.is_here && is_same(&old.seen, &new));
            match known {
                Some(old) => old.is_here = true,
                None => self.standing.push(Standing { seen: new, start_ns: time_ns, is_here: true }),
            }
        }
        let (here, gone) = std::mem::take(&mut self.standing).into_iter().partition(|old| old.is_here);
        self.standing = here;
        self.write(gone, time_ns, lines);
    }

    /// The track is over.
    pub fn finish(&mut self, end_ns: u64, lines: &mut Lines) {
        let standing = std::mem::take(&mut self.standing);
        self.write(standing, end_ns, lines);
    }

    fn write(&self, gone: Vec<Standing>, end_ns: u64, lines: &mut Lines) {
        for Standing { seen, start_ns, .. } in gone {
            let (surface, field) = match seen.kind {
                Kind::Text => ("on_screen_text", "text"),
                Kind::Code => ("code", "qr_payload"),
            };
            let place = TextPlace {
                start_ns: Some(start_ns),
                end_ns: Some(end_ns.max(start_ns)),
                frame_box: self.frame_box(seen.area),
                ..untimed(surface, field, Some(self.track))
            };
            lines.add(place, &seen.text);
        }
    }

    /// From pixels that were read to those of the picture as displayed; at least one, inside the picture.
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

/// The same words at the same place. Another reading of the same place is another line: which one is right is not for
/// us to say.
fn is_same(old: &ReadItem, new: &ReadItem) -> bool {
    old.kind == new.kind && old.text == new.text && old.area.overlap(new.area) >= SAME_PLACE_MIN
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
    fn what_is_read_again_stands_until_the_first_picture_without_it() {
        let (mut memory, mut lines) =
            (Memory { read: (200, 100), ..Memory::new(3, (400, 100)) }, Lines::default());
        memory.look(10, vec![seen("one", 0)], &mut lines);
        memory.look(20, vec![seen("two", 90), seen("one", 4)], &mut lines);
        memory.look(30, vec![seen("two", 90)], &mut lines);
        memory.finish(40, &mut lines);
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
        let memory = Memory { read: (100, 100), ..Memory::new(0, (50, 50)) };
        let edge = memory.frame_box(Area { left: 100, top: -5, right: 130, bottom: 0 }).unwrap();
        assert_eq!(edge, FrameBox { x: 49, y: 0, width: 1, height: 1 });
        let none = Memory { read: (100, 100), ..Memory::new(0, (0, 0)) };
        assert_eq!(none.frame_box(Area { left: 0, top: 0, right: 9, bottom: 9 }), None);
    }
}
