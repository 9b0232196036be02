//! Applies redactions to each frame in front of the ladder. The pictures are upright and have the source's size, so one box
//! is enough for all rungs, and no scaler ever reads the covered pixels.
//!
//! The paint over an area uses no pixel of the area: see [`paint`]. In doubt, more is covered: an area that is not inside
//! the picture covers the whole picture, a frame that may still be shown when a range begins is covered, and a picture that
//! cannot be painted ends the job.

mod paint;

use std::sync::{Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_video as gst_video;

use reelgate_flow::place::FrameBox;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{GRID_SLACK_NS, Redaction, RedactionStyle, VideoJob};
use reelgate_pipelines::recipes::redact;

use paint::{Painter, Rect};

/// The margin on each side of an area is its height divided by this, because text readers return tight boxes.
const MARGIN_PART: u32 = 4;
/// The smallest margin, pixels: compression spreads letters beyond their edges.
const MARGIN_MIN: u32 = 4;
/// How long a frame is assumed to be shown at most, if neither the rate nor its duration is known.
const SHOWN_UNKNOWN_NS: u64 = 1_000_000_000;

/// Formats that can be painted: each component has its own whole bytes, and 16-bit components are little endian. Decoders
/// deliver most of them. Other formats are converted first.
pub const FORMATS: [gst_video::VideoFormat; 28] = {
    use gst_video::VideoFormat as F;
    [
        F::I420,
        F::Yv12,
        F::Nv12,
        F::Nv21,
        F::Y41b,
        F::Y42b,
        F::Y444,
        F::A420,
        F::Gray8,
        F::Yuy2,
        F::Uyvy,
        F::Ayuv,
        F::I42010le,
        F::I42210le,
        F::Y44410le,
        F::I42012le,
        F::I42212le,
        F::Y44412le,
        F::P01010le,
        F::Gbr,
        F::Gbr10le,
        F::Rgb,
        F::Bgr,
        F::Rgbx,
        F::Bgrx,
        F::Rgba,
        F::Bgra,
        F::Argb,
    ]
};

/// The redactions of one job and the format of the pictures.
pub struct Cover {
    redactions: Vec<Redaction>,
    frame_ns: Option<u64>,
    info: Mutex<Option<gst_video::VideoInfo>>,
}

/// When a frame is on screen, stream time, nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DisplayTime {
    from_ns: u64,
    until_ns: u64,
}

impl DisplayTime {
    /// The same frame, shown from an earlier time on.
    pub fn since(self, from_ns: u64) -> Self {
        Self { from_ns: self.from_ns.min(from_ns), ..self }
    }
}

impl Cover {
    /// The redactions of a job.
    ///
    /// Fails with `internal` if they are malformed: see [`redact::check`].
    pub fn new(job: &VideoJob) -> Result<Self, Fault> {
        redact::check(&job.redactions)?;
        let rate = job.frame_rate.filter(|rate| rate.num > 0);
        Ok(Self {
            redactions: job.redactions.clone(),
            frame_ns: rate.map(|rate| (1_000_000_000 * u64::from(rate.den)).div_ceil(u64::from(rate.num))),
            info: Mutex::default(),
        })
    }

    /// Sets the format of the pictures that follow.
    pub fn set_format(&self, caps: &gst::CapsRef) {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) =
            gst_video::VideoInfo::from_caps(caps).ok();
    }

    /// When a frame is shown. It is shown up to the next frame, which has not arrived yet, so the longest time is assumed.
    pub fn shown(&self, stream_ns: u64, duration: Option<gst::ClockTime>) -> DisplayTime {
        let declared = duration.map(gst::ClockTime::nseconds);
        let length = self.frame_ns.max(declared).unwrap_or(SHOWN_UNKNOWN_NS);
        DisplayTime { from_ns: stream_ns, until_ns: stream_ns.saturating_add(length) }
    }

    /// Applies the redactions of a frame's time. A frame without redactions is not changed.
    ///
    /// Fails with `internal` if the picture cannot be painted, because it must not be encoded then.
    pub fn apply(&self, shown: DisplayTime, buffer: &mut gst::Buffer) -> Result<(), Fault> {
        let now: Vec<&Redaction> =
            self.redactions.iter().filter(|redaction| is_now(redaction, shown)).collect();
        if now.is_empty() {
            return Ok(());
        }
        let info = self.info.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let info = info.ok_or_else(|| unpaintable("a picture of a known format"))?;
        if !FORMATS.contains(&info.format()) {
            return Err(unpaintable("a picture of a paintable format"));
        }
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &info)
            .map_err(|_| unpaintable("a writable picture"))?;
        let mut painter = Painter::new(&mut frame);
        let areas = now.iter().map(|redaction| (covered(redaction.area, &info), redaction.style));
        let areas: Vec<(Rect, RedactionStyle)> = areas.collect();
        // Fill all areas before the first gradient. Otherwise a gradient could use colours of an adjacent area.
        let filled = areas.iter().try_for_each(|(rect, _)| painter.fill(*rect));
        let soft = areas.iter().filter(|(_, style)| *style == RedactionStyle::Blur);
        filled
            .and_then(|()| soft.map(|(rect, _)| *rect).try_for_each(|rect| painter.soften(rect)))
            .ok_or_else(|| unpaintable("a picture of the declared size"))
    }
}

/// Whether a frame is shown at a time within the range. Times may be rounded by the grid slack.
fn is_now(redaction: &Redaction, shown: DisplayTime) -> bool {
    let early_ns = redaction.start_ns.saturating_sub(GRID_SLACK_NS);
    shown.from_ns < redaction.end_ns.saturating_add(GRID_SLACK_NS) && shown.until_ns > early_ns
}

/// The area with its margin, extended to whole chroma samples; the whole picture if the area is not inside it.
fn covered(area: Option<FrameBox>, info: &gst_video::VideoInfo) -> Rect {
    let (width, height) = (info.width(), info.height());
    let whole = Rect { left: 0, top: 0, right: width, bottom: height };
    let Some(area) = area else { return whole };
    let ends = (area.x.checked_add(area.width), area.y.checked_add(area.height));
    let (Some(right), Some(bottom)) = ends else { return whole };
    if right > width || bottom > height {
        return whole;
    }
    let margin = (area.height / MARGIN_PART).max(MARGIN_MIN);
    let format = info.format_info();
    let out = |edge: u32, sub: &[u32], side: u32| {
        let sample = 1 << sub.iter().copied().max().unwrap_or(0);
        edge.saturating_add(margin).div_ceil(sample).saturating_mul(sample).min(side)
    };
    let back = |edge: u32, sub: &[u32]| {
        let sample = 1 << sub.iter().copied().max().unwrap_or(0);
        edge.saturating_sub(margin) / sample * sample
    };
    Rect {
        left: back(area.x, format.w_sub()),
        top: back(area.y, format.h_sub()),
        right: out(right, format.w_sub(), width),
        bottom: out(bottom, format.h_sub(), height),
    }
}

fn unpaintable(expected: &str) -> Fault {
    Fault::new(Code::Internal, format!("cannot apply the redaction: expected {expected}"))
}

#[cfg(test)]
mod tests;
