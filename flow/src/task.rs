//! Tasks: their kinds, their lanes and their text form.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// The lane of a task. Light tasks never wait behind heavy ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Lane {
    /// Validate, captions, screen, scan, package, publish, withdraw, restore, keep source: short, mostly waiting.
    Light,
    /// Transcode and enrich: decoding and encoding.
    Heavy,
}

impl Lane {
    /// Both lanes, lightest first.
    pub const ALL: [Self; 2] = [Self::Light, Self::Heavy];
    /// The word used in rows and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Heavy => "heavy",
        }
    }
}

/// One task of an asset. An asset never has two tasks with the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TaskKey {
    /// Sniff, hash, inspect and plan.
    Validate,
    /// Encode every rung of one chunk of the video.
    Video {
        /// Which chunk, from 0.
        chunk: u16,
    },
    /// Encode the audio, whole, so that no chunk border needs priming samples.
    Audio,
    /// Read the cues of subtitles and captions. They are staged and never published as they are, so the task is done again
    /// whenever the asset is packaged again.
    Captions,
    /// Sample frames; gather text.
    Enrich,
    /// Classify the text.
    Screen,
    /// Ask an external scanner what it found in the text; started repeatedly until the scanner has answered.
    ExternalScan,
    /// Check counts, write playlists.
    Package,
    /// Make all outputs visible at once; the outputs of a linked asset are first copied from its original.
    Publish,
    /// Remove every output of this asset, first the staged, then the visible ones, and move the source (rejected or
    /// quarantined) or remove it (erased).
    Withdraw,
    /// Restore source and outputs from quarantine.
    Restore,
    /// Copy the source of an asset under hold to where its producer cannot replace or remove it.
    KeepSource,
}

impl TaskKey {
    /// The lane to which it belongs.
    pub fn lane(self) -> Lane {
        match self {
            Self::Video { .. } | Self::Audio | Self::Enrich => Lane::Heavy,
            _ => Lane::Light,
        }
    }

    /// The order of kinds within a lane, smallest first: withdrawing, then publishing, restoring and keeping, then assets in
    /// progress, then new ones.
    pub fn urgency(self) -> u8 {
        match self {
            Self::Withdraw => 0,
            Self::Publish | Self::Restore | Self::KeepSource => 1,
            Self::Captions | Self::Package | Self::Screen | Self::ExternalScan => 2,
            Self::Validate => 3,
            Self::Video { .. } | Self::Audio | Self::Enrich => 4,
        }
    }

    /// The stage that users see. All chunks, the audio and the captions are one stage, `transcode`.
    pub fn stage(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Video { .. } | Self::Audio | Self::Captions => "transcode",
            Self::Enrich => "enrich",
            Self::Screen => "screen",
            Self::ExternalScan => "external_scan",
            Self::Package => "package",
            Self::Publish => "publish",
            Self::Withdraw => "withdraw",
            Self::Restore => "restore",
            Self::KeepSource => "keep_source",
        }
    }

    /// The kind of the task: its text, without the number of a chunk.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Video { .. } => "video",
            Self::Audio => "audio",
            Self::Captions => "captions",
            other => other.stage(),
        }
    }

    /// Parses the text of [`fmt::Display`].
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(chunk) = text.strip_prefix("video-") {
            let chunk: u16 = chunk.parse().ok()?;
            return (chunk < crate::limits::CHUNKS_MAX).then_some(Self::Video { chunk });
        }
        Some(match text {
            "validate" => Self::Validate,
            "audio" => Self::Audio,
            "captions" => Self::Captions,
            "enrich" => Self::Enrich,
            "screen" => Self::Screen,
            "external_scan" => Self::ExternalScan,
            "package" => Self::Package,
            "publish" => Self::Publish,
            "withdraw" => Self::Withdraw,
            "restore" => Self::Restore,
            "keep_source" => Self::KeepSource,
            _ => return None,
        })
    }

    /// The key as text: `validate`, `video-00003`, `audio` …; safe as a path component.
    pub fn text(self) -> String {
        format!("{self}")
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Video { chunk } => write!(f, "video-{chunk:05}"),
            other => f.write_str(other.kind()),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for TaskKey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for TaskKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(d)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("expected a task key such as `video-00003`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_parsed_back_and_nothing_else_is_parsed() {
        let last = TaskKey::Video { chunk: crate::limits::CHUNKS_MAX - 1 };
        for key in [
            TaskKey::Validate,
            TaskKey::Video { chunk: 3 },
            last,
            TaskKey::Audio,
            TaskKey::Captions,
            TaskKey::KeepSource,
        ] {
            assert_eq!(TaskKey::parse(&key.text()), Some(key));
        }
        assert_eq!(TaskKey::Video { chunk: 3 }.text(), "video-00003");
        for text in ["", "video", "video-", "video-05000", "video--1", "video-99999", "transcode", "Audio"] {
            assert_eq!(TaskKey::parse(text), None, "{text}");
        }
    }
}
