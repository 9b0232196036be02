//! The gate between decoder and encoders: a pad probe that lets exactly the frames of the chunk pass.
//!
//! It sets the output time of every frame, applies the redactions (by the frame's time in the source), converts colours that
//! the outputs cannot have, requests an IDR from all encoders where a segment begins, and ends the stream at the first frame after the chunk. Decoders deliver frames in
//! order of presentation, so by then all frames of the chunk have passed, including the leading pictures of an open GOP.
//!
//! A dropped frame or event is reported as handled, because `Drop` makes GStreamer 1.22 release it twice.
//!
//! The elements downstream receive one plain stream from every source: a single segment from 0, a fixed frame rate, and
//! progressive frames. Otherwise a source whose declared rate changes would change the encoders' parameter sets between
//! chunks.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst::prelude::*;
use reelgate_flow::reason::Fault;
use reelgate_pipelines::messages::VideoJob;

use super::cover::{Cover, DisplayTime};
use super::ledger::Ledger;
use super::timeline::{Timeline, Verdict};
use crate::cmaf;
use crate::colour::{ContainerColour, Normaliser};

/// Frames between two reports.
const REPORT_FRAMES: u64 = 10;
/// A seek may land this much after its keyframe, because timestamps are rounded, nanoseconds.
const LANDING_SLACK_NS: u64 = 50_000_000;

/// Added to the times of all frames in front of the encoders, nanoseconds. Encoders that reorder frames move times to 1000
/// hours at least, to make room for decode times. GStreamer 1.22 compares the moved time of a requested key picture with the
/// plain time of the next request, and drops that request while the first picture is still in the lookahead. Times that
/// are large enough are not moved.
pub const ENCODER_BASE_NS: u64 = 1_000 * 3_600 * 1_000_000_000;

/// Called with the caps of the first frame, its colours already converted, before they are sent downstream.
pub type FirstCaps = Box<dyn Fn(&gst::CapsRef) + Send + Sync>;

struct Gate {
    ledger: Arc<Ledger>,
    cover: Cover,
    colours: Normaliser,
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

/// What to do with a frame after the lock is released. Pushing an event calls the probe again, which takes the lock.
enum Action {
    Drop,
    Pass { key_at: Option<gst::ClockTime>, shown: DisplayTime },
    End,
}

/// Installs the gate on a source pad. With `seeking`, nothing passes before a flush.
///
/// Fails with `internal` if the job's redactions are malformed.
pub fn install(
    pad: &gst::Pad,
    job: &VideoJob,
    seeking: bool,
    ledger: Arc<Ledger>,
    container: ContainerColour,
    first_caps: FirstCaps,
) -> Result<(), Fault> {
    let rate =
        job.frame_rate.and_then(|rate| Some((i32::try_from(rate.num).ok()?, i32::try_from(rate.den).ok()?)));
    let (num, den) = rate.filter(|(num, den)| *num > 0 && *den > 0).unwrap_or((0, 1));
    let gate = Gate {
        ledger,
        cover: Cover::new(job)?,
        colours: Normaliser::new(container),
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
    let kinds = gst::PadProbeType::BUFFER
        | gst::PadProbeType::EVENT_DOWNSTREAM
        | gst::PadProbeType::EVENT_FLUSH
        | gst::PadProbeType::QUERY_DOWNSTREAM;
    pad.add_probe(kinds, move |pad, info| {
        let (result, is_frame) = match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => (gate.frame(pad, buffer), true),
            Some(gst::PadProbeData::Event(event)) => (gate.event(event), false),
            // Downstream would offer buffers for pictures of the other format, and an element that needs larger ones gives up.
            Some(gst::PadProbeData::Query(query))
                if query.type_() == gst::QueryType::Allocation && gate.colours.changes_format() =>
            {
                return gst::PadProbeReturn::Drop;
            }
            _ => return gst::PadProbeReturn::Ok,
        };
        if is_frame && result == gst::PadProbeReturn::Handled && gate.lock().ended {
            info.flow_res = Err(gst::FlowError::Eos); // nothing more needs to be decoded
        }
        result
    });
    Ok(())
}

/// Ends the stream behind the gate. The gate's own pad is not marked as ended: then it would refuse a late event of the
/// decoder, such as new tags, before any probe sees the event, and the refusal would end the run with an error.
fn end(pad: &gst::Pad) {
    if let Some(peer) = pad.peer() {
        peer.send_event(gst::event::Eos::new());
    }
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
                let painted = self.cover.apply(shown, buffer);
                if let Err(fault) = painted.and_then(|()| self.colours.apply(buffer)) {
                    self.ledger.fail(fault);
                    self.lock().ended = true;
                    end(pad);
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
                end(pad);
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
                let since_zero_ns = cmaf::to_ns(tick, self.timescale);
                let time = gst::ClockTime::from_nseconds(since_zero_ns.saturating_add(ENCODER_BASE_NS));
                let shown = self.cover.shown(stream_ns, buffer.duration());
                let shown = shown.since(state.timeline.shown_from(stream_ns));
                let frame = buffer.make_mut();
                frame.set_pts(time);
                frame.set_dts(gst::ClockTime::NONE);
                frame.set_duration(gst::ClockTime::NONE);
                strip(frame);
                // The first frame is always an IDR. A request for it would make GStreamer 1.22 refuse all later
                // requests, because it compares their times with a time that the encoder has moved.
                let requests_key = starts.is_some() && ledger.kept > 1;
                Action::Pass { key_at: requests_key.then_some(time), shown }
            }
        };
        drop(ledger);
        if report {
            self.ledger.report();
        }
        action
    }

    /// Stream time of a frame. A frame without a time follows its predecessor at the nominal distance. It is `None` for a
    /// frame outside the presentation, which an edit list has removed.
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
            gst::EventView::FlushStart(_) => {}
            gst::EventView::Eos(_) if !state.open => return gst::PadProbeReturn::Handled,
            _ if state.ended => return gst::PadProbeReturn::Handled,
            // Tags are user text, and the outputs have no gaps to fill.
            gst::EventView::Tag(_) | gst::EventView::Gap(_) => return gst::PadProbeReturn::Handled,
            gst::EventView::Segment(segment) => {
                state.segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
                *event = gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new());
            }
            gst::EventView::Caps(caps) => {
                let caps = caps.caps_owned();
                self.cover.set_format(&caps);
                let caps = self.colours.set_format(caps);
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

/// Removes closed captions and user data, which decoders attach to a picture and the encoder would write into every rung.
/// They are text of the source, and redactions do not cover them, so they must not be published.
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
