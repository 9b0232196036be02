//! A redaction from the plan to the file that is screened again: only affected segments are new, and the whole file plays.

use super::redacted_tests::{TEXT, detail, with_text};
use super::tests::SECOND_NS;
use super::*;
use std::collections::BTreeMap;

use reelgate_flow::facts::Container;
use reelgate_pipelines::messages::RedactionStyle;
use reelgate_pipelines::recipes::package::{Packaged, VideoPart, package};
use reelgate_pipelines::recipes::plan::{Plan, inspect_job, plan};
use reelgate_pipelines::recipes::redact::{self, Request, Sighting, Widening};
use reelgate_pipelines::recipes::settings::Settings;

use crate::testing::{Media, pictures, progress_sink};
use crate::{enrich, inspect};

type Files = BTreeMap<String, Vec<u8>>;

fn planned(media: &Media) -> Plan {
    let size_bytes = media.source().size_bytes();
    let mut settings = Settings::default();
    settings.cut.segment_s = 2;
    let job = inspect_job(Container::IsoBmff, size_bytes, &settings);
    let inspection = inspect::run(&job, media.source(), progress_sink()).unwrap();
    plan(&inspection, &settings, size_bytes).unwrap()
}

fn encoded(job: &VideoJob, media: &Media) -> (VideoPart, Files) {
    let progress_sink = progress_sink();
    let result = run(job, &media.source(), progress_sink.clone()).unwrap();
    let init_sha256 = vec![[0; 32]; result.rungs.len()];
    (VideoPart { result, init_sha256 }, progress_sink.all())
}

/// The file that [`redact::top_rung`] describes.
fn joined(packaged: &Packaged, files: &Files) -> Media {
    let (_, parts) = redact::top_rung(packaged).unwrap();
    let bytes: Vec<u8> = parts.iter().flat_map(|part| files[&part.staged].clone()).collect();
    Media::of(&bytes)
}

#[test]
fn a_redaction_replaces_affected_segments_and_the_rendition_still_plays() {
    let media = with_text(300, (320, 180), TEXT, "snow");
    let plan = planned(&media);
    let (old, old_files) = encoded(&plan.video[0].job, &media);
    let request = Request {
        places: vec![Sighting { start_ns: 5 * SECOND_NS, end_ns: 5_400_000_000, area: Some(TEXT), thing: 0 }],
        style: RedactionStyle::Fill,
        widening: Widening::Interval(SECOND_NS / 2),
        mutes: Vec::new(),
        withheld: Default::default(),
    };
    let redaction = redact::redaction(&plan, std::slice::from_ref(&old.result), None, &request).unwrap();
    let chunk = &redaction.chunks[0];
    assert_eq!((redaction.chunks.len(), &chunk.segments[..]), (1, &[2][..]));
    let (new, new_files) = encoded(&chunk.job(&plan).unwrap(), &media);
    let spliced = redact::splice_video(&old, &new, &chunk.segments).unwrap();
    let mut files = old_files.clone();
    for rung in &old.result.rungs {
        let init = format!("{}/init.mp4", rung.name);
        assert!(old_files[&init] == new_files[&init]);
        for name in redact::replaced(&rung.name, &chunk.segments) {
            files.insert(name.clone(), new_files[&name].clone());
        }
    }
    let before = pictures(&joined(&package(&plan, &[old], None, &[]).unwrap(), &old_files).path(), 320, 180);
    let packaged = package(&plan, &[spliced], None, &[]).unwrap();
    let rendition = joined(&packaged, &files);
    let after = pictures(&rendition.path(), 320, 180);
    assert_eq!((before.len(), after.len()), (300, 300));
    for (frame, ((old_ns, old), (new_ns, new))) in before.iter().zip(&after).enumerate() {
        assert_eq!(old_ns, new_ns);
        let (in_segment, in_range) = ((120..180).contains(&frame), (135..177).contains(&frame));
        assert!(in_segment || old == new, "frame {frame} of a segment that is not affected");
        assert!(!in_range || detail(new, 320, TEXT) < 12.0, "frame {frame} shows the text");
    }
    sampled(&plan, &packaged, &rendition);
}

/// Poster, storyboard and samples are made from the rendition as one file.
fn sampled(plan: &Plan, packaged: &Packaged, rendition: &Media) {
    let (top, _) = redact::top_rung(packaged).unwrap();
    let size_bytes = rendition.source().size_bytes();
    let job = inspect_job(Container::IsoBmff, size_bytes, &Settings::default());
    let found = inspect::run(&job, rendition.source(), progress_sink()).unwrap();
    assert_eq!((found.facts.video[0].frames, found.facts.video[0].width), (300, 320));
    let job = redact::enrich_job(plan, top, size_bytes).unwrap();
    let files = progress_sink();
    let enriched = enrich::run(&job, rendition.source(), None, files.clone()).unwrap();
    let times: Vec<u64> = enriched.samples.iter().map(|sample| sample.time_ns / SECOND_NS).collect();
    assert_eq!(times, [0, 2, 4, 6, 8], "a sample at every segment");
    assert!(files.all().contains_key("poster.jpg") && files.all().contains_key("storyboard-000.jpg"));
}
