//! The gate between decoding and encoding: a pad probe that lets through exactly the frames of the chunk.
//!
//! It gives every frame its output time, covers what must not be seen (by its time in the source), asks all encoders for an IDR where a segment begins, and ends the
//! stream at the first frame behind the chunk. Decoders put frames out in order of presentation, so by then all
//! frames of the chunk have passed, leading pictures of an open GOP included.
//!
//! A frame or event that is dropped is reported as handled: `Drop` makes GStreamer 1.22 release it twice.
//!
//! What lies downstream sees one plain stream, whatever the source does: a single segment from 0, a fixed frame
//! rate, progressive frames. Otherwise a source whose declared rate wavers would change the encoders' parameter
//! sets between chunks.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst::prelude::*;
use reelgate_flow::reason::Fault;
use reelgate_pipelines::messages::VideoJob;

use super::cover::{Cover, Shown};
use super::ledger::Ledger;
use super::timeline::{Timeline, Verdict};
use crate::cmaf;

/// Frames between two reports.
const REPORT_FRAMES: u64 = 10;
/// How far behind its keyframe a seek may seem to land; timestamps are rounded on the way.
const LANDING_SLACK_NS: u64 = 50_000_000;

/// Called with the caps of the first decoded frame, before anything downstream hears of them.
pub type FirstCaps = Box<dyn Fn(&gst::CapsRef) + Send + Sync>;

struct Gate {
    ledger: Arc<Ledger>,
    cover: Cover,
    first_caps: FirstCaps,
    timescale: u32,
    frame_rate: gst::Fraction,
    seek_ns: Option<u64>,
    state: Mutex<State>,
}

struct State {
    timeline: Timeline,
    /// False until the flush of the seek has passed.
    open: bool,
    ended: bool,
    caps_seen: bool,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    last_ns: Option<u64>,
}

/// What to do with a frame once the lock is free: pushing an event enters the probe again.
enum Action {
    Drop,
    Pass { key_at: Option<gst::ClockTime>, shown: Shown },
    End,
}

/// Puts the gate on a source pad. With `seeking`, nothing passes before a flush has come by.
///
/// Fails with `internal` where the job's redactions are malformed.
pub fn install(
    pad: &gst::Pad,
    job: &VideoJob,
    seeking: bool,
    ledger: Arc<Ledger>,
    first_caps: FirstCaps,
) -> Result<(), Fault> {
    let rate =
        job.frame_rate.and_then(|rate| Some((i32::try_from(rate.num).ok()?, i32::try_from(rate.den).ok()?)));
    let (num, den) = rate.filter(|(num, den)| *num > 0 && *den > 0).unwrap_or((0, 1));
    let gate = Gate {
        ledger,
        cover: Cover::new(job)?,
        first_caps,
        timescale: job.timescale,
        frame_rate: gst::Fraction::new(num, den),
        seek_ns: job.seek_ns.filter(|_| seeking),
        state: Mutex::new(State {
            timeline: Timeline::new(job),
            open: !seeking,
            ended: false,
            caps_seen: false,
            segment: None,
            last_ns: None,
        }),
    };
    let kinds =
        gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::EVENT_FLUSH;
    pad.add_probe(kinds, move |pad, info| match &mut info.data {
        Some(gst::PadProbeData::Buffer(buffer)) => gate.frame(pad, buffer),
        Some(gst::PadProbeData::Event(event)) => gate.event(event),
        _ => gst::PadProbeReturn::Ok,
    });
    Ok(())
}

impl Gate {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn frame(&self, pad: &gst::Pad, buffer: &mut gst::Buffer) -> gst::PadProbeReturn {
        let action = self.judge(buffer);
        match action {
            Action::Drop => gst::PadProbeReturn::Handled,
            Action::Pass { key_at, shown } => {
                if let Err(fault) = self.cover.lay(shown, buffer) {
                    self.ledger.fail(fault);
                    self.lock().ended = true;
                    pad.push_event(gst::event::Eos::new());
                    return gst::PadProbeReturn::Handled;
                }
                if let Some(time) = key_at {
                    pad.push_event(
                        gst_video::DownstreamForceKeyUnitEvent::builder()
                            .running_time(time)
                            .all_headers(false)
                            .build(),
                    );
                }
                gst::PadProbeReturn::Ok
            }
            Action::End => {
                pad.push_event(gst::event::Eos::new());
                gst::PadProbeReturn::Handled
            }
        }
    }

    fn judge(&self, buffer: &mut gst::Buffer) -> Action {
        let mut state = self.lock();
        if !state.open || state.ended {
            return Action::Drop;
        }
        let Some(stream_ns) = self.stream_ns(&mut state, buffer) else { return Action::Drop };
        if self.is_late(&state, stream_ns) {
            self.ledger.lock().landed_late = true;
            state.ended = true;
            return Action::End;
        }
        let verdict = state.timeline.judge(stream_ns);
        let mut ledger = self.ledger.lock();
        ledger.decoded += 1;
        let report = ledger.decoded.is_multiple_of(REPORT_FRAMES);
        let action = match verdict {
            Verdict::Before => Action::Drop,
            Verdict::After { tick } => {
                ledger.end = Some(tick);
                state.ended = true;
                Action::End
            }
            Verdict::Keep { tick, starts } => {
                ledger.kept += 1;
                ledger.damaged += u64::from(buffer.flags().contains(gst::BufferFlags::CORRUPTED));
                ledger.done_ns = stream_ns;
                if let Some(number) = starts {
                    ledger.starts.insert(tick, number);
                }
                let time = gst::ClockTime::from_nseconds(cmaf::to_ns(tick, self.timescale));
                let shown = self.cover.shown(stream_ns, buffer.duration());
                let frame = buffer.make_mut();
                frame.set_pts(time);
                frame.set_dts(gst::ClockTime::NONE);
                frame.set_duration(gst::ClockTime::NONE);
                strip(frame);
                // The first frame is an IDR anyway, and asking for it would make GStreamer 1.22 refuse all
                // later requests: it compares their times with one that was moved by the encoder.
                let asks = starts.is_some() && ledger.kept > 1;
                Action::Pass { key_at: asks.then_some(time), shown }
            }
        };
        drop(ledger);
        if report {
            self.ledger.report();
        }
        action
    }

    /// Stream time of a frame. One without a time follows its predecessor at the nominal distance; one outside
    /// the presentation (cut away by an edit list) has none.
    fn stream_ns(&self, state: &mut State, buffer: &gst::Buffer) -> Option<u64> {
        const UNTIMED_NS: u64 = 40_000_000;
        let nominal = || match (self.frame_rate.numer(), self.frame_rate.denom()) {
            (num @ 1.., den @ 1..) => 1_000_000_000 * den as u64 / num as u64,
            _ => UNTIMED_NS,
        };
        let time = match (buffer.pts(), &state.segment) {
            (Some(pts), Some(segment)) => segment.to_stream_time(pts)?.nseconds(),
            (Some(pts), None) => pts.nseconds(),
            (None, _) => state.last_ns.map_or(0, |last| last.saturating_add(nominal())),
        };
        state.last_ns = Some(time);
        Some(time)
    }

    /// Whether the seek has skipped frames that may belong to this chunk.
    fn is_late(&self, state: &State, stream_ns: u64) -> bool {
        let first = self.ledger.lock().decoded == 0;
        let Some(seek_ns) = self.seek_ns.filter(|_| first) else { return false };
        stream_ns > seek_ns.saturating_add(LANDING_SLACK_NS) && state.timeline.reaches_chunk(stream_ns)
    }

    fn event(&self, event: &mut gst::Event) -> gst::PadProbeReturn {
        let mut state = self.lock();
        match event.view() {
            gst::EventView::FlushStop(_) => {
                state.open = true;
                state.last_ns = None;
            }
            gst::EventView::Eos(_) if !state.open => return gst::PadProbeReturn::Handled,
            // Tags are user text and gaps are not ours to fill.
            gst::EventView::Tag(_) | gst::EventView::Gap(_) => return gst::PadProbeReturn::Handled,
            gst::EventView::Segment(segment) => {
                state.segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
                *event = gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new());
            }
            gst::EventView::Caps(caps) => {
                let caps = caps.caps_owned();
                self.cover.pictures(&caps);
                if !state.caps_seen {
                    state.caps_seen = true;
                    (self.first_caps)(&caps);
                }
                *event = gst::event::Caps::new(&self.plain(caps));
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    }

    fn plain(&self, mut caps: gst::Caps) -> gst::Caps {
        for structure in caps.make_mut().iter_mut() {
            structure.set("framerate", self.frame_rate);
            structure.set("interlace-mode", "progressive");
            structure.remove_fields(["field-order", "max-framerate"]);
        }
        caps
    }
}

/// Takes off what decoders attach to a picture and the encoder would write into every rung: closed captions and user
/// data. They are text of the source; what is published holds only what can be covered.
fn strip(frame: &mut gst::BufferRef) {
    const TEXT: [&str; 2] = ["GstVideoCaptionMetaAPI", "GstVideoSEIUserDataUnregisteredMetaAPI"];
    frame.foreach_meta_mut(|meta| {
        let is_text = TEXT.contains(&meta.api().name());
        ControlFlow::Continue(if is_text {
            gst::buffer::BufferMetaForeachAction::Remove
        } else {
            gst::buffer::BufferMetaForeachAction::Keep
        })
    });
}
