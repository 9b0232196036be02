//! Reads the cues of subtitles and captions in the same pass that reads them for the screening, so that nothing is published
//! that was not searched.

use std::sync::Arc;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{CUES, CaptionsJob, CaptionsResult};

use super::lines::Lines;
use super::text_pass;
use crate::progress_sink::ProgressSink;
use crate::source::Source;

/// Runs the job. Output: [`CUES`], if there is a cue.
///
/// Fails with the fault of the file if it cannot be demultiplexed, and with `budget_output` of the progress sink.
pub fn run(
    job: &CaptionsJob,
    source: &Source,
    progress_sink: Arc<dyn ProgressSink>,
) -> Result<CaptionsResult, Fault> {
    let mut lines = Lines::with_cues();
    text_pass::collect(source, job.container, &*progress_sink, &mut lines)?;
    let mut jsonl = Vec::new();
    let mut cues = 0;
    for cue in lines.take_cues() {
        let is_within = job.video == Some(cue.track) && cue.channel.is_some();
        if is_within || job.tracks.contains(&cue.track) {
            serde_json::to_writer(&mut jsonl, &cue)
                .map_err(|_| Fault::new(Code::Internal, "could not write a cue"))?;
            jsonl.push(b'\n');
            cues += 1;
        }
    }
    if cues > 0 {
        progress_sink.output(CUES, &jsonl)?;
    }
    Ok(CaptionsResult { cues })
}

#[cfg(test)]
mod tests {
    use reelgate_flow::facts::Container;
    use reelgate_pipelines::messages::{Cue, InspectJob};
    use reelgate_pipelines::recipes::settings::Settings;

    use super::*;
    use crate::corpus::{open_path, small};
    use crate::enrich::captioned_video::{PICTURE_NS, captioned, line21};
    use crate::inspect;
    use crate::testing::progress_sink;

    fn read(job: &CaptionsJob, source: &Source) -> Vec<Cue> {
        gstreamer::init().unwrap();
        let sink = progress_sink();
        let found = run(job, source, sink.clone()).unwrap();
        let cues = sink.all().remove(CUES).unwrap_or_default();
        let parse = |line: &[u8]| serde_json::from_slice(line).unwrap();
        let lines: Vec<Cue> =
            cues.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(parse).collect();
        assert_eq!(lines.len() as u64, found.cues);
        lines
    }

    fn job(source: &Source, tracks: &[u32], video: Option<u32>) -> CaptionsJob {
        let (tracks, size_bytes) = (tracks.to_vec(), source.size_bytes());
        CaptionsJob { container: Container::IsoBmff, size_bytes, tracks, video }
    }

    fn captioned_tracks(source: &Source) -> Vec<u32> {
        let (segment_ns, size_bytes) = (4_000_000_000, source.size_bytes());
        let job = InspectJob {
            container: Container::IsoBmff,
            size_bytes,
            segment_ns,
            limits: Settings::default().limits,
        };
        inspect::run(&job, source.clone(), progress_sink()).unwrap().captioned
    }

    #[test]
    fn captions_within_pictures_are_noticed_and_read_as_they_are_shown() {
        gstreamer::init().unwrap();
        // A caption that is loaded, shown, and erased; then one that is loaded and never shown.
        let shown: [&[[u8; 2]]; 4] = [
            &[[0x14, 0x20], [0x14, 0x70], *b"hi", *b"! "],
            &[[0x14, 0x2f]],
            &[[0x14, 0x2c]],
            &[[0x14, 0x20], *b"no", [0x14, 0x2e]],
        ];
        let mut pictures = vec![Vec::new(); 40];
        for (second, pairs) in shown.iter().enumerate() {
            pictures[second * 10] = pairs.iter().map(|pair| line21(*pair)).collect();
        }
        let file = captioned(&pictures);
        let source = open_path(file.path());
        assert_eq!(captioned_tracks(&source), [0]);
        let cues = read(&job(&source, &[], Some(0)), &source);
        let expected = Cue {
            track: 0,
            channel: Some("cc1".to_owned()),
            start_ns: 10 * PICTURE_NS,
            end_ns: Some(20 * PICTURE_NS),
            text: "hi!".to_owned(),
        };
        assert_eq!(cues, [expected]);
        assert!(read(&job(&source, &[], None), &source).is_empty(), "only what the job asks for");
        assert_eq!(captioned_tracks(&open_path(&small("h264-aac.mp4"))), [0; 0]);
    }

    #[test]
    fn cues_of_a_track_have_their_times_and_no_markup() {
        let source = open_path(&small("card-in-subtitle.mp4"));
        let track = 2;
        let cues = read(&job(&source, &[track], None), &source);
        assert!(!cues.is_empty() && cues.iter().all(|cue| cue.track == track && cue.channel.is_none()));
        assert!(cues.iter().all(|cue| cue.end_ns.is_some_and(|end| end > cue.start_ns)));
        assert!(read(&job(&source, &[7], None), &source).is_empty());
    }
}
