//! Which renditions a video gets: none larger than the source, all with its aspect ratio and with even sides.
//!
//! A rung's height is the shorter side of a 16:9 frame, which stands upright for upright video, and the picture is
//! fitted into that frame. So 1920x1080, 1080x1920, 1920x800 without black bars, and 1440x1080 in 4:3 are all `1080p`,
//! which is how viewers and the large services use the word.
//!
//! The highest bit rates are the same for all frame rates. At a constant rate factor the bits follow the content, and a
//! limit that grew with the frame rate would break the promise that a rung fits a connection.

use super::settings::RungSettings;
use crate::messages::Rung;
use reelgate_flow::facts::{Rational, VideoFacts};

/// A source more than 1.2 times as tall as the highest rung below it gets a top rung of its own size; otherwise the two
/// rungs would look alike. In tenths.
const OWN_RUNG_TENTHS: u64 = 12;
/// Lowest limit of the bit rate for small sources, bits per second: headers alone take about 20,000.
const BITRATE_MIN_BPS: u32 = 64_000;
/// Pixel aspect ratios above this, or below its inverse, are ignored as damage.
const PIXEL_ASPECT_MAX: u32 = 8;
/// Smallest side of an output, pixels: the size of one chroma sample of 4:2:0.
const SIDE_MIN: u64 = 2;

/// The pixel aspect ratio, or that of square pixels instead of one that can only be damage.
pub fn plausible_aspect(aspect: Rational) -> Rational {
    let is_plausible = aspect.num > 0
        && aspect.den > 0
        && u64::from(aspect.num) <= u64::from(aspect.den) * u64::from(PIXEL_ASPECT_MAX)
        && u64::from(aspect.den) <= u64::from(aspect.num) * u64::from(PIXEL_ASPECT_MAX);
    if is_plausible { aspect } else { Rational { num: 1, den: 1 } }
}

/// Width and height for display, in square pixels and after rotation. Before rotation the height is that of the stored
/// picture and the width follows the pixel aspect ratio, as in ITU-R BT.601 material.
pub fn display_size(video: &VideoFacts) -> (u32, u32) {
    let aspect = plausible_aspect(video.pixel_aspect);
    let (num, den) = (u64::from(aspect.num), u64::from(aspect.den));
    let width = u32::try_from((u64::from(video.width) * num + den / 2) / den).unwrap_or(u32::MAX);
    let (width, height) = (width.max(1), video.height.max(1));
    if video.rotation.degrees % 180 == 90 { (height, width) } else { (width, height) }
}

/// The rungs of a source of that display size, highest first; at least one. `settings` must be valid: sorted from the
/// highest to the lowest.
///
/// The ladder has every rung that is not above the source. It also has a top rung of the source's own size if the
/// source lies below the highest rung and far enough above the next one, or below all rungs.
pub fn ladder(width: u32, height: u32, settings: &[RungSettings]) -> Vec<Rung> {
    let source = Source::new(width, height);
    let (above, fitting): (Vec<_>, Vec<_>) =
        settings.iter().partition(|rung| u64::from(rung.height) > source.nominal);
    let mut rungs = Vec::with_capacity(fitting.len() + 1);
    let below = fitting.first().map(|rung| u64::from(rung.height));
    let is_far_above = below.is_none_or(|below| source.nominal * 10 > below * OWN_RUNG_TENTHS);
    if let Some(next_above) = above.last()
        && is_far_above
    {
        let least = fitting.first().map_or(BITRATE_MIN_BPS, |rung| rung.bitrate_bps);
        rungs.push(source.own_rung(next_above, least));
    }
    rungs.extend(fitting.iter().map(|rung| source.rung(rung)));
    rungs
}

struct Source {
    width: u64,
    height: u64,
    /// Height of the smallest 16:9 frame, upright or not, that holds the picture.
    nominal: u64,
}

impl Source {
    fn new(width: u32, height: u32) -> Self {
        let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
        let (long, short) = (width.max(height), width.min(height));
        Self { width, height, nominal: short.max((long * 9).div_ceil(16)) }
    }

    /// Scales both sides by one exact factor `num / den`, at most 1.
    fn scaled(&self, num: u64, den: u64) -> (u32, u32) {
        let side = |source: u64| {
            // The nearest even number that is not above the source.
            let nearest = (source * num + den) / (2 * den) * 2;
            let most = (source / 2 * 2).max(SIDE_MIN);
            u32::try_from(nearest.clamp(SIDE_MIN, most))
                .expect("a side is at most the source's, which was 32 bit")
        };
        (side(self.width), side(self.height))
    }

    fn rung(&self, rung: &RungSettings) -> Rung {
        let (long, short) = (self.width.max(self.height), self.width.min(self.height));
        let box_short = u64::from(rung.height);
        // If the picture is wider than 16:9, its long side limits the size.
        let (num, den) = if long * 9 > short * 16 { (box_short * 16, long * 9) } else { (box_short, short) };
        let (width, height) = if num >= den { self.scaled(1, 1) } else { self.scaled(num, den) };
        Rung { name: format!("{}p", rung.height), width, height, bitrate_bps: rung.bitrate_bps }
    }

    /// A rung of the source's own size. Its share of the next higher rung's bit rate is its share of that rung's
    /// pixels.
    fn own_rung(&self, above: &RungSettings, least_bps: u32) -> Rung {
        let (width, height) = self.scaled(1, 1);
        let box_pixels = u64::from(above.height) * u64::from(above.height) * 16 / 9;
        let nominal_pixels = self.nominal * self.nominal * 16 / 9;
        let share = u64::from(above.bitrate_bps) * nominal_pixels / box_pixels.max(1);
        let least = least_bps.min(above.bitrate_bps);
        let bitrate_bps = u32::try_from(share).unwrap_or(u32::MAX).clamp(least, above.bitrate_bps);
        Rung {
            name: format!("{}p", self.nominal.next_multiple_of(2).min(u64::from(above.height) - 1)),
            width,
            height,
            bitrate_bps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::settings::VideoSettings;
    use crate::recipes::testing;
    use reelgate_flow::facts::Rotation;

    fn sizes(width: u32, height: u32) -> Vec<(String, u32, u32)> {
        ladder(width, height, &VideoSettings::default().rungs)
            .into_iter()
            .map(|rung| (rung.name, rung.width, rung.height))
            .collect()
    }

    fn named(sizes: &[(&str, u32, u32)]) -> Vec<(String, u32, u32)> {
        sizes.iter().map(|(name, width, height)| ((*name).to_owned(), *width, *height)).collect()
    }

    #[test]
    fn full_hd_gets_the_usual_sizes() {
        let expected = [("1080p", 1920, 1080), ("720p", 1280, 720), ("480p", 854, 480), ("240p", 426, 240)];
        assert_eq!(sizes(1920, 1080), named(&expected));
        assert_eq!(sizes(3840, 2160), named(&expected), "no rung above the highest");
        let upright: Vec<_> = expected.iter().map(|(name, width, height)| (*name, *height, *width)).collect();
        assert_eq!(sizes(1080, 1920), named(&upright));
    }

    #[test]
    fn other_aspect_ratios_are_fitted_into_the_frame_of_the_rung() {
        assert_eq!(sizes(1920, 800)[..2], named(&[("1080p", 1920, 800), ("720p", 1280, 534)]));
        assert_eq!(sizes(1440, 1080)[..2], named(&[("1080p", 1440, 1080), ("720p", 960, 720)]));
        assert_eq!(sizes(1080, 1080)[0], ("1080p".into(), 1080, 1080));
    }

    #[test]
    fn a_source_between_rungs_gets_its_own_size_only_when_far_above_the_next() {
        assert_eq!(sizes(1600, 900)[..2], named(&[("900p", 1600, 900), ("720p", 1280, 720)]));
        assert_eq!(sizes(1440, 810)[0], ("720p".into(), 1280, 720), "810 is below 1.2 times 720");
        assert_eq!(ladder(1600, 900, &VideoSettings::default().rungs)[0].bitrate_bps, 3_472_222);
    }

    #[test]
    fn a_source_below_all_rungs_keeps_its_size() {
        assert_eq!(sizes(320, 180), named(&[("180p", 320, 180)]));
        assert_eq!(sizes(33, 17), named(&[("20p", 32, 16)]));
        assert_eq!(sizes(1, 1), named(&[("2p", 2, 2)]));
        assert_eq!(ladder(32, 18, &VideoSettings::default().rungs)[0].bitrate_bps, 64_000);
    }

    #[test]
    fn pixel_aspect_and_rotation_make_the_display_size() {
        let mut video = testing::video(720, 576);
        video.pixel_aspect = Rational { num: 64, den: 45 };
        assert_eq!(display_size(&video), (1024, 576));
        video.rotation = Rotation { degrees: 270, mirrored: true };
        assert_eq!(display_size(&video), (576, 1024));
        video.pixel_aspect = Rational { num: 1, den: 1_000 };
        assert_eq!(display_size(&video), (576, 720), "an absurd aspect ratio is ignored");
    }

    #[test]
    fn every_shape_gets_even_sizes_within_the_source_and_keeps_its_aspect() {
        let settings = VideoSettings::default().rungs;
        let sides = [
            1, 2, 3, 15, 16, 17, 99, 240, 241, 333, 426, 480, 577, 719, 720, 721, 865, 1080, 1081, 1919,
            4096, 8191, 65_535,
        ];
        for width in sides {
            for height in sides {
                let rungs = ladder(width, height, &settings);
                assert!(!rungs.is_empty() && rungs.len() <= 5, "{width}x{height}");
                for rung in &rungs {
                    assert!(
                        rung.width % 2 == 0 && rung.height % 2 == 0 && rung.width >= 2 && rung.height >= 2
                    );
                    assert!(
                        rung.width <= width.max(2) && rung.height <= height.max(2),
                        "{width}x{height} {rung:?}"
                    );
                    // Each side is within a pixel of the exactly scaled side.
                    let skew = u64::from(rung.width) * u64::from(height);
                    let skew = skew.abs_diff(u64::from(rung.height) * u64::from(width));
                    let is_aspect_kept =
                        skew <= u64::from(width) + u64::from(height) || rung.width.min(rung.height) == 2;
                    assert!(is_aspect_kept, "{width}x{height} {rung:?}");
                }
                for pair in rungs.windows(2) {
                    assert!(pair[0].bitrate_bps >= pair[1].bitrate_bps && pair[0].name != pair[1].name);
                }
            }
        }
    }
}
