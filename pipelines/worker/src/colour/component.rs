//! Reads the components of Y'CbCr frames in any format with whole samples.

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst_video::prelude::*;

/// Bits of a sample as it is read, whatever the format has.
pub const BITS: u32 = 12;

/// A readable frame.
pub type Frame<'a> = gst_video::VideoFrameRef<&'a gst::BufferRef>;

/// Whether the format has samples in 8 bits, or in 16 bits of which some may be unused, little endian.
pub fn is_readable(format: &gst_video::VideoFormatInfo) -> bool {
    let depths = format.depth();
    let whole = depths.iter().all(|depth| *depth == 8)
        || (depths.iter().all(|depth| (9..=16).contains(depth)) && format.is_le());
    format.is_yuv() && format.n_components() >= 3 && whole && !format.is_complex() && !format.is_tiled()
}

/// One component of a frame.
pub struct Component<'a> {
    data: &'a [u8],
    stride: usize,
    pixel_stride: usize,
    shift: u32,
    depth: u32,
    /// Samples in a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// Binary logarithm of the pixels per sample, across and down.
    pub sub: (u32, u32),
}

impl<'a> Component<'a> {
    /// The component of that number; `None` if the frame does not have it.
    pub fn of(frame: &'a Frame<'_>, number: u32) -> Option<Self> {
        let format = frame.format_info();
        let index = number as usize;
        Some(Self {
            data: frame.comp_data(number).ok()?,
            stride: usize::try_from(frame.comp_stride(number)).ok()?,
            pixel_stride: usize::try_from(*format.pixel_stride().get(index)?).ok()?,
            shift: *format.shift().get(index)?,
            depth: *format.depth().get(index)?,
            width: frame.comp_width(number) as usize,
            height: frame.comp_height(number) as usize,
            sub: (*format.w_sub().get(index)?, *format.h_sub().get(index)?),
        })
    }

    /// Reads a line into `samples`, at [`BITS`] bits. A line below the last one repeats the last one, and a sample that the
    /// frame does not have repeats its left neighbour.
    pub fn line(&self, y: usize, samples: &mut Vec<u16>) {
        samples.clear();
        let line = self.data.get(y.min(self.height.saturating_sub(1)) * self.stride..).unwrap_or_default();
        let pixels = line.chunks(self.pixel_stride.max(1)).take(self.width);
        if self.depth == 8 {
            samples.extend(pixels.map(|pixel| u16::from(pixel[0]) << (BITS - 8)));
        } else {
            let (shift, depth) = (self.shift, self.depth);
            let mask = (1u32 << depth) - 1;
            samples.extend(pixels.map(|pixel| {
                let raw = u32::from(u16::from_le_bytes([pixel[0], pixel.get(1).copied().unwrap_or(0)]));
                let value = (raw >> shift) & mask;
                (if depth > BITS { value >> (depth - BITS) } else { value << (BITS - depth) }) as u16
            }));
        }
        let last = samples.last().copied().unwrap_or(0);
        samples.resize(self.width.max(1), last);
    }
}
