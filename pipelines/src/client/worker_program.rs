//! Which worker program is started.

use std::io;
use std::path::PathBuf;

/// Where the worker's binary and the media plugins are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerProgram {
    /// The `reelgate-worker` binary.
    pub path: PathBuf,
    /// Folder of GStreamer's plugins; `None` for the one beside the installed library.
    pub plugin_dir: Option<PathBuf>,
    /// W3C `traceparent` of the run, put into the worker's environment as TRACEPARENT, so that a process that is looked
    /// at from outside can be joined with its trace; `None` where there is none.
    pub traceparent: Option<String>,
}

impl WorkerProgram {
    /// The worker that was installed beside the running program.
    pub fn beside_current_exe() -> io::Result<Self> {
        let path = std::env::current_exe()?.with_file_name("reelgate-worker");
        Ok(Self { path, plugin_dir: None, traceparent: None })
    }
}
