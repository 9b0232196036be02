//! Our facts against what ffprobe says about the same files, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use reelgate_flow::facts::AudioFacts;

/// Agreements, comparisons and differences by field.
#[derive(Default)]
struct Score {
    fields: BTreeMap<&'static str, (u32, u32)>,
    differences: Vec<String>,
}

impl Score {
    fn compare<T: std::fmt::Debug>(
        &mut self,
        path: &str,
        field: &'static str,
        ours: T,
        theirs: T,
        agree: bool,
    ) {
        let (agreed, compared) = self.fields.entry(field).or_default();
        *compared += 1;
        *agreed += u32::from(agree);
        if !agree {
            self.differences.push(format!("{path}: {field}: {ours:?}, ffprobe {theirs:?}"));
        }
    }

    fn equal<T: std::fmt::Debug + PartialEq>(&mut self, path: &str, field: &'static str, ours: T, theirs: T) {
        let agree = ours == theirs;
        self.compare(path, field, ours, theirs, agree);
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn ratio(value: &Value) -> Option<f64> {
    let (num, den) = value.as_str()?.split_once(['/', ':'])?;
    let (num, den): (f64, f64) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0.0 && den > 0.0).then_some(num / den)
}

fn close(ours: f64, theirs: f64, tolerance: f64) -> bool {
    (ours - theirs).abs() <= tolerance
}

fn compare_video(score: &mut Score, path: &str, ours: &VideoFacts, theirs: &Value) {
    if let Some(codec) = theirs["codec_name"].as_str() {
        score.equal(path, "video codec", ours.codec.as_str(), codec);
    }
    let size = (theirs["width"].as_u64(), theirs["height"].as_u64());
    score.equal(path, "size", (Some(ours.width.into()), Some(ours.height.into())), size);
    let counted = number(&theirs["nb_read_packets"]).or_else(|| number(&theirs["nb_frames"]));
    if let Some(frames) = counted {
        score.equal(path, "frames", ours.frames as f64, frames);
    }
    if let (Some(rate), Some(theirs)) = (ours.frame_rate, ratio(&theirs["avg_frame_rate"])) {
        score.compare(path, "frame rate", rate.as_f64(), theirs, close(rate.as_f64(), theirs, theirs * 0.02));
    }
    if let Some(aspect) = ratio(&theirs["sample_aspect_ratio"]) {
        score.compare(
            path,
            "pixel aspect",
            ours.pixel_aspect.as_f64(),
            aspect,
            close(ours.pixel_aspect.as_f64(), aspect, 0.01),
        );
    }
    let turned =
        theirs["side_data_list"].as_array().into_iter().flatten().find_map(|side| side["rotation"].as_f64());
    let turned = turned.map(|degrees| (-degrees).rem_euclid(360.0));
    score.equal(path, "rotation", f64::from(ours.rotation.degrees), turned.unwrap_or(0.0));
    let colours = [("color_primaries", &ours.colour.primaries), ("color_transfer", &ours.colour.transfer)];
    for (field, ours) in colours {
        if let Some(theirs) = theirs[field].as_str().filter(|said| *said != "unknown") {
            score.equal(path, "colour", ours.as_str(), theirs);
        }
    }
    if let Some(order) = theirs["field_order"].as_str().filter(|order| *order != "unknown") {
        score.equal(path, "interlaced", ours.interlaced, order != "progressive");
    }
}

fn compare_audio(score: &mut Score, path: &str, ours: &AudioFacts, theirs: &Value) {
    if let Some(codec) = theirs["codec_name"].as_str() {
        score.equal(path, "audio codec", ours.codec.as_str(), codec);
    }
    if let Some(rate) = number(&theirs["sample_rate"]) {
        score.equal(path, "sample rate", f64::from(ours.sample_rate), rate);
    }
    if let Some(channels) = theirs["channels"].as_u64() {
        score.equal(path, "channels", u64::from(ours.channels), channels);
    }
}

fn compare_file(score: &mut Score, path: &str, facts: &MediaFacts, probe: &Value) {
    let streams = probe["streams"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |kind: &'static str| {
        let is_cover = |stream: &&Value| stream["disposition"]["attached_pic"].as_u64() == Some(1);
        let kind = move |stream: &&Value| stream["codec_type"].as_str() == Some(kind);
        streams.iter().filter(kind).filter(move |stream| !is_cover(stream)).collect::<Vec<_>>()
    };
    let (videos, audio) = (of("video"), of("audio"));
    score.equal(path, "video tracks", facts.video.len(), videos.len());
    score.equal(path, "audio tracks", facts.audio.len(), audio.len());
    if let (Some(ours), Some(theirs)) = (facts.video.first(), videos.first()) {
        compare_video(score, path, ours, theirs);
    }
    if let (Some(ours), Some(theirs)) = (facts.audio.first(), audio.first()) {
        compare_audio(score, path, ours, theirs);
    }
    if let Some(theirs) = number(&probe["format"]["duration"]) {
        let ours = facts.duration_ns as f64 / 1e9;
        score.compare(path, "duration", ours, theirs, close(ours, theirs, (theirs * 0.02).max(0.15)));
    }
    score.equal(path, "chapters", facts.chapters.len(), probe["chapters"].as_array().map_or(0, Vec::len));
}

impl Score {
    /// Prints the differences, then expects nearly all of at least `least` comparisons to agree.
    fn assert_agreement(&self, least: u32) {
        for difference in &self.differences {
            println!("{difference}");
        }
        let (mut agreed, mut compared) = (0, 0);
        for (field, (agree, of)) in &self.fields {
            println!("{field}: {agree} of {of}");
            agreed += agree;
            compared += of;
            assert!(agree * 100 >= of * 80, "{field}: {agree} of {of} agree");
        }
        println!("all fields: {agreed} of {compared}");
        assert!(compared >= least && agreed * 100 >= compared * 95, "{agreed} of {compared} agree");
    }
}

#[test]
fn the_test_media_have_the_facts_that_ffprobe_finds() {
    let mut score = Score::default();
    for file in reelgate_test_media::all().iter().filter(|file| file.is_published()) {
        let mut probe = std::process::Command::new("ffprobe");
        probe.args(["-v", "error", "-of", "json", "-count_packets"]);
        probe.args(["-show_format", "-show_streams", "-show_chapters"]).arg(&file.path);
        let output = probe.output().expect("ffprobe is installed");
        let probe: Value = serde_json::from_slice(&output.stdout).unwrap();
        let facts = inspect(&file.path).unwrap_or_else(|fault| panic!("{}: {fault}", file.name())).facts;
        compare_file(&mut score, file.name(), &facts, &probe);
    }
    score.assert_agreement(300);
}

#[test]
fn shared_files_have_the_facts_that_ffprobe_finds() {
    let folder = reelgate_test_media::shared("media");
    let mut score = Score::default();
    for [path, expected, _] in expectations() {
        if expected != "publishable" {
            continue;
        }
        let probe = folder.join("ffprobe").join(format!("{}.json", path.replace('/', "__")));
        let probe: Value = serde_json::from_str(&std::fs::read_to_string(probe).unwrap()).unwrap();
        let facts = inspect(&folder.join("files").join(&path)).unwrap().facts;
        compare_file(&mut score, &path, &facts, &probe);
    }
    score.assert_agreement(600);
}
