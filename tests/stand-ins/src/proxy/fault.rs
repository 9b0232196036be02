//! The faults that a test can inject into requests, and the rules that select requests.

use std::time::Duration;

/// What a rule sees of a request: everything except the body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Number of the request at this proxy, from 0; repeated requests count too.
    pub number: u64,
    /// `GET`, `PUT`, ….
    pub method: String,
    /// The path as sent, percent-encoded: `/bucket/key`.
    pub path: String,
    /// The query as sent: `partNumber=2&uploadId=…`; empty if there is none.
    pub query: String,
    /// The operation of a JSON service: `Kinesis_20131202.GetRecords`; empty for other services.
    pub target: String,
}

/// A fault of one request. Offsets and counts are bytes of the body, from 0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// No fault.
    None,
    /// The proxy answers; the server never receives the request.
    Answer {
        /// HTTP status.
        status: u16,
        /// `content-type` of the body.
        content_type: &'static str,
        /// The whole body.
        body: String,
    },
    /// The request is forwarded after this delay.
    Late(Duration),
    /// The response's body arrives in pieces of at most 16 KiB, at this rate.
    Slow {
        /// Bytes per second.
        bytes_per_s: u32,
    },
    /// The request's body is cut by a reset; the server sees an interrupted upload.
    ResetUpload {
        /// Bytes that still get through.
        after: u64,
    },
    /// The response's body is cut by a reset.
    Reset {
        /// Bytes that still get through.
        after: u64,
    },
    /// The response's body ends early with an orderly close, shorter than its `content-length`.
    Truncated {
        /// Bytes that still get through.
        after: u64,
    },
    /// The response's body is shorter, and `content-length` matches the shorter body.
    Shortened {
        /// Bytes that still get through.
        after: u64,
    },
    /// One bit of the response's body is flipped.
    Flipped {
        /// Offset of the byte.
        at: u64,
    },
    /// The server carries out the request, but its response is lost.
    Unanswered,
}

impl Fault {
    /// S3's throttling error.
    pub fn slow_down() -> Self {
        Self::s3(503, "SlowDown", "Please reduce your request rate.")
    }

    /// S3's internal error.
    pub fn internal_error() -> Self {
        Self::s3(500, "InternalError", "We encountered an internal error. Please try again.")
    }

    /// An error in the form of S3.
    pub fn s3(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Error><Code>{code}</Code><Message>{message}</Message><RequestId>0</RequestId></Error>"
        );
        Self::Answer { status, content_type: "application/xml", body }
    }

    /// An error in the form of Kinesis, SSM and EventBridge: `ProvisionedThroughputExceededException`,
    /// `ExpiredIteratorException`.
    pub fn json(status: u16, code: &str, message: &str) -> Self {
        let body = format!("{{\"__type\":\"{code}\",\"message\":\"{message}\"}}");
        Self::Answer { status, content_type: "application/x-amz-json-1.1", body }
    }
}

/// A fault that took effect. A fault whose offset is beyond the body's end does not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The affected request.
    pub asked: Asked,
    pub fault: Fault,
}

/// A rule that injects one of `faults` into `per_mille` of 1,000 requests. The same seed and order of requests give the
/// same faults.
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

/// SplitMix64's finalizer (Steele, Lea, Flood 2014): neighbouring numbers give unrelated results.
fn scrambled(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
