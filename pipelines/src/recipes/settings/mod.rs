//! The media settings that an operator may change. They come from the configuration file, and plans are made from them.
//!
//! Every field states its unit, its default and the reason for the default. A key that is not listed here is an error.
//! [`Settings::validate`] reports in one line which field is wrong, what was expected and what was found.

mod budgets;
mod screen_text;
mod settings_error;

pub use budgets::{Budgets, JobBudget, PerUnit};
pub use screen_text::ScreenTextSettings;
pub use settings_error::SettingsError;

use crate::gstreamer_version::GstreamerVersion;
use crate::messages::MediaLimits;
use reelgate_flow::caption_file::is_language;
use serde::{Deserialize, Serialize};
use settings_error::{within, wrong};

/// Everything about media that the configuration decides.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Oldest release of GStreamer whose workers get work, such as `1.28.5`. Default none: `run` and `check` warn about a
    /// release with known weaknesses, because a distribution may mend them without a new number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gstreamer_min: Option<GstreamerVersion>,
    /// The video ladder and its encoder.
    pub video: VideoSettings,
    /// The audio renditions.
    pub audio: AudioSettings,
    /// Cutting into segments and chunks.
    pub cut: CutSettings,
    /// How segments are published, and what beside them.
    pub package: PackageSettings,
    /// Frames sampled, poster and storyboard.
    pub sample: SampleSettings,
    /// Text and codes that are read in pictures.
    pub screen_text: ScreenTextSettings,
    /// What a file may claim or contain.
    pub limits: MediaLimits,
    /// What a job may use.
    pub budgets: Budgets,
}

/// The video ladder and its encoder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VideoSettings {
    /// Rungs from the highest to the lowest, 1 to 8. Default 1080p 5 Mb/s, 720p 3 Mb/s, 480p 1.4 Mb/s and
    /// 240p 0.4 Mb/s: each about half the rate of the rung above, so that a change of rungs makes a clear difference.
    pub rungs: Vec<RungSettings>,
    /// x264 speed preset, `ultrafast` to `slow`. Default `veryfast`: three times as fast as `medium`, with
    /// about a tenth more bits.
    pub preset: String,
    /// x264 constant rate factor, 0 (lossless) to 51. Default 23, the encoder's own default. The rung's bit
    /// rate still limits it.
    pub crf: u8,
    /// Threads of each encoder, 0 to 16. Default 0: one thread, beside those of the other rungs and chunks. Several
    /// threads of x264 race for the bits of the rung's limit, so the same video gives other bytes in some runs.
    pub encoder_threads: u8,
}

/// One rung of the ladder; its name is its height and `p`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RungSettings {
    /// Pixels, even, 16 to 4,320: the shorter side of the 16:9 frame that the picture is fitted into.
    pub height: u32,
    /// Highest bit rate, bits per second, 32,000 to 100,000,000.
    pub bitrate_bps: u32,
}

/// The audio renditions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioSettings {
    /// Samples per second, 44,100 or 48,000. Default 48,000: the usual rate of video recordings, so most audio is not
    /// resampled.
    pub sample_rate: u32,
    /// Most channels, 1 or 2; mono stays mono. Default 2: plays everywhere.
    pub channels: u8,
    /// Bits per second at that many channels, 32,000 to 512,000. Default 128,000: AAC-LC stereo without
    /// artefacts that most listeners would notice.
    pub bitrate_bps: u32,
    /// Whether a track with more than two placed channels also gets a rendition in 5.1. Default false: it costs more
    /// bits, and few listeners have more than two loudspeakers.
    pub surround: bool,
    /// Bits per second of a rendition in 5.1, 96,000 to 1,024,000. Default 384,000: as much for each channel as stereo has.
    pub surround_bitrate_bps: u32,
    /// Integrated loudness of every rendition, LUFS, −31 to −9. Each gets one constant gain, never so much that its true peak
    /// exceeds −1 dBTP (EBU R 128, ITU-R BS.1770). Default none: the loudness of the source.
    pub loudness_lufs: Option<i8>,
}

/// Cutting into segments and chunks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CutSettings {
    /// Seconds of a segment, 1 to 10. Default 4: playback starts and changes rungs quickly, and keyframes and
    /// requests still cost little.
    pub segment_s: u32,
    /// Approximate seconds of a chunk that one worker encodes; at least a segment, at most 600. Default 20: short
    /// enough to repeat after a failure, and long enough that the start of a worker does not matter.
    pub chunk_s: u32,
    /// A video up to this many seconds is not cut, at most 86,400. Default 30: for shorter videos chunks
    /// would not save time.
    pub chunk_threshold_s: u32,
}

/// How segments are published, and what beside them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PackageSettings {
    /// Whether each segment is a file, or a range of the one file of its track. Default `files`: what is kept by a redo is
    /// copied and not read, and every player and every cache takes it.
    pub segments: Segments,
    /// Also one progressive MP4 file (`progressive.mp4`): the highest rung of at most this height, pixels, 16 to 4,320, or the
    /// lowest rung, and the main audio. Default 0, none: it stores that rung a second time.
    pub progressive_height: u32,
    /// Language of the captions that are shown unless somebody chooses otherwise, as playlists name it (`de`, `pt-BR`), or `none`.
    /// Default empty, and what counts for a language that no captions have: as the files say.
    pub default_captions: String,
}

/// How segments are published.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Segments {
    /// Each is a file.
    #[default]
    Files,
    /// Each is a range of the one file of its track.
    ByteRanges,
}

/// Frames sampled, poster and storyboard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SampleSettings {
    /// Approximate number of samples of a video, 1 to 1,000, within the two intervals. Default 100: a storyboard as
    /// fine as a seek bar can show.
    pub samples: u32,
    /// Shortest interval between samples, milliseconds, 100 to 60,000. Default 1,000: closer frames look alike.
    pub interval_min_ms: u32,
    /// Longest interval between samples, milliseconds, from the shortest interval to 600,000. Default 30,000: no scene
    /// of a long film is missed.
    pub interval_max_ms: u32,
    /// Decoders in parallel, 1 to 8. Default 2: the smallest machine has two cores.
    pub decoders: u8,
    /// Frames between decoding and analysis, 1 to 64. Default 8: about 100 MB of 4K frames.
    pub in_flight_max: u16,
    /// Longest side of the poster, pixels, 16 to 4,096. Default 1,280.
    pub poster_side_max: u32,
    /// Height of a storyboard tile, pixels, even, 16 to 360. Default 90: what players show above a seek bar.
    pub tile_height: u32,
    /// Columns of a storyboard sheet, 1 to 20. Default 5.
    pub columns: u32,
    /// Rows of a storyboard sheet, 1 to 20. Default 5: a sheet stays below 100 kB, so the first preview appears
    /// quickly.
    pub rows: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            gstreamer_min: None,
            video: VideoSettings::default(),
            audio: AudioSettings::default(),
            cut: CutSettings::default(),
            package: PackageSettings::default(),
            sample: SampleSettings::default(),
            screen_text: ScreenTextSettings::default(),
            limits: limits_default(),
            budgets: Budgets::default(),
        }
    }
}

impl Default for VideoSettings {
    fn default() -> Self {
        let rungs = [(1080, 5_000_000), (720, 3_000_000), (480, 1_400_000), (240, 400_000)];
        Self {
            rungs: rungs.map(|(height, bitrate_bps)| RungSettings { height, bitrate_bps }).into(),
            preset: "veryfast".into(),
            crf: 23,
            encoder_threads: 0,
        }
    }
}

impl Default for AudioSettings {
    fn default() -> Self {
        Self {
            sample_rate: 48_000,
            channels: 2,
            bitrate_bps: 128_000,
            surround: false,
            surround_bitrate_bps: 384_000,
            loudness_lufs: None,
        }
    }
}

impl Default for CutSettings {
    fn default() -> Self {
        Self { segment_s: 4, chunk_s: 20, chunk_threshold_s: 30 }
    }
}

impl CutSettings {
    /// The segment grid, nanoseconds.
    pub fn segment_ns(&self) -> u64 {
        u64::from(self.segment_s) * 1_000_000_000
    }
}

impl Default for SampleSettings {
    fn default() -> Self {
        Self {
            samples: 100,
            interval_min_ms: 1_000,
            interval_max_ms: 30_000,
            decoders: 2,
            in_flight_max: 8,
            poster_side_max: 1_280,
            tile_height: 90,
            columns: 5,
            rows: 5,
        }
    }
}

/// Enough for what cameras and studios deliver, and far below what makes a decoder allocate too much.
fn limits_default() -> MediaLimits {
    MediaLimits {
        pixels_max: 8_192 * 4_320, // 8K cinema, the largest frame of H.265 level 6.2
        side_max: 8_192,
        tracks_max: 100, // a film with forty languages of sound and as many of subtitles
        samples_max: 20_000_000, // twice as many as 24 h at 120 frames a second
        nesting_max: 32, // ISO base media files in practice stay below 12
        duration_max_s: 86_400, // a day's recording
    }
}

/// What [`PackageSettings::default_captions`] says for no captions.
pub const NO_CAPTIONS: &str = "none";

const PRESETS: [&str; 7] = ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"];

impl Settings {
    /// Checks every range and every rule between fields.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.validate_video()?;
        self.validate_cut()?;
        self.validate_sample()?;
        self.screen_text.validate()?;
        let audio = &self.audio;
        if ![44_100, 48_000].contains(&audio.sample_rate) {
            return Err(wrong("audio.sample_rate", "44100 or 48000", audio.sample_rate));
        }
        within("audio.channels", audio.channels, 1, 2)?;
        within("audio.bitrate_bps", audio.bitrate_bps, 32_000, 512_000)?;
        within("audio.surround_bitrate_bps", audio.surround_bitrate_bps, 96_000, 1_024_000)?;
        if let Some(loudness_lufs) = audio.loudness_lufs {
            within("audio.loudness_lufs", loudness_lufs, -31, -9)?;
        }
        if self.package.progressive_height > 0 {
            within("package.progressive_height", self.package.progressive_height, 16, 4_320)?;
        }
        let captions = self.package.default_captions.as_str();
        if !matches!(captions, "" | NO_CAPTIONS) && !is_language(captions) {
            // A job file may hold any text here, so it is not quoted.
            let expected = "a language such as de or pt-BR, none, or nothing";
            return Err(wrong("package.default_captions", expected, "another text"));
        }
        let limits = &self.limits;
        within("limits.pixels_max", limits.pixels_max, 1, 1 << 32)?;
        within("limits.side_max", limits.side_max, 1, 65_535)?;
        within("limits.tracks_max", limits.tracks_max, 1, 10_000)?;
        within("limits.samples_max", limits.samples_max, 1, u64::from(u32::MAX))?;
        within("limits.nesting_max", limits.nesting_max, 8, 1_000)?;
        within("limits.duration_max_s", limits.duration_max_s, 1, 604_800)?;
        self.budgets.validate()
    }

    fn validate_video(&self) -> Result<(), SettingsError> {
        let video = &self.video;
        within("video.rungs (count)", video.rungs.len(), 1, 8)?;
        for rung in &video.rungs {
            within("video.rungs.height", rung.height, 16, 4_320)?;
            if !rung.height.is_multiple_of(2) {
                return Err(wrong("video.rungs.height", "an even number", rung.height));
            }
            within("video.rungs.bitrate_bps", rung.bitrate_bps, 32_000, 100_000_000)?;
        }
        for pair in video.rungs.windows(2) {
            if pair[0].height <= pair[1].height {
                return Err(wrong(
                    "video.rungs.height",
                    "rungs from the highest to the lowest",
                    pair[1].height,
                ));
            }
            if pair[0].bitrate_bps < pair[1].bitrate_bps {
                return Err(wrong(
                    "video.rungs.bitrate_bps",
                    "no more than the rung above",
                    pair[1].bitrate_bps,
                ));
            }
        }
        if !PRESETS.contains(&video.preset.as_str()) {
            return Err(wrong("video.preset", &PRESETS.join(", "), format!("{:?}", video.preset)));
        }
        within("video.crf", video.crf, 0, 51)?;
        within("video.encoder_threads", video.encoder_threads, 0, 16)
    }

    fn validate_cut(&self) -> Result<(), SettingsError> {
        let cut = &self.cut;
        within("cut.segment_s", cut.segment_s, 1, 10)?;
        within("cut.chunk_s", cut.chunk_s, cut.segment_s, 600)?;
        within("cut.chunk_threshold_s", cut.chunk_threshold_s, 0, 86_400)
    }

    fn validate_sample(&self) -> Result<(), SettingsError> {
        let sample = &self.sample;
        within("sample.samples", sample.samples, 1, 1_000)?;
        within("sample.interval_min_ms", sample.interval_min_ms, 100, 60_000)?;
        within("sample.interval_max_ms", sample.interval_max_ms, sample.interval_min_ms, 600_000)?;
        within("sample.decoders", sample.decoders, 1, 8)?;
        within("sample.in_flight_max", sample.in_flight_max, 1, 64)?;
        within("sample.poster_side_max", sample.poster_side_max, 16, 4_096)?;
        within("sample.tile_height", sample.tile_height, 16, 360)?;
        if !sample.tile_height.is_multiple_of(2) {
            return Err(wrong("sample.tile_height", "an even number", sample.tile_height));
        }
        within("sample.columns", sample.columns, 1, 20)?;
        within("sample.rows", sample.rows, 1, 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_survive_json() {
        let settings = Settings::default();
        settings.validate().unwrap();
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn a_partial_table_keeps_the_other_defaults() {
        let settings: Settings = serde_json::from_str(r#"{"video": {"crf": 20}}"#).unwrap();
        assert_eq!(settings.video.crf, 20);
        assert_eq!(settings.video.rungs, VideoSettings::default().rungs);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let error = serde_json::from_str::<Settings>(r#"{"video": {"crg": 20}}"#).unwrap_err();
        assert!(error.to_string().contains("crg"), "{error}");
    }

    #[test]
    fn a_field_out_of_range_is_reported_with_what_was_expected_and_found() {
        type Spoil = fn(&mut Settings);
        let cases: &[(&str, Spoil)] = &[
            ("video.rungs (count)", |s| s.video.rungs.clear()),
            ("video.rungs.height", |s| s.video.rungs[0].height = 1_081),
            ("video.rungs.height", |s| s.video.rungs.reverse()),
            ("video.rungs.bitrate_bps", |s| s.video.rungs[3].bitrate_bps = 4_000_000),
            ("video.preset", |s| s.video.preset = "placebo".into()),
            ("video.crf", |s| s.video.crf = 52),
            ("video.encoder_threads", |s| s.video.encoder_threads = 17),
            ("audio.sample_rate", |s| s.audio.sample_rate = 22_050),
            ("audio.channels", |s| s.audio.channels = 6),
            ("audio.bitrate_bps", |s| s.audio.bitrate_bps = 1),
            ("audio.surround_bitrate_bps", |s| s.audio.surround_bitrate_bps = 64_000),
            ("audio.loudness_lufs", |s| s.audio.loudness_lufs = Some(-32)),
            ("audio.loudness_lufs", |s| s.audio.loudness_lufs = Some(0)),
            ("cut.segment_s", |s| s.cut.segment_s = 0),
            ("cut.chunk_s", |s| s.cut.chunk_s = 3),
            ("package.progressive_height", |s| s.package.progressive_height = 15),
            ("package.default_captions", |s| s.package.default_captions = "German".into()),
            ("sample.interval_max_ms", |s| s.sample.interval_max_ms = 999),
            ("sample.tile_height", |s| s.sample.tile_height = 91),
            ("screen_text.languages", |s| s.screen_text.languages.clear()),
            ("screen_text.languages", |s| s.screen_text.languages = vec!["../eng".into()]),
            ("screen_text.languages", |s| s.screen_text.languages = vec!["eng".into(); 9]),
            ("screen_text.interval_ms", |s| s.screen_text.interval_ms = 499),
            ("limits.duration_max_s", |s| s.limits.duration_max_s = 0),
            ("budgets.video.base.stall_s", |s| s.budgets.video.base.stall_s = 0),
        ];
        for (field, spoil) in cases {
            let mut settings = Settings::default();
            spoil(&mut settings);
            assert_eq!(settings.validate().unwrap_err().field, *field);
        }
        let mut settings = Settings::default();
        settings.video.crf = 52;
        assert_eq!(
            settings.validate().unwrap_err().to_string(),
            "media setting `video.crf`: expected 0 to 51, found 52; correct it in the configuration"
        );
    }
}
