//! The audio job and its result. Documents of versions that encoded one track can still be read, because the nodes of a
//! fleet are updated one after the other.

use reelgate_flow::facts::Container;
use reelgate_flow::reason::Fault;
use serde::{Deserialize, Serialize};

use super::tracks::{Span, TrackRef, TrackResult};

/// What a track of sound is for, as far as its container says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioRole {
    /// The sound of the film, in one of its languages.
    #[default]
    Programme,
    /// People talk about the film.
    Commentary,
    /// A voice describes the pictures to people who do not see them.
    Description,
}

/// Settings of [`super::Job::Audio`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "AudioJobDocument")]
pub struct AudioJob {
    /// The container, as sniffed.
    pub container: Container,
    /// Bytes of the source.
    pub size_bytes: u64,
    /// Output time 0, stream time of the source: the start of the first frame or sound.
    /// Sound before it is cut off; silence fills the time up to the first sound.
    pub zero_ns: u64,
    /// Length of a segment, rounded by the worker to whole AAC frames.
    pub segment_ns: u64,
    /// Samples per second of the outputs.
    pub sample_rate: u32,
    /// What is encoded, one after the other. The main one is the first; at least one.
    pub encodes: Vec<AudioEncode>,
    /// Loudness that every output gets, LUFS; `None` to keep that of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness_lufs: Option<i8>,
    /// What must not be heard, in any order. Silence replaces it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutes: Vec<Span>,
}

/// One output of an audio job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AudioEncode {
    /// Position of its track among all tracks, as in the facts.
    pub track: u32,
    /// `audio`, `audio-2` …; safe as a path component.
    pub name: String,
    /// Channels of the output: 1, 2 or 6 (5.1).
    pub channels: u8,
    /// Bits per second.
    pub bitrate_bps: u32,
    /// BCP 47 or ISO 639 code, for playlists; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What it is for, for playlists.
    #[serde(default)]
    pub role: AudioRole,
    /// End of the presentation, stream time, if the track ends before: silence fills the time behind its last sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill_to_ns: Option<u64>,
}

/// Name of the main audio, and of the only one in documents of earlier versions.
pub const MAIN_AUDIO: &str = "audio";
/// Channels of a rendition in 5.1.
pub const SURROUND_CHANNELS: u8 = 6;

/// Result of the audio task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(from = "AudioResultDocument")]
pub struct AudioResult {
    /// What became of each encode of the job, in the job's order.
    pub encodes: Vec<AudioEnding>,
}

/// How one encode ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioEnding {
    /// It is encoded.
    Encoded(AudioEncoded),
    /// Its track cannot be encoded. What was staged of it is not published.
    Failed(Fault),
}

/// One encoded track of sound.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AudioEncoded {
    /// The encoded track, by the name of its encode.
    pub track: TrackResult,
    /// Input samples per channel, after resampling and without filled silence.
    pub samples_in: u64,
    /// Samples of silence filled into gaps.
    pub samples_filled: u64,
    /// Samples cut because packets overlapped or lay before output time 0.
    pub samples_cut: u64,
    /// Loudness of what was encoded; `None` in documents of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness: Option<Loudness>,
}

/// Loudness by EBU R 128 (ITU-R BS.1770-4), rounded to hundredths.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loudness {
    /// Integrated loudness, LUFS; `None` if nothing is above the absolute gate of −70 LUFS.
    pub integrated_lufs: Option<f64>,
    /// Loudness range (EBU Tech 3342), LU.
    pub range_lu: f64,
    /// Highest true peak of any channel, dBTP; `None` if no sample differs from 0.
    pub true_peak_dbtp: Option<f64>,
}

impl AudioJob {
    /// How often a track is decoded to its end.
    pub fn passes(&self) -> u64 {
        self.encodes.len() as u64 * if self.loudness_lufs.is_some() { 2 } else { 1 }
    }
}

impl AudioResult {
    /// What was encoded, in the job's order.
    pub fn encoded(&self) -> impl Iterator<Item = &AudioEncoded> {
        self.encodes.iter().filter_map(|ending| match ending {
            AudioEnding::Encoded(encoded) => Some(encoded),
            AudioEnding::Failed(_) => None,
        })
    }
}

/// An audio job as documents hold it, those of versions with one track too.
#[derive(Deserialize)]
struct AudioJobDocument {
    container: Option<Container>,
    size_bytes: Option<u64>,
    zero_ns: u64,
    segment_ns: u64,
    sample_rate: u32,
    #[serde(default)]
    encodes: Vec<AudioEncode>,
    loudness_lufs: Option<i8>,
    #[serde(default)]
    mutes: Vec<Span>,
    // Of one track.
    source: Option<TrackRef>,
    channels: Option<u8>,
    bitrate_bps: Option<u32>,
}

impl TryFrom<AudioJobDocument> for AudioJob {
    type Error = &'static str;

    fn try_from(document: AudioJobDocument) -> Result<Self, Self::Error> {
        let AudioJobDocument { zero_ns, segment_ns, sample_rate, loudness_lufs, mutes, .. } = document;
        let one_track = document.source.zip(document.channels).zip(document.bitrate_bps);
        let (container, size_bytes, encodes) = match (document.container.zip(document.size_bytes), one_track)
        {
            (Some((container, size_bytes)), None) => (container, size_bytes, document.encodes),
            (None, Some(((source, channels), bitrate_bps))) => {
                let TrackRef { container, size_bytes, track } = source;
                let (name, language, role) = (MAIN_AUDIO.to_owned(), None, AudioRole::default());
                let encode =
                    AudioEncode { track, name, channels, bitrate_bps, language, role, fill_to_ns: None };
                (container, size_bytes, vec![encode])
            }
            _ => return Err("expected an audio job with its source, found another form"),
        };
        Ok(Self { container, size_bytes, zero_ns, segment_ns, sample_rate, encodes, loudness_lufs, mutes })
    }
}

/// A result as documents hold it.
#[derive(Deserialize)]
#[serde(untagged)]
enum AudioResultDocument {
    Encodes { encodes: Vec<AudioEnding> },
    OfOneTrack(AudioEncoded),
}

impl From<AudioResultDocument> for AudioResult {
    fn from(document: AudioResultDocument) -> Self {
        let encodes = match document {
            AudioResultDocument::Encodes { encodes } => encodes,
            AudioResultDocument::OfOneTrack(encoded) => vec![AudioEnding::Encoded(encoded)],
        };
        Self { encodes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_versions_with_one_track_are_read() {
        let job = r#"{"source":{"container":"matroska","size_bytes":9,"track":3},"zero_ns":1,"segment_ns":2,
            "sample_rate":48000,"channels":1,"bitrate_bps":64000,"mutes":[{"start_ns":1,"end_ns":2}]}"#;
        let job: AudioJob = serde_json::from_str(job).unwrap();
        let encode = AudioEncode {
            track: 3,
            name: "audio".into(),
            channels: 1,
            bitrate_bps: 64_000,
            language: None,
            role: AudioRole::Programme,
            fill_to_ns: None,
        };
        let expected = AudioJob {
            container: Container::Matroska,
            size_bytes: 9,
            zero_ns: 1,
            segment_ns: 2,
            sample_rate: 48_000,
            encodes: vec![encode],
            loudness_lufs: None,
            mutes: vec![Span { start_ns: 1, end_ns: 2 }],
        };
        assert_eq!(job, expected);
        let again: AudioJob = serde_json::from_str(&serde_json::to_string(&job).unwrap()).unwrap();
        assert_eq!(again, job);
        let result = r#"{"track":{"name":"audio","codecs":"mp4a.40.2","timescale":48000,"segments":[]},
            "samples_in":5,"samples_filled":6,"samples_cut":7}"#;
        let result: AudioResult = serde_json::from_str(result).unwrap();
        let encoded: Vec<_> = result.encoded().map(|one| (one.samples_in, one.loudness)).collect();
        assert_eq!(encoded, [(5, None)]);
        let again: AudioResult = serde_json::from_str(&serde_json::to_string(&result).unwrap()).unwrap();
        assert_eq!(again, result);
    }

    #[test]
    fn a_job_that_names_no_source_is_not_read() {
        let job = r#"{"zero_ns":1,"segment_ns":2,"sample_rate":48000}"#;
        assert!(serde_json::from_str::<AudioJob>(job).is_err());
    }
}
