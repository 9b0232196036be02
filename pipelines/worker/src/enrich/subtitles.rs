//! The subtitle pass: demuxes only, reads the text of every text track into JSON lines.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;

use gst::prelude::*;
use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Class, Fault};
use reelgate_pipelines::messages::TextLine;

use super::text::Form;
use crate::demux::{Branch, Demuxed, Track};
use crate::outlet::Outlet;
use crate::source::Source;

/// Lines kept.
const LINES_MAX: u64 = 100_000;
/// Bytes of all lines kept.
const BYTES_MAX: usize = 16 << 20;
/// Bytes read of one cue; a longer one is cut.
const CUE_BYTES_MAX: usize = 16 << 10;

/// Text of all subtitle tracks.
#[derive(Default, Debug)]
pub struct Text {
    /// One [`TextLine`] per line, in the order of the file.
    pub jsonl: Vec<u8>,
    /// Lines.
    pub lines: u64,
    /// Not all of the text is here: a limit was reached, or the file broke off.
    pub truncated: bool,
}

#[derive(Default)]
struct Pass {
    text: Mutex<Text>,
    linked: AtomicU64,
    packets: AtomicU64,
}

/// Collects the text of every track whose form is known.
///
/// A fault of the media ends the collection and counts as truncation: what could not be read was not screened.
pub fn collect(source: &Source, container: Container, outlet: &dyn Outlet) -> Result<Text, Fault> {
    let pass = Arc::new(Pass::default());
    let decide = {
        let pass = pass.clone();
        move |track: &Track| Ok(branch(&pass, track))
    };
    let demuxed = Demuxed::open(source, container, decide)?;
    let mut said = 0;
    let played = demuxed.run(|| {
        let packets = pass.packets.load(Ordering::Relaxed);
        if packets != said {
            outlet.progress(0, packets);
            said = packets;
        }
        Ok(())
    });
    drop(demuxed);
    let mut text = std::mem::take(&mut *lock(&pass.text));
    match played {
        Ok(()) => {}
        // A file without text tracks ends without anything linked.
        Err(fault) if fault.code.class() == Class::BadMedia => {
            text.truncated |= pass.linked.load(Ordering::Relaxed) > 0;
        }
        Err(fault) => return Err(fault),
    }
    Ok(text)
}

fn branch(pass: &Arc<Pass>, track: &Track) -> Branch {
    let counter = pass.clone();
    track.pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        counter.packets.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
    let Some(form) = Form::of(&track.caps) else {
        return Branch::Ignore;
    };
    pass.linked.fetch_add(1, Ordering::Relaxed);
    let (pass, index) = (pass.clone(), track.index);
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        lock(&pass.text).take_in(&sample, index, form);
        Ok(gst::FlowSuccess::Ok)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
    let sink = gst_app::AppSink::builder().sync(false).max_buffers(1).callbacks(callbacks).build();
    // Cues may be minutes apart: no sink waits for its first one.
    sink.set_property("async", false);
    sink.set_property("enable-last-sample", false);
    Branch::Elements(vec![sink.upcast()])
}

impl Text {
    fn take_in(&mut self, sample: &gst::Sample, track: u32, form: Form) {
        let Some(buffer) = sample.buffer() else { return };
        let Ok(packet) = buffer.map_readable() else { return };
        let bytes = packet.as_slice();
        self.truncated |= bytes.len() > CUE_BYTES_MAX;
        let words = form.words(&bytes[..bytes.len().min(CUE_BYTES_MAX)]);
        if words.is_empty() {
            return;
        }
        let segment = sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
        let stream_ns = |time: gst::ClockTime| Some(segment?.to_stream_time(time)?.nseconds());
        let end = buffer.pts().zip(buffer.duration()).and_then(|(start, length)| start.checked_add(length));
        self.push(&TextLine {
            surface: String::from("subtitle"),
            field: String::from("text"),
            track: Some(track),
            start_ns: buffer.pts().and_then(stream_ns),
            end_ns: end.and_then(stream_ns),
            text: words,
        });
    }

    fn push(&mut self, line: &TextLine) {
        let Ok(json) = serde_json::to_vec(line) else { return };
        if self.lines >= LINES_MAX || self.jsonl.len() + json.len() + 1 > BYTES_MAX {
            self.truncated = true;
            return;
        }
        self.jsonl.extend_from_slice(&json);
        self.jsonl.push(b'\n');
        self.lines += 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> TextLine {
        let (surface, field) = (String::from("subtitle"), String::from("text"));
        TextLine { surface, field, track: Some(0), start_ns: None, end_ns: None, text: text.to_owned() }
    }

    #[test]
    fn lines_stop_at_their_number_and_say_so() {
        let mut text = Text::default();
        (0..LINES_MAX).for_each(|_| text.push(&line("x")));
        assert!(!text.truncated);
        text.push(&line("x"));
        assert_eq!((text.lines, text.truncated), (LINES_MAX, true));
    }

    #[test]
    fn lines_stop_at_their_bytes_and_say_so() {
        let mut text = Text::default();
        let long = line(&"x".repeat(1 << 20));
        (0..17).for_each(|_| text.push(&long));
        assert_eq!((text.lines, text.truncated), (15, true));
        assert!(text.jsonl.len() <= BYTES_MAX);
    }
}
