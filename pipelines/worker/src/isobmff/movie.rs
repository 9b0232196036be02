//! The movie box: its tracks, their samples and their edits (ISO/IEC 14496-12, 8.2 to 8.8).

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::reason::{Code, Fault};

use super::edits::Edit;
use super::fragments::{Defaults, read_fragment};
use super::kind::Purpose;
use super::language;
use super::samples::SampleIndex;
use super::table::{TableBoxes, Tables};
use super::track::{Description, Matrix, Role, Track};
use crate::inspect::boxes::{Boxes, Fields, Header};
use crate::source::Source;

/// Tracks read. The limit that refuses a file is lower.
const TRACKS_MAX: usize = 1_000;
/// Sample descriptions of a track, tracks that one refers to, and edits. A few are common.
const ENTRIES_MAX: u32 = 10_000;

/// A movie.
#[derive(Debug, Default)]
pub struct Movie {
    pub timescale: u32,
    matrix: Matrix,
    /// In the order of the file.
    pub tracks: Vec<Track>,
}

impl Movie {
    /// Reads the movie box and all fragments.
    ///
    /// Fails with `damaged_index` if there is no movie box, or if the tables of pictures or sound are damaged.
    pub fn read(source: &Source) -> Result<Self, Fault> {
        let mut movie = None;
        let mut defaults = BTreeMap::new();
        let size_bytes = source.size_bytes();
        let mut start = 0;
        for header in Boxes::new(source, 0, size_bytes) {
            // What follows a complete movie may be anything.
            let Ok(header) = header else { break };
            let inside = Header { end: header.end.min(size_bytes), ..header };
            match (&header.kind, &mut movie) {
                (b"moov", None) => movie = Some(Self::read_movie(source, inside, &mut defaults)?),
                (b"moof", Some(movie)) => {
                    let read = read_fragment(source, inside, start, &defaults, &mut movie.tracks);
                    // The last fragment of a recording that was cut off may be incomplete.
                    let Ok(()) = read else { break };
                }
                _ => {}
            }
            start = header.end;
        }
        movie.ok_or_else(|| Fault::new(Code::DamagedIndex, "expected a movie box, found none"))
    }

    fn read_movie(
        source: &Source,
        header: Header,
        defaults: &mut BTreeMap<u32, Defaults>,
    ) -> Result<Self, Fault> {
        let mut movie = Self::default();
        for part in children(source, header) {
            let mut fields = Fields::new(source, part.body, part.end);
            match &part.kind {
                b"mvhd" => {
                    let is_long = fields.u8()? == 1;
                    fields.skip(if is_long { 19 } else { 11 })?;
                    movie.timescale = fields.u32()?;
                    fields.skip(if is_long { 8 } else { 4 } + 16)?;
                    movie.matrix = matrix(&mut fields)?;
                }
                b"mvex" => {
                    for extends in children(source, part).filter(|extends| extends.kind == *b"trex") {
                        let (track, default) = Defaults::read(source, extends)?;
                        defaults.insert(track, default);
                    }
                }
                b"trak" if movie.tracks.len() < TRACKS_MAX => {
                    if let Some(track) = read_track(source, part)? {
                        movie.tracks.push(track);
                    }
                }
                _ => {}
            }
        }
        if movie.timescale == 0 {
            return Err(Fault::new(Code::DamagedIndex, "the movie has no header, or the timescale 0"));
        }
        let chapters: BTreeSet<u32> =
            movie.tracks.iter().flat_map(|track| track.chapter_tracks.iter().copied()).collect();
        for track in &mut movie.tracks {
            track.matrix = track.matrix.then(movie.matrix);
            if track.role == Role::Text && chapters.contains(&track.id) {
                track.role = Role::Chapters;
            }
        }
        Ok(movie)
    }
}

/// The boxes inside of a box, until the first that is damaged.
pub fn children(source: &Source, parent: Header) -> impl Iterator<Item = Header> {
    let boxes = Boxes::new(source, parent.body, parent.end).map_while(Result::ok);
    boxes.map(move |header| Header { end: header.end.min(parent.end), ..header })
}

/// Reads a track; `None` if it has no media.
fn read_track(source: &Source, header: Header) -> Result<Option<Track>, Fault> {
    let mut track = Track {
        id: 0,
        enabled: true,
        matrix: Matrix::default(),
        display: (0, 0),
        handler: [0; 4],
        role: Role::Unknown,
        timescale: 0,
        language: String::new(),
        purpose: Purpose::default(),
        edits: Vec::new(),
        descriptions: Vec::new(),
        samples: SampleIndex::default(),
        is_damaged: false,
        chapter_tracks: Vec::new(),
        next_decode: None,
        boxes: TableBoxes::default(),
    };
    descend(source, header, &mut track)?;
    if track.handler == [0; 4] {
        return Ok(None);
    }
    track.role = match &track.handler {
        b"vide" => Role::Video,
        b"soun" => Role::Audio,
        b"text" | b"sbtl" | b"subt" | b"subp" | b"clcp" => Role::Text,
        b"meta" => Role::Metadata,
        b"tmcd" | b"hint" => Role::Technical,
        _ => Role::Unknown,
    };
    match Tables::read(source, &track.boxes) {
        Ok(tables) => track.samples.tables = tables,
        Err(fault) if matches!(track.role, Role::Video | Role::Audio) => return Err(fault),
        // A damaged track of another kind costs no film. What searches its text reports the damage.
        Err(_) => track.is_damaged = true,
    }
    if track.role == Role::Audio {
        track.samples.uniform = super::sound::uniform(source, &track);
    }
    Ok(Some(track))
}

fn descend(source: &Source, parent: Header, track: &mut Track) -> Result<(), Fault> {
    for part in children(source, parent) {
        let mut fields = Fields::new(source, part.body, part.end);
        match (&parent.kind, &part.kind) {
            (b"trak", b"mdia" | b"edts" | b"tref" | b"udta") | (b"mdia", b"minf") | (b"minf", b"stbl") => {
                descend(source, part, track)?;
            }
            (b"trak", b"tkhd") => track_header(&mut fields, track)?,
            (b"tref", b"chap") => {
                for _ in 0..(fields.left() / 4).min(ENTRIES_MAX.into()) {
                    track.chapter_tracks.push(fields.u32()?);
                }
            }
            (b"edts", b"elst") => track.edits = edits(&mut fields)?,
            (b"mdia", b"mdhd") => {
                let is_long = fields.u8()? == 1;
                fields.skip(if is_long { 19 } else { 11 })?;
                track.timescale = fields.u32()?;
                fields.skip(if is_long { 8 } else { 4 })?;
                track.language = language::of(fields.u16()?);
            }
            // QuickTime has a second handler box inside of `minf`. It describes the data handler.
            (b"mdia", b"hdlr") => {
                fields.skip(8)?;
                track.handler = fields.u32()?.to_be_bytes();
            }
            (b"udta", b"kind" | b"tagc") => {
                track.purpose.read(part.kind, &mut fields);
            }
            (b"stbl", b"stsd") => {
                let version = fields.u8()?;
                fields.skip(7)?;
                let entries = Header { body: part.body + 8, ..part };
                let entries = children(source, entries).take(ENTRIES_MAX as usize);
                track.descriptions = entries.map(|entry| Description { entry, version }).collect();
            }
            (b"stbl", b"stts") => track.boxes.times = Some(part),
            (b"stbl", b"ctts") => track.boxes.compositions = Some(part),
            (b"stbl", b"stss") => track.boxes.keyframes = Some(part),
            (b"stbl", b"stps") => track.boxes.partial_keyframes = Some(part),
            (b"stbl", b"stsc") => track.boxes.chunks = Some(part),
            (b"stbl", b"stsz" | b"stz2") => track.boxes.sizes = Some(part),
            (b"stbl", b"stco" | b"co64") => track.boxes.offsets = Some(part),
            _ => {}
        }
    }
    Ok(())
}

fn track_header(fields: &mut Fields<'_>, track: &mut Track) -> Result<(), Fault> {
    const ENABLED: u32 = 1;
    let first = fields.u32()?;
    let is_long = first >> 24 == 1;
    track.enabled = first & ENABLED != 0;
    fields.skip(if is_long { 16 } else { 8 })?;
    track.id = fields.u32()?;
    // Reserved, duration, reserved, layer, group, volume, reserved.
    fields.skip(4 + if is_long { 8 } else { 4 } + 16)?;
    track.matrix = matrix(fields)?;
    track.display = (fields.u32()? >> 16, fields.u32()? >> 16);
    Ok(())
}

fn matrix(fields: &mut Fields<'_>) -> Result<Matrix, Fault> {
    let mut number = || fields.u32().map(u32::cast_signed);
    let (a, b, _, c, d, _) = (number()?, number()?, number()?, number()?, number()?, number()?);
    fields.skip(12)?;
    Ok(Matrix { a, b, c, d })
}

fn edits(fields: &mut Fields<'_>) -> Result<Vec<Edit>, Fault> {
    let is_long = fields.u8()? == 1;
    fields.skip(3)?;
    let count = fields.u32()?.min(ENTRIES_MAX);
    let mut edits = Vec::new();
    for _ in 0..count {
        let (duration, media_time) = match is_long {
            true => (fields.u64()?, fields.u64()?.cast_signed()),
            false => (fields.u32()?.into(), fields.u32()?.cast_signed().into()),
        };
        fields.skip(4)?;
        edits.push(Edit { duration, media_time: (media_time >= 0).then_some(media_time) });
    }
    Ok(edits)
}
