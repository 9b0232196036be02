//! The forms that a track has one after the other: a recording that grows, a broadcast that changes its size.

use gstreamer as gst;

/// Forms kept of one track. A stream that changes more often keeps the first ones.
const FORMS_MAX: usize = 64;
/// A form lasts if it has at least this share of the packets, percent.
const LASTS_PERCENT: u64 = 10;

/// Caps behind the parser, and how many packets had them.
#[derive(Debug, Default)]
pub struct ParsedForms {
    forms: Vec<(gst::Caps, u64)>,
    current: Option<usize>,
}

impl ParsedForms {
    /// From now on packets have these caps.
    pub fn begin(&mut self, caps: gst::Caps) {
        let known = self.forms.iter().position(|(known, _)| *known == caps);
        self.current = known.or_else(|| {
            let room = self.forms.len() < FORMS_MAX;
            room.then(|| {
                self.forms.push((caps, 0));
                self.forms.len() - 1
            })
        });
    }

    pub fn count(&mut self) {
        if let Some(form) = self.current.and_then(|current| self.forms.get_mut(current)) {
            form.1 += 1;
        }
    }

    /// The largest picture that lasts, the first of equals; `None` without caps.
    pub fn main(&self) -> Option<gst::Caps> {
        let all: u64 = self.forms.iter().map(|(_, packets)| packets).sum();
        let lasting = self.forms.iter().filter(|(_, packets)| packets * 100 >= all * LASTS_PERCENT);
        let largest = lasting.rev().max_by_key(|(caps, _)| area(caps));
        largest.or(self.forms.first()).map(|(caps, _)| caps.clone())
    }
}

fn area(caps: &gst::CapsRef) -> i64 {
    let Some(structure) = caps.structure(0) else { return 0 };
    let side = |name| structure.get::<i32>(name).unwrap_or(0).max(0);
    i64::from(side("width")) * i64::from(side("height"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main(forms: &[(i32, u64)]) -> Option<i32> {
        gst::init().unwrap();
        let mut parsed = ParsedForms::default();
        for (width, packets) in forms {
            parsed
                .begin(gst::Caps::builder("video/x-h264").field("width", *width).field("height", 90).build());
            (0..*packets).for_each(|_| parsed.count());
        }
        parsed.main()?.structure(0)?.get("width").ok()
    }

    #[test]
    fn the_largest_picture_that_lasts_is_the_form_of_the_film() {
        assert_eq!(main(&[(160, 75), (320, 75), (640, 75)]), Some(640));
        assert_eq!(main(&[(160, 100), (640, 5)]), Some(160), "an advertisement of five pictures");
        assert_eq!(main(&[(640, 6), (160, 100), (640, 6)]), Some(640), "both together last");
        assert_eq!(main(&[(160, 0)]), Some(160));
        assert_eq!(main(&[]), None);
    }
}
