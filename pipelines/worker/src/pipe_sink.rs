//! The progress sink of production. It writes replies and outputs as frames to the pipe to the engine.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reelgate_flow::reason::Fault;
use reelgate_pipelines::exit;
use reelgate_pipelines::messages::Reply;
use reelgate_pipelines::wire;

use crate::progress_sink::ProgressSink;

/// The shortest time between two progress messages. More messages help nobody and cost both sides time.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Writes to the engine, one message or one whole output at a time.
pub struct PipeSink<W> {
    inner: Mutex<Inner<W>>,
}

struct Inner<W> {
    pipe: W,
    outputs: u32,
    progress_at: Option<Instant>,
}

impl<W: Write + Send> PipeSink<W> {
    pub fn new(pipe: W) -> Self {
        Self { inner: Mutex::new(Inner { pipe, outputs: 0, progress_at: None }) }
    }

    /// Sends a reply. If the pipe is broken, this ends the process: the engine is gone, and the worker works for nobody
    /// else.
    pub fn send(&self, reply: &Reply) {
        self.lock().send(reply);
    }

    fn lock(&self) -> MutexGuard<'_, Inner<W>> {
        // A thread that panicked while it held the lock was writing. At worst the engine reads a broken frame.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write + Send> ProgressSink for PipeSink<W> {
    fn progress(&self, done_ns: u64, frames: u64) {
        let mut inner = self.lock();
        let now = Instant::now();
        if inner.progress_at.is_none_or(|at| now.duration_since(at) >= PROGRESS_EVERY) {
            inner.progress_at = Some(now);
            inner.send(&Reply::Progress { done_ns, frames });
        }
    }

    /// Never fails: the engine counts the bytes against the budget and kills the worker if they exceed it.
    fn output(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let mut inner = self.lock();
        let output = inner.outputs;
        inner.outputs += 1;
        inner.send(&Reply::OutputOpened { output, name: name.to_owned() });
        if wire::write_data(&mut inner.pipe, bytes).is_err() {
            std::process::exit(exit::ORPHANED);
        }
        inner.send(&Reply::OutputClosed { output, bytes: bytes.len() as u64 });
        Ok(())
    }
}

impl<W: Write> Inner<W> {
    fn send(&mut self, reply: &Reply) {
        match wire::write_message(&mut self.pipe, reply) {
            Ok(()) => {}
            Err(wire::WireError::Io(_)) => std::process::exit(exit::ORPHANED),
            Err(_) => std::process::exit(exit::REPLY_PIPE_BROKEN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Decoder, Frame};

    #[test]
    fn outputs_are_numbered_framed_and_counted() {
        let mut pipe = Vec::new();
        let progress_sink = PipeSink::new(&mut pipe);
        progress_sink.output("a.jpg", b"abc").unwrap();
        progress_sink.output("b.jpg", b"").unwrap();
        let mut decoder = Decoder::default();
        decoder.feed(&pipe);
        let mut sent = Vec::new();
        while let Some(frame) = decoder.next_frame().unwrap() {
            sent.push(match frame {
                Frame::Message(body) => format!("{:?}", wire::parse::<Reply>(body, "reply").unwrap()),
                Frame::Data(bytes) => format!("{bytes:?}"),
            });
        }
        let expected = [
            r#"OutputOpened { output: 0, name: "a.jpg" }"#,
            "[97, 98, 99]",
            "OutputClosed { output: 0, bytes: 3 }",
            r#"OutputOpened { output: 1, name: "b.jpg" }"#,
            "OutputClosed { output: 1, bytes: 0 }",
        ];
        assert_eq!(sent, expected);
    }

    #[test]
    fn progress_is_sent_at_most_every_100_ms() {
        let mut pipe = Vec::new();
        let progress_sink = PipeSink::new(&mut pipe);
        progress_sink.progress(1, 1);
        progress_sink.progress(2, 2);
        let mut decoder = Decoder::default();
        decoder.feed(&pipe);
        assert!(matches!(decoder.next_frame(), Ok(Some(Frame::Message(_)))));
        assert_eq!(decoder.pending(), 0, "the second was reported within 100 ms of the first and is dropped");
    }
}
