//! The proof manifest: every output with size and hash, the source, the tools and the settings. It holds no time and no
//! host, so the same source and settings give the same bytes.

use std::collections::BTreeMap;

use reelgate_flow::asset::Verdict;
use reelgate_flow::ids::SourceId;
use reelgate_flow::left_out::LeftOut;
use reelgate_flow::surface::SurfaceReport;
use reelgate_pipelines::messages::{AudioJob, Loudness, Rung};
use serde::{Deserialize, Serialize};

/// Raised when a field changes its meaning.
pub const MANIFEST_VERSION: u32 = 3;

/// `manifest.json`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    pub asset_id: String,
    pub source: ManifestSource,
    pub tools: Tools,
    /// The settings that shape the bytes.
    pub settings: MadeWith,
    /// The verdict with which it was published; absent in publications of version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// How far each surface was searched for personal data; absent in publications of version 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surfaces: Vec<SurfaceReport>,
    /// Tracks of the upload that are not published; absent where there are none, and in earlier publications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Loudness of each audio rendition; absent in publications of versions 1 and 2.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub loudness: BTreeMap<String, Loudness>,
    /// What version 1 lists instead; it is read over.
    #[serde(default, skip_serializing, rename = "not_analysed")]
    pub of_version_1: serde::de::IgnoredAny,
    /// Every other file of the publication, by name.
    pub outputs: Vec<ManifestOutput>,
}

/// The upload that the outputs were made from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestSource {
    /// Bucket, key, version.
    pub id: SourceId,
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// Versions of the programs that made the outputs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    pub reelgate: String,
    /// As the media workers reported it; several after an upgrade in the middle of an asset.
    pub gstreamer: Vec<String>,
}

/// Encoder settings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeWith {
    pub rungs: Vec<Rung>,
    /// x264 preset; empty for audio-only.
    pub preset: String,
    /// x264 constant rate factor; 0 for audio-only.
    pub crf: u8,
    /// Threads of each encoder; 0 for audio-only.
    pub encoder_threads: u8,
    pub chunks: u32,
    /// Length of the segment grid, nanoseconds.
    pub segment_ns: u64,
    /// Audio, where there is any.
    pub audio: Option<AudioJob>,
}

/// One file of the publication.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestOutput {
    /// Relative name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Of the file of a track its initialization segment and all segments; absent where each is a file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ManifestPart>,
}

/// A range of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestPart {
    /// Its first byte.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}
