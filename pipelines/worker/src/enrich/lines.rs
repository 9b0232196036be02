//! The lines of text that a job collects. Each surface has limits of its own, so that none can starve another. Omitted text
//! is reported as a gap of its surface, because it was not screened.

use std::collections::{BTreeMap, HashSet};

use reelgate_flow::place::TextPlace;
use reelgate_flow::surface::{GAPS_MAX, Gap, NotSearched, Surface, SurfaceReport, SurfaceState};
use reelgate_pipelines::messages::{Cue, TextLine};

/// Bytes kept of one text.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Bytes kept of one field's name.
const FIELD_BYTES_MAX: usize = 128;

/// Text of one asset, and how far each surface was searched.
#[derive(Default)]
pub struct Lines {
    /// One [`TextLine`] per line.
    pub jsonl: Vec<u8>,
    pub count: u64,
    surfaces: BTreeMap<Surface, SurfaceProgress>,
    /// Values of tags so far. Two readers find most values.
    tags: HashSet<String>,
    /// What is shown of subtitles and captions; `None` where nobody asks.
    cues: Option<Vec<Cue>>,
}

/// What was found on one surface so far.
#[derive(Default)]
struct SurfaceProgress {
    lines: u64,
    bytes: usize,
    is_present: bool,
    /// Times of the last text of each track.
    last_ns: BTreeMap<Option<u32>, u64>,
    gaps: BTreeMap<(Option<u32>, NotSearched), Option<u64>>,
}

/// Lines and bytes kept of one surface.
fn limits(surface: Surface) -> (u64, usize) {
    match surface {
        Surface::Subtitles | Surface::OnScreenText => (100_000, 16 << 20),
        Surface::Captions => (50_000, 8 << 20),
        Surface::Tags | Surface::Locations => (20_000, 4 << 20),
        Surface::Codes => (10_000, 4 << 20),
        _ => (10_000, 1 << 20),
    }
}

/// The place of a geographic position that belongs to a whole track, or with `None` to the file.
pub fn position_place(track: Option<u32>) -> TextPlace {
    TextPlace::untimed("location", "position", track)
}

impl Lines {
    /// Lines that also keep what is shown of subtitles and captions.
    pub fn with_cues() -> Self {
        Self { cues: Some(Vec::new()), ..Self::default() }
    }

    /// The cues so far.
    pub fn take_cues(&mut self) -> Vec<Cue> {
        self.cues.take().unwrap_or_default()
    }

    /// Adds a text that is shown for a time, if cues are kept. Its line is added separately, because more is searched than is
    /// shown.
    pub fn add_cue(&mut self, cue: impl FnOnce() -> Option<Cue>) {
        if let Some(cues) = &mut self.cues {
            cues.extend(cue().filter(|cue| !cue.text.trim().is_empty()));
        }
    }

    /// Adds a text, unless it is empty. A [`TextLine`] has no line number, so the place's is not used.
    pub fn add(&mut self, place: TextPlace, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let on = Surface::of_line(&place.surface);
        let kept = cut(text, TEXT_BYTES_MAX);
        let is_cut = kept.len() < text.len();
        let TextPlace { surface, field, track, start_ns, end_ns, frame_box, line: _ } = place;
        // Some demuxers report an end before the start. Such an end has no meaning.
        let end_ns = end_ns.filter(|end| start_ns.is_none_or(|start| *end >= start));
        self.push(
            on,
            &TextLine {
                surface,
                field: cut(&field, FIELD_BYTES_MAX).to_owned(),
                track,
                start_ns,
                end_ns,
                frame_box,
                text: kept.to_owned(),
            },
        );
        if is_cut {
            self.record_gap(on, track, NotSearched::LimitReached);
        }
    }

    /// Adds the value of a tag, unless another tag has the same value.
    pub fn add_tag(&mut self, field: &str, track: Option<u32>, value: &str) {
        self.add_once(TextPlace::untimed("tag", field, track), value);
    }

    /// Adds a position in degrees, north and east positive, as a decimal pair. `place` is a [`position_place`].
    pub fn add_position(&mut self, place: &TextPlace, (latitude, longitude): (f64, f64)) {
        let text = format!("{latitude:.6}, {longitude:.6}");
        if place.start_ns.is_some() {
            self.add(place.clone(), &text);
        } else {
            self.add_once(place.clone(), &text);
        }
    }

    /// Records that the asset has a surface and that it is searched, even if no text is found on it.
    pub fn record_present(&mut self, surface: Surface) {
        self.surfaces.entry(surface).or_default().is_present = true;
    }

    /// Records that a part of a surface was not searched. What was found before on the same track says how far it was.
    pub fn record_gap(&mut self, surface: Surface, track: Option<u32>, why: NotSearched) {
        let progress = self.surfaces.entry(surface).or_default();
        let until_ns = progress.last_ns.get(&track).copied();
        progress.gaps.entry((track, why)).or_insert(until_ns);
    }

    /// How far every surface was searched, in order. Name and metadata are not part of the file.
    pub fn reports(&self) -> Vec<SurfaceReport> {
        let surfaces = Surface::ALL.iter().copied().filter(|surface| !surface.is_of_upload());
        surfaces.map(|surface| self.report(surface)).collect()
    }

    fn report(&self, surface: Surface) -> SurfaceReport {
        let none = SurfaceProgress::default();
        let SurfaceProgress { lines, is_present, gaps, .. } = self.surfaces.get(&surface).unwrap_or(&none);
        let state = match (gaps.is_empty(), *is_present || *lines > 0) {
            (true, true) => SurfaceState::Analysed,
            (true, false) => SurfaceState::Absent,
            (false, true) => SurfaceState::Partly,
            (false, false) => SurfaceState::NotAnalysed,
        };
        let gaps = gaps.iter().take(GAPS_MAX);
        let gaps = gaps.map(|((track, why), until_ns)| Gap { track: *track, why: *why, until_ns: *until_ns });
        SurfaceReport { surface, state, lines: *lines, gaps: gaps.collect() }
    }

    fn add_once(&mut self, place: TextPlace, value: &str) {
        let value = value.trim_matches(['\0', ' ', '\r', '\n', '\t']);
        let on = Surface::of_line(&place.surface);
        // No more values are remembered than are kept.
        if self.surfaces.get(&on).is_some_and(|progress| progress.lines >= limits(on).0) {
            self.record_gap(on, place.track, NotSearched::LimitReached);
        } else if self.tags.insert(cut(value, TEXT_BYTES_MAX).to_owned()) {
            self.add(place, value);
        }
    }

    fn push(&mut self, on: Surface, line: &TextLine) {
        let Ok(json) = serde_json::to_vec(line) else {
            return self.record_gap(on, line.track, NotSearched::UnknownForm);
        };
        let progress = self.surfaces.entry(on).or_default();
        let (lines_max, bytes_max) = limits(on);
        if progress.lines >= lines_max || progress.bytes + json.len() + 1 > bytes_max {
            return self.record_gap(on, line.track, NotSearched::LimitReached);
        }
        progress.lines += 1;
        progress.bytes += json.len() + 1;
        if let Some(time_ns) = line.end_ns.or(line.start_ns) {
            let last_ns = progress.last_ns.entry(line.track).or_default();
            *last_ns = time_ns.max(*last_ns);
        }
        self.jsonl.extend_from_slice(&json);
        self.jsonl.push(b'\n');
        self.count += 1;
    }
}

/// The longest beginning of a text that has at most `bytes_max` bytes.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &Lines) -> Vec<TextLine> {
        let parse = |line: &[u8]| serde_json::from_slice(line).unwrap();
        lines.jsonl.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(parse).collect()
    }

    fn state(lines: &Lines, surface: Surface) -> (SurfaceState, u64, Vec<NotSearched>) {
        let report = lines.report(surface);
        assert!(report.is_consistent(), "{report:?}");
        (report.state, report.lines, report.gaps.iter().map(|gap| gap.why).collect())
    }

    fn subtitle(start_ns: u64) -> TextPlace {
        TextPlace { start_ns: Some(start_ns), ..TextPlace::untimed("subtitle", "text", Some(2)) }
    }

    #[test]
    fn the_line_after_the_last_one_kept_is_a_gap_that_says_how_far_the_track_was_searched() {
        let mut lines = Lines::default();
        let (most, _) = limits(Surface::Subtitles);
        (0..most).for_each(|n| lines.add(subtitle(n), "x"));
        assert_eq!(state(&lines, Surface::Subtitles), (SurfaceState::Analysed, most, vec![]));
        lines.add(subtitle(most), "x");
        let expected = (SurfaceState::Partly, most, vec![NotSearched::LimitReached]);
        assert_eq!(state(&lines, Surface::Subtitles), expected);
        let gap = lines.report(Surface::Subtitles).gaps[0];
        assert_eq!((gap.track, gap.until_ns), (Some(2), Some(most - 1)));
        assert_eq!(lines.count, most);
    }

    #[test]
    fn text_above_the_limit_on_bytes_is_a_gap() {
        let mut lines = Lines::default();
        let long = "x".repeat(TEXT_BYTES_MAX);
        (0..1_100).for_each(|n| lines.add(subtitle(n), &long));
        let (found, count, gaps) = state(&lines, Surface::Subtitles);
        assert_eq!((found, gaps), (SurfaceState::Partly, vec![NotSearched::LimitReached]));
        assert!(count < 1_024 && lines.jsonl.len() <= limits(Surface::Subtitles).1);
    }

    #[test]
    fn a_full_surface_takes_nothing_from_the_others() {
        let mut lines = Lines::default();
        (0..=limits(Surface::Subtitles).0).for_each(|n| lines.add(subtitle(n), "x"));
        for surface in ["tag", "chapter", "location", "caption", "on_screen_text", "code"] {
            lines.add(TextPlace::untimed(surface, "text", None), "words");
            let expected = (SurfaceState::Analysed, 1, vec![]);
            assert_eq!(state(&lines, Surface::of_line(surface)), expected, "{surface}");
        }
    }

    #[test]
    fn all_surfaces_together_fit_into_what_the_engine_reads() {
        let all = Surface::ALL.iter().map(|surface| limits(*surface).1).sum::<usize>();
        assert!(all < 64 << 20, "{all}");
    }

    #[test]
    fn a_tag_that_is_not_kept_is_a_gap_and_not_forgotten_silently() {
        let mut lines = Lines::default();
        let (most, _) = limits(Surface::Tags);
        (0..most).for_each(|n| lines.add_tag("comment", None, &n.to_string()));
        assert_eq!(state(&lines, Surface::Tags), (SurfaceState::Analysed, most, vec![]));
        lines.add_tag("comment", None, "one more");
        let expected = (SurfaceState::Partly, most, vec![NotSearched::LimitReached]);
        assert_eq!(state(&lines, Surface::Tags), expected);
    }

    #[test]
    fn a_value_that_two_readers_find_is_one_line() {
        let mut lines = Lines::default();
        lines.add_tag("©cmt", None, "same");
        lines.add_tag("comment", None, "same\0");
        lines.add_position(&position_place(None), (48.858222, 2.2945));
        lines.add_position(&position_place(None), (48.8582220, 2.29450));
        let texts: Vec<_> = texts(&lines).into_iter().map(|line| (line.field, line.text)).collect();
        let expected = [("©cmt", "same"), ("position", "48.858222, 2.294500")];
        assert_eq!(texts, expected.map(|(field, text)| (field.to_owned(), text.to_owned())));
    }

    #[test]
    fn a_text_is_cut_between_characters_and_the_rest_is_a_gap() {
        let mut lines = Lines::default();
        lines.add(TextPlace::untimed("tag", "comment", None), &"é".repeat(TEXT_BYTES_MAX));
        assert_eq!(state(&lines, Surface::Tags), (SurfaceState::Partly, 1, vec![NotSearched::LimitReached]));
        assert_eq!(texts(&lines)[0].text.len(), TEXT_BYTES_MAX);
    }

    #[test]
    fn every_surface_of_the_content_is_reported_once_with_few_gaps() {
        let mut lines = Lines::default();
        (0..1_000).for_each(|track| {
            lines.record_gap(Surface::Subtitles, Some(track), NotSearched::PicturesOfText);
        });
        lines.record_present(Surface::Captions);
        let reports = lines.reports();
        let surfaces: Vec<Surface> = reports.iter().map(|report| report.surface).collect();
        let of_content = Surface::ALL.iter().filter(|surface| !surface.is_of_upload());
        assert!(surfaces.iter().eq(of_content), "{surfaces:?}");
        assert!(reports.iter().all(SurfaceReport::is_consistent));
        let of = |surface| reports.iter().find(|report| report.surface == surface).unwrap();
        assert_eq!(of(Surface::Subtitles).state, SurfaceState::NotAnalysed);
        assert_eq!(of(Surface::Subtitles).gaps.len(), GAPS_MAX);
        assert_eq!(of(Surface::Captions).state, SurfaceState::Analysed);
        assert_eq!(of(Surface::Chapters).state, SurfaceState::Absent);
    }
}
