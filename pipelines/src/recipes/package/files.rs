//! The files that are published.

use reelgate_flow::task::TaskKey;
use serde::{Deserialize, Serialize};

/// A file that a task has staged, and its path among the outputs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagedFile {
    /// The task that made it.
    pub task: TaskKey,
    /// Its name in staging, as the worker gave it.
    pub staged: String,
    /// Its path among the outputs.
    pub path: String,
}

/// A small text file that packaging makes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
    /// Its path among the outputs.
    pub path: String,
    /// Its content, UTF-8.
    pub text: String,
}
