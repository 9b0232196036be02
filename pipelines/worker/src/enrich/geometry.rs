//! Computes the size of a scaled picture: it keeps the display aspect and has square pixels and even sides.

use reelgate_flow::facts::{Rational, Rotation};
use reelgate_pipelines::recipes::storyboard::{poster_side_max, tile_max};

/// The box into which a picture must fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fit {
    /// Largest width, pixels, at least 2.
    pub width_max: u32,
    /// Largest height, pixels, at least 2.
    pub height_max: u32,
    /// Whether a smaller source is enlarged to fill the box.
    pub enlarge: bool,
}

impl Fit {
    /// The box of a storyboard tile.
    pub fn tile(height: u32) -> Self {
        let (width_max, height_max) = tile_max(height);
        Self { width_max, height_max, enlarge: true }
    }

    /// The box of the poster.
    pub fn poster(side_max: u32) -> Self {
        let side = poster_side_max(side_max);
        Self { width_max: side, height_max: side, enlarge: false }
    }

    /// Bytes of the largest picture in the box, in 4:2:0.
    pub fn bytes_max(&self) -> u64 {
        u64::from(self.width_max) * u64::from(self.height_max) * 3 / 2
    }

    /// Width and height of the scaled picture for a source of `width` by `height` coded pixels.
    pub fn size(&self, width: u32, height: u32, pixel_aspect: Rational, rotation: Rotation) -> (u32, u32) {
        let aspect = pixel_aspect.as_f64();
        let aspect = if aspect > 0.0 { aspect } else { 1.0 };
        let shown = (f64::from(width.max(1)) * aspect, f64::from(height.max(1)));
        let shown = if swaps_sides(rotation) { (shown.1, shown.0) } else { shown };
        let scale = (f64::from(self.width_max) / shown.0).min(f64::from(self.height_max) / shown.1);
        let scale = if self.enlarge { scale } else { scale.min(1.0) };
        (even(shown.0 * scale, self.width_max), even(shown.1 * scale, self.height_max))
    }
}

/// Whether a rotation exchanges width and height.
pub fn swaps_sides(rotation: Rotation) -> bool {
    rotation.degrees % 180 == 90
}

/// The `video-direction` of `videoflip` for a rotation; `None` if no rotation is needed.
pub fn direction(rotation: Rotation) -> Option<&'static str> {
    match (rotation.degrees, rotation.mirrored) {
        (90, false) => Some("90r"),
        (180, false) => Some("180"),
        (270, false) => Some("90l"),
        (90, true) => Some("ul-lr"),
        (180, true) => Some("vert"),
        (270, true) => Some("ur-ll"),
        (_, true) => Some("horiz"),
        (_, false) => None,
    }
}

/// The nearest even number, 2 to `max`.
fn even(length: f64, max: u32) -> u32 {
    let halves = (length / 2.0).round().clamp(1.0, f64::from(max / 2).max(1.0));
    halves as u32 * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: Rational = Rational { num: 1, den: 1 };
    const UPRIGHT: Rotation = Rotation { degrees: 0, mirrored: false };

    #[test]
    fn tiles_keep_the_display_aspect_in_even_sizes() {
        let turned = Rotation { degrees: 90, mirrored: false };
        assert_eq!(Fit::tile(90).size(1280, 720, SQUARE, UPRIGHT), (160, 90));
        assert_eq!(Fit::tile(90).size(720, 576, Rational { num: 64, den: 45 }, UPRIGHT), (160, 90));
        assert_eq!(Fit::tile(90).size(1920, 1080, SQUARE, turned), (50, 90));
        assert_eq!(Fit::tile(90).size(16, 8, SQUARE, UPRIGHT), (180, 90));
    }

    #[test]
    fn extreme_shapes_stay_inside_the_box() {
        let fit = Fit::tile(90);
        assert_eq!(fit.size(65_535, 2, SQUARE, UPRIGHT), (216, 2));
        assert_eq!(fit.size(2, 65_535, SQUARE, UPRIGHT), (2, 90));
        assert_eq!(fit.size(10, 10, Rational { num: 0, den: 1 }, UPRIGHT), (90, 90));
        assert_eq!(fit.size(1, 1, Rational { num: u32::MAX, den: 1 }, UPRIGHT), (216, 2));
    }

    #[test]
    fn a_poster_is_never_larger_than_its_source() {
        let fit = Fit::poster(1280);
        assert_eq!(fit.size(640, 360, SQUARE, UPRIGHT), (640, 360));
        assert_eq!(fit.size(3840, 2160, SQUARE, UPRIGHT), (1280, 720));
        assert_eq!(fit.size(1, 1, SQUARE, UPRIGHT), (2, 2));
    }
}
