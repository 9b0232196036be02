//! What may be done to a request, and how a test says to which.

use std::time::Duration;

/// What a rule sees of a request; nothing of its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Counts every request of this proxy from 0 on, repeated ones too.
    pub number: u64,
    /// `GET`, `PUT`, ….
    pub method: String,
    /// The path as sent, percent-encoded: `/bucket/key`.
    pub path: String,
    /// The query as sent, or nothing: `partNumber=2&uploadId=…`.
    pub query: String,
    /// The operation of a JSON service, or nothing: `Kinesis_20131202.GetRecords`.
    pub target: String,
}

/// What is done to one request. Offsets and counts are bytes of the body, 0 being its first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// The proxy answers; the server never hears of the request.
    Answer {
        /// HTTP status.
        status: u16,
        /// `content-type` of the body.
        content_type: &'static str,
        /// The whole body.
        body: String,
    },
    /// Nothing happens for a while, then the request goes on.
    Late(Duration),
    /// The answer's body comes in pieces of at most 16 KiB, at this rate.
    Slow {
        /// Bytes per second.
        bytes_per_s: u32,
    },
    /// The request's body is cut by a reset; the server sees a broken upload.
    ResetUpload {
        /// Bytes that still get through.
        after: u64,
    },
    /// The answer's body is cut by a reset.
    Reset {
        /// Bytes that still get through.
        after: u64,
    },
    /// The answer's body ends early and in order, short of its `content-length`.
    Truncated {
        /// Bytes that still get through.
        after: u64,
    },
    /// The answer's body ends early and `content-length` says that this is all.
    Shortened {
        /// Bytes that still get through.
        after: u64,
    },
    /// One bit of the answer's body is wrong.
    Flipped {
        /// Offset of the byte.
        at: u64,
    },
    /// The server carries the request out, its answer is lost: did it happen?
    Unanswered,
}

impl Fault {
    /// S3's way of throttling.
    pub fn slow_down() -> Self {
        Self::s3(503, "SlowDown", "Please reduce your request rate.")
    }

    /// S3's own failure.
    pub fn internal_error() -> Self {
        Self::s3(500, "InternalError", "We encountered an internal error. Please try again.")
    }

    /// An error in the form S3 gives it.
    pub fn s3(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Error><Code>{code}</Code><Message>{message}</Message><RequestId>0</RequestId></Error>"
        );
        Self::Answer { status, content_type: "application/xml", body }
    }

    /// An error in the form Kinesis, SSM and EventBridge give it: `ProvisionedThroughputExceededException`,
    /// `ExpiredIteratorException`.
    pub fn json(status: u16, code: &str, message: &str) -> Self {
        let body = format!("{{\"__type\":\"{code}\",\"message\":\"{message}\"}}");
        Self::Answer { status, content_type: "application/x-amz-json-1.1", body }
    }
}

/// A fault that took effect; one whose offset lay beyond the body's end did not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The request it was done to.
    pub asked: Asked,
    /// What was done.
    pub fault: Fault,
}

/// A rule that does one of `faults` to `per_mille` of 1,000 requests, the same ones for the same seed and
/// order of requests.
pub fn by_seed(seed: u64, per_mille: u64, faults: Vec<Fault>) -> impl Fn(&Asked) -> Fault + Send + Sync {
    assert!(!faults.is_empty(), "expected faults to choose from");
    move |asked| {
        let drawn = scrambled(seed ^ scrambled(asked.number));
        if drawn % 1000 >= per_mille {
            return Fault::None;
        }
        let choice = (drawn >> 32) as usize % faults.len();
        faults[choice].clone()
    }
}

/// SplitMix64's finalizer (Steele, Lea, Flood 2014): neighbouring numbers come out unrelated.
fn scrambled(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
