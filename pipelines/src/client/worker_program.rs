//! Which worker program is started.

use std::io;
use std::path::PathBuf;

/// Where the worker's binary and the media plugins are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerProgram {
    /// The `reelgate-worker` binary.
    pub path: PathBuf,
    /// Folder of GStreamer's plugins; `None` for the default folder of the installed library.
    pub plugin_dir: Option<PathBuf>,
    /// W3C `traceparent` of the run; `None` if there is none. The worker gets it as the environment variable
    /// TRACEPARENT, so that an operator who inspects the process can find its trace.
    pub traceparent: Option<String>,
}

impl WorkerProgram {
    /// The worker in the folder of the running program.
    pub fn next_to_current_exe() -> io::Result<Self> {
        let path = std::env::current_exe()?.with_file_name("reelgate-worker");
        Ok(Self { path, plugin_dir: None, traceparent: None })
    }
}
