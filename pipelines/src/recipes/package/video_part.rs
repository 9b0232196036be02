//! The result of one chunk, as packaging takes it.

use crate::messages::VideoResult;
use serde::{Deserialize, Serialize};

/// The result of one chunk.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoPart {
    /// As the worker reported it.
    pub result: VideoResult,
    /// SHA-256 of each rung's `init.mp4`, in the job's order, computed by the engine from the bytes received.
    pub init_sha256: Vec<[u8; 32]>,
}
