//! The index: `moov` with every sample of every track, and where each chunk of media begins (ISO/IEC 14496-12 8.6, 8.7).

use mp4_atom::{
    Co64, Ctts, CttsEntry, Decode, Edts, Elst, ElstEntry, Encode, FourCC, Ftyp, Moov, Mvhd, Stsc, StscEntry,
    Stss, Stsz, StszSamples, Stts, SttsEntry, Trak,
};
use reelgate_flow::reason::{Code, Fault};

use crate::trust::SegmentSamples;

/// Ticks per second of the whole movie: the clock of MPEG systems (ISO/IEC 13818-1), in which the usual frame rates are exact.
const MOVIE_TIMESCALE: u32 = 90_000;
/// Bytes of the header of `mdat` with its size in 64 bits (14496-12 4.2).
const MDAT_HEADER_BYTES: u64 = 16;

/// What stands before the media, and the order of the segments' media behind it.
pub struct Head {
    /// `ftyp`, `moov` and the header of `mdat`.
    pub bytes: Vec<u8>,
    /// Track and segment by their positions.
    pub order: Vec<(usize, usize)>,
}

/// One track, as its segments list it.
pub(super) struct Track {
    /// Of the initialization segment; its tables are empty.
    init: Trak,
    timescale: u32,
    sizes: Vec<u32>,
    durations: Vec<SttsEntry>,
    compositions: Vec<CttsEntry>,
    /// Numbers of the samples that depend on no other, from 1.
    syncs: Vec<u32>,
    chunks: Vec<Chunk>,
    /// Decode time at the end of the last sample, ticks.
    end: u64,
    /// When the sample that is shown last ends, ticks.
    shown_end: u64,
}

/// The media of one segment.
struct Chunk {
    /// Decode time of its first sample, ticks.
    start: u64,
    samples: u32,
    bytes: u64,
}

impl Track {
    /// Reads an initialization segment.
    pub(super) fn read(init: &[u8]) -> Result<Self, Fault> {
        let unread = |error: mp4_atom::Error| broken("an initialization segment", &error.to_string());
        let mut rest = init;
        Ftyp::decode(&mut rest).map_err(unread)?;
        let moov = Moov::decode(&mut rest).map_err(unread)?;
        let Ok([init]) = <[Trak; 1]>::try_from(moov.trak) else { return Err(broken("one track", "others")) };
        let timescale = init.mdia.mdhd.timescale;
        if timescale == 0 {
            return Err(broken("a timescale", "0"));
        }
        let (sizes, durations, compositions) = (Vec::new(), Vec::new(), Vec::new());
        let (syncs, chunks) = (Vec::new(), Vec::new());
        Ok(Self { init, timescale, sizes, durations, compositions, syncs, chunks, end: 0, shown_end: 0 })
    }

    /// Adds the next segment. A gap before it, which damage leaves, lengthens the sample before it.
    pub(super) fn push(&mut self, segment: &SegmentSamples) -> Result<(), Fault> {
        let start = segment.decode_ticks;
        let gap = start.checked_sub(self.end).ok_or_else(|| {
            let found = format!("progressive file: expected a segment at tick {}, found {start}", self.end);
            Fault::new(Code::CountMismatch, found)
        })?;
        self.lengthen(gap)?;
        let mut bytes = 0;
        for sample in &segment.samples {
            let length = u64::from(sample.duration_ticks);
            let shown_end = self.end.saturating_add_signed(sample.composition_ticks).saturating_add(length);
            self.shown_end = self.shown_end.max(shown_end);
            self.sizes.push(sample.bytes);
            self.add_duration(sample.duration_ticks);
            self.add_composition(sample.composition_ticks);
            if sample.is_sync {
                self.syncs.push(u32::try_from(self.sizes.len()).map_err(|_| too_many())?);
            }
            bytes += u64::from(sample.bytes);
            self.end += length;
        }
        let samples = u32::try_from(segment.samples.len()).map_err(|_| too_many())?;
        self.chunks.push(Chunk { start, samples, bytes });
        Ok(())
    }

    /// Makes the last sample longer. Before the first sample there is nothing to lengthen, and no gap: every track begins at 0.
    fn lengthen(&mut self, gap: u64) -> Result<(), Fault> {
        if gap == 0 {
            return Ok(());
        }
        let last =
            self.durations.last_mut().ok_or_else(|| broken("a track that begins at tick 0", "a gap"))?;
        let longer = u64::from(last.sample_delta) + gap;
        let longer = u32::try_from(longer).map_err(|_| broken("a gap of 32 bits", &gap.to_string()))?;
        last.sample_count -= 1;
        if last.sample_count == 0 {
            self.durations.pop();
        }
        self.add_duration(longer);
        self.end += gap;
        Ok(())
    }

    fn add_duration(&mut self, ticks: u32) {
        match self.durations.last_mut().filter(|last| last.sample_delta == ticks) {
            Some(last) => last.sample_count += 1,
            None => self.durations.push(SttsEntry { sample_count: 1, sample_delta: ticks }),
        }
    }

    fn add_composition(&mut self, ticks: i64) {
        match self.compositions.last_mut().filter(|last| last.sample_offset == ticks) {
            Some(last) => last.sample_count += 1,
            None => self.compositions.push(CttsEntry { sample_count: 1, sample_offset: ticks }),
        }
    }

    /// Length of the presentation, ticks of the movie, rounded up: the edit must not cut off the last sample.
    fn movie_ticks(&self) -> u64 {
        let shown = u128::from(self.shown_end.saturating_sub(self.skip()));
        let ticks = (shown * u128::from(MOVIE_TIMESCALE)).div_ceil(u128::from(self.timescale));
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// Ticks of the media before the presentation begins.
    fn skip(&self) -> u64 {
        let edits = self.init.edts.as_ref().and_then(|edits| edits.elst.as_ref());
        edits.and_then(|list| list.entries.first()).and_then(|edit| edit.media_time).unwrap_or(0)
    }

    /// The track with its tables, and with no places of its chunks yet.
    fn trak(&self, number: u32) -> Trak {
        let length = self.movie_ticks();
        let mut trak = self.init.clone();
        trak.tkhd.track_id = number;
        trak.tkhd.duration = length;
        trak.mdia.mdhd.duration = self.end;
        let edit =
            ElstEntry { segment_duration: length, media_time: Some(self.skip()), media_rate: 1.into() };
        trak.edts = Some(Edts { elst: Some(Elst { entries: vec![edit] }) });
        let stbl = &mut trak.mdia.minf.stbl;
        stbl.stts = Stts { entries: self.durations.clone() };
        let is_composed = self.compositions.iter().any(|entry| entry.sample_offset != 0);
        stbl.ctts = is_composed.then(|| Ctts { entries: self.compositions.clone() });
        let all_sync = self.syncs.len() == self.sizes.len();
        stbl.stss = (!all_sync).then(|| Stss { entries: self.syncs.clone() });
        stbl.stsz = Stsz { samples: StszSamples::Different { sizes: self.sizes.clone() } };
        stbl.stsc = self.chunk_lengths();
        stbl.stco = None;
        stbl.co64 = Some(Co64 { entries: vec![0; self.chunks.len()] });
        trak
    }

    /// How many samples each chunk has; equal ones that follow each other share an entry.
    fn chunk_lengths(&self) -> Stsc {
        let mut entries: Vec<StscEntry> = Vec::new();
        for (first_chunk, chunk) in (1..).zip(&self.chunks) {
            if entries.last().is_none_or(|last| last.samples_per_chunk != chunk.samples) {
                let samples_per_chunk = chunk.samples;
                entries.push(StscEntry { first_chunk, samples_per_chunk, sample_description_index: 1 });
            }
        }
        Stsc { entries }
    }
}

/// The whole head. The size of `moov` does not depend on the places in it, so it is measured before they are known.
pub(super) fn head(tracks: Vec<Track>) -> Result<Head, Fault> {
    if tracks.is_empty() || tracks.iter().any(|track| track.chunks.is_empty()) {
        return Err(broken("a segment in every track", "none"));
    }
    let traks: Vec<Trak> = (1..).zip(&tracks).map(|(number, track)| track.trak(number)).collect();
    let mvhd = Mvhd {
        timescale: MOVIE_TIMESCALE,
        duration: tracks.iter().map(Track::movie_ticks).max().unwrap_or(0),
        rate: 1.into(),
        volume: 1.into(),
        next_track_id: u32::try_from(tracks.len() + 1).map_err(|_| too_many())?,
        ..Mvhd::default()
    };
    let mut moov = Moov { mvhd, trak: traks, ..Moov::default() };
    let ftyp = Ftyp {
        major_brand: FourCC::new(b"isom"),
        minor_version: 512,
        compatible_brands: [b"isom", b"iso2", b"avc1", b"mp41"].map(FourCC::new).to_vec(),
    };
    let mut bytes = Vec::new();
    ftyp.encode(&mut bytes).map_err(unwritable)?;
    let mut measured = Vec::new();
    moov.encode(&mut measured).map_err(unwritable)?;
    let order = order(&tracks);
    let mut at = (bytes.len() + measured.len()) as u64 + MDAT_HEADER_BYTES;
    let media_at = at;
    for (track, chunk) in &order {
        let places = moov.trak[*track].mdia.minf.stbl.co64.as_mut();
        let places = places.ok_or_else(|| broken("a table of places", "none"))?;
        places.entries[*chunk] = at;
        at += tracks[*track].chunks[*chunk].bytes;
    }
    moov.encode(&mut bytes).map_err(unwritable)?;
    // Size 1: the size follows in 64 bits (14496-12 4.2).
    bytes.extend_from_slice(&[0, 0, 0, 1]);
    bytes.extend_from_slice(b"mdat");
    bytes.extend_from_slice(&(at - media_at + MDAT_HEADER_BYTES).to_be_bytes());
    Ok(Head { bytes, order })
}

/// All chunks in the order of their time; the earlier track comes first.
fn order(tracks: &[Track]) -> Vec<(usize, usize)> {
    let chunks = |(number, track): (usize, &Track)| {
        let scale = u128::from(track.timescale);
        let place = move |(chunk, of): (usize, &Chunk)| {
            (u128::from(of.start) * u128::from(MOVIE_TIMESCALE) / scale, number, chunk)
        };
        track.chunks.iter().enumerate().map(place).collect::<Vec<_>>()
    };
    let mut order: Vec<(u128, usize, usize)> = tracks.iter().enumerate().flat_map(chunks).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, track, chunk)| (track, chunk)).collect()
}

fn too_many() -> Fault {
    broken("at most 4,294,967,295 samples", "more")
}

fn unwritable(error: mp4_atom::Error) -> Fault {
    broken("an index that can be written", &error.to_string())
}

pub(super) fn broken(expected: &str, found: &str) -> Fault {
    Fault::new(Code::Internal, format!("progressive file: expected {expected}, found {found}"))
}
