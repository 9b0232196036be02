//! Checks what sampling claims, which outputs it writes, and that the pictures have the sizes that it announces.

use reelgate_flow::reason::Fault;
use reelgate_flow::surface::{NotSearched, Surface, SurfaceState};

use super::content::{Content, ContentCheck, PictureSize};
use super::outputs::Outputs;
use super::range_checks::{TIME_NS_MAX, at_most, ensure, text, untrue, word};
use crate::messages::{EnrichJob, Enrichment, Sample, SampleJob, ScreenTextJob, TextLine};
use crate::recipes::storyboard::{Layout, poster_side_max, sheet_name, tile_max};
use reelgate_flow::place::FrameBox;

const POSTER: &str = "poster.jpg";
const TEXT: &str = "text.jsonl";
/// A sheet's name has three digits.
const SHEETS_MAX: u32 = 1_000;
/// Bytes of the shortest possible line: `{}` and the line break.
const LINE_BYTES_MIN: u64 = 3;
/// A frame's time may lie a little outside the track's span, because containers round.
const TIME_SLACK_NS: u64 = 1_000_000_000;
/// Longest line of text. A worker cuts its lines before this.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Most pictures read per interval: the first of the interval, and one more where the parts of two decoders meet.
const READ_PER_INTERVAL_MAX: u64 = 2;

/// The check of an output of this name; `None` if the job has no such output.
pub(super) fn output(job: &EnrichJob, name: &str) -> Option<ContentCheck> {
    if name == TEXT {
        return Some(ContentCheck::Text);
    }
    let frames = job.frames.as_ref()?;
    if name == POSTER {
        let side = poster_side_max(frames.poster_side_max);
        return Some(ContentCheck::jpeg(PictureSize { width: side, height: side }));
    }
    let (width, height) = tile_max(frames.tile_height);
    let most = PictureSize {
        width: width.saturating_mul(frames.columns.max(1)),
        height: height.saturating_mul(frames.rows.max(1)),
    };
    is_sheet(name).then(|| ContentCheck::jpeg(most))
}

pub(super) fn check(job: &EnrichJob, found: &Enrichment, outputs: &Outputs) -> Result<(), Fault> {
    match &job.frames {
        Some(frames) => {
            check_samples(frames, found)?;
            check_sheets(frames, found, outputs)?;
        }
        None => {
            let is_empty =
                found.samples.is_empty() && found.poster_ns.is_none() && found.storyboard_sheets == 0;
            ensure(is_empty, || "no pictures where none were asked for".to_owned())?;
        }
    }
    let has = |name: &str| outputs.contains_key(name);
    ensure(has(POSTER) == found.poster_ns.is_some(), || "a poster exactly where one is listed".to_owned())?;
    let text_bytes = outputs.get(TEXT).map_or(0, |output| output.bytes);
    at_most("lines of text", found.text_lines, text_bytes / LINE_BYTES_MIN)?;
    check_surfaces(job, found)?;
    check_screen_text(job, found)
}

/// Checks that every surface is reported once, and that no report contradicts itself, the job or the number of lines.
fn check_surfaces(job: &EnrichJob, found: &Enrichment) -> Result<(), Fault> {
    let expected = Surface::ALL.iter().filter(|surface| !surface.is_of_upload());
    ensure(found.surfaces.iter().map(|report| &report.surface).eq(expected), || {
        "every surface of the content once and in order".to_owned()
    })?;
    for report in &found.surfaces {
        ensure(report.is_consistent(), || "a state of a surface that fits its gaps".to_owned())?;
        for gap in &report.gaps {
            at_most("the end of a searched part in ns", gap.until_ns.unwrap_or(0), TIME_NS_MAX)?;
            ensure(gap.why != NotSearched::NotReported, || "a reason of the worker's own".to_owned())?;
        }
        let wanted = match report.surface {
            Surface::OnScreenText => Some(!job.screen_text.languages.is_empty()),
            Surface::Codes => Some(job.screen_text.codes),
            _ => None,
        };
        let is_off = report.gaps.iter().any(|gap| gap.why == NotSearched::SwitchedOff);
        let fits = match wanted {
            _ if !report.surface.is_analysable() => report.state != SurfaceState::Analysed,
            Some(_) if job.frames.is_none() => report.state == SurfaceState::Absent,
            Some(true) => !is_off && report.state != SurfaceState::Absent,
            Some(false) => is_off && report.state == SurfaceState::NotAnalysed,
            None => !is_off,
        };
        ensure(fits, || format!("a state of {} that fits the job", report.surface.as_str()))?;
    }
    let lines = found.surfaces.iter().map(|report| report.lines).fold(0, u64::saturating_add);
    ensure(lines == found.text_lines, || "as many lines on all surfaces as in the text".to_owned())
}

fn check_screen_text(job: &EnrichJob, found: &Enrichment) -> Result<(), Fault> {
    let ScreenTextJob { languages, codes, interval_ns, .. } = &job.screen_text;
    let is_wanted = *codes || !languages.is_empty();
    let length_ns = job.frames.as_ref().map_or(0, |frames| frames.end_ns.saturating_sub(frames.start_ns));
    let intervals = (length_ns / (*interval_ns).max(1)).saturating_add(2);
    let frames_max = if is_wanted { intervals.saturating_mul(READ_PER_INTERVAL_MAX) } else { 0 };
    at_most("frames compared for text", found.screen_text.frames.into(), frames_max)?;
    at_most("frames read", found.screen_text.frames_read.into(), found.screen_text.frames.into())
}

/// Checks one line of collected text before any other code uses it. `picture` is the size of the picture as displayed,
/// in the pixels of [`FrameBox`]; `None` if the upload has none.
///
/// # Errors
/// `worker_protocol` if a field is longer than a worker makes it, a time is out of range, or a box is not inside the
/// picture.
pub fn text_line(line: &TextLine, picture: Option<(u32, u32)>) -> Result<(), Fault> {
    word("surface", &line.surface, 32)?;
    text("field", &line.field, 256)?;
    text("text", &line.text, TEXT_BYTES_MAX)?;
    at_most("a line's start in ns", line.start_ns.unwrap_or(0), TIME_NS_MAX)?;
    at_most("a line's end in ns", line.end_ns.unwrap_or(0), TIME_NS_MAX)?;
    let is_forward = line.start_ns.zip(line.end_ns).is_none_or(|(start, end)| start <= end);
    ensure(is_forward, || "a line's start before its end".to_owned())?;
    let is_inside = match (line.frame_box, picture) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(place), Some(size)) => is_inside(place, size),
    };
    ensure(is_inside, || "a box inside the picture".to_owned())
}

fn is_inside(place: FrameBox, (width, height): (u32, u32)) -> bool {
    let right = place.x.checked_add(place.width);
    let bottom = place.y.checked_add(place.height);
    let has_area = place.width > 0 && place.height > 0;
    has_area && right.is_some_and(|right| right <= width) && bottom.is_some_and(|bottom| bottom <= height)
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
    let (width_max, height_max) = tile_max(job.tile_height);
    let is_tile =
        |sample: &Sample| is_side(sample.tile_width, width_max) && is_side(sample.tile_height, height_max);
    ensure(found.samples.iter().all(is_tile), || {
        format!("tiles of even sides up to {width_max}x{height_max}")
    })
}

fn is_side(pixels: u32, most: u32) -> bool {
    (2..=most).contains(&pixels) && pixels.is_multiple_of(2)
}

/// Checks that exactly the sheets that the samples need arrived, each of the size that its tiles need.
fn check_sheets(job: &SampleJob, found: &Enrichment, outputs: &Outputs) -> Result<(), Fault> {
    let layout = Layout::of(job, &found.samples);
    let sheets = layout.sheets();
    at_most("storyboard sheets", sheets as u64, SHEETS_MAX.into())?;
    let arrived = outputs.keys().filter(|name| is_sheet(name)).count();
    let are_all = found.storyboard_sheets as usize == sheets && arrived == sheets;
    ensure(are_all, || format!("{sheets} storyboard sheets"))?;
    for sheet in 0..sheets {
        let (width, height) = layout.sheet_size(sheet);
        let expected = || format!("a storyboard sheet {sheet} of {width}x{height}");
        match outputs.get(&sheet_name(sheet)).map(|output| &output.content) {
            Some(Content::Jpeg(size)) if *size == (PictureSize { width, height }) => {}
            Some(Content::Jpeg(size)) => {
                return Err(untrue(&expected(), &format!("{}x{}", size.width, size.height)));
            }
            _ => return Err(untrue(&expected(), "none")),
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(place: Option<[u32; 4]>) -> TextLine {
        let frame_box = place.map(|[x, y, width, height]| FrameBox { x, y, width, height });
        TextLine {
            surface: "on_screen_text".into(),
            field: "text".into(),
            track: Some(0),
            start_ns: Some(1),
            end_ns: Some(2),
            frame_box,
            text: "words".into(),
        }
    }

    #[test]
    fn a_box_lies_inside_the_picture_or_the_line_is_refused() {
        let picture = Some((640, 360));
        for inside in [None, Some([0, 0, 640, 360]), Some([639, 359, 1, 1])] {
            assert_eq!(text_line(&line(inside), picture), Ok(()), "{inside:?}");
        }
        for outside in [[0, 0, 641, 1], [1, 0, 640, 1], [0, 360, 1, 1], [0, 0, 0, 1], [u32::MAX, 0, 2, 1]] {
            assert!(text_line(&line(Some(outside)), picture).is_err(), "{outside:?}");
        }
        assert!(text_line(&line(Some([0, 0, 1, 1])), None).is_err(), "there is no picture");
    }

    #[test]
    fn lengths_and_times_of_a_line_are_bounded() {
        let spoils: &[fn(&mut TextLine)] = &[
            |line| line.surface = "x".repeat(33),
            |line| line.field = "x".repeat(257),
            |line| line.text = "x".repeat(TEXT_BYTES_MAX + 1),
            |line| line.end_ns = Some(u64::MAX),
            |line| line.end_ns = Some(0),
        ];
        for (number, spoil) in spoils.iter().enumerate() {
            let mut line = line(None);
            spoil(&mut line);
            assert!(text_line(&line, None).is_err(), "spoil {number}");
        }
    }
}
