//! What sampling may claim, and which outputs it may write.

use reelgate_flow::reason::Fault;

use super::{Outputs, at_most, ensure};
use crate::messages::{EnrichJob, Enrichment, Sample, SampleJob};

const POSTER: &str = "poster.jpg";
const STORYBOARD: &str = "storyboard.vtt";
const TEXT: &str = "text.jsonl";
/// Three digits name a sheet.
const SHEETS_MAX: u32 = 1_000;
/// The shortest line of JSON there could be, `{}` and its end.
const LINE_BYTES_MIN: u64 = 3;
/// A frame may be stamped a little outside the track's span where the container rounds.
const TIME_SLACK_NS: u64 = 1_000_000_000;

pub(super) fn may_write(job: &EnrichJob, name: &str) -> bool {
    name == TEXT || (job.frames.is_some() && (name == POSTER || name == STORYBOARD || is_sheet(name)))
}

pub(super) fn check(job: &EnrichJob, found: &Enrichment, outputs: &Outputs) -> Result<(), Fault> {
    match &job.frames {
        Some(frames) => check_samples(frames, found)?,
        None => {
            let is_empty =
                found.samples.is_empty() && found.poster_ns.is_none() && found.storyboard_sheets == 0;
            ensure(is_empty, || "no pictures where none were asked for".to_owned())?;
        }
    }
    let has = |name: &str| outputs.contains_key(name);
    ensure(has(POSTER) == found.poster_ns.is_some(), || "a poster exactly where one is listed".to_owned())?;
    let sheets = outputs.keys().filter(|name| is_sheet(name)).count() as u64;
    let are_contiguous =
        (0..found.storyboard_sheets).all(|number| has(&format!("storyboard-{number:03}.jpg")));
    let are_all = sheets == u64::from(found.storyboard_sheets) && are_contiguous;
    ensure(are_all, || format!("{} storyboard sheets", found.storyboard_sheets))?;
    ensure(has(STORYBOARD) == (sheets > 0), || "a storyboard's map exactly where it has sheets".to_owned())?;
    let text_bytes = outputs.get(TEXT).copied().unwrap_or(0);
    at_most("lines of text", found.text_lines, text_bytes / LINE_BYTES_MIN)
}

fn check_samples(job: &SampleJob, found: &Enrichment) -> Result<(), Fault> {
    at_most("samples", found.samples.len() as u64, job.samples_max.into())?;
    let (first, last) =
        (job.start_ns.saturating_sub(TIME_SLACK_NS), job.end_ns.saturating_add(TIME_SLACK_NS));
    for sample in &found.samples {
        ensure((first..=last).contains(&sample.time_ns), || "samples within the track".to_owned())?;
        ensure(is_measured(sample), || "measures within their ranges".to_owned())?;
    }
    let is_rising = found.samples.windows(2).all(|pair| pair[0].time_ns < pair[1].time_ns);
    ensure(is_rising, || "samples in rising order".to_owned())?;
    if let Some(poster) = found.poster_ns {
        let is_sample = found.samples.iter().any(|sample| sample.time_ns == poster);
        ensure(is_sample, || "a poster from one of the samples".to_owned())?;
    }
    let tiles = u64::from(job.columns).saturating_mul(job.rows.into()).max(1);
    let sheets_max = (found.samples.len() as u64).div_ceil(tiles).min(SHEETS_MAX.into());
    at_most("storyboard sheets", found.storyboard_sheets.into(), sheets_max)
}

fn is_measured(sample: &Sample) -> bool {
    let is_luma = (0.0..=255.0).contains(&sample.luma);
    let is_sharpness = sample.sharpness.is_finite() && sample.sharpness >= 0.0;
    is_luma && is_sharpness && (0.0..=1.0).contains(&sample.scene_score)
}

fn is_sheet(name: &str) -> bool {
    let digits = name.strip_prefix("storyboard-").and_then(|rest| rest.strip_suffix(".jpg"));
    digits.is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
}
