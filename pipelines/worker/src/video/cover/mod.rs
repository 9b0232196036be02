//! Covers what must not be seen, frame by frame, in front of the ladder: upright pictures of the source's size,
//! so that one box serves every rung and no scaler ever sees what is under it.
//!
//! What is laid over an area takes nothing from inside it, see [`paint`]. Doubt covers more, never less: an area
//! that does not lie in the picture covers all of it, a frame that may still be shown when a range begins is
//! covered, and a picture that cannot be painted ends the job.

mod paint;

use std::sync::{Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_video as gst_video;

use reelgate_flow::place::FrameBox;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{GRID_SLACK_NS, Redaction, RedactionStyle, VideoJob};
use reelgate_pipelines::recipes::redact;

use paint::{Painter, Rect};

/// The margin on every side of an area, as a part of its height: readers of text draw their boxes close.
const MARGIN_PART: u32 = 4;
/// The least margin, pixels: compression smears letters beyond their edges.
const MARGIN_MIN: u32 = 4;
/// How long a frame may be shown at most where neither the rate nor the frame itself tells.
const SHOWN_UNKNOWN_NS: u64 = 1_000_000_000;

/// Formats that can be painted: every component in whole bytes of its own, 16-bit ones little endian. Decoders
/// give most of them; anything else is converted first.
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

/// The redactions of one job and the pictures they are laid over.
pub struct Cover {
    redactions: Vec<Redaction>,
    frame_ns: Option<u64>,
    info: Mutex<Option<gst_video::VideoInfo>>,
}

/// When a frame is on screen, stream time, nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    from_ns: u64,
    until_ns: u64,
}

impl Cover {
    /// The redactions of a job.
    ///
    /// Fails with `internal` where they are malformed, see [`redact::check`].
    pub fn new(job: &VideoJob) -> Result<Self, Fault> {
        redact::check(&job.redactions)?;
        let rate = job.frame_rate.filter(|rate| rate.num > 0);
        Ok(Self {
            redactions: job.redactions.clone(),
            frame_ns: rate.map(|rate| (1_000_000_000 * u64::from(rate.den)).div_ceil(u64::from(rate.num))),
            info: Mutex::default(),
        })
    }

    /// Learns the form of the pictures that follow.
    pub fn pictures(&self, caps: &gst::CapsRef) {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) =
            gst_video::VideoInfo::from_caps(caps).ok();
    }

    /// When a frame is shown: up to the next one, which has not been seen yet.
    pub fn shown(&self, stream_ns: u64, duration: Option<gst::ClockTime>) -> Shown {
        let told = duration.map(gst::ClockTime::nseconds);
        let length = self.frame_ns.max(told).unwrap_or(SHOWN_UNKNOWN_NS);
        Shown { from_ns: stream_ns, until_ns: stream_ns.saturating_add(length) }
    }

    /// Covers what must not be seen of a frame; one without redactions is not touched.
    ///
    /// Fails with `internal` where the picture cannot be painted: it must not go on.
    pub fn lay(&self, shown: Shown, buffer: &mut gst::Buffer) -> Result<(), Fault> {
        let now: Vec<&Redaction> =
            self.redactions.iter().filter(|redaction| is_now(redaction, shown)).collect();
        if now.is_empty() {
            return Ok(());
        }
        let info = self.info.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let info = info.ok_or_else(|| unpaintable("a picture of known form"))?;
        if !FORMATS.contains(&info.format()) {
            return Err(unpaintable("a picture of a form that can be painted"));
        }
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &info)
            .map_err(|_| unpaintable("a picture that can be written"))?;
        let mut painter = Painter::new(&mut frame);
        let areas = now.iter().map(|redaction| (covered(redaction.area, &info), redaction.style));
        let areas: Vec<(Rect, RedactionStyle)> = areas.collect();
        // All of them before the first gradient, which would otherwise take up colours from the area beside it.
        let filled = areas.iter().try_for_each(|(rect, _)| painter.fill(*rect));
        let soft = areas.iter().filter(|(_, style)| *style == RedactionStyle::Blur);
        filled
            .and_then(|()| soft.map(|(rect, _)| *rect).try_for_each(|rect| painter.soften(rect)))
            .ok_or_else(|| unpaintable("a picture as large as it says"))
    }
}

/// Whether a frame is shown at a time of the range, give or take the rounding of times.
fn is_now(redaction: &Redaction, shown: Shown) -> bool {
    let early_ns = redaction.start_ns.saturating_sub(GRID_SLACK_NS);
    shown.from_ns < redaction.end_ns.saturating_add(GRID_SLACK_NS) && shown.until_ns > early_ns
}

/// The area with its margin, out to whole chroma samples; the whole picture where it does not lie inside.
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
    Fault::new(Code::Internal, format!("expected {expected} where something must be covered, found another"))
}

#[cfg(test)]
mod tests;
