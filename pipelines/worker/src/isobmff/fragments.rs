//! The samples of movie fragments (ISO/IEC 14496-12, 8.8).

use std::collections::BTreeMap;

use reelgate_flow::reason::Fault;

use super::run::{Entry, Run};
use super::track::Track;
use crate::inspect::boxes::{Boxes, Fields, Header};
use crate::source::Source;

/// Defaults of a track: from `trex` (8.8.3), then from `tfhd` (8.8.7).
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults {
    pub description: u32,
    pub duration: u32,
    pub bytes: u32,
    pub flags: u32,
}

impl Defaults {
    /// Track and its defaults, from a `trex` box.
    pub fn read(source: &Source, header: Header) -> Result<(u32, Self), Fault> {
        let mut fields = Fields::new(source, header.body, header.end);
        fields.skip(4)?;
        let track = fields.u32()?;
        let [description, duration, bytes, flags] =
            [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
        Ok((track, Self { description, duration, bytes, flags }))
    }
}

/// Adds the samples of a `moof` box to the tracks.
pub fn read_fragment(
    source: &Source,
    fragment: Header,
    start: u64,
    defaults: &BTreeMap<u32, Defaults>,
    tracks: &mut [Track],
) -> Result<(), Fault> {
    // Without a base, the data of the first track of a fragment is relative to the fragment, that of the next follows it.
    let mut implied = start;
    for header in Boxes::new(source, fragment.body, fragment.end) {
        let header = header?;
        if header.kind == *b"traf" {
            read_track_fragment(source, header, start, &mut implied, defaults, tracks)?;
        }
    }
    Ok(())
}

fn read_track_fragment(
    source: &Source,
    fragment: Header,
    start: u64,
    implied: &mut u64,
    defaults: &BTreeMap<u32, Defaults>,
    tracks: &mut [Track],
) -> Result<(), Fault> {
    let mut current: Option<(&mut Track, Defaults)> = None;
    let mut base = *implied;
    let mut next = base;
    for header in Boxes::new(source, fragment.body, fragment.end) {
        let header = header?;
        let mut fields = Fields::new(source, header.body, header.end);
        match &header.kind {
            b"tfhd" => {
                let flags = fields.u32()? & 0xFF_FFFF;
                let id = fields.u32()?;
                let mut default = defaults.get(&id).copied().unwrap_or_default();
                if flags & 0x1 != 0 {
                    base = fields.u64()?;
                } else if flags & 0x2_0000 != 0 {
                    base = start;
                }
                let values = [
                    (0x2, &mut default.description),
                    (0x8, &mut default.duration),
                    (0x10, &mut default.bytes),
                    (0x20, &mut default.flags),
                ];
                for (flag, value) in values {
                    if flags & flag != 0 {
                        *value = fields.u32()?;
                    }
                }
                next = base;
                current = tracks.iter_mut().find(|track| track.id == id).map(|track| (track, default));
            }
            b"tfdt" => {
                let is_long = fields.u32()? >> 24 == 1;
                let ticks = if is_long { fields.u64()? } else { fields.u32()?.into() };
                if let Some((track, _)) = &mut current {
                    track.next_decode = Some(i64::try_from(ticks).unwrap_or(i64::MAX));
                }
            }
            b"trun" => {
                if let Some((track, default)) = &mut current {
                    next = read_run(&mut fields, track, default, base, next)?;
                }
            }
            _ => {}
        }
    }
    *implied = next;
    Ok(())
}

/// Reads a run (8.8.8), and returns the position after its last byte.
fn read_run(
    fields: &mut Fields<'_>,
    track: &mut Track,
    default: &Defaults,
    base: u64,
    next: u64,
) -> Result<u64, Fault> {
    let flags = fields.u32()? & 0xFF_FFFF;
    let count = fields.u32()?;
    let offset = match flags & 0x1 {
        0 => next,
        _ => base.saturating_add_signed(i64::from(fields.u32()?.cast_signed())),
    };
    let first_flags = if flags & 0x4 != 0 { Some(fields.u32()?) } else { None };
    let (duration, bytes) = (default.duration, default.bytes);
    let default_entry = Entry { duration, bytes, flags: default.flags, composition: 0 };
    let mut entries = Vec::new();
    if flags & 0xF00 != 0 {
        for _ in 0..count {
            let mut entry = default_entry;
            if flags & 0x100 != 0 {
                entry.duration = fields.u32()?;
            }
            if flags & 0x200 != 0 {
                entry.bytes = fields.u32()?;
            }
            if flags & 0x400 != 0 {
                entry.flags = fields.u32()?;
            }
            if flags & 0x800 != 0 {
                entry.composition = fields.u32()?.cast_signed();
            }
            entries.push(entry);
        }
    }
    if count == 0 {
        return Ok(offset);
    }
    let samples = &mut track.samples;
    let decode = track.next_decode.unwrap_or_else(|| samples.end());
    let run = Run {
        first: samples.count(),
        count,
        decode,
        composition_min: entries.iter().map(|entry| i64::from(entry.composition)).min().unwrap_or(0),
        offset,
        description: default.description.saturating_sub(1),
        default: default_entry,
        first_flags,
        entries,
    };
    let end = match run.entries.is_empty() {
        true => offset.saturating_add(u64::from(count) * u64::from(default.bytes)),
        false => run.entries.iter().map(|entry| u64::from(entry.bytes)).fold(offset, u64::saturating_add),
    };
    track.next_decode = Some(run.end());
    samples.runs.push(run);
    Ok(end)
}
