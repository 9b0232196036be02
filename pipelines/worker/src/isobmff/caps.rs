//! From sample descriptions to caps.

use std::collections::BTreeMap;

use gstreamer as gst;

use super::movie::{Description, Role, Track};
use super::{sound, text, video};
use crate::inspect::boxes::Header;
use crate::source::Source;

/// Bytes read of one sample description. Set-up data of real codecs has some kilobytes.
const DESCRIPTION_BYTES_MAX: u64 = 1 << 20;

const CHAPTERS: &str = "application/x-chapters";
const METADATA: &str = "application/x-metadata";
const TECHNICAL: &str = "application/x-technical";

/// Whether a track is no subtitle and no caption, and is read by its own reader or holds nothing for people: chapters, device
/// data, time codes.
pub fn is_read_elsewhere(caps: &gst::CapsRef) -> bool {
    let name = caps.structure(0).map_or("", |structure| structure.name().as_str());
    matches!(name, CHAPTERS | METADATA | TECHNICAL)
}

/// The boxes in a sample description, by their type. The first of each counts.
pub struct Content<'a>(BTreeMap<[u8; 4], &'a [u8]>);

impl<'a> Content<'a> {
    pub fn of(mut bytes: &'a [u8]) -> Self {
        let mut found = BTreeMap::new();
        // QuickTime ends lists with four zero bytes, and some writers pad.
        while let Some(([s0, s1, s2, s3, k0, k1, k2, k3], _)) = bytes.split_first_chunk::<8>() {
            let size = u32::from_be_bytes([*s0, *s1, *s2, *s3]) as usize;
            let Some(body) = bytes.get(8..size).filter(|_| size >= 8) else { break };
            found.entry([*k0, *k1, *k2, *k3]).or_insert(body);
            bytes = &bytes[size..];
        }
        Self(found)
    }

    pub fn get(&self, kind: [u8; 4]) -> Option<&'a [u8]> {
        self.0.get(&kind).copied()
    }
}

/// The caps of a track by one of its descriptions. They are never empty: what is not known has a name of its own.
pub fn of(source: &Source, track: &Track, description: u32) -> gst::Caps {
    let found = track.descriptions.get(description as usize).or(track.descriptions.first());
    let Some(Description { entry, version }) = found else { return simple("application/x-unknown") };
    let body = bytes(source, *entry);
    let caps = match track.role {
        Role::Video => video::caps(track, entry.kind, &body),
        Role::Audio => sound::caps(track, entry.kind, *version, &body),
        Role::Text => Some(text::caps(entry.kind, &body)),
        Role::Chapters => Some(simple(CHAPTERS)),
        Role::Metadata => Some(simple(METADATA)),
        Role::Technical => Some(simple(TECHNICAL)),
        Role::Unknown => Some(simple("application/x-unknown")),
    };
    caps.unwrap_or_else(|| {
        simple(match track.role {
            Role::Video => "video/x-damaged",
            Role::Audio => "audio/x-damaged",
            _ => "application/x-unknown",
        })
    })
}

/// The bytes of a sample description after its header, as far as they are read.
pub fn bytes(source: &Source, entry: Header) -> Vec<u8> {
    let wanted = entry.end.saturating_sub(entry.body).min(DESCRIPTION_BYTES_MAX);
    let mut bytes = vec![0; wanted as usize]; // bounded
    let read = source.read_at(entry.body, &mut bytes).unwrap_or(0);
    bytes.truncate(read);
    bytes
}

pub fn simple(name: &str) -> gst::Caps {
    gst::Caps::new_empty_simple(name)
}

/// The name of a format that nothing here knows.
pub fn unknown(family: &str, format: [u8; 4]) -> String {
    let shown = |b: u8| if b.is_ascii_alphanumeric() { char::from(b.to_ascii_lowercase()) } else { '_' };
    let format: String = format.into_iter().map(shown).collect();
    format!("{family}/x-gst-fourcc-{format}")
}

pub fn buffer(bytes: &[u8]) -> gst::Buffer {
    gst::Buffer::from_slice(bytes.to_vec())
}
