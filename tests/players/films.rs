//! The films that are played: a normal one and sources with odd tracks, made by ffmpeg, with what is true about each.

use std::path::{Path, PathBuf};

use crate::support::{sample, tool};

/// A source and what a player must find in what is published of it.
pub struct Film {
    pub name: &'static str,
    pub source: PathBuf,
    /// A caption file beside it.
    pub captions: Option<PathBuf>,
    /// When the last picture begins and ends in seconds; `None` without pictures.
    pub last_picture_s: Option<(f64, f64)>,
    /// When the sound ends in seconds; 0 without sound.
    pub sound_end_s: f64,
    /// Longest time that one picture is shown, in seconds.
    pub picture_s_max: f64,
    /// Width through height as a viewer must see it.
    pub aspect: f64,
    /// Start in seconds and text of each subtitle.
    pub cues: &'static [(f64, &'static str)],
}

const WIDE: f64 = 16.0 / 9.0;
const RATE: f64 = 25.0;
const SUBTITLES: &[(f64, &str)] = &[(1.0, "the first line"), (3.0, "the second line")];

impl Film {
    /// 25 pictures a second for `picture_s`, and sound up to `sound_s`.
    fn usual(name: &'static str, source: PathBuf, picture_s: f64, sound_s: f64) -> Self {
        Self {
            name,
            source,
            captions: None,
            last_picture_s: Some((picture_s - 1.0 / RATE, picture_s)),
            sound_end_s: sound_s,
            picture_s_max: 1.0 / RATE,
            aspect: WIDE,
            cues: &[],
        }
    }

    pub fn end_s(&self) -> f64 {
        self.last_picture_s.map_or(0.0, |(_, end)| end).max(self.sound_end_s)
    }
}

/// A film as most are.
pub fn normal() -> Film {
    Film::usual("big-buck-bunny-5s.mp4", sample("big-buck-bunny-5s.mp4"), 5.28, 5.312)
}

/// Makes the sources in a folder.
pub fn make(folder: &Path) -> Vec<Film> {
    let file = |name: &str| folder.join(name);
    let subtitles = file("lines.srt");
    let lines = "1\n00:00:01,000 --> 00:00:02,000\nthe first line\n\n2\n00:00:03,000 --> 00:00:04,000\nthe second line\n";
    std::fs::write(&subtitles, lines).unwrap();
    let picture = |seconds: u32| format!("testsrc2=size=320x180:rate=25:duration={seconds}");
    let sound =
        |hertz: u32, seconds: f64| format!("sine=frequency={hertz}:sample_rate=48000:duration={seconds}");
    let lavfi = |graph: &str| format!("-f lavfi -i {graph}");
    let (film, tone) = (lavfi(&picture(6)), lavfi(&sound(440, 6.0)));

    ffmpeg(&[&film, &lavfi(&sound(440, 3.0))], &file("short-sound.mp4"));
    ffmpeg(&[&lavfi(&picture(3)), &tone], &file("long-sound.mp4"));
    ffmpeg(
        &[&film, "-itsoffset 1.5", &lavfi(&sound(440, 4.5)), "-map 0:v -map 1:a"],
        &file("late-sound.mp4"),
    );
    // A clock that begins shortly before its 33 bits overflow.
    ffmpeg(&[&film, &tone, "-output_ts_offset 95440"], &file("late-start.ts"));
    // A second of all pictures, then a second of every other one.
    let select = "testsrc2=size=320x180:rate=30:duration=6,select=not(mod(n\\,2))+lt(mod(n\\,60)\\,30)";
    ffmpeg(&[&lavfi(select), &tone, "-vsync vfr"], &file("variable-rate.mp4"));
    ffmpeg(&[&film, &tone], &file("landscape.mp4"));
    let landscape = file("landscape.mp4");
    ffmpeg(&["-i", landscape.to_str().unwrap(), "-metadata:s:v rotate=90", "-c copy"], &file("portrait.mp4"));
    std::fs::remove_file(landscape).unwrap();
    ffmpeg(&[&tone], &file("sound-alone.m4a"));
    ffmpeg(&[&film], &file("picture-alone.mp4"));
    let tracks = "-map 0 -map 1 -map 2 -map 3 -c:s mov_text -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu \
                  -metadata:s:s:0 language=eng";
    let read_lines = format!("-i {}", subtitles.display());
    ffmpeg(&[&film, &tone, &lavfi(&sound(880, 6.0)), &read_lines, tracks], &file("two-languages.mp4"));
    ffmpeg(&[&film, &tone, &lavfi(&sound(770, 6.0)), &read_lines, tracks], &file("byte-ranges.mp4"));
    std::fs::write(file("byte-ranges.mp4.reelgate.toml"), "[package]\nsegments = \"byte-ranges\"\n").unwrap();
    std::fs::remove_file(subtitles).unwrap();
    ffmpeg(&[&film, &lavfi(&sound(660, 6.0))], &file("captioned.mp4"));
    let captions = file("captioned.de.vtt");
    let lines =
        "WEBVTT\n\n00:01.000 --> 00:02.000\nthe first line\n\n00:03.000 --> 00:04.000\nthe second line\n";
    std::fs::write(&captions, lines).unwrap();

    let usual = |name: &'static str, picture_s, sound_s| Film::usual(name, file(name), picture_s, sound_s);
    vec![
        normal(),
        usual("short-sound.mp4", 6.0, 3.0),
        usual("long-sound.mp4", 3.0, 6.0),
        usual("late-sound.mp4", 6.0, 6.0),
        usual("late-start.ts", 6.0, 6.0),
        Film {
            last_picture_s: Some((178.0 / 30.0, 179.0 / 30.0)),
            picture_s_max: 2.0 / 30.0,
            ..usual("variable-rate.mp4", 6.0, 6.0)
        },
        Film { aspect: 1.0 / WIDE, ..usual("portrait.mp4", 6.0, 6.0) },
        Film { last_picture_s: None, ..usual("sound-alone.m4a", 0.0, 6.0) },
        usual("picture-alone.mp4", 6.0, 0.0),
        Film { cues: SUBTITLES, ..usual("two-languages.mp4", 6.0, 6.0) },
        Film { cues: SUBTITLES, ..usual("byte-ranges.mp4", 6.0, 6.0) },
        Film { captions: Some(captions), cues: SUBTITLES, ..usual("captioned.mp4", 6.0, 6.0) },
    ]
}

/// The case of a sound that ends long before the picture.
pub fn shared_much_shorter_sound() -> Film {
    let source = reelgate_test_media::shared("cases/media/M34_audio_much_shorter.mp4");
    Film::usual("M34_audio_much_shorter.mp4", source, 8.0, 2.0)
}

/// Runs ffmpeg with groups of arguments, divided by spaces, and the usual encoders.
fn ffmpeg(groups: &[&str], out: &Path) {
    let codecs = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 -c:a aac -b:a 64k";
    let copies = groups.iter().any(|group| group.contains("-c copy"));
    let mut arguments = vec!["-nostdin", "-v", "error", "-y"];
    arguments.extend(groups.iter().flat_map(|group| group.split(' ')));
    if !copies {
        // In front of what the groups say about the outputs, so that they win.
        let at = arguments.iter().rposition(|argument| *argument == "-i").unwrap() + 2;
        arguments.splice(at..at, codecs.split(' '));
    }
    arguments.push(out.to_str().unwrap());
    tool("ffmpeg", &arguments);
}
