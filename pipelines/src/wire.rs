//! The framing between the engine and a media worker, over pipes.
//!
//! A frame is `kind: u8`, `length: u32` little endian, then `length` bytes. Kind 1 is one message
//! ([`crate::messages::Job`] or [`crate::messages::Reply`]) as JSON; kind 2 is a piece of the open output. No frame is
//! empty, and only the last piece of an output may be shorter than [`DATA_BYTES_MAX`], so that the number of frames is
//! bounded by the number of messages and bytes. The reader accepts any bytes: what a compromised worker writes becomes frames or a [`WireError`], and takes no more memory than
//! the largest frame. No error repeats the peer's bytes, which may hold personal data.

use std::io::{self, Read, Write};

use reelgate_flow::reason::{Code, Fault};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of the header before every frame's body.
pub const HEADER_BYTES: usize = 5;
/// Longest message. An inspection with 200,000 keyframes and 500 tags of 4 KiB stays below it, JSON escapes included.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;
/// Longest piece of an output in one frame. Longer outputs take several frames.
pub const DATA_BYTES_MAX: usize = 256 << 10;

const KIND_MESSAGE: u8 = 1;
const KIND_DATA: u8 = 2;

/// One frame, borrowed from the decoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// One message as JSON, not yet parsed; see [`parse`].
    Message(&'a [u8]),
    /// A piece of the open output.
    Data(&'a [u8]),
}

/// Why bytes are not valid frames or messages.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The frame is neither a message nor data.
    #[error("expected a frame of kind 1 or 2, found kind {0}")]
    UnknownKind(u8),
    /// The header announces more than the cap.
    #[error("expected a frame of at most {max} bytes, found {found}")]
    TooLong {
        /// Bytes that the header announces.
        found: usize,
        /// The cap of this kind.
        max: usize,
    },
    /// The frame has no body. It would cost the reader time and count nowhere.
    #[error("expected a frame with a body, found an empty frame of kind {0}")]
    Empty(u8),
    /// The body is not the JSON of the expected message.
    #[error("expected a {expected}, found {bytes} bytes that do not parse ({category} at column {column})")]
    Malformed {
        /// The message that was expected.
        expected: &'static str,
        /// Length of the body.
        bytes: usize,
        /// The category of the error in serde_json.
        category: &'static str,
        /// Column at which parsing failed.
        column: usize,
    },
    /// The pipe closed within a frame, or before the expected message.
    #[error("expected the rest of a frame, found the end of the pipe after {0} bytes of it")]
    Closed(usize),
    /// A data frame arrived where a message was expected.
    #[error("expected a message, found a data frame")]
    NotAMessage,
    /// The pipe itself failed.
    #[error("read or write the pipe")]
    Io(#[from] io::Error),
}

impl From<WireError> for Fault {
    fn from(error: WireError) -> Self {
        Fault::new(Code::WorkerProtocol, error.to_string())
    }
}

/// Writes one message as one frame.
pub fn write_message<T: Serialize>(mut to: impl Write, message: &T) -> Result<(), WireError> {
    let body = serde_json::to_vec(message).map_err(io::Error::from)?;
    if body.len() > MESSAGE_BYTES_MAX {
        return Err(WireError::TooLong { found: body.len(), max: MESSAGE_BYTES_MAX });
    }
    to.write_all(&header(KIND_MESSAGE, body.len()))?;
    Ok(to.write_all(&body)?)
}

/// Writes bytes of the open output in as many frames as needed.
pub fn write_data(mut to: impl Write, bytes: &[u8]) -> Result<(), WireError> {
    for piece in bytes.chunks(DATA_BYTES_MAX) {
        to.write_all(&header(KIND_DATA, piece.len()))?;
        to.write_all(piece)?;
    }
    Ok(())
}

/// Waits for one message; `expected` names it in errors. Bytes after the message may be lost.
pub fn read_message<T: DeserializeOwned>(
    mut from: impl Read,
    expected: &'static str,
) -> Result<T, WireError> {
    let mut decoder = Decoder::default();
    let mut buffer = [0; 16 << 10];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Err(WireError::Closed(decoder.pending()));
        }
        decoder.feed(&buffer[..count]);
        match decoder.next_frame()? {
            Some(Frame::Message(body)) => return parse(body, expected),
            Some(Frame::Data(_)) => return Err(WireError::NotAMessage),
            None => {}
        }
    }
}

/// Parses a message's body; `expected` names it in errors.
pub fn parse<T: DeserializeOwned>(body: &[u8], expected: &'static str) -> Result<T, WireError> {
    serde_json::from_slice(body).map_err(|error| WireError::Malformed {
        expected,
        bytes: body.len(),
        category: match error.classify() {
            serde_json::error::Category::Io => "reading",
            serde_json::error::Category::Syntax => "syntax",
            serde_json::error::Category::Data => "content",
            serde_json::error::Category::Eof => "early end",
        },
        column: error.column(),
    })
}

/// Cuts a stream of bytes into frames. It holds at most one frame and the bytes fed last, if the caller calls
/// [`Decoder::next_frame`] until `None` after every [`Decoder::feed`].
#[derive(Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    start: usize,
}

impl Decoder {
    /// Takes bytes as they come from the pipe.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete frame; `None` if more bytes are needed. After an error the stream cannot be read further.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, WireError> {
        let pending = &self.buffer[self.start..];
        let Some((header, rest)) = pending.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let [kind, length @ ..] = *header;
        let length = u32::from_le_bytes(length) as usize;
        let max = match kind {
            KIND_MESSAGE => MESSAGE_BYTES_MAX,
            KIND_DATA => DATA_BYTES_MAX,
            other => return Err(WireError::UnknownKind(other)),
        };
        if length > max {
            return Err(WireError::TooLong { found: length, max });
        }
        if length == 0 {
            return Err(WireError::Empty(kind));
        }
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        self.start += HEADER_BYTES + length;
        Ok(Some(if kind == KIND_MESSAGE { Frame::Message(body) } else { Frame::Data(body) }))
    }

    /// Bytes of the incomplete frame; 0 between frames.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }
}

fn header(kind: u8, length: usize) -> [u8; HEADER_BYTES] {
    let length = u32::try_from(length).expect("both callers check the caps, which fit 32 bits").to_le_bytes();
    [kind, length[0], length[1], length[2], length[3]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{Job, Reply};

    /// Every stored line is one frame: kind and length in hexadecimal as on the wire, then the JSON.
    const GOLDEN: &str = include_str!("wire_examples.txt");

    fn stored_frames() -> Vec<(Vec<u8>, &'static str)> {
        let lines = GOLDEN.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines
            .map(|line| {
                let (header, json) = line.split_once(' ').unwrap();
                let byte = |at: usize| u8::from_str_radix(&header[at..at + 2], 16).unwrap();
                let mut frame: Vec<u8> = (0..HEADER_BYTES).map(|i| byte(2 * i)).collect();
                frame.extend_from_slice(json.as_bytes());
                (frame, json)
            })
            .collect()
    }

    /// The frame that this build writes for a parsed message.
    fn again(body: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        if let Ok(job) = parse::<Job>(body, "job") {
            write_message(&mut frame, &job).unwrap();
            return frame;
        }
        write_message(&mut frame, &parse::<Reply>(body, "reply").unwrap()).unwrap();
        frame
    }

    #[test]
    fn stored_frames_are_read_and_written_unchanged() {
        let frames = stored_frames();
        assert_eq!(frames.len(), 14, "four jobs and ten replies are stored");
        for (frame, json) in frames {
            let mut decoder = Decoder::default();
            decoder.feed(&frame);
            let Some(Frame::Message(body)) = decoder.next_frame().unwrap() else {
                panic!("not one message: {json}");
            };
            assert_eq!(String::from_utf8(again(body)[HEADER_BYTES..].to_vec()).unwrap(), json);
            assert_eq!(again(body), frame);
        }
    }

    #[test]
    fn frames_survive_any_cut_of_the_stream() {
        let stream: Vec<u8> = stored_frames().into_iter().flat_map(|(frame, _)| frame).collect();
        for step in [1, 3, 7, 4096] {
            let (mut decoder, mut frames) = (Decoder::default(), 0);
            for piece in stream.chunks(step) {
                decoder.feed(piece);
                while decoder.next_frame().unwrap().is_some() {
                    frames += 1;
                }
            }
            assert_eq!((frames, decoder.pending()), (14, 0), "in pieces of {step}");
        }
    }

    #[test]
    fn long_data_is_cut_into_frames_below_the_cap() {
        let bytes = vec![7; DATA_BYTES_MAX + 1];
        let mut stream = Vec::new();
        write_data(&mut stream, &bytes).unwrap();
        let mut decoder = Decoder::default();
        decoder.feed(&stream);
        assert_eq!(decoder.next_frame().unwrap(), Some(Frame::Data(&bytes[..DATA_BYTES_MAX])));
        assert_eq!(decoder.next_frame().unwrap(), Some(Frame::Data(&[7])));
        assert_eq!(decoder.next_frame().unwrap(), None);
    }

    #[test]
    fn lengths_above_the_cap_are_refused_before_any_body_is_buffered() {
        for (kind, max) in [(KIND_MESSAGE, MESSAGE_BYTES_MAX), (KIND_DATA, DATA_BYTES_MAX)] {
            for length in [max + 1, u32::MAX as usize] {
                let mut decoder = Decoder::default();
                decoder.feed(&header(kind, length));
                let error = decoder.next_frame().unwrap_err();
                assert!(
                    matches!(error, WireError::TooLong { found, max: cap } if found == length && cap == max)
                );
            }
        }
    }

    #[test]
    fn empty_frames_are_refused_and_none_is_written_for_empty_data() {
        for kind in [KIND_MESSAGE, KIND_DATA] {
            let mut decoder = Decoder::default();
            decoder.feed(&header(kind, 0));
            let error = decoder.next_frame().unwrap_err();
            let expected = format!("expected a frame with a body, found an empty frame of kind {kind}");
            assert_eq!(error.to_string(), expected);
        }
        let mut stream = Vec::new();
        write_data(&mut stream, b"").unwrap();
        assert_eq!(stream, b"");
    }

    #[test]
    fn garbage_is_an_error_or_incomplete_but_never_panics() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            let mut bytes = [0; 24];
            for byte in &mut bytes {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *byte = (state >> 32) as u8;
            }
            bytes[0] %= 4;
            let mut decoder = Decoder::default();
            decoder.feed(&bytes);
            while let Ok(Some(frame)) = decoder.next_frame() {
                if let Frame::Message(body) = frame {
                    assert!(parse::<Reply>(body, "reply").is_err());
                }
            }
        }
    }

    #[test]
    fn an_early_end_is_reported_with_the_bytes_received() {
        let error = read_message::<Job>(&[1, 9, 0, 0, 0, b'{'][..], "job").unwrap_err();
        assert!(matches!(error, WireError::Closed(6)), "{error}");
    }

    #[test]
    fn errors_never_repeat_the_peers_bytes() {
        let error = parse::<Reply>(br#"{"alice@example.org":1}"#, "reply").unwrap_err();
        assert_eq!(
            Fault::from(error).to_string(),
            "worker_protocol: expected a reply, found 23 bytes that do not parse (content at column 20)"
        );
    }
}
