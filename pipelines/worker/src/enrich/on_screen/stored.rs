//! The picture as it is stored, where the file says that it is turned for display. Text that was drawn before the camera or the
//! editor turned the picture is upright only there, and a viewer who turns the head or the phone reads it.

use reelgate_flow::facts::Rotation;

use super::super::picture::Picture;
use super::tesseract::Area;

/// The picture without its turn; `None` if there is none. Only luma is kept, which is all that is read.
pub fn as_stored(shown: &Picture, rotation: Rotation) -> Option<Picture> {
    let (width, height) = match rotation.degrees {
        90 | 270 => (shown.height, shown.width),
        180 => (shown.width, shown.height),
        _ => return None,
    };
    let mut luma = Vec::with_capacity(shown.luma.len());
    for y in 0..height {
        for x in 0..width {
            let (column, row) = match rotation.degrees {
                90 => (height - 1 - y, x),
                270 => (y, width - 1 - x),
                _ => (width - 1 - x, height - 1 - y),
            };
            let column = if rotation.mirrored { shown.width - 1 - column } else { column };
            luma.push(shown.luma.get(row * shown.width + column).copied().unwrap_or(0));
        }
    }
    Some(Picture { width, height, luma, blue: Vec::new(), red: Vec::new() })
}

/// Where an area of the stored picture is in the displayed one, which has this size.
pub fn area_shown(area: Area, (width, height): (usize, usize), rotation: Rotation) -> Area {
    let (width, height) = (width as i32, height as i32); // sides of a picture that is read, far below 2^31
    let turned = match rotation.degrees {
        90 => Area { left: width - area.bottom, right: width - area.top, top: area.left, bottom: area.right },
        270 => {
            Area { left: area.top, right: area.bottom, top: height - area.right, bottom: height - area.left }
        }
        _ => Area {
            left: width - area.right,
            right: width - area.left,
            top: height - area.bottom,
            bottom: height - area.top,
        },
    };
    match rotation.mirrored {
        true => Area { left: width - turned.right, right: width - turned.left, ..turned },
        false => turned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_picture_and_its_areas_are_turned_back() {
        for mirrored in [false, true] {
            for degrees in [90, 180, 270] {
                let rotation = Rotation { degrees, mirrored };
                // One bright pixel in the displayed picture.
                let shown = Picture::grey(8, 4, |x, y| if (x, y) == (6, 1) { 255 } else { 0 });
                let stored = as_stored(&shown, rotation).unwrap();
                let at = stored.luma.iter().position(|luma| *luma == 255).unwrap();
                let (x, y) = ((at % stored.width) as i32, (at / stored.width) as i32);
                let area = Area { left: x, top: y, right: x + 1, bottom: y + 1 };
                let expected = Area { left: 6, top: 1, right: 7, bottom: 2 };
                assert_eq!(area_shown(area, (8, 4), rotation), expected, "{rotation:?}");
            }
        }
        let shown = Picture::grey(8, 4, |_, _| 0);
        assert_eq!(as_stored(&shown, Rotation::default()), None);
    }

    #[test]
    fn a_quarter_turn_to_the_right_is_undone_to_the_left() {
        // Stored: a dark picture whose upper left pixel is bright. Displayed: its upper right one is.
        let shown = Picture::grey(4, 8, |x, y| if (x, y) == (3, 0) { 255 } else { 0 });
        let stored = as_stored(&shown, Rotation { degrees: 90, mirrored: false }).unwrap();
        assert_eq!((stored.width, stored.height, stored.luma[0]), (8, 4, 255));
    }
}
