//! What tests of the encoding jobs share: sources made on the spot, an progress sink in memory, a player.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer_app as gst_app;

use gst::prelude::*;
use reelgate_flow::reason::Fault;
use reelgate_pipelines::messages::TrackResult;
use reelgate_pipelines::trust::ContentCheck;

use crate::cmaf;
use crate::progress_sink::ProgressSink;
use crate::source::Source;

/// Keeps outputs by name; a name given twice is a mistake. Every segment must pass the engine's check.
#[derive(Default)]
pub struct MemorySink {
    outputs: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemorySink {
    pub fn get(&self, name: &str) -> Vec<u8> {
        self.outputs.lock().unwrap().get(name).unwrap_or_else(|| panic!("no output {name}")).clone()
    }

    pub fn all(&self) -> BTreeMap<String, Vec<u8>> {
        self.outputs.lock().unwrap().clone()
    }

    /// Init and media segments of a track as one file.
    pub fn joined(&self, track: &TrackResult) -> Vec<u8> {
        let mut joined = self.get(&cmaf::init_name(&track.name));
        for segment in &track.segments {
            joined.extend(self.get(&cmaf::segment_name(&track.name, segment.number)));
        }
        joined
    }
}

impl ProgressSink for MemorySink {
    fn progress(&self, _done_ns: u64, _frames: u64) {}

    fn output(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let before = self.outputs.lock().unwrap().insert(name.into(), bytes.to_vec());
        assert!(before.is_none(), "{name} was sent twice");
        if name.ends_with(".m4s") {
            let mut check = ContentCheck::media_segment();
            check.push(bytes)?;
            check.finish()?;
        }
        Ok(())
    }
}

pub fn progress_sink() -> Arc<MemorySink> {
    Arc::new(MemorySink::default())
}

/// A file that lives as long as the test.
pub struct Media {
    folder: tempfile::TempDir,
}

impl Media {
    /// Runs a pipeline whose muxer is linked to the file: `videotestsrc ! x264enc ! mp4mux`.
    pub fn made_by(launch: &str) -> Self {
        let media = Self { folder: tempfile::tempdir().unwrap() };
        run(&format!("{launch} ! filesink location={}", media.path().display()));
        media
    }

    pub fn of(bytes: &[u8]) -> Self {
        gst::init().unwrap();
        let media = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::File::create(media.path()).unwrap().write_all(bytes).unwrap();
        media
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("media")
    }

    pub fn source(&self) -> Source {
        source(&self.path())
    }
}

pub fn source(path: &Path) -> Source {
    let file = std::fs::File::open(path).unwrap();
    let size_bytes = file.metadata().unwrap().len();
    Source::new(file.into(), size_bytes)
}

/// Runs a pipeline to its end.
pub fn run(launch: &str) {
    gst::init().unwrap();
    let pipeline = gst::parse::launch(launch).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(gst::ClockTime::NONE, &kinds).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    if let gst::MessageView::Error(error) = message.view() {
        panic!("{launch}: {} ({:?})", error.error(), error.debug());
    }
}

/// Stream times in nanoseconds and payloads of what arrives at the end of a pipeline over `path`.
pub fn play(path: &Path, launch: &str) -> Vec<(u64, Vec<u8>)> {
    gst::init().unwrap();
    let launch = format!("filesrc location={} ! {launch} ! appsink name=end sync=false", path.display());
    let pipeline = gst::parse::launch(&launch).unwrap().downcast::<gst::Pipeline>().unwrap();
    let end = pipeline.by_name("end").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut arrived = Vec::new();
    while let Ok(sample) = end.pull_sample() {
        let buffer = sample.buffer().unwrap();
        let segment = sample.segment().unwrap().downcast_ref::<gst::ClockTime>().unwrap();
        let time = segment.to_stream_time(buffer.pts().unwrap()).unwrap();
        arrived.push((time.nseconds(), buffer.map_readable().unwrap().to_vec()));
    }
    pipeline.set_state(gst::State::Null).unwrap();
    arrived
}

/// Pictures of an MP4 with H.264, as luma of the given size.
pub fn pictures(path: &Path, width: u32, height: u32) -> Vec<(u64, Vec<u8>)> {
    let shape = format!("video/x-raw,format=GRAY8,width={width},height={height},pixel-aspect-ratio=1/1");
    play(path, &format!("qtdemux ! h264parse ! avdec_h264 ! videoconvertscale add-borders=false ! {shape}"))
}

/// Peak signal-to-noise ratio of luma over two equally long runs of pictures, decibels.
pub fn psnr(a: &[(u64, Vec<u8>)], b: &[(u64, Vec<u8>)]) -> f64 {
    assert_eq!(a.len(), b.len());
    let (mut squares, mut count) = (0u64, 0u64);
    for ((_, a), (_, b)) in a.iter().zip(b) {
        assert_eq!(a.len(), b.len());
        squares += a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum::<u64>();
        count += a.len() as u64;
    }
    10.0 * (255.0 * 255.0 * count as f64 / squares.max(1) as f64).log10()
}

/// Frames counted by ffprobe.
pub fn ffprobe_frames(path: &Path) -> usize {
    let mut probe = std::process::Command::new("ffprobe");
    probe.args(["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]);
    let output = probe.arg(path).output().expect("ffprobe is installed");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "ffprobe complains");
    String::from_utf8(output.stdout).unwrap().trim().trim_end_matches(',').parse().unwrap()
}
