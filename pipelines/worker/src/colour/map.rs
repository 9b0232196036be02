//! Maps frames of high dynamic range or of a wide gamut to 8-bit 4:2:0 by a table over Y'CbCr.
//!
//! The table has the results at the points of a grid, exact to a small part of a code, and frames are interpolated between
//! them in whole numbers. So a picture has the same bytes on every machine and in any number of threads.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer_video as gst_video;

use gst_video::{
    VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry, VideoTransferFunction,
};
use rayon::prelude::*;

use super::component::{BITS, Component, Frame};
use super::tone::{self, Curve, ToneMapper};

/// Points of the grid along each axis, with the one above the largest sample.
const POINTS: usize = 65;
/// Bits of a sample below the number of its grid point.
const FRACTION: u32 = BITS - 6;
/// Parts of an 8-bit code in the table, as a power of two.
const PART_BITS: u32 = 6;

/// What an output's code values mean: BT.709 light in one of two forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Video: BT.709's matrix, limited range.
    Video,
    /// JFIF: BT.601's matrix, full range.
    Jfif,
}

/// The table of one source.
pub struct ColourMap {
    /// By blue difference, then red difference, then luma.
    luma: Vec<u16>,
    /// By blue difference, then red difference, then luma.
    chroma: Vec<[u16; 2]>,
}

/// Planes of the output, each with its distance between lines.
pub struct Planes<'a> {
    pub luma: (&'a mut [u8], usize),
    pub blue: (&'a mut [u8], usize),
    pub red: (&'a mut [u8], usize),
}

impl ColourMap {
    /// The table for a source whose colours are known. It is made once in a worker: the decoders of a job share it.
    pub fn of(source: &VideoColorimetry, target: Target) -> Arc<Self> {
        static MADE: Mutex<Vec<(VideoColorimetry, Target, Arc<ColourMap>)>> = Mutex::new(Vec::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let found = made.iter().find(|(colours, of, _)| colours == source && *of == target);
        if let Some((_, _, map)) = found {
            return map.clone();
        }
        let map = Arc::new(Self::new(source, target));
        made.push((*source, target, map.clone()));
        map
    }

    fn new(source: &VideoColorimetry, target: Target) -> Self {
        let tones = ToneMapper::new(curve(source), primaries(source));
        let tones = &tones;
        let points = (0..POINTS * POINTS).into_par_iter().flat_map_iter(|chroma| {
            let (blue, red) = (chroma / POINTS, chroma % POINTS);
            (0..POINTS).map(move |luma| {
                let code = |point: usize| (point << FRACTION) as f64;
                [code(luma), code(blue), code(red)]
            })
        });
        let mapped: Vec<[u16; 3]> =
            points.map(|codes| mapped(tones, source, target, codes).map(|code| parts(code) as u16)).collect();
        Self {
            luma: mapped.iter().map(|point| point[0]).collect(),
            chroma: mapped.iter().map(|point| [point[1], point[2]]).collect(),
        }
    }

    /// Maps a frame into planes of 4:2:0; `None` if it has no three components.
    pub fn convert(&self, frame: &Frame<'_>, to: Planes<'_>) -> Option<()> {
        let components = [Component::of(frame, 0)?, Component::of(frame, 1)?, Component::of(frame, 2)?];
        let (lumas, blues, reds) = (to.luma, to.blue, to.red);
        let pairs = lumas.0.par_chunks_mut((lumas.1 * 2).max(1));
        let blues = blues.0.par_chunks_mut(blues.1.max(1));
        let reds = reds.0.par_chunks_mut(reds.1.max(1));
        let lines = components[0].height.div_ceil(2);
        let (width, stride) = (components[0].width, lumas.1);
        pairs.zip(blues).zip(reds).enumerate().take(lines).for_each_init(
            || (Lines::default(), Lines::default()),
            |(upper, lower), (y, ((luma, blue), red))| {
                upper.read(&components, 2 * y);
                lower.read(&components, 2 * y + 1);
                let (first, second) = luma.split_at_mut(stride.min(luma.len()));
                self.luma_line(upper, components[1].sub.0, width, first);
                self.luma_line(lower, components[1].sub.0, width, second);
                self.chroma_line(upper, lower, components[1].sub.0, blue, red);
            },
        );
        Some(())
    }

    fn luma_line(&self, from: &Lines, sub: u32, width: usize, to: &mut [u8]) {
        let group = 1usize << sub;
        let lumas = from.luma.get(..width).unwrap_or(&from.luma).chunks(group);
        for ((lumas, to), (blue, red)) in lumas.zip(to.chunks_mut(group)).zip(from.blue.iter().zip(&from.red))
        {
            let corners = Corners::at(*blue, *red);
            for (luma, to) in lumas.iter().zip(to) {
                *to = corners.mix(*luma, |index| u32::from(self.luma[index]));
            }
        }
    }

    fn chroma_line(&self, upper: &Lines, lower: &Lines, sub: u32, blue: &mut [u8], red: &mut [u8]) {
        let widths = upper.luma.len().div_ceil(2);
        for (x, (blue, red)) in blue.iter_mut().zip(red).enumerate().take(widths) {
            let (left, right) = (2 * x, (2 * x + 1).min(upper.luma.len() - 1));
            let lumas = [upper.luma[left], upper.luma[right], lower.luma[left], lower.luma[right]];
            let luma = (lumas.iter().map(|luma| u32::from(*luma)).sum::<u32>() + 2) / 4;
            let at = (left >> sub).min(upper.blue.len() - 1);
            let mean = |a: u16, b: u16| ((u32::from(a) + u32::from(b)).div_ceil(2)) as u16;
            let corners =
                Corners::at(mean(upper.blue[at], lower.blue[at]), mean(upper.red[at], lower.red[at]));
            *blue = corners.mix(luma as u16, |index| u32::from(self.chroma[index][0]));
            *red = corners.mix(luma as u16, |index| u32::from(self.chroma[index][1]));
        }
    }
}

/// One line of luma with the chroma that belongs to it.
#[derive(Default)]
struct Lines {
    luma: Vec<u16>,
    blue: Vec<u16>,
    red: Vec<u16>,
}

impl Lines {
    fn read(&mut self, [luma, blue, red]: &[Component<'_>; 3], y: usize) {
        let y = y.min(luma.height.saturating_sub(1));
        luma.line(y, &mut self.luma);
        blue.line(y >> blue.sub.1, &mut self.blue);
        red.line(y >> red.sub.1, &mut self.red);
    }
}

/// The four columns of the table around a chroma, with their weights, which add up to 2 to the power of
/// `2 * FRACTION`.
struct Corners {
    columns: [usize; 4],
    weights: [u32; 4],
}

impl Corners {
    fn at(blue: u16, red: u16) -> Self {
        let split = |code: u16| {
            let code = u32::from(code);
            ((code >> FRACTION) as usize, code & ((1 << FRACTION) - 1))
        };
        let ((blue, b), (red, r)) = (split(blue), split(red));
        let one = 1 << FRACTION;
        let column = |blue: usize, red: usize| (blue.min(POINTS - 1) * POINTS + red.min(POINTS - 1)) * POINTS;
        Self {
            columns: [
                column(blue, red),
                column(blue, red + 1),
                column(blue + 1, red),
                column(blue + 1, red + 1),
            ],
            weights: [(one - b) * (one - r), (one - b) * r, b * (one - r), b * r],
        }
    }

    /// The interpolated result at a luma, as an 8-bit code.
    fn mix(&self, luma: u16, part: impl Fn(usize) -> u32) -> u8 {
        /// The sum over the corners keeps this many bits below the point, so that the last step stays within 32 bits.
        const KEPT: u32 = 8;
        let luma = u32::from(luma);
        let (point, fraction) = ((luma >> FRACTION) as usize, luma & ((1 << FRACTION) - 1));
        let level = |point: usize| {
            let sum =
                (0..4).map(|corner| self.weights[corner] * part(self.columns[corner] + point)).sum::<u32>();
            sum >> (2 * FRACTION - KEPT)
        };
        let (below, above) = (level(point), level(point + 1));
        let mixed = below * ((1 << FRACTION) - fraction) + above * fraction;
        let bits = PART_BITS + KEPT + FRACTION;
        ((mixed + (1 << (bits - 1))) >> bits).min(255) as u8
    }
}

/// Code values of a source, at [`BITS`] bits, as code values of the target, at 8 bits and not rounded.
fn mapped(
    tones: &ToneMapper,
    source: &VideoColorimetry,
    target: Target,
    [luma, blue, red]: [f64; 3],
) -> [f64; 3] {
    let steps = f64::from(1u32 << (BITS - 8));
    let full = source.range() == VideoColorRange::Range0_255;
    let max = f64::from((1u32 << BITS) - 1);
    let (luma, blue, red) = if full {
        let centre = 128.0 * steps;
        (luma / max, (blue - centre) / max, (red - centre) / max)
    } else {
        let chroma = |code: f64| (code / steps - 128.0) / 224.0;
        ((luma / steps - 16.0) / 219.0, chroma(blue), chroma(red))
    };
    let (kr, kb) = source.matrix().kr_kb().unwrap_or((0.2126, 0.0722));
    let (r, b) = (luma + 2.0 * (1.0 - kr) * red, luma + 2.0 * (1.0 - kb) * blue);
    let g = (luma - kr * r - kb * b) / (1.0 - kr - kb);
    let [r, g, b] = tones.to_bt709([r, g, b]);
    let (kr, kb) = match target {
        Target::Video => (0.2126, 0.0722),
        Target::Jfif => (0.299, 0.114),
    };
    let luma = kr * r + (1.0 - kr - kb) * g + kb * b;
    let (blue, red) = ((b - luma) / (2.0 * (1.0 - kb)), (r - luma) / (2.0 * (1.0 - kr)));
    match target {
        Target::Video => [16.0 + 219.0 * luma, 128.0 + 224.0 * blue, 128.0 + 224.0 * red],
        Target::Jfif => [255.0 * luma, 128.0 + 255.0 * blue, 128.0 + 255.0 * red],
    }
}

fn parts(code: f64) -> u32 {
    (code.clamp(0.0, 255.0) * f64::from(1u32 << PART_BITS)).round() as u32
}

fn curve(source: &VideoColorimetry) -> Curve {
    match source.transfer() {
        VideoTransferFunction::Smpte2084 => Curve::Pq,
        VideoTransferFunction::AribStdB67 => Curve::Hlg,
        _ => Curve::Sdr,
    }
}

fn primaries(source: &VideoColorimetry) -> &'static tone::Matrix3 {
    match source.primaries() {
        VideoColorPrimaries::Bt2020 => &tone::BT2020_TO_BT709,
        VideoColorPrimaries::Smpteeg432 => &tone::P3_TO_BT709,
        _ => &tone::SAME,
    }
}

/// The colours of mapped video.
pub fn bt709() -> VideoColorimetry {
    VideoColorimetry::new(
        VideoColorRange::Range16_235,
        VideoColorMatrix::Bt709,
        VideoTransferFunction::Bt709,
        VideoColorPrimaries::Bt709,
    )
}
