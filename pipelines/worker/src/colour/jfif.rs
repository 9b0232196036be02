//! Gives pictures the colours of JFIF: BT.601's matrix in full range at any size (ITU-T T.871, 7).

use std::sync::Arc;

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst_video::prelude::*;

use super::component::{self, Frame};
use super::described::{ContainerColour, described, needs_map, resolved};
use super::map::{ColourMap, Planes, Target};

/// JFIF's colours in GStreamer's notation: full range, BT.601 matrix, and the rest not described.
const JFIF: &str = "1:4:0:0";
/// Bits below the point in the tables.
const PART_BITS: u32 = 16;

/// How the pictures of one stream become JFIF's. They are scaled first, in their own colours, because that is less work.
pub struct ToJfif {
    change: Change,
    own: String,
}

enum Change {
    None,
    Matrix(Box<MatrixTables>),
    Map(Arc<ColourMap>),
}

impl ToJfif {
    /// For the decoded pictures of a track.
    pub fn new(decoded: &gst::CapsRef, container: &ContainerColour) -> Self {
        // The converter does R'G'B' right.
        let converted = Self { change: Change::None, own: JFIF.to_owned() };
        let Ok(info) = gst_video::VideoInfo::from_caps(decoded) else { return converted };
        let format = info.format_info();
        if !format.is_yuv() && !format.is_gray() {
            return converted;
        }
        let colours = resolved(&info, &described(decoded, container));
        let change = if needs_map(&colours) && component::is_readable(&format) {
            Change::Map(ColourMap::of(&colours, Target::Jfif))
        } else {
            Change::Matrix(Box::new(MatrixTables::new(&colours)))
        };
        Self { change, own: colours.to_string() }
    }

    /// Format of the scaled pictures. High dynamic range has ten bits until it is mapped.
    pub fn scaled_format(&self) -> gst_video::VideoFormat {
        match self.change {
            Change::None | Change::Matrix(_) => gst_video::VideoFormat::I420,
            Change::Map(_) => gst_video::VideoFormat::I42010le,
        }
    }

    /// Colours of the scaled pictures.
    pub fn scaled_colours(&self) -> &str {
        &self.own
    }

    /// The caps of the decoded pictures with nothing left to guess, so that scaling does not convert them.
    pub fn explained(&self, decoded: &gst::CapsRef) -> Option<gst::Caps> {
        if matches!(self.change, Change::None) {
            return None;
        }
        let mut caps = decoded.to_owned();
        caps.make_mut().structure_mut(0)?.set("colorimetry", &self.own);
        Some(caps)
    }

    /// Luma, blue and red difference of a scaled picture without padding; `None` if it does not have the format.
    pub fn planes(&self, frame: &Frame<'_>) -> Option<[Vec<u8>; 3]> {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let (across, down) = (width.div_ceil(2), height.div_ceil(2));
        if frame.format() != self.scaled_format() {
            return None;
        }
        if let Change::Map(map) = &self.change {
            let mut planes = [vec![0; width * height], vec![0; across * down], vec![0; across * down]];
            let [luma, blue, red] = &mut planes;
            map.convert(frame, Planes { luma: (luma, width), blue: (blue, across), red: (red, across) })?;
            return Some(planes);
        }
        let mut planes =
            [plane(frame, 0, width, height)?, plane(frame, 1, across, down)?, plane(frame, 2, across, down)?];
        if let Change::Matrix(tables) = &self.change {
            tables.apply(&mut planes, width);
        }
        Some(planes)
    }
}

fn plane(frame: &Frame<'_>, index: u32, width: usize, height: usize) -> Option<Vec<u8>> {
    let data = frame.plane_data(index).ok()?;
    let stride = usize::try_from(*frame.plane_stride().get(index as usize)?).ok()?;
    let mut packed = Vec::with_capacity(width * height);
    for line in data.chunks(stride.max(1)).take(height) {
        packed.extend_from_slice(line.get(..width)?);
    }
    (packed.len() == width * height).then_some(packed)
}

/// A conversion between two matrices and ranges is linear, and grey stays grey. So luma is a sum over three tables, and
/// chroma one over two.
struct MatrixTables {
    luma: [[i32; 256]; 3],
    blue: [[i32; 256]; 2],
    red: [[i32; 256]; 2],
}

impl MatrixTables {
    fn new(own: &gst_video::VideoColorimetry) -> Self {
        let is_full = own.range() == gst_video::VideoColorRange::Range0_255;
        let (black, luma_scale, chroma_scale) =
            if is_full { (0.0, 1.0, 1.0) } else { (16.0, 255.0 / 219.0, 255.0 / 224.0) };
        let (kr, kb) = own.matrix().kr_kb().unwrap_or((0.299, 0.114));
        let kg = 1.0 - kr - kb;
        const KR: f64 = 0.299;
        const KB: f64 = 0.114;
        const KG: f64 = 1.0 - KR - KB;
        // What one unit of each chroma adds to red or blue, and takes from green.
        let (in_red, in_blue) = (2.0 * (1.0 - kr), 2.0 * (1.0 - kb));
        let luma_of_blue = KB * in_blue - KG * kb * in_blue / kg;
        let luma_of_red = KR * in_red - KG * kr * in_red / kg;
        let (to_blue, to_red) = (2.0 * (1.0 - KB), 2.0 * (1.0 - KR));
        let table = |factor: f64, centre: f64, offset: f64| {
            let part = f64::from(1u32 << PART_BITS);
            let entry = |code: usize| ((factor * (code as f64 - centre) + offset) * part).round() as i32;
            std::array::from_fn(entry)
        };
        let chroma = |factor: f64, offset: f64| table(factor * chroma_scale, 128.0, offset);
        Self {
            luma: [table(luma_scale, black, 0.5), chroma(luma_of_blue, 0.0), chroma(luma_of_red, 0.0)],
            blue: [chroma((in_blue - luma_of_blue) / to_blue, 128.5), chroma(-luma_of_red / to_blue, 0.0)],
            red: [chroma(-luma_of_blue / to_red, 128.5), chroma((in_red - luma_of_red) / to_red, 0.0)],
        }
    }

    fn apply(&self, [lumas, blues, reds]: &mut [Vec<u8>; 3], width: usize) {
        let across = width.div_ceil(2).max(1);
        let code = |sum: i32| (sum >> PART_BITS).clamp(0, 255) as u8;
        for (y, line) in lumas.chunks_mut(width.max(1)).enumerate() {
            let chroma = y / 2 * across..(y / 2 + 1) * across;
            let (Some(blues), Some(reds)) = (blues.get(chroma.clone()), reds.get(chroma)) else { return };
            for (pair, (blue, red)) in line.chunks_mut(2).zip(blues.iter().zip(reds)) {
                let added = self.luma[1][usize::from(*blue)] + self.luma[2][usize::from(*red)];
                for luma in pair {
                    *luma = code(self.luma[0][usize::from(*luma)] + added);
                }
            }
        }
        for (blue, red) in blues.iter_mut().zip(reds.iter_mut()) {
            let (b, r) = (usize::from(*blue), usize::from(*red));
            *blue = code(self.blue[0][b] + self.blue[1][r]);
            *red = code(self.red[0][b] + self.red[1][r]);
        }
    }
}
