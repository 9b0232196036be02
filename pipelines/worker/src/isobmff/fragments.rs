//! The samples of movie fragments (ISO/IEC 14496-12, 8.8).

use std::collections::BTreeMap;

use reelgate_flow::reason::Fault;

use super::movie::Track;
use super::samples::{Cursor, Packet, Uniform};
use crate::inspect::boxes::{Boxes, Fields, Header};
use crate::source::Source;

/// Flag of a sample that no decoder can start with (8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// What a run says of one sample, or the defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    duration: u32,
    bytes: u32,
    flags: u32,
    composition: i32,
}

/// Samples that follow each other in the file.
#[derive(Debug)]
pub struct Run {
    /// Number of its first sample.
    pub first: u64,
    pub count: u32,
    /// Time of decoding of its first sample.
    pub decode: i64,
    pub composition_min: i64,
    offset: u64,
    description: u32,
    default: Entry,
    first_flags: Option<u32>,
    /// One for each sample, or none if all are as the default.
    pub entries: Vec<Entry>,
}

impl Run {
    fn entry(&self, at: u32) -> Entry {
        let mut entry = self.entries.get(at as usize).copied().unwrap_or(self.default);
        if let Some(flags) = self.first_flags.filter(|_| at == 0) {
            entry.flags = flags;
        }
        entry
    }

    /// Number within this run.
    fn within(&self, sample: u64) -> Option<u32> {
        u32::try_from(sample.checked_sub(self.first)?).ok().filter(|at| *at < self.count)
    }

    fn is_keyframe(&self, at: u32) -> bool {
        self.entry(at).flags & NON_SYNC == 0
    }

    /// Time of decoding after the last sample.
    pub fn end(&self) -> i64 {
        let ticks = match self.entries.is_empty() {
            true => u64::from(self.count).saturating_mul(self.default.duration.into()),
            false => self.entries.iter().map(|entry| u64::from(entry.duration)).sum(),
        };
        self.decode.saturating_add(i64::try_from(ticks).unwrap_or(i64::MAX))
    }

    pub fn packet(&self, sample: u64, cursor: &mut Cursor) -> Option<Packet> {
        let at = self.within(sample)?;
        let (offset, decode) = match at > 0 && cursor.next == sample {
            true => (cursor.offset, cursor.decode),
            false => self.place(at),
        };
        let entry = self.entry(at);
        let bytes = u64::from(entry.bytes);
        *cursor = Cursor {
            next: sample + 1,
            offset: offset.saturating_add(bytes),
            decode: decode.saturating_add(entry.duration.into()),
        };
        Some(Packet {
            sample,
            samples: 1,
            offset,
            bytes,
            decode,
            shown: decode.saturating_add(entry.composition.into()),
            duration: entry.duration.into(),
            keyframe: self.is_keyframe(at),
            description: self.description,
        })
    }

    /// Position and time of decoding of a sample of this run.
    fn place(&self, at: u32) -> (u64, i64) {
        if self.entries.is_empty() {
            let bytes = u64::from(at) * u64::from(self.default.bytes);
            let ticks = i64::from(at).saturating_mul(self.default.duration.into());
            return (self.offset.saturating_add(bytes), self.decode.saturating_add(ticks));
        }
        self.entries.iter().take(at as usize).fold((self.offset, self.decode), |(offset, decode), entry| {
            (offset.saturating_add(entry.bytes.into()), decode.saturating_add(entry.duration.into()))
        })
    }

    pub fn uniform_packet(&self, sample: u64, uniform: Uniform, samples_max: u32) -> Option<Packet> {
        let at = self.within(sample)?;
        let samples = (self.count - at).min(samples_max);
        let (_, decode) = self.place(at);
        Some(Packet {
            sample,
            samples,
            offset: self.offset.saturating_add(uniform.bytes_of(at.into())),
            bytes: uniform.bytes_of(samples.into()),
            decode,
            shown: decode,
            duration: u64::from(samples) * u64::from(self.default.duration),
            keyframe: true,
            description: self.description,
        })
    }

    /// The last sample of this run that is decoded at or before a time.
    pub fn at(&self, ticks: i64) -> u64 {
        let since = u64::try_from(ticks.saturating_sub(self.decode)).unwrap_or(0);
        let last = self.count.saturating_sub(1);
        let within = if self.entries.is_empty() {
            since.checked_div(self.default.duration.into()).unwrap_or(0).min(last.into())
        } else {
            let mut end = 0u64;
            let mut is_before = |entry: &Entry| {
                end += u64::from(entry.duration);
                end <= since
            };
            (self.entries.iter().take_while(|entry| is_before(entry)).count() as u64).min(last.into())
        };
        self.first + within
    }

    /// The last sample of this run up to this one at which decoding can start.
    pub fn keyframe_before(&self, sample: u64) -> Option<u64> {
        let last = sample.checked_sub(self.first)?.min(u64::from(self.count.checked_sub(1)?));
        let mut candidates = (0..=last as u32).rev(); // less than `count`
        candidates.find(|at| self.is_keyframe(*at)).map(|at| self.first + u64::from(at))
    }
}

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
