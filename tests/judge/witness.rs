//! What ffmpeg decodes of one stream: when each picture is shown and what it looks like from afar, when sound is heard and how loud.

use std::path::Path;
use std::process::Command;

/// Side of the thumbnail that stands for a picture.
pub const SIDE: usize = 16;
/// Samples a second at which sound is compared in loudness.
pub const LOUDNESS_HZ: f64 = 200.0;

/// Decoded pictures in the order in which they are shown.
pub struct Pictures {
    /// Start of each picture in seconds, on the clock of the file.
    pub times: Vec<f64>,
    /// Luma in full range, `SIDE` × `SIDE` values each.
    pub thumbs: Vec<[u8; SIDE * SIDE]>,
    /// Width through height as shown: turned, with the shape of its pixels.
    pub aspect: f64,
}

impl Pictures {
    /// The time that a picture is usually shown.
    pub fn usual_s(&self) -> f64 {
        let mut steps: Vec<f64> = self.times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.sort_by(f64::total_cmp);
        steps.get(steps.len() / 2).copied().unwrap_or(0.04)
    }
}

/// Decoded sound.
pub struct Sound {
    pub start: f64,
    pub end: f64,
    /// Mean absolute amplitude, `LOUDNESS_HZ` values a second from `start` on.
    pub loudness: Vec<f32>,
}

/// One stream as ffprobe describes it.
pub struct Stream {
    pub index: u32,
    pub is_video: bool,
    /// A light that standard pictures cannot show: PQ and HLG.
    pub is_hdr: bool,
}

/// Streams of moving pictures and of sound.
pub fn streams(path: &Path) -> Vec<Stream> {
    let entries = "stream=index,codec_type,color_transfer:stream_disposition=attached_pic";
    let output = Command::new("ffprobe")
        .args(["-v", "quiet", "-show_entries", entries, "-of", "json"])
        .arg(path)
        .output()
        .expect("ffprobe starts");
    let probe: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let stream = |one: &serde_json::Value| {
        let kind = one["codec_type"].as_str()?;
        let is_moving = one["disposition"]["attached_pic"] != 1;
        let is_hdr = matches!(one["color_transfer"].as_str(), Some("smpte2084" | "arib-std-b67"));
        let index = u32::try_from(one["index"].as_u64()?).ok()?;
        ((kind == "video" && is_moving) || kind == "audio").then_some(Stream {
            index,
            is_video: kind == "video",
            is_hdr,
        })
    };
    probe["streams"].as_array().into_iter().flatten().filter_map(stream).collect()
}

/// Decodes the pictures of a stream. Where their shape changes, each keeps its own in the frame of the first one.
pub fn pictures(path: &Path, stream: u32) -> Pictures {
    let (pictures, shapes) = decoded_pictures(path, stream, "");
    let is_other = |shape: &f64| (shape / pictures.aspect - 1.0).abs() > 0.02;
    if !shapes.iter().any(is_other) {
        return pictures;
    }
    let (width, height) = ((pictures.aspect * 90.0).round() * 2.0, 180);
    let framed = format!(
        "scale=iw*sar:ih:eval=frame,setsar=1,\
         scale={width}:{height}:force_original_aspect_ratio=decrease:eval=frame,\
         pad={width}:{height}:-1:-1:eval=frame,"
    );
    Pictures { aspect: pictures.aspect, ..decoded_pictures(path, stream, &framed).0 }
}

/// Decodes through filters: the pictures, and the shape of each.
fn decoded_pictures(path: &Path, stream: u32, filters: &str) -> (Pictures, Vec<f64>) {
    // Without `accurate_rnd`, black in full HD has a level of 3.
    let filter =
        format!("showinfo=checksum=0,{filters}scale={SIDE}:{SIDE}:flags=area+accurate_rnd,format=gray");
    let (bytes, talk) = decode(path, stream, &["-vf", &filter, "-vsync", "passthrough", "-f", "rawvideo"]);
    let lines = || talk.lines().filter(|line| line.contains("showinfo") && line.contains(" pts_time:"));
    // Six digits of pts_time are too few for a clock that begins at a day.
    let base = talk
        .lines()
        .find_map(|line| text(line, "config in time_base: ")?.trim_end_matches(',').split_once('/'));
    let tick =
        base.and_then(|(num, den)| Some(num.parse::<f64>().ok()? / den.parse::<f64>().ok()?)).unwrap_or(0.0);
    let times: Vec<f64> = lines().filter_map(|line| Some(number(line, " pts:")? * tick)).collect();
    let thumbs = bytes.chunks_exact(SIDE * SIDE).map(|chunk| chunk.try_into().expect("whole")).collect();
    let shape = |line: &str| {
        let (width, height) = text(line, " s:")?.split_once('x')?;
        let (num, den) = text(line, "sar:")?.split_once('/')?;
        let [width, height, num, den] =
            [width, height, num, den].map(|text| text.parse::<f64>().unwrap_or(0.0));
        // 0 stands for an unknown shape.
        Some(width / height * if num > 0.0 { num / den } else { 1.0 })
    };
    let shapes: Vec<f64> = lines().filter_map(shape).collect();
    (Pictures { times, thumbs, aspect: shapes.first().copied().unwrap_or(0.0) }, shapes)
}

/// Decodes the sound of a stream. What is before time 0 only warms up the decoder.
pub fn sound(path: &Path, stream: u32, from: f64) -> Option<Sound> {
    let (bytes, talk) = decode(path, stream, &["-af", "ashowinfo", "-ac", "1", "-f", "s16le"]);
    let mut samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    let (mut start, mut end) = (None, f64::MIN);
    let mut sums: Vec<(f64, u32)> = Vec::new();
    for line in talk.lines().filter(|line| line.contains("showinfo") && line.contains(" pts_time:")) {
        let fields = (number(line, " pts:"), number(line, " rate:"), number(line, "nb_samples:"));
        let (Some(ticks), Some(rate), Some(count)) = fields else { continue };
        // Filters count sound in samples.
        let time = ticks / rate;
        for (offset, sample) in samples.by_ref().take(count as usize).enumerate() {
            let at = time + offset as f64 / rate;
            if at < from - 1e-6 {
                continue;
            }
            let begin = *start.get_or_insert(at);
            let bin = ((at - begin).max(0.0) * LOUDNESS_HZ) as usize;
            // A jump of the clock by hours is told by the end; its silence needs no memory.
            if bin < 10_000_000 {
                sums.resize(sums.len().max(bin + 1), (0.0, 0));
                sums[bin].0 += f64::from(sample.unsigned_abs());
                sums[bin].1 += 1;
            }
            end = end.max(at + 1.0 / rate);
        }
    }
    let loudness = sums.iter().map(|(sum, count)| (sum / f64::from((*count).max(1))) as f32).collect();
    Some(Sound { start: start?, end, loudness })
}

/// Runs ffmpeg over one stream, on the clock of the file: what it writes, and what its filters say.
fn decode(path: &Path, stream: u32, arguments: &[&str]) -> (Vec<u8>, String) {
    let map = format!("0:{stream}");
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-nostats", "-threads", "2", "-copyts", "-i"])
        .arg(path)
        .args(["-map", &map])
        .args(arguments)
        .arg("pipe:1")
        .output()
        .expect("ffmpeg starts");
    (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn text<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line[line.find(name)? + name.len()..].split_whitespace().next()
}

fn number(line: &str, name: &str) -> Option<f64> {
    text(line, name)?.parse().ok()
}
