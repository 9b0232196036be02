//! The conversation with one worker: which reply it may send when. Does no IO: it takes the worker's bytes, and calls
//! the sink and the event callback.

use reelgate_flow::reason::{Code, Fault};

use super::event::Event;
use super::output_sink::OutputSink;
use super::worker_program::WorkerProgram;
use crate::gstreamer_version::GstreamerVersion;
use crate::messages::{Finished, Job, Reply, WIRE_VERSION};
use crate::recipes::storyboard;
use crate::trust::{self, ContentCheck, Output, Outputs};
use crate::wire::{self, DATA_BYTES_MAX, Decoder, Frame};

/// Most messages of one job. A day of video in four rungs takes about 350,000, those for opened and closed outputs
/// included. A worker that sends more only keeps the engine busy.
const MESSAGES_MAX: u64 = 2_000_000;
/// Most bytes of all messages of one job together: 128 each of so many messages. Nearly all have fewer than 64; the one
/// large message is the result.
const MESSAGE_BYTES_MAX: u64 = 128 * MESSAGES_MAX;

/// How far the conversation has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// No reply has arrived yet.
    Greeting,
    /// The hello has arrived, and the worker is closing its jail.
    Jailing,
    /// The worker has its job.
    Working,
}
pub struct WorkerConversation<'a> {
    job: &'a Job,
    worker: &'a WorkerProgram,
    output_bytes_max: u64,
    sink: &'a mut dyn OutputSink,
    events: &'a mut dyn FnMut(Event),
    decoder: Decoder,
    stage: Stage,
    is_job_due: bool,
    messages: u64,
    message_bytes: u64,
    open: Option<OpenOutput>,
    outputs: Outputs,
    output_bytes: u64,
    result: Option<Result<Finished, Fault>>,
}

struct OpenOutput {
    number: u32,
    name: String,
    bytes: u64,
    /// The last piece was shorter than a full one, so it was the last.
    is_whole: bool,
    content: ContentCheck,
}

impl<'a> WorkerConversation<'a> {
    pub fn new(
        job: &'a Job,
        worker: &'a WorkerProgram,
        output_bytes_max: u64,
        sink: &'a mut dyn OutputSink,
        events: &'a mut dyn FnMut(Event),
    ) -> Self {
        Self {
            job,
            worker,
            output_bytes_max,
            sink,
            events,
            decoder: Decoder::default(),
            stage: Stage::Greeting,
            is_job_due: false,
            messages: 0,
            message_bytes: 0,
            open: None,
            outputs: Outputs::new(),
            output_bytes: 0,
            result: None,
        }
    }

    /// Takes bytes that the worker wrote.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.feed(bytes);
        while let Some(frame) = decoder.next_frame()? {
            match frame {
                Frame::Message(body) => {
                    self.count_message(body.len())?;
                    self.message(wire::parse(body, "reply")?)?;
                }
                Frame::Data(bytes) => self.data(bytes)?,
            }
        }
        self.decoder = decoder;
        Ok(())
    }

    /// The job as a frame, once, as soon as the worker has reported that it is jailed.
    pub fn job_due(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        if !std::mem::take(&mut self.is_job_due) {
            return Ok(None);
        }
        let mut frame = Vec::new();
        wire::write_message(&mut frame, self.job)?;
        Ok(Some(frame))
    }

    /// Whether the final reply has arrived.
    pub fn is_ended(&self) -> bool {
        self.result.is_some()
    }

    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Bytes of all outputs so far.
    pub fn output_bytes(&self) -> u64 {
        self.output_bytes
    }

    /// The final reply; `None` if none arrived.
    pub fn into_result(self) -> Option<Result<Finished, Fault>> {
        self.result
    }

    /// Counts a message before any work is done for it.
    fn count_message(&mut self, bytes: usize) -> Result<(), Fault> {
        self.messages += 1;
        self.message_bytes += bytes as u64;
        if self.messages > MESSAGES_MAX {
            return Err(broken(&format!("at most {MESSAGES_MAX} messages"), "more"));
        }
        if self.message_bytes > MESSAGE_BYTES_MAX {
            return Err(broken(&format!("at most {MESSAGE_BYTES_MAX} bytes of messages"), "more"));
        }
        Ok(())
    }

    fn message(&mut self, reply: Reply) -> Result<(), Fault> {
        if self.result.is_some() {
            return Err(broken("nothing after the final reply", "another message"));
        }
        match (reply, self.stage) {
            (Reply::Hello { version, gstreamer }, Stage::Greeting) => self.hello(version, gstreamer),
            (Reply::Jailed, Stage::Jailing) => {
                self.stage = Stage::Working;
                self.is_job_due = true;
                (self.events)(Event::Jailed);
                Ok(())
            }
            (Reply::Progress { done_ns, frames }, Stage::Working) => {
                (self.events)(Event::Progress { done_ns, frames });
                Ok(())
            }
            (Reply::OutputOpened { output, name }, Stage::Working) => self.opened(output, name),
            (Reply::OutputClosed { output, bytes }, Stage::Working) => self.closed(output, bytes),
            (Reply::Finished(finished), Stage::Working) => {
                if self.open.is_some() {
                    return Err(broken("every output closed before the final reply", "one still open"));
                }
                trust::check(self.job, &finished, &self.outputs)?;
                self.write_storyboard_index(&finished)?;
                self.result = Some(Ok(*finished));
                Ok(())
            }
            (Reply::Faulted(fault), stage) => {
                self.result = Some(Err(trust::fault(fault, stage == Stage::Working)?));
                Ok(())
            }
            (reply, stage) => Err(broken(stage.expects(), name_of(&reply))),
        }
    }

    fn hello(&mut self, version: u16, gstreamer: String) -> Result<(), Fault> {
        if version != WIRE_VERSION {
            let detail = format!("the engine speaks wire version {WIRE_VERSION}, the worker {version}");
            return Err(Fault::new(Code::WorkerUnavailable, detail + "; install both from one build"));
        }
        trust::word("gstreamer version", &gstreamer, 64)?;
        self.worker.greeted(&gstreamer);
        if let Some(min) = self.worker.gstreamer_min
            && !gstreamer.parse::<GstreamerVersion>().is_ok_and(|found| found >= min)
        {
            let detail = format!(
                "expected GStreamer {min} or newer (`media.gstreamer_min`), found {gstreamer}; upgrade the packages of GStreamer"
            );
            return Err(Fault::new(Code::WorkerUnavailable, detail));
        }
        self.stage = Stage::Jailing;
        (self.events)(Event::Greeted { gstreamer });
        Ok(())
    }

    fn opened(&mut self, number: u32, name: String) -> Result<(), Fault> {
        let expected = u32::try_from(self.outputs.len()).unwrap_or(u32::MAX);
        if self.open.is_some() || number != expected {
            return Err(broken(
                &format!("output {expected} after the output before it is closed"),
                "another order",
            ));
        }
        let content = trust::may_write(self.job, &name)?;
        if self.outputs.contains_key(&name) {
            return Err(broken("every output once", "a name opened twice"));
        }
        self.sink.open(&name)?;
        self.open = Some(OpenOutput { number, name, bytes: 0, is_whole: false, content });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Some(open) = &mut self.open else {
            return Err(broken("data only while an output is open", "data"));
        };
        if open.is_whole {
            let expected = format!("pieces of {DATA_BYTES_MAX} bytes up to the last of an output");
            return Err(broken(&expected, "a piece after a shorter one"));
        }
        open.is_whole = bytes.len() < DATA_BYTES_MAX;
        let count = bytes.len() as u64;
        open.bytes += count;
        self.output_bytes += count;
        if self.output_bytes > self.output_bytes_max {
            let detail =
                format!("more than the {} bytes allowed for all outputs together", self.output_bytes_max);
            return Err(Fault::new(Code::BudgetOutput, detail));
        }
        open.content.push(bytes).map_err(|fault| within(&open.name, fault))?;
        self.sink.write(bytes)
    }

    fn closed(&mut self, number: u32, bytes: u64) -> Result<(), Fault> {
        match self.open.take() {
            Some(open) if open.number == number && open.bytes == bytes => {
                let content = open.content.finish().map_err(|fault| within(&open.name, fault))?;
                self.outputs.insert(open.name, Output { bytes, content });
                self.sink.close()
            }
            Some(open) => {
                let expected = format!("the end of output {} after {} bytes", open.number, open.bytes);
                Err(broken(&expected, &format!("output {number} with {bytes}")))
            }
            None => Err(broken("an output opened before it is closed", "none open")),
        }
    }

    /// Adds the index of the storyboard to the outputs. The worker cannot write it, because players follow its addresses.
    fn write_storyboard_index(&mut self, finished: &Finished) -> Result<(), Fault> {
        let (Job::Enrich(job), Finished::Enriched(found)) = (self.job, finished) else { return Ok(()) };
        let Some(frames) = job.frames.as_ref().filter(|_| found.storyboard_sheets > 0) else { return Ok(()) };
        let index = storyboard::index(frames, &found.samples);
        self.output_bytes += index.len() as u64;
        self.sink.open(storyboard::INDEX_NAME)?;
        self.sink.write(index.as_bytes())?;
        self.sink.close()
    }
}

impl Stage {
    fn expects(self) -> &'static str {
        match self {
            Self::Greeting => "hello first",
            Self::Jailing => "jailed after hello",
            Self::Working => "progress, outputs or a final reply",
        }
    }
}

fn name_of(reply: &Reply) -> &'static str {
    match reply {
        Reply::Hello { .. } => "hello",
        Reply::Jailed => "jailed",
        Reply::Progress { .. } => "progress",
        Reply::OutputOpened { .. } => "an output opened",
        Reply::OutputClosed { .. } => "an output closed",
        Reply::Finished(_) => "finished",
        Reply::Faulted(_) => "faulted",
    }
}

fn broken(expected: &str, found: &str) -> Fault {
    Fault::new(Code::WorkerProtocol, format!("expected {expected}, found {found}"))
}

/// Names the output that a fault is about. The name is already checked.
fn within(name: &str, fault: Fault) -> Fault {
    Fault::new(fault.code, format!("{name}: {}", fault.detail))
}

#[cfg(test)]
mod tests {
    use super::super::output_sink::Nowhere;
    use super::*;

    /// The stored examples of the wire begin with a job.
    fn job() -> Job {
        let examples = include_str!("../wire_examples.txt");
        let json = examples.lines().find_map(|line| line.split_once(" {")).unwrap().1;
        wire::parse(format!("{{{json}").as_bytes(), "job").unwrap()
    }

    fn after(begin: impl FnOnce(&mut WorkerConversation), reply: &Reply) -> Result<(), Fault> {
        let (job, mut sink, mut frame) = (job(), Nowhere, Vec::new());
        wire::write_message(&mut frame, reply).unwrap();
        let mut events = |_: Event| {};
        let worker = WorkerProgram::new("worker");
        let mut conversation = WorkerConversation::new(&job, &worker, 1, &mut sink, &mut events);
        conversation.stage = Stage::Working;
        begin(&mut conversation);
        conversation.read(&frame)
    }

    fn greeted_with(gstreamer: &str, min: Option<&str>) -> Result<(), Fault> {
        let (job, mut sink, mut frame) = (job(), Nowhere, Vec::new());
        let hello = Reply::Hello { version: WIRE_VERSION, gstreamer: gstreamer.to_owned() };
        wire::write_message(&mut frame, &hello).unwrap();
        let mut events = |_: Event| {};
        let gstreamer_min = min.map(|min| min.parse().unwrap());
        let worker = WorkerProgram { gstreamer_min, ..WorkerProgram::new("worker") };
        let result = WorkerConversation::new(&job, &worker, 1, &mut sink, &mut events).read(&frame);
        assert_eq!(worker.gstreamer(), Some(gstreamer));
        result
    }

    #[test]
    fn a_worker_with_a_gstreamer_below_the_minimum_gets_no_job() {
        assert_eq!(greeted_with("1.22.0", None), Ok(()));
        assert_eq!(greeted_with("1.28.5", Some("1.28.5")), Ok(()));
        assert_eq!(
            greeted_with("1.22.0", Some("1.28.5")).unwrap_err().to_string(),
            "worker_unavailable: expected GStreamer 1.28.5 or newer (`media.gstreamer_min`), found 1.22.0; \
             upgrade the packages of GStreamer"
        );
        assert!(greeted_with("unknown", Some("1.28.5")).is_err());
    }

    #[test]
    fn messages_are_limited_in_number_and_in_bytes() {
        let progress = Reply::Progress { done_ns: 0, frames: 0 };
        assert_eq!(after(|c| c.messages = MESSAGES_MAX - 1, &progress), Ok(()));
        let fault = after(|c| c.messages = MESSAGES_MAX, &progress).unwrap_err();
        assert_eq!(fault.to_string(), "worker_protocol: expected at most 2000000 messages, found more");
        let fault = after(|c| c.message_bytes = MESSAGE_BYTES_MAX, &progress).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "worker_protocol: expected at most 256000000 bytes of messages, found more"
        );
    }
}
