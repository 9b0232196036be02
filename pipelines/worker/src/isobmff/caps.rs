//! From sample descriptions to caps.

use gstreamer as gst;

use super::description::{bytes, simple};
use super::track::{Description, Role, Track};
use super::{sound, text, video};
use crate::source::Source;

const CHAPTERS: &str = "application/x-chapters";
const METADATA: &str = "application/x-metadata";
const TECHNICAL: &str = "application/x-technical";

/// Whether a track is no subtitle and no caption, and is read by its own reader or holds nothing for people: chapters, device
/// data, time codes.
pub fn is_read_elsewhere(caps: &gst::CapsRef) -> bool {
    let name = caps.structure(0).map_or("", |structure| structure.name().as_str());
    matches!(name, CHAPTERS | METADATA | TECHNICAL)
}

/// The caps of a track by one of its descriptions. They are never empty: what is not known has a name of its own.
pub fn of(source: &Source, track: &Track, description: u32) -> gst::Caps {
    let found = track.descriptions.get(description as usize).or(track.descriptions.first());
    let Some(Description { entry, version }) = found else { return simple("application/x-unknown") };
    let body = bytes(source, *entry);
    let caps = match track.role {
        Role::Video => video::caps(track, entry.kind, &body),
        Role::Audio => sound::caps(track, entry.kind, *version, &body),
        Role::Text => Some(text::caps(entry.kind)),
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
