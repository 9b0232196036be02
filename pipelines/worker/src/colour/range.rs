//! Changes full range to limited range, in place (ITU-R BT.709, 3.4, and BT.2100, table 9: 16 to 235 for luma and 16 to 240
//! for chroma, with 8 bits).

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst_video::prelude::*;

/// Whether the range of such frames can be changed.
pub fn is_changeable(format: &gst_video::VideoFormatInfo) -> bool {
    let depths = format.depth();
    let whole = depths.iter().all(|depth| *depth == 8)
        || (depths.iter().all(|depth| (9..=16).contains(depth)) && format.is_le());
    (format.is_yuv() || format.is_gray()) && whole && !format.is_complex() && !format.is_tiled()
}

/// The tables of one format.
pub struct ToLimited {
    info: gst_video::VideoInfo,
    luma: Vec<u16>,
    chroma: Vec<u16>,
}

impl ToLimited {
    pub fn new(info: &gst_video::VideoInfo) -> Self {
        let depth = info.format_info().depth().first().copied().unwrap_or(8);
        let table = |scale: u64, offset: u64, centre: u64| {
            let (max, steps) = ((1u64 << depth) - 1, 1u64 << (depth - 8));
            // Rounded, with everything doubled so that a half is a whole number.
            let limited = |code: u64| {
                let from = i128::from(2 * code) - i128::from(2 * centre);
                let scaled = from * i128::from(scale * steps) + i128::from(max);
                scaled.div_euclid(2 * i128::from(max)) + i128::from(offset * steps)
            };
            (0..=max).map(|code| limited(code).clamp(0, i128::from(max)) as u16).collect()
        };
        let centre = 1u64 << (depth - 1);
        Self { info: info.clone(), luma: table(219, 16, 0), chroma: table(224, 128, centre) }
    }

    /// Changes a frame; `None` if it does not have the format.
    pub fn apply(&self, buffer: &mut gst::Buffer) -> Option<()> {
        let mut frame =
            gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &self.info).ok()?;
        let format = frame.format_info();
        for number in 0..format.n_components().min(3) {
            let index = number as usize;
            let shift = *format.shift().get(index)?;
            let pixel_stride = usize::try_from(*format.pixel_stride().get(index)?).ok()?;
            let wide = *format.depth().get(index)? > 8;
            let (width, height) = (frame.comp_width(number) as usize, frame.comp_height(number) as usize);
            let stride = usize::try_from(frame.comp_stride(number)).ok()?;
            let table = if number == 0 { &self.luma } else { &self.chroma };
            let data = frame.comp_data_mut(number).ok()?;
            for line in data.chunks_mut(stride.max(1)).take(height) {
                let pixels = line.chunks_mut(pixel_stride.max(1)).take(width);
                if wide {
                    pixels.for_each(|pixel| look_up_wide(table, shift, pixel));
                } else {
                    pixels.for_each(|pixel| {
                        pixel[0] = table.get(usize::from(pixel[0])).map_or(0, |code| *code as u8);
                    });
                }
            }
        }
        Some(())
    }
}

fn look_up_wide(table: &[u16], shift: u32, pixel: &mut [u8]) {
    let Some(bytes) = pixel.first_chunk_mut::<2>() else { return };
    let code = usize::from(u16::from_le_bytes(*bytes) >> shift);
    let code = table.get(code).or(table.last()).copied().unwrap_or(0);
    *bytes = (code << shift).to_le_bytes();
}
