//! Compares one publication with its source, rendition by rendition.

use std::path::Path;

use crate::witness::{LOUDNESS_HZ, Pictures, SIDE, Sound, Stream, pictures, sound, streams};

/// A frame of AAC at 44.1 kHz in seconds, because sound is published in whole frames, and a millisecond of rounding.
const AAC_FRAME_S: f64 = 1_024.0 / 44_100.0 + 0.001;
/// Sound of this many seconds in front of the first picture is no loss: muxers let tracks begin a little apart. What is cut out of a
/// broadcast begins with sound whose pictures cannot be decoded.
const IN_FRONT_S: f64 = 0.1;
/// How far luma may be off on average, of 255.
const LUMA_MAX: f64 = 2.0;
/// Mean difference of a thumbnail from which a picture counts as another one: encoders at low rates blur.
const OTHER_PICTURE: f64 = 16.0;

/// Loudness that varies less says nothing about time.
const UNSTEADY: f64 = 0.3;

/// What was made for this: flashes and beeps at the same moments, and grey corners.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Marked,
    Unknown,
}

/// What the judge must know beyond what ffmpeg decodes.
pub struct Truth {
    /// Streams that must be published, where ffmpeg cannot know them.
    pub video: Option<u32>,
    pub audio: Option<u32>,
    /// Aspects of ffmpeg's answer that are wrong, with the right value.
    pub pictures: Option<usize>,
    pub sound_s: Option<f64>,
    /// ffmpeg's times of the pictures, or of pictures and sound together, are not those of the film.
    pub times_differ: bool,
}

impl Truth {
    /// What ffmpeg decodes.
    pub const OF_FFMPEG: Self =
        Self { video: None, audio: None, pictures: None, sound_s: None, times_differ: false };
}

/// What is wrong; empty where everything is right.
pub fn complaints(source: &Path, folder: &Path, content: Content, truth: &Truth) -> Vec<String> {
    let found = streams(source);
    let (videos, sounds): (Vec<&Stream>, Vec<&Stream>) = found.iter().partition(|stream| stream.is_video);
    let is_wanted =
        |stream: &&&Stream, wanted: Option<u32>| wanted.is_none_or(|wanted| stream.index == wanted);
    let (rungs, audio) = renditions(folder);
    let rungs: Vec<(String, Pictures)> =
        rungs.into_iter().map(|name| (name.clone(), pictures(&folder.join(&name), 0))).collect();
    let audio: Vec<(String, Sound)> = audio
        .into_iter()
        .filter_map(|name| Some((name.clone(), sound(&folder.join(&name), 0, 0.0)?)))
        .collect();
    let mut wrong = Vec::new();

    // The stream that fits best: what else there is must be named as left out, which the caller looks at.
    let best = videos.iter().filter(|stream| is_wanted(stream, truth.video)).map(|stream| {
        let original = pictures(source, stream.index);
        let wrong: Vec<String> = rungs
            .iter()
            .flat_map(|(name, rung)| picture(name, &original, rung, stream.is_hdr, truth))
            .collect();
        (original, wrong)
    });
    let best = best.filter(|(original, _)| !original.times.is_empty()).min_by_key(|(_, wrong)| wrong.len());
    match (&best, rungs.is_empty()) {
        (None, true) => {}
        (None, false) => wrong.push("pictures where ffmpeg decodes none".into()),
        (Some(_), true) => wrong.push("no picture is published".into()),
        (Some((_, found)), false) => wrong.extend(found.iter().cloned()),
    }
    let shift = best.as_ref().zip(rungs.first()).map(|((original, _), (_, rung))| shift(original, rung));
    let picture_end =
        rungs.first().map_or(0.0, |(_, rung)| rung.times.last().copied().unwrap_or(0.0) + rung.usual_s());

    let originals: Vec<Sound> = sounds
        .iter()
        .filter(|stream| is_wanted(stream, truth.audio))
        .filter_map(|stream| sound(source, stream.index, f64::MIN))
        .collect();
    match (originals.is_empty(), audio.is_empty()) {
        (true, true) => {}
        (true, false) => wrong.push("sound where ffmpeg decodes none".into()),
        (false, true) => wrong.push("no sound is published".into()),
        (false, false) => {
            for (name, heard) in &audio {
                let each = originals
                    .iter()
                    .map(|original| heard_as(source, name, original, heard, shift, picture_end, truth));
                wrong.extend(each.min_by_key(Vec::len).unwrap_or_default());
            }
        }
    }
    let starts = rungs
        .iter()
        .filter_map(|(_, rung)| rung.times.first().copied())
        .chain(audio.iter().map(|(_, heard)| heard.start));
    let first = starts.fold(f64::MAX, f64::min);
    if first != f64::MAX && first.abs() > 0.045 {
        wrong.push(format!("begins at {first:.3} s"));
    }
    if content == Content::Marked {
        for (name, rung) in &rungs {
            wrong.extend(audio.iter().filter_map(|(_, heard)| in_step(name, rung, heard)));
        }
    }
    wrong
}

/// Playlists of the video rungs and of the audio renditions, relative to the folder.
fn renditions(folder: &Path) -> (Vec<String>, Vec<String>) {
    let master =
        std::fs::read_to_string(folder.join("master.m3u8")).expect("a published asset has a master playlist");
    let uri = |line: &str| Some(line.split_once("URI=\"")?.1.split('"').next()?.to_owned());
    let is_audio = |line: &&str| line.starts_with("#EXT-X-MEDIA:TYPE=AUDIO");
    let audio: Vec<String> = master.lines().filter(is_audio).filter_map(uri).collect();
    let listed: Vec<String> =
        master.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect();
    let (alone, rungs): (Vec<String>, Vec<String>) =
        listed.into_iter().partition(|name| name.starts_with("audio"));
    (rungs, if audio.is_empty() { alone } else { audio })
}

fn picture(name: &str, original: &Pictures, rung: &Pictures, is_hdr: bool, truth: &Truth) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = name.split('/').nth(1).unwrap_or(name);
    let expected = truth.pictures.unwrap_or(original.times.len());
    if rung.times.len() != expected {
        wrong.push(format!("{name}: {} of {expected} pictures", rung.times.len()));
        return wrong;
    }
    let aspect = original.aspect;
    // Sizes are even: a pixel more or less on the shorter side of a small rung.
    if (rung.aspect / aspect - 1.0).abs() > 0.025 {
        wrong.push(format!("{name}: aspect {:.3} instead of {aspect:.3}", rung.aspect));
    }
    if rung.times.len() != original.times.len() {
        return wrong;
    }
    let shift = shift(original, rung);
    let usual = original.usual_s();
    let late = |at: usize| rung.times[at] - (original.times[at] - shift);
    // Where the sound begins first, the first picture stands from the beginning on.
    let is_moved = |at: &usize| {
        let tolerance = (usual / 4.0).max(0.003);
        late(*at) > tolerance || (late(*at) < -tolerance && (*at > 0 || rung.times[0].abs() > tolerance))
    };
    let misplaced: Vec<usize> = (0..rung.times.len()).filter(is_moved).collect();
    if let Some(first) = misplaced.first()
        && !truth.times_differ
    {
        wrong.push(format!(
            "{name}: {} pictures at another time, the first ({first}) at {:.3}, {:+.3} s late",
            misplaced.len(),
            rung.times[*first],
            late(*first)
        ));
    }
    if is_hdr {
        return wrong;
    }
    let other = (0..rung.thumbs.len().min(original.thumbs.len()))
        .filter(|at| difference(&rung.thumbs[*at], &original.thumbs[*at]) > OTHER_PICTURE)
        .count();
    if other * 20 > rung.thumbs.len() {
        wrong.push(format!("{name}: {other} of {} pictures look different", rung.thumbs.len()));
    }
    let off = mean(rung) - mean(original);
    if off.abs() > LUMA_MAX {
        wrong.push(format!("{name}: {off:+.1} in luma on average"));
    }
    // Grey that stands still in corners of the picture: its level to the step, whatever the edges do.
    let worst = (0..SIDE * SIDE)
        .filter(|cell| is_still(original, *cell))
        .map(|cell| (level(rung, cell), level(original, cell)))
        .max_by(|one, other| (one.0 - one.1).abs().total_cmp(&(other.0 - other.1).abs()));
    if let Some((found, expected)) = worst
        && (found - expected).abs() > LUMA_MAX
    {
        wrong.push(format!("{name}: a level of {expected:.1} is {found:.1}"));
    }
    wrong
}

/// How much earlier pictures are published than the source shows them: the median.
fn shift(original: &Pictures, rung: &Pictures) -> f64 {
    let mut shifts: Vec<f64> =
        original.times.iter().zip(&rung.times).map(|(original, rung)| original - rung).collect();
    shifts.sort_by(f64::total_cmp);
    shifts.get(shifts.len() / 2).copied().unwrap_or(0.0)
}

fn difference(one: &[u8], other: &[u8]) -> f64 {
    let sum: u32 = one.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(*other))).sum();
    f64::from(sum) / one.len() as f64
}

fn mean(pictures: &Pictures) -> f64 {
    let sum: f64 = pictures.thumbs.iter().flatten().map(|value| f64::from(*value)).sum();
    sum / (pictures.thumbs.len() * SIDE * SIDE).max(1) as f64
}

/// Whether a cell and its neighbours have one level, and never change.
fn is_still(pictures: &Pictures, cell: usize) -> bool {
    let (row, column) = (cell / SIDE, cell % SIDE);
    let around = |value: usize| value.saturating_sub(1)..(value + 2).min(SIDE);
    let level = pictures.thumbs[0][cell];
    pictures.thumbs.iter().all(|thumb| {
        around(row).all(|row| around(column).all(|column| thumb[row * SIDE + column].abs_diff(level) <= 1))
    })
}

fn level(pictures: &Pictures, cell: usize) -> f64 {
    let sum: f64 = pictures.thumbs.iter().map(|thumb| f64::from(thumb[cell])).sum();
    sum / pictures.thumbs.len().max(1) as f64
}

/// `shift` is how much earlier pictures are published than the source shows them.
fn heard_as(
    source: &Path,
    name: &str,
    original: &Sound,
    heard: &Sound,
    shift: Option<f64>,
    picture_end: f64,
    truth: &Truth,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let shift = shift.unwrap_or(original.start - heard.start);
    let end = truth.sound_s.unwrap_or(original.end - shift);
    // Sound that ends before the picture may be followed by silence up to it.
    if heard.end < end - AAC_FRAME_S || heard.end > end.max(picture_end) + AAC_FRAME_S {
        wrong.push(format!("{name}: sound to {:.3} instead of {end:.3} s", heard.end));
    }
    let in_front = shift - original.start;
    let is_broadcast = source
        .extension()
        .is_some_and(|extension| ["ts", "mts", "m2ts", "mpg"].iter().any(|one| extension == *one));
    if in_front > IN_FRONT_S && !is_broadcast && !truth.times_differ {
        wrong.push(format!("{name}: {in_front:.3} s of sound in front of the first picture are lost"));
    }
    if let Some(lag) = lag(original, heard, shift)
        && lag.abs() > 0.025
        && !truth.times_differ
    {
        wrong.push(format!("{name}: sound is {lag:+.3} s off against the picture"));
    }
    wrong
}

/// By how many seconds the published sound is late; `None` where loudness says nothing, as that of a steady tone.
fn lag(original: &Sound, heard: &Sound, shift: f64) -> Option<f64> {
    if unsteadiness(original) < UNSTEADY {
        return None;
    }
    let offset = ((heard.start - (original.start - shift)) * LOUDNESS_HZ).round() as i64;
    let score = |late: i64| {
        let pairs = heard.loudness.iter().enumerate().filter_map(|(at, value)| {
            let at = usize::try_from(at as i64 + offset - late).ok()?;
            Some((f64::from(*value), f64::from(*original.loudness.get(at)?)))
        });
        correlation(pairs.collect())
    };
    let here = score(0)?;
    let reach = (LOUDNESS_HZ * 0.5) as i64;
    let (best, late) = (-reach..=reach)
        .filter_map(|late| Some((score(late)?, late)))
        .max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best > 0.7 && best > here + 0.05).then_some(late as f64 / LOUDNESS_HZ).or((here > 0.7).then_some(0.0))
}

/// How much loudness varies, as a share of its mean.
fn unsteadiness(sound: &Sound) -> f64 {
    let count = sound.loudness.len().max(1) as f64;
    let mean = sound.loudness.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance = sound.loudness.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    variance.sqrt() / mean.max(1.0)
}

fn correlation(pairs: Vec<(f64, f64)>) -> Option<f64> {
    let count = pairs.len() as f64;
    if count < LOUDNESS_HZ / 2.0 {
        return None;
    }
    let (one, other) = (
        pairs.iter().map(|pair| pair.0).sum::<f64>() / count,
        pairs.iter().map(|pair| pair.1).sum::<f64>() / count,
    );
    let sum = |value: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(value).sum::<f64>();
    let both = sum(&|pair| (pair.0 - one) * (pair.1 - other));
    let spread = sum(&|pair| (pair.0 - one).powi(2)) * sum(&|pair| (pair.1 - other).powi(2));
    (spread > 0.0).then(|| both / spread.sqrt())
}

/// Flashes and beeps are at the same moments.
fn in_step(name: &str, rung: &Pictures, heard: &Sound) -> Option<String> {
    let flashes = flashes(rung);
    let beeps = beeps(heard);
    let nearest = |beep: &f64| {
        flashes.iter().map(|flash| flash - beep).min_by(|one, other| one.abs().total_cmp(&other.abs()))
    };
    let off: Vec<f64> = beeps.iter().filter_map(nearest).filter(|off| off.abs() < 0.5).collect();
    if off.is_empty() {
        return Some(format!("{name}: no flash ({flashes:.2?}) goes with a beep ({beeps:.2?})"));
    }
    let worst = off.iter().copied().max_by(|one, other| one.abs().total_cmp(&other.abs()))?;
    let most = rung.usual_s().max(1.0 / 30.0) + 1.5 / LOUDNESS_HZ;
    (worst.abs() > most).then(|| format!("{name}: a flash is {worst:+.3} s from its beep"))
}

fn flashes(rung: &Pictures) -> Vec<f64> {
    let centre = |thumb: &[u8; SIDE * SIDE]| u32::from(thumb[(SIDE / 2) * SIDE + SIDE / 2]);
    let lit: Vec<bool> = rung.thumbs.iter().map(|thumb| centre(thumb) > 110).collect();
    // The first picture may stand for longer than its own time.
    let starts = (1..lit.len()).filter(|at| lit[*at] && !lit[*at - 1]);
    starts.filter_map(|at| rung.times.get(at).copied()).collect()
}

fn beeps(heard: &Sound) -> Vec<f64> {
    let loudest = heard.loudness.iter().copied().fold(0.0f32, f32::max);
    let is_loud = |at: usize| heard.loudness[at] > loudest * 0.3;
    let quiet_before = |at: usize| (at.saturating_sub(10)..at).all(|before| !is_loud(before));
    let starts = (10..heard.loudness.len()).filter(|at| loudest > 300.0 && is_loud(*at) && quiet_before(*at));
    starts.map(|at| heard.start + at as f64 / LOUDNESS_HZ).collect()
}
