//! What one play of a film must have shown.

use std::path::Path;

use serde_json::Value;

use crate::films::Film;
use crate::iframes;

/// A frame of AAC in seconds at 48 kHz: sound is published in whole frames.
const AAC_FRAME_S: f64 = 1_024.0 / 48_000.0;
/// Players round times to microseconds, and dash.js some to milliseconds.
const ROUNDING_S: f64 = 0.001;
const STILL_MS_MAX: u64 = 1_000;

/// What the master playlist lists.
pub struct Published {
    /// Width and height of each rung.
    sizes: Vec<(u64, u64)>,
    /// Language of each audio rendition.
    languages: Vec<String>,
    has_subtitles: bool,
    /// When each I-frame begins, in seconds.
    iframes: Vec<f64>,
}

impl Published {
    pub fn read(folder: &Path) -> Self {
        let master = std::fs::read_to_string(folder.join("master.m3u8")).unwrap();
        let value = |line: &str, name: &str| {
            let from = line.find(&format!("{name}="))? + name.len() + 1;
            Some(line[from..].split(',').next()?.trim_matches('"').to_owned())
        };
        let size = |line: &str| {
            let size = value(line, "RESOLUTION")?;
            let (width, height) = size.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        };
        let media = |kind: &str| {
            master.lines().filter(move |line| line.contains(&format!("TYPE={kind},"))).collect::<Vec<_>>()
        };
        let language = |line: &&str| value(line, "LANGUAGE").unwrap_or_default();
        Self {
            sizes: master.lines().filter_map(size).collect(),
            languages: media("AUDIO").iter().map(language).collect(),
            has_subtitles: !media("SUBTITLES").is_empty(),
            iframes: iframes::first(folder).iter().map(|frame| frame.start_s).collect(),
        }
    }
}

/// Everything about a play that a viewer would complain about.
pub fn complaints(film: &Film, published: &Published, play: &Value) -> Vec<String> {
    let errors: Vec<String> =
        play["errors"].as_array().unwrap().iter().map(|error| error.to_string()).collect();
    if !errors.is_empty() {
        return errors;
    }
    let mut complaints = Complaints(Vec::new());
    ending(film, play, &mut complaints);
    picture(film, published, play, &mut complaints);
    seeks(film, play, &mut complaints);
    tracks(film, published, play, &mut complaints);
    trick_play(published, play, &mut complaints);
    complaints.0
}

struct Complaints(Vec<String>);

impl Complaints {
    fn unless(&mut self, is_right: bool, what: impl FnOnce() -> String) {
        if !is_right {
            self.0.push(what());
        }
    }

    fn near(&mut self, what: &str, found: &Value, expected: f64, tolerance: f64) {
        let is_near = found.as_f64().is_some_and(|found| (found - expected).abs() <= tolerance);
        self.unless(is_near, || format!("{what}: expected {expected} within {tolerance}, found {found}"));
    }
}

fn ending(film: &Film, play: &Value, complaints: &mut Complaints) {
    let tolerance = AAC_FRAME_S.max(film.picture_s_max) + ROUNDING_S;
    complaints.near("the end of playing", &play["end"], film.end_s(), tolerance);
    complaints.near("duration", &play["duration"], film.end_s(), tolerance);
    let still = play["still_ms"].as_u64().unwrap();
    complaints.unless(still <= STILL_MS_MAX, || format!("stood still for {still} ms with a full buffer"));
    complaints.unless(play["gaps_jumped"] == 0, || format!("{} gaps jumped", play["gaps_jumped"]));
    let buffered = play["buffered"].as_array().unwrap();
    complaints.unless(buffered.len() == 1, || format!("a hole: buffered {buffered:?}"));
    complaints.near("the beginning of the buffer", &buffered[0][0], 0.0, ROUNDING_S);
}

fn picture(film: &Film, published: &Published, play: &Value, complaints: &mut Complaints) {
    let Some((last, _)) = film.last_picture_s else {
        complaints.unless(play["width"] == 0, || "a picture where there is none".into());
        return;
    };
    let (width, height) = (play["width"].as_u64().unwrap(), play["height"].as_u64().unwrap());
    complaints.unless(published.sizes.contains(&(width, height)), || {
        format!("{width}x{height} where the playlist lists {:?}", published.sizes)
    });
    // Sizes are even numbers of pixels.
    let off = (width as f64 - film.aspect * height as f64).abs();
    complaints.unless(off <= 2.0, || format!("{width}x{height} where the aspect is {}", film.aspect));
    complaints.near("the last frame", &play["last_frame"], last, ROUNDING_S);
    let mut heights: Vec<u64> = published.sizes.iter().map(|(_, height)| *height).collect();
    heights.sort_unstable();
    let expected = match heights[..] {
        [low, .., high] => vec![low, high, low],
        _ => Vec::new(),
    };
    complaints.unless(play["rungs"] == Value::from(expected), || {
        format!("rungs of {heights:?}: {}", play["rungs"])
    });
}

fn seeks(film: &Film, play: &Value, complaints: &mut Complaints) {
    let seeks = play["seeks"].as_array().unwrap();
    complaints.unless(seeks.len() == 3, || format!("seeks: {seeks:?}"));
    for seek in seeks {
        let to = seek["to"].as_f64().unwrap();
        match seek["frame"].as_f64() {
            Some(frame) => {
                let is_shown = frame <= to + ROUNDING_S && to < frame + film.picture_s_max + ROUNDING_S;
                complaints.unless(is_shown, || format!("a seek to {to} shows the frame of {frame}"));
            }
            None => complaints.near("a seek", &seek["at"], to, ROUNDING_S),
        }
    }
}

/// hls.js plays I-frames wherever there are pictures: it shows the last one that begins before the time.
fn trick_play(published: &Published, play: &Value, complaints: &mut Complaints) {
    if play["player"] != "hls" || published.iframes.is_empty() {
        return;
    }
    let shown = play["trick"].as_array().map(Vec::as_slice).unwrap_or_default();
    complaints.unless(shown.len() == 3, || format!("I-frames: {}", play["trick"]));
    for one in shown {
        let to = one["to"].as_f64().unwrap();
        let expected = published.iframes.iter().copied().filter(|start| *start <= to).fold(0.0, f64::max);
        complaints.near("an I-frame", &one["frame"], expected, ROUNDING_S);
    }
}

fn tracks(film: &Film, published: &Published, play: &Value, complaints: &mut Complaints) {
    let is_heard = play["audio_bytes"].as_u64().unwrap() > 0;
    complaints
        .unless(is_heard == (film.sound_end_s > 0.0), || format!("audio_bytes {}", play["audio_bytes"]));
    if published.languages.len() > 1 {
        let mut heard: Vec<&str> =
            play["languages"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let mut expected: Vec<&str> = published.languages.iter().map(String::as_str).collect();
        heard.sort_unstable();
        expected.sort_unstable();
        complaints.unless(heard == expected, || format!("languages: expected {expected:?}, heard {heard:?}"));
    }
    if published.has_subtitles {
        let cues = play["cues"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_there = |(start, text): &(f64, &str)| {
            let fits = |cue: &Value| {
                cue["text"].as_str().is_some_and(|found| found.contains(text))
                    && cue["start"].as_f64().is_some_and(|found| (found - start).abs() <= film.picture_s_max)
            };
            cues.iter().any(fits)
        };
        complaints.unless(
            !film.cues.is_empty() && film.cues.iter().all(is_there) && cues.len() == film.cues.len(),
            || format!("subtitles: expected {:?}, found {cues:?}", film.cues),
        );
    }
}
