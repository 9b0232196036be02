//! Reads one picture: lines of text and QR codes, with the position of each.

use std::panic::AssertUnwindSafe;

use reelgate_flow::surface::NotSearched;

use super::super::picture::Picture;
use super::tesseract::{Area, OcrReading, Tesseract};

/// Smallest confidence of a reading, 0 to 100. Readings below it come from noise.
const CONFIDENCE_MIN: f32 = 60.0;
/// Smallest height of text that is read, in pixels of the given picture.
const HEIGHT_MIN: i32 = 8;
/// Lines of one picture that are read twice.
const READ_TWICE_MAX: usize = 64;
/// Codes read of one picture.
const CODES_MAX: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A line of text.
    Text,
    /// The payload of a QR code.
    Code,
}

/// Something read in a picture.
#[derive(Clone, PartialEq, Debug)]
pub struct ReadItem {
    pub kind: Kind,
    pub text: String,
    /// 0 to 100.
    pub confidence: f32,
    /// Position, in pixels of the picture.
    pub area: Area,
}

/// Lines of text, in no order; `None` if the engine refuses the picture. The engine first finds the lines in the whole picture. Then it reads each line separately,
/// with a margin: the first reading often misses letters at the ends, and the second uses only the contrast around the
/// line.
pub fn text(engine: &mut Tesseract, picture: &Picture) -> Option<Vec<ReadItem>> {
    let (width, height) = (picture.width, picture.height);
    let found = engine.find(&picture.luma, width, height)?;
    let mut seen: Vec<ReadItem> = Vec::new();
    let found = found.into_iter().filter(|line| line.area.bottom - line.area.top >= HEIGHT_MIN);
    for (number, first) in found.enumerate() {
        let is_read_twice = number < READ_TWICE_MAX;
        let area = first.area.with_margin(width, height);
        let second = if is_read_twice { engine.read_line(area) } else { None };
        let best = match second {
            Some(second) if second.confidence >= first.confidence => second,
            _ => first,
        };
        if best.confidence >= CONFIDENCE_MIN && has_words(&best.text) {
            keep(&mut seen, best);
        }
    }
    engine.clear();
    Some(seen)
}

/// Adds a reading. Two parts of one line, each read with a margin, are the same line twice. Then the reading with the
/// higher confidence is kept.
fn keep(seen: &mut Vec<ReadItem>, reading: OcrReading) {
    let new =
        ReadItem { kind: Kind::Text, text: reading.text, confidence: reading.confidence, area: reading.area };
    match seen.iter_mut().find(|old| old.area.overlap(new.area) >= 0.5) {
        Some(old) if old.confidence >= new.confidence => {}
        Some(old) => *old = new,
        None => seen.push(new),
    }
}

/// Whether a text has at least two letters or digits. Otherwise it is a stroke or a dot.
fn has_words(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).count() >= 2
}

/// Payloads of QR codes (ISO/IEC 18004), and why not all of them were decoded.
pub fn codes(picture: &Picture) -> (Vec<ReadItem>, Option<NotSearched>) {
    // The decoder is not hardened against all pictures. It may panic.
    let decoded = std::panic::catch_unwind(AssertUnwindSafe(|| decode(picture)));
    decoded.unwrap_or_else(|_| (Vec::new(), Some(NotSearched::Damaged)))
}

fn decode(picture: &Picture) -> (Vec<ReadItem>, Option<NotSearched>) {
    let luma = |x: usize, y: usize| picture.luma[y * picture.width + x];
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(picture.width, picture.height, luma);
    let mut seen = Vec::new();
    let grids = prepared.detect_grids();
    let gap = (grids.len() > CODES_MAX).then_some(NotSearched::LimitReached);
    for grid in grids.into_iter().take(CODES_MAX) {
        let mut payload = Vec::new();
        if grid.decode_to(&mut payload).is_err() {
            continue;
        }
        let across = || grid.bounds.iter().map(|corner| corner.x);
        let down = || grid.bounds.iter().map(|corner| corner.y);
        let area = Area {
            left: across().min().unwrap_or(0),
            top: down().min().unwrap_or(0),
            right: across().max().unwrap_or(0) + 1,
            bottom: down().max().unwrap_or(0) + 1,
        };
        let text = String::from_utf8_lossy(&payload).trim().to_owned();
        seen.push(ReadItem { kind: Kind::Code, text, confidence: 100.0, area });
    }
    (seen, gap)
}

impl Area {
    /// The area with a margin inside the picture: three heights on each side, and a quarter above and below.
    fn with_margin(self, width: usize, height: usize) -> Self {
        let (width, height) =
            (i32::try_from(width).unwrap_or(i32::MAX), i32::try_from(height).unwrap_or(i32::MAX));
        let line = self.bottom - self.top;
        Self {
            left: self.left.saturating_sub(line.saturating_mul(3)).max(0),
            top: self.top.saturating_sub(line / 4).max(0),
            right: self.right.saturating_add(line.saturating_mul(3)).min(width),
            bottom: self.bottom.saturating_add(line / 4).min(height),
        }
    }

    /// Intersection over union, 0 to 1.
    pub fn overlap(self, other: Self) -> f64 {
        let across = self.right.min(other.right) - self.left.max(other.left);
        let down = self.bottom.min(other.bottom) - self.top.max(other.top);
        if across <= 0 || down <= 0 {
            return 0.0;
        }
        let both = f64::from(across) * f64::from(down);
        both / (self.pixels() + other.pixels() - both)
    }

    fn pixels(self) -> f64 {
        f64::from(self.right - self.left) * f64::from(self.bottom - self.top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overlap_of_areas_is_intersection_over_union() {
        let area = |left, right| Area { left, top: 0, right, bottom: 10 };
        assert_eq!(area(0, 10).overlap(area(0, 10)), 1.0);
        assert_eq!(area(0, 10).overlap(area(10, 20)), 0.0);
        assert!((area(0, 10).overlap(area(5, 15)) - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn pictures_without_a_code_or_with_noise_have_none() {
        let flat = Picture::grey(64, 64, |_, _| 128);
        let noise = Picture::grey(200, 100, |x, y| ((x * 7_919) ^ (y * 104_729)).wrapping_mul(31) as u8);
        assert_eq!((codes(&flat), codes(&noise)), ((vec![], None), (vec![], None)));
    }
}
