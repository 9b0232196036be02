//! Where a picture goes in an output of another shape: in the middle, as large as it fits, with black bars at two sides. Films
//! have one size, but the shape of their pictures may change.

use gstreamer_video as gst_video;

/// Black in limited range (ITU-R BT.709, 3.4), and no colour.
pub const BLACK: [u8; 3] = [16, 128, 128];
/// Bars that together are no wider than this come from rounding to even sizes, pixels.
const ROUNDING: u32 = 4;

/// A part of a picture, in pixels. All numbers are even, so that it has whole samples of chroma.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Area {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// The area for pictures of one form in outputs of square pixels; `None` for all of it.
pub fn area(from: &gst_video::VideoInfo, to: &gst_video::VideoInfo) -> Option<Area> {
    let aspect = from.par();
    placed(
        (f64::from(from.width()) * f64::from(aspect.numer()) / f64::from(aspect.denom().max(1)))
            / f64::from(from.height().max(1)),
        (to.width(), to.height()),
    )
}

fn placed(shape: f64, (width, height): (u32, u32)) -> Option<Area> {
    if !(shape.is_finite() && shape > 0.0) {
        return None;
    }
    // The nearest even length, and the even margin in front of it.
    let side = |wanted: f64, most: u32| {
        let length = ((wanted / 2.0).round().max(1.0) as u32 * 2).min(most);
        (most.abs_diff(length) > ROUNDING).then_some((length, (most - length) / 4 * 2))
    };
    let (wide, high) = (f64::from(width), f64::from(height));
    if shape * high > wide {
        let (length, top) = side(wide / shape, height)?;
        Some(Area { left: 0, top, width, height: length })
    } else {
        let (length, left) = side(high * shape, width)?;
        Some(Area { left, top: 0, width: length, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_the_shape_of_the_output_fill_it() {
        for (width, height, out) in
            [(1920, 1080, (426, 240)), (1920, 1080, (160, 90)), (720, 576, (112, 90)), (1079, 1920, (50, 90))]
        {
            assert_eq!(placed(f64::from(width) / f64::from(height), out), None, "{width}x{height}");
        }
        assert_eq!(placed(f64::NAN, (160, 90)), None);
    }

    #[test]
    fn pictures_of_another_shape_are_in_the_middle_of_two_bars() {
        let area = |left, top, width, height| Some(Area { left, top, width, height });
        assert_eq!(placed(16.0 / 9.0, (120, 90)), area(0, 10, 120, 68));
        assert_eq!(placed(4.0 / 3.0, (160, 90)), area(20, 0, 120, 90));
        assert_eq!(placed(1e9, (160, 90)), area(0, 44, 160, 2));
    }
}
