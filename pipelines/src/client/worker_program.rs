//! Which worker program is started.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::gstreamer_version::GstreamerVersion;

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
    /// A worker with an older GStreamer gets no job; `None` for any version.
    pub gstreamer_min: Option<GstreamerVersion>,
    /// The version of GStreamer that the first worker said; clones share it.
    pub gstreamer_said: Arc<OnceLock<String>>,
}

impl WorkerProgram {
    /// This worker, with the plugins of the installed library, whatever their version.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            plugin_dir: None,
            traceparent: None,
            gstreamer_min: None,
            gstreamer_said: Arc::default(),
        }
    }

    /// The worker in the folder of the running program.
    pub fn next_to_current_exe() -> io::Result<Self> {
        Ok(Self::new(std::env::current_exe()?.with_file_name("reelgate-worker")))
    }

    /// Its version of GStreamer, as its first process said; `None` before.
    pub fn gstreamer(&self) -> Option<&str> {
        self.gstreamer_said.get().map(String::as_str)
    }

    /// Keeps what a process said.
    pub(super) fn greeted(&self, gstreamer: &str) {
        // Only the first is kept: nobody exchanges the library below a running engine and means it.
        let _ = self.gstreamer_said.set(gstreamer.to_owned());
    }
}
