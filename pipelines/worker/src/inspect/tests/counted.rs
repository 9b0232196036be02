//! Frames counted without decoding against frames that a decoder puts out: chunks are planned by the count.

use std::sync::atomic::{AtomicU64, Ordering};

use gst::prelude::*;

use super::*;
use crate::codecs;
use crate::demux::{Branch, Demuxed};

/// Longer files repeat what shorter ones show and take minutes.
const DURATION_MAX_NS: u64 = 20_500_000_000;

fn decoded_frames(path: &Path, container: Container, wanted: u32) -> u64 {
    let frames = Arc::new(AtomicU64::new(0));
    let counter = frames.clone();
    let demuxed = Demuxed::open(&corpus::open_path(path), container, move |track| {
        if track.index != wanted {
            return Ok(Branch::Ignore);
        }
        let mut chain = codecs::decoder(&track.caps, 2)?;
        let counter = counter.clone();
        let decoder = chain.last().unwrap_or_else(|| panic!("raw video"));
        decoder.static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            counter.fetch_add(1, Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
        let sink = codecs::make("fakesink")?;
        sink.set_property("sync", false);
        chain.push(sink);
        Ok(Branch::Elements(chain))
    });
    demuxed.unwrap().run(|| Ok(())).unwrap();
    frames.load(Ordering::Relaxed)
}

/// Frames counted and frames decoded; `None` for a file without video and for a long one.
fn counted_and_decoded(path: &Path) -> Option<(u64, u64)> {
    let found = inspect(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let main = found.facts.main_video().filter(|_| found.facts.duration_ns < DURATION_MAX_NS)?;
    let counted: u64 = found.index.unwrap().segment_frames.iter().map(|frames| u64::from(*frames)).sum();
    assert_eq!(counted, main.frames, "every counted frame lies in a segment");
    let decoded = decoded_frames(path, found.facts.container, main.track);
    if decoded != counted {
        println!("{}: {counted} counted, {decoded} decoded", path.display());
    }
    Some((counted, decoded))
}

#[test]
fn the_counted_frames_are_the_decoded_frames() {
    let published =
        reelgate_test_media::all().into_iter().filter(reelgate_test_media::TestFile::is_published);
    let found: Vec<_> = published.filter_map(|file| counted_and_decoded(&file.path)).collect();
    let exact = found.iter().filter(|(counted, decoded)| counted == decoded).count();
    assert!(found.len() >= 25 && exact == found.len(), "{exact} of {} files", found.len());
}

#[test]
fn shared_files_have_as_many_frames_counted_as_decoded() {
    let publishable = expectations().into_iter().filter(|[_, expected, _]| expected == "publishable");
    let found: Vec<_> =
        publishable.filter_map(|[path, ..]| counted_and_decoded(&corpus::shared(&path))).collect();
    let (exact, files) = (found.iter().filter(|(counted, decoded)| counted == decoded).count(), found.len());
    println!("frames counted = frames decoded in {exact} of {files} files");
    assert!(files >= 40 && exact * 100 >= files * 90, "{exact} of {files}");
}

#[test]
fn sound_in_wave_files_lasts_as_long_as_it_was_recorded() {
    for name in ["mp3.wav", "adpcm.wav", "adpcm-ima.wav"] {
        let found = inspect(&corpus::small(name)).unwrap();
        let main = found.facts.main_audio().unwrap();
        let length_ms = (main.end_ns - main.start_ns) / 1_000_000;
        assert!((1_000..1_130).contains(&length_ms), "{name}: {length_ms} ms");
    }
}

#[test]
fn shared_cases_have_as_many_frames_counted_as_decoded() {
    let cases = [
        ("media/i1_bff.ts", 50),
        ("media/i5_h264_bff.ts", 50),
        ("media/slides_pcr.ts", 20),
        ("real/fixture-raw.mts", 31),
        ("real/movie-hello.ogg", 249),
        ("real/shaka_rollover.ts", 48),
        ("real/hdv-1080i50.mov", 25),
    ];
    for (name, frames) in cases {
        let path = reelgate_test_media::shared("cases").join(name);
        assert_eq!(counted_and_decoded(&path), Some((frames, frames)), "{name}");
    }
}
