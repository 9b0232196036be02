//! Loads GStreamer and the plugins on a literal list before the jail closes. Nothing else can be loaded later.
//!
//! There is no plugin registry: the engine starts the worker with `GST_REGISTRY_DISABLE`, so GStreamer knows only the
//! plugins that are loaded here. That is faster than reading a registry, and it cannot become stale when packages are
//! upgraded. Elements that open an address or another file (HLS, DASH, RTSP, HTTP …) do not exist in the process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use gstreamer as gst;
use reelgate_flow::reason::{Code, Fault};

/// Whether the worker can start without a plugin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Need {
    /// Part of every installation of the packages that set-up requires.
    Required,
    /// Decodes one more codec if it is installed.
    Optional,
}

use Need::{Optional, Required};

/// Every plugin that a worker may load, by the name of its library without `libgst`. `closedcaption` is not on the list:
/// it loads Pango, which at once starts a thread and reads the font configuration.
const PLUGINS: &[(&str, Need)] = &[
    // Core.
    ("coreelements", Required),
    ("app", Required),
    // The tag demuxers detect the type of the data behind the tag. Nothing is plugged by the result.
    ("typefindfunctions", Required),
    // Containers.
    ("matroska", Required),
    ("mpegpsdemux", Required),
    ("avi", Required),
    ("flv", Required),
    ("ogg", Required),
    ("mxf", Required),
    ("wavparse", Required),
    ("id3demux", Required),
    ("apetag", Optional),
    // Parsers.
    ("audioparsers", Required),
    ("videoparsersbad", Required),
    ("opusparse", Required),
    ("subparse", Required),
    // Decoders and encoders.
    ("libav", Required),
    ("x264", Required),
    ("vpx", Required),
    ("aom", Optional),
    ("dav1d", Optional),
    ("theora", Required),
    ("jpeg", Required),
    ("png", Required),
    ("vorbis", Required),
    ("opus", Required),
    ("flac", Required),
    ("mpg123", Required),
    ("speex", Optional),
    ("adpcmdec", Optional),
    ("amrnb", Optional),
    ("amrwbdec", Optional),
    ("alaw", Required),
    ("mulaw", Required),
    // Between decoder and encoder.
    ("videoconvertscale", Required),
    ("videofilter", Required),
    ("deinterlace", Required),
    ("audioconvert", Required),
    ("audioresample", Required),
];

/// Character sets of tags and subtitles. glibc keeps each converter in a separate file, which cannot be opened inside the
/// jail. So each converter is opened once before the jail closes and is kept open.
const CHARACTER_SETS: &[&str] = &[
    "ISO-8859-1",
    "ISO-8859-2",
    "ISO-8859-15",
    "WINDOWS-1250",
    "WINDOWS-1251",
    "WINDOWS-1252",
    "MACINTOSH",
    "SHIFT_JIS",
];

/// Loads GStreamer, the plugins and the character sets. Returns GStreamer's version.
pub fn load() -> Result<String, Fault> {
    gst::init().map_err(|error| missing("GStreamer", &error.to_string()))?;
    let dir = plugin_dir()?;
    for (name, need) in PLUGINS {
        load_one(&dir, name, *need)?;
    }
    for name in CHARACTER_SETS {
        // If a converter is not installed, such text is not read; it would not be without the jail either.
        std::mem::forget(gst::glib::IConv::new("UTF-8", *name));
    }
    let (major, minor, micro, _) = gst::version();
    Ok(format!("{major}.{minor}.{micro}"))
}

fn load_one(dir: &Path, name: &str, need: Need) -> Result<(), Fault> {
    let path = dir.join(format!("libgst{name}.so"));
    if need == Optional && !path.exists() {
        return Ok(());
    }
    match gst::Plugin::load_file(&path) {
        Ok(_) => Ok(()),
        Err(error) => Err(missing(name, &error.to_string())),
    }
}

/// The folder that the engine gives. Without one, the folder next to the loaded GStreamer library, where every
/// distribution puts the plugins.
fn plugin_dir() -> Result<PathBuf, Fault> {
    if let Some(dir) = std::env::var_os("GST_PLUGIN_SYSTEM_PATH_1_0") {
        return Ok(dir.into());
    }
    let maps =
        File::open("/proc/self/maps").map_err(|error| missing("the plugin folder", &error.to_string()))?;
    let is_gstreamer = |path: &Path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("libgstreamer-1.0.so"))
    };
    for line in BufReader::new(maps).lines().map_while(Result::ok) {
        let path = line.find('/').map(|at| PathBuf::from(&line[at..])).filter(|path| is_gstreamer(path));
        if let Some(dir) = path.as_deref().and_then(Path::parent) {
            return Ok(dir.join("gstreamer-1.0"));
        }
    }
    Err(missing("the plugin folder", "libgstreamer-1.0.so is not mapped"))
}

fn missing(what: &str, error: &str) -> Fault {
    Fault::new(Code::PluginMissing, format!("load {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_opens_addresses_or_other_files_is_on_the_list() {
        let openers = [
            "adaptivedemux2",
            "curl",
            "dash",
            "gio",
            "hls",
            "multifile",
            "neonhttpsrc",
            "playback",
            "rtmp",
            "rtmp2",
            "rtp",
            "rtsp",
            "sdpelem",
            "smoothstreaming",
            "soup",
            "srt",
            "tcp",
            "udp",
            "webrtc",
        ];
        for (name, _) in PLUGINS {
            assert!(!openers.contains(name), "{name}");
        }
    }
}
