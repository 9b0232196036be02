//! The redacted video as one file. The source still shows everything, so poster and storyboard are made from this file,
//! and this file is screened again before publishing.

use crate::messages::{EnrichJob, SampleJob};
use crate::recipes::package::{Kind, Packaged, Rendition, StagedFile};
use crate::recipes::plan::{KEYFRAME_GAP_INTERVALS, Plan};
use reelgate_flow::facts::{Container, Rational, Rotation};

/// The highest rung and its staged files in order: the initialization segment, then all segments. Concatenated, they
/// are a fragmented MP4 file (ISO/IEC 23000-19, 7.3.3: a CMAF track file). `None` for audio-only.
pub fn top_rung(packaged: &Packaged) -> Option<(&Rendition, Vec<&StagedFile>)> {
    let top = packaged.renditions.iter().find(|rendition| matches!(rendition.kind, Kind::Video(_)))?;
    Some((top, packaged.files_of(top)))
}

/// The job that samples this file of `size_bytes` bytes. The job counts time from the first frame; add the plan's
/// `zero_ns` to get the time in the source. `None` for audio-only.
pub fn enrich_job(plan: &Plan, top: &Rendition, size_bytes: u64) -> Option<EnrichJob> {
    let mut job = plan.enrich.clone();
    let frames = job.frames.take()?;
    let ns = |ticks: u64| {
        let ns = u128::from(ticks) * 1_000_000_000 / u128::from(top.timescale.max(1));
        u64::try_from(ns).unwrap_or(u64::MAX)
    };
    // Every segment begins with a keyframe.
    let gap_ns = top.segments.iter().map(|segment| ns(segment.duration_ticks)).max().unwrap_or(0);
    job.frames = Some(SampleJob {
        track: 0,
        start_ns: 0,
        lead_ns: 0,
        end_ns: ns(top.end_ticks()),
        keyframes_only: gap_ns <= frames.interval_ns.saturating_mul(KEYFRAME_GAP_INTERVALS),
        rotation: Rotation::default(),
        pixel_aspect: Rational { num: 1, den: 1 },
        ..frames
    });
    job.container = Container::IsoBmff;
    job.size_bytes = size_bytes;
    job.screen_text.keyframes_only = gap_ns <= job.screen_text.interval_ns;
    if let Kind::Video(picture) = &top.kind {
        (job.screen_text.width, job.screen_text.height) = (picture.width, picture.height);
    }
    Some(job)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::package::{Picture, Segment};
    use crate::recipes::plan::plan;
    use crate::recipes::settings::Settings;
    use crate::recipes::testing::{S, inspection};
    use reelgate_flow::task::TaskKey;

    fn rung(name: &str, duration_ticks: u64) -> Rendition {
        let picture =
            Picture { width: 1280, height: 720, frame_rate: Rational { num: 25, den: 1 }, frames: 200 };
        let segment = |number: u64| Segment {
            start_ticks: number * duration_ticks,
            duration_ticks,
            samples: 100,
            bytes: 9,
            first_picture_end: 0,
        };
        Rendition {
            name: name.into(),
            folder: format!("video/{name}"),
            codecs: "avc1.64001F".into(),
            kind: Kind::Video(picture),
            timescale: 1_000,
            peak_bps: 9,
            average_bps: 9,
            segments: vec![segment(0), segment(1)],
            file: None,
        }
    }

    fn file(path: &str) -> StagedFile {
        StagedFile { task: TaskKey::Video { chunk: 0 }, staged: path.into(), path: path.into() }
    }

    #[test]
    fn the_highest_rung_has_its_init_segment_and_its_segments_only() {
        let paths = ["video/72/init.mp4", "video/72/00000.m4s", "video/7/init.mp4", "audio/init.mp4"];
        let packaged = Packaged {
            progressive: false,
            subtitles: None,
            renditions: vec![rung("72", 4_000), rung("7", 4_000)],
            audio: Vec::new(),
            caption_files: Vec::new(),
            files: paths.map(file).to_vec(),
            texts: Vec::new(),
        };
        let (top, files) = top_rung(&packaged).unwrap();
        let files: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!((top.name.as_str(), files), ("72", paths[..2].to_vec()));
        let empty = Packaged { renditions: Vec::new(), ..packaged };
        assert_eq!(top_rung(&empty), None);
    }

    #[test]
    fn sampling_follows_the_rendition_and_not_the_source() {
        let mut inspection = inspection(60 * S, 2 * S);
        inspection.facts.video[0].start_ns = 5 * S;
        inspection.facts.video[0].rotation.degrees = 90;
        let plan = plan(&inspection, &Settings::default(), 1_000).unwrap();
        let frames = |segment_ticks: u64| {
            let job = enrich_job(&plan, &rung("72", segment_ticks), 77).unwrap();
            assert_eq!((job.container, job.size_bytes), (Container::IsoBmff, 77));
            assert_eq!((job.screen_text.width, job.screen_text.height), (1280, 720));
            job.frames.unwrap()
        };
        let sampled = frames(4_000);
        assert_eq!((sampled.start_ns, sampled.end_ns, sampled.rotation.degrees), (0, 8 * S, 0));
        assert!(sampled.keyframes_only && !frames(60_000).keyframes_only);
        assert_eq!(sampled.interval_ns, plan.enrich.frames.unwrap().interval_ns);
    }
}
