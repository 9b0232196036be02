//! Reads text and codes in pictures. One decoder reads the whole video and delivers one picture per interval, at up to full
//! size. Only pictures that differ from the previous one are read.
//!
//! One thread reads the pictures in order of time, so the result does not depend on the machine. The time and the number of
//! frames are part of the result.

mod reader;
mod screen_state;
mod stored;
mod tesseract;

pub use tesseract::Tesseract;
#[cfg(test)]
pub use tesseract::{Area, OcrReading};

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use reelgate_flow::facts::Rotation;
use reelgate_flow::reason::{Class, Fault};
use reelgate_flow::surface::{NotSearched, Surface};
use reelgate_pipelines::messages::{EnrichJob, SampleJob, ScreenTextCost};

use super::decode::{Frame, Meter, Request, decode};
use super::geometry::Fit;
use super::lines::Lines;
use super::permits::Permits;
use super::picture::Picture;
use super::timeline::Timeline;
use crate::progress_sink::ProgressSink;
use crate::source::Source;
use reader::ReadItem;
use screen_state::ScreenState;
use stored::{area_shown, as_stored};

/// Longest side of the pictures that are read. Text in 4K is large enough to be read at this size, with a quarter of the
/// pixels.
const SIDE_MAX: u32 = 1_920;
/// Threads of the decoder.
const DECODER_THREADS: u32 = 2;
/// Pictures are compared in squares with this side, pixels.
const SQUARE: usize = 16;
/// Smallest mean difference of a changed square, of 255: above the noise of an encoder, and below any letter.
const CHANGE_MIN: u32 = 4;

/// State of the streaming thread.
struct TextRecognition {
    engine: Option<Tesseract>,
    codes: bool,
    rotation: Rotation,
    before: Option<Picture>,
    screen: ScreenState,
    lines: Lines,
    cost: ScreenTextCost,
    fault: Option<Fault>,
}

/// Reads the pictures of a job. `engine` is present if on-screen text is requested and installed.
///
/// A fault of the media ends the reading early and is recorded. The text that was read before it is kept.
pub fn collect(
    job: &EnrichJob,
    source: &Source,
    engine: Option<Tesseract>,
    progress_sink: &dyn ProgressSink,
    lines: &mut Lines,
) -> Result<ScreenTextCost, Fault> {
    let Some(frames) = &job.frames else { return Ok(ScreenTextCost::default()) };
    let wants_text = !job.screen_text.languages.is_empty();
    if wants_text && engine.is_none() {
        lines.record_gap(Surface::OnScreenText, None, NotSearched::NotInstalled);
    }
    if engine.is_none() && !job.screen_text.codes {
        return Ok(ScreenTextCost::default());
    }
    let mut searched = Vec::new();
    searched.extend(engine.is_some().then_some(Surface::OnScreenText));
    searched.extend(job.screen_text.codes.then_some(Surface::Codes));
    let shown = (job.screen_text.width, job.screen_text.height);
    let work = Arc::new(Mutex::new(TextRecognition {
        engine,
        codes: job.screen_text.codes,
        rotation: frames.rotation,
        before: None,
        screen: ScreenState::new(frames.track, shown),
        lines: std::mem::take(lines),
        cost: ScreenTextCost::default(),
        fault: None,
    }));
    // Keyframes alone may give no picture, if the demuxer marks none.
    let attempts: &[bool] = if job.screen_text.keyframes_only { &[true, false] } else { &[false] };
    let mut ended = Ok(());
    for keyframes_only in attempts {
        ended = pass(job, frames, source, *keyframes_only, &work, progress_sink);
        if lock(&work).cost.frames > 0 {
            break;
        }
    }
    let mut work = lock(&work);
    let TextRecognition { screen, lines: found, .. } = &mut *work;
    screen.finish(frames.end_ns, found);
    *lines = std::mem::take(found);
    if work.cost.frames > 0 {
        searched.iter().for_each(|surface| lines.record_present(*surface));
    }
    let is_cut_off = match work.fault.take().map_or(ended, Err) {
        Err(fault) if fault.code.class() == Class::BadMedia => true,
        other => other.map(|()| work.cost.frames == 0)?,
    };
    if is_cut_off {
        searched
            .iter()
            .for_each(|surface| lines.record_gap(*surface, Some(frames.track), NotSearched::Damaged));
    }
    Ok(work.cost)
}

fn pass(
    job: &EnrichJob,
    frames: &SampleJob,
    source: &Source,
    keyframes_only: bool,
    work: &Arc<Mutex<TextRecognition>>,
    progress_sink: &dyn ProgressSink,
) -> Result<(), Fault> {
    let timeline = Timeline::new(frames.start_ns, frames.end_ns, job.screen_text.interval_ns, u64::MAX);
    let [span] = timeline.spans(1)[..] else { return Ok(()) };
    let request = Request {
        source: source.clone(),
        container: job.container,
        track: frames.track,
        span,
        keyframes_only,
        seek: false,
        threads: DECODER_THREADS,
        pixel_aspect: frames.pixel_aspect,
        rotation: frames.rotation,
        fit: fit(job.screen_text.width, job.screen_text.height),
    };
    let reading = work.clone();
    let deliver = move |frame: Frame| lock(&reading).frame(&frame);
    let meter = Arc::new(Meter::default());
    let (observed, mut reported) = (meter.clone(), 0);
    let tick = || {
        let moved = observed.packets.load(Ordering::Relaxed) + observed.frames.load(Ordering::Relaxed);
        if moved != reported {
            progress_sink.progress(frames.end_ns.saturating_sub(frames.start_ns), moved);
            reported = moved;
        }
        Ok(())
    };
    decode(request, &Permits::new(1), meter, deliver, tick).map(|_| ())
}

/// The box of the pictures. Small pictures are doubled, because the networks were trained with letters about thirty pixels
/// high.
fn fit(width: u32, height: u32) -> Fit {
    let longest = width.max(height).max(2);
    let doubled = longest.saturating_mul(2);
    let side = if doubled <= SIDE_MAX { doubled } else { SIDE_MAX };
    Fit { width_max: side, height_max: side, enlarge: doubled <= SIDE_MAX }
}

impl TextRecognition {
    /// Reads one frame and returns whether to continue.
    fn frame(&mut self, frame: &Frame) -> bool {
        self.cost.frames += 1;
        let picture = match Picture::from_sample(&frame.sample, &frame.colours) {
            Ok(picture) => picture,
            Err(fault) => {
                self.fault = Some(fault);
                return false;
            }
        };
        if self.before.as_ref().is_some_and(|before| is_unchanged(before, &picture)) {
            return true;
        }
        let begun = Instant::now();
        let mut seen = Vec::new();
        if let Some(engine) = &mut self.engine {
            match text(engine, &picture, self.rotation) {
                Some(texts) => seen.extend(texts),
                None => {
                    let track = Some(self.screen.track);
                    self.lines.record_gap(Surface::OnScreenText, track, NotSearched::Damaged);
                }
            }
        }
        if self.codes {
            let (codes, gap) = reader::codes(&picture);
            seen.extend(codes);
            if let Some(why) = gap {
                self.lines.record_gap(Surface::Codes, Some(self.screen.track), why);
            }
        }
        self.cost.frames_read += 1;
        self.cost.read_ms += u64::try_from(begun.elapsed().as_millis()).unwrap_or(0);
        // Both are sides of a [`Fit`], far below 2^32.
        self.screen.read = (picture.width as u32, picture.height as u32);
        self.screen.update(frame.time_ns, seen, &mut self.lines);
        self.before = Some(picture);
        true
    }
}

/// Text of a picture as it is displayed, and as it is stored if it is turned for display; `None` if the engine refuses it.
fn text(engine: &mut Tesseract, picture: &Picture, rotation: Rotation) -> Option<Vec<ReadItem>> {
    let mut seen = reader::text(engine, picture)?;
    if let Some(stored) = as_stored(picture, rotation) {
        let shown = (picture.width, picture.height);
        let items = reader::text(engine, &stored)?.into_iter();
        seen.extend(items.map(|item| ReadItem { area: area_shown(item.area, shown, rotation), ..item }));
    }
    Some(seen)
}

/// Whether no square of the picture differs, so that no letter appeared or disappeared.
fn is_unchanged(before: &Picture, now: &Picture) -> bool {
    if (before.width, before.height) != (now.width, now.height) {
        return false;
    }
    let band = now.width * SQUARE;
    before.luma.chunks(band).zip(now.luma.chunks(band)).all(|(before, now_band)| {
        let mut sums = vec![0u32; now.width.div_ceil(SQUARE)];
        for (row_before, row_now) in before.chunks(now.width).zip(now_band.chunks(now.width)) {
            for (sum, (a, b)) in sums.iter_mut().zip(row_before.chunks(SQUARE).zip(row_now.chunks(SQUARE))) {
                *sum += a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
            }
        }
        sums.iter().all(|sum| *sum < CHANGE_MIN * (SQUARE * SQUARE) as u32)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_at_any_position_is_a_change_and_noise_is_none() {
        let flat = Picture::grey(100, 60, |_, _| 100);
        let noisy = Picture::grey(100, 60, |x, y| 99 + ((x + y) % 3) as u8);
        let letter = Picture::grey(100, 60, |x, y| if x > 96 && y > 50 { 200 } else { 100 });
        assert!(is_unchanged(&flat, &noisy));
        assert!(!is_unchanged(&flat, &letter));
        assert!(!is_unchanged(&flat, &Picture::grey(60, 100, |_, _| 100)));
    }

    #[test]
    fn small_pictures_are_doubled_and_large_ones_fitted() {
        assert_eq!(fit(640, 360), Fit { width_max: 1_280, height_max: 1_280, enlarge: true });
        assert_eq!(fit(2_160, 3_840), Fit { width_max: 1_920, height_max: 1_920, enlarge: false });
        assert_eq!(fit(1_280, 720), Fit { width_max: 1_920, height_max: 1_920, enlarge: false });
    }
}
