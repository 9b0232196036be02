//! Finds the samples of a track (ISO/IEC 14496-12, 8.6.1.2 time to sample, 8.7.2 to 8.7.5), within limits.

use super::boxes::{Boxes, Fields, Header};
use crate::source::Source;

/// Samples read of one track: one per second for two days.
const SAMPLES_MAX: u32 = 200_000;

/// Tracks that one track may refer to.
const REFERENCES_MAX: u64 = 100;

#[derive(Default)]
pub struct Table {
    /// Id of the track, to which others refer.
    pub id: u32,
    /// Ids of the tracks with this one's chapters (QuickTime File Format, "Chapter lists").
    pub chapter_tracks: Vec<u32>,
    /// Handler of the track: `meta`, `vide` …
    pub handler: [u8; 4],
    /// Format of its first sample description.
    pub format: [u8; 4],
    timescale: u32,
    times: Option<Header>,
    chunks: Option<Header>,
    sizes: Option<Header>,
    offsets: Option<Header>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// First byte in the file.
    pub offset: u64,
    pub bytes: u32,
    /// Start of its time, nanoseconds.
    pub start_ns: u64,
    /// End of its time, nanoseconds.
    pub end_ns: u64,
}

impl Table {
    /// The tables inside a track box; `None` if it has no media.
    pub fn of(source: &Source, track: Header) -> Option<Self> {
        let mut table = Self::default();
        table.descend(source, track)?;
        (table.handler != [0; 4]).then_some(table)
    }

    fn descend(&mut self, source: &Source, parent: Header) -> Option<()> {
        for header in Boxes::new(source, parent.body, parent.end) {
            let header = header.ok()?;
            let header = Header { end: header.end.min(parent.end), ..header };
            let mut fields = Fields::new(source, header.body, header.end);
            match (&parent.kind, &header.kind) {
                (b"trak", b"mdia") | (b"mdia", b"minf") | (b"minf", b"stbl") => {
                    self.descend(source, header)?
                }
                (b"trak", b"tref") => self.descend(source, header)?,
                (b"trak", b"tkhd") => {
                    let is_long = fields.u8().ok()? == 1;
                    fields.skip(if is_long { 19 } else { 11 }).ok()?;
                    self.id = fields.u32().ok()?;
                }
                (b"tref", b"chap") => {
                    for _ in 0..(fields.left() / 4).min(REFERENCES_MAX) {
                        self.chapter_tracks.push(fields.u32().ok()?);
                    }
                }
                (b"mdia", b"mdhd") => {
                    let is_long = fields.u8().ok()? == 1;
                    fields.skip(if is_long { 19 } else { 11 }).ok()?;
                    self.timescale = fields.u32().ok()?;
                }
                (b"mdia", b"hdlr") => {
                    fields.skip(8).ok()?;
                    self.handler = fields.u32().ok()?.to_be_bytes();
                }
                (b"stbl", b"stsd") => {
                    fields.skip(12).ok()?;
                    self.format = fields.u32().ok()?.to_be_bytes();
                }
                (b"stbl", b"stts") => self.times = Some(header),
                (b"stbl", b"stsc") => self.chunks = Some(header),
                (b"stbl", b"stsz") => self.sizes = Some(header),
                (b"stbl", b"stco" | b"co64") => self.offsets = Some(header),
                _ => {}
            }
        }
        Some(())
    }

    /// Every sample in order; `None` if the tables contradict each other or list too many samples.
    pub fn samples(&self, source: &Source) -> Option<Vec<Sample>> {
        let sizes = self.sizes(source)?;
        let times = self.times(source, sizes.len())?;
        let offsets = self.offsets(source)?;
        let mut samples = Vec::with_capacity(sizes.len());
        let runs = self.runs(source)?;
        let mut chunks = offsets.iter().zip(1u32..);
        let mut at_run = runs.iter().peekable();
        let mut per_chunk = 0;
        while samples.len() < sizes.len() {
            let (offset, number) = chunks.next()?;
            while let Some((_, count)) = at_run.next_if(|(first, _)| *first <= number) {
                per_chunk = *count;
            }
            let mut offset = *offset;
            for _ in 0..per_chunk {
                let index = samples.len();
                let (Some(bytes), Some((start_ns, end_ns))) = (sizes.get(index), times.get(index)) else {
                    break;
                };
                samples.push(Sample { offset, bytes: *bytes, start_ns: *start_ns, end_ns: *end_ns });
                offset = offset.checked_add(u64::from(*bytes))?;
            }
        }
        Some(samples)
    }

    fn sizes(&self, source: &Source) -> Option<Vec<u32>> {
        let mut fields = self.table(source, self.sizes)?;
        let same = fields.u32().ok()?;
        let count = fields.u32().ok().filter(|count| *count <= SAMPLES_MAX)?;
        (0..count).map(|_| if same > 0 { Some(same) } else { fields.u32().ok() }).collect()
    }

    fn times(&self, source: &Source, samples: usize) -> Option<Vec<(u64, u64)>> {
        let mut fields = self.table(source, self.times)?;
        let entries = fields.u32().ok().filter(|count| *count <= SAMPLES_MAX)?;
        let scale = u128::from(self.timescale);
        let ns = |ticks: u64| u64::try_from((u128::from(ticks) * 1_000_000_000).checked_div(scale)?).ok();
        let mut times = Vec::with_capacity(samples);
        let mut ticks = 0u64;
        for _ in 0..entries {
            let (count, delta) = (fields.u32().ok()?, fields.u32().ok()?);
            for _ in 0..count {
                if times.len() == samples {
                    return Some(times);
                }
                let start = ticks;
                ticks = ticks.checked_add(u64::from(delta))?;
                times.push((ns(start)?, ns(ticks)?));
            }
        }
        (times.len() == samples).then_some(times)
    }

    fn offsets(&self, source: &Source) -> Option<Vec<u64>> {
        let is_long = self.offsets?.kind == *b"co64";
        let mut fields = self.table(source, self.offsets)?;
        let count = fields.u32().ok().filter(|count| *count <= SAMPLES_MAX)?;
        (0..count)
            .map(|_| if is_long { fields.u64().ok() } else { fields.u32().ok().map(u64::from) })
            .collect()
    }

    /// First chunk and samples per chunk.
    fn runs(&self, source: &Source) -> Option<Vec<(u32, u32)>> {
        let mut fields = self.table(source, self.chunks)?;
        let count = fields.u32().ok().filter(|count| *count <= SAMPLES_MAX)?;
        let run = |_| {
            let (first, samples) = (fields.u32().ok()?, fields.u32().ok()?);
            fields.u32().ok()?;
            Some((first, samples))
        };
        (0..count).map(run).collect()
    }

    /// The fields of a table after its version and flags.
    fn table<'a>(&self, source: &'a Source, table: Option<Header>) -> Option<Fields<'a>> {
        let table = table?;
        let mut fields = Fields::new(source, table.body, table.end);
        fields.skip(4).ok()?;
        Some(fields)
    }
}
