//! Paints areas of a picture, component by component, in any of the formats that the parent module lists.
//!
//! A mosaic or a blur of the covered pixels can be reversed if only few texts are possible (Hill, Zhou, Saul, Shacham: "On
//! the (In)effectiveness of Mosaicing and Blurring as Tools for Document Redaction", PETS 2016). So neither paint reads a
//! sample of the area: one is black, and the other is a gradient between the colours around it.

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst_video::prelude::*;

/// The colour of a side is the mean of this many samples next to the area.
const ADJACENT: usize = 4;

/// An area in pixels; `right` and `bottom` are outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rect {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

type Frame<'a> = gst_video::VideoFrameRef<&'a mut gst::BufferRef>;

/// Paints one frame. Every function returns `None` if the frame is smaller than it declares.
pub struct Painter<'a, 'b> {
    frame: &'a mut Frame<'b>,
    black: [i32; 4],
}

impl<'a, 'b> Painter<'a, 'b> {
    /// A painter for a frame, which must have a paintable format.
    pub fn new(frame: &'a mut Frame<'b>) -> Self {
        let range = frame.info().colorimetry().range();
        let (black, _) = frame.info().range_offsets(range);
        Self { frame, black }
    }

    /// Makes the area black and opaque.
    pub fn fill(&mut self, rect: Rect) -> Option<()> {
        for index in 0..self.components() {
            let mut component = self.component(index, rect)?;
            let black = component.black;
            component.paint(|_, _| black)?;
        }
        Some(())
    }

    /// Makes the area a gradient between the means of the samples next to it. At an edge of the picture there are no such
    /// samples, and the opposite side is used for both. Without any samples, the area is not changed.
    pub fn soften(&mut self, rect: Rect) -> Option<()> {
        for index in 0..self.components() {
            let mut component = self.component(index, rect)?;
            let (left, top, right, bottom) =
                (component.left, component.top, component.right, component.bottom);
            let before = |edge: usize| edge.saturating_sub(ADJACENT)..edge;
            let behind = |edge: usize, end: usize| edge..edge.saturating_add(ADJACENT).min(end);
            let west = component.mean(before(left), top..bottom)?;
            let east = component.mean(behind(right, component.width), top..bottom)?;
            let north = component.mean(left..right, before(top))?;
            let south = component.mean(left..right, behind(bottom, component.height))?;
            let across = west.or(east).zip(east.or(west));
            let down = north.or(south).zip(south.or(north));
            let across = across.map(|(west, east)| gradient(west, east, right - left));
            let down = down.map(|(north, south)| gradient(north, south, bottom - top));
            match (&across, &down) {
                (None, None) => {}
                (Some(one), None) => component.paint(|x, _| one.get(x).copied().unwrap_or_default())?,
                (None, Some(one)) => component.paint(|_, y| one.get(y).copied().unwrap_or_default())?,
                (Some(across), Some(down)) => component.paint(|x, y| {
                    let both = across.get(x).zip(down.get(y));
                    both.map_or(0, |(across, down)| (across + down) / 2)
                })?,
            }
        }
        Some(())
    }

    fn components(&self) -> usize {
        self.frame.format_info().n_components() as usize
    }

    /// A component and the part of it that the area covers, even partly.
    fn component(&mut self, index: usize, rect: Rect) -> Option<Component<'_>> {
        let format = self.frame.format_info();
        let (across, down) = (*format.w_sub().get(index)?, *format.h_sub().get(index)?);
        let (depth, shift) = (*format.depth().get(index)?, *format.shift().get(index)?);
        let pixel_stride = usize::try_from(*format.pixel_stride().get(index)?).ok()?;
        let is_alpha = index == 3;
        let black = if is_alpha { (1 << depth) - 1 } else { u32::try_from(*self.black.get(index)?).ok()? };
        let number = u32::try_from(index).ok()?;
        let (width, height) = (self.frame.comp_width(number), self.frame.comp_height(number));
        let stride = usize::try_from(self.frame.comp_stride(number)).ok()?;
        let end = |edge: u32, sub: u32, side: u32| edge.div_ceil(1 << sub).min(side) as usize;
        Some(Component {
            left: (rect.left >> across) as usize,
            top: (rect.top >> down) as usize,
            right: end(rect.right, across, width),
            bottom: end(rect.bottom, down, height),
            width: width as usize,
            height: height as usize,
            black,
            shift,
            bytes: if depth > 8 { 2 } else { 1 },
            stride,
            pixel_stride,
            data: self.frame.comp_data_mut(number).ok()?,
        })
    }
}

/// The given number of steps from one value to another.
fn gradient(from: u32, to: u32, steps: usize) -> Vec<u32> {
    let last = steps.saturating_sub(1).max(1) as u64;
    let mixed = |at: u64| (u64::from(from) * (last - at.min(last)) + u64::from(to) * at) / last;
    (0..steps as u64).map(|at| u32::try_from(mixed(at)).unwrap_or(to)).collect()
}

/// One component of a frame, with an area in samples of the component.
struct Component<'a> {
    data: &'a mut [u8],
    stride: usize,
    pixel_stride: usize,
    bytes: usize,
    shift: u32,
    black: u32,
    width: usize,
    height: usize,
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Component<'_> {
    /// Sets every sample of the area to the value for its position in the area.
    fn paint(&mut self, value: impl Fn(usize, usize) -> u32) -> Option<()> {
        if self.left >= self.right {
            return Some(());
        }
        for y in self.top..self.bottom {
            let line = y.checked_mul(self.stride)?;
            let first = line.checked_add(self.left.checked_mul(self.pixel_stride)?)?;
            let last = line.checked_add((self.right - 1).checked_mul(self.pixel_stride)?)?;
            let samples = self.data.get_mut(first..last.checked_add(self.bytes)?)?;
            for (x, sample) in samples.chunks_mut(self.pixel_stride.max(1)).enumerate() {
                let value = (value(x, y - self.top) << self.shift).to_le_bytes();
                for (byte, value) in sample.iter_mut().zip(value).take(self.bytes) {
                    *byte = value;
                }
            }
        }
        Some(())
    }

    /// The mean of some samples; the inner value is `None` if there are none.
    fn mean(&self, columns: std::ops::Range<usize>, lines: std::ops::Range<usize>) -> Option<Option<u32>> {
        let (mut sum, mut count) = (0_u64, 0_u64);
        for y in lines {
            for x in columns.clone() {
                let at = y.checked_mul(self.stride)?.checked_add(x.checked_mul(self.pixel_stride)?)?;
                let bytes = self.data.get(at..at.checked_add(self.bytes)?)?;
                let value = bytes.iter().rev().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
                sum += u64::from(value >> self.shift);
                count += 1;
            }
        }
        Some(sum.checked_div(count).and_then(|mean| u32::try_from(mean).ok()))
    }
}
