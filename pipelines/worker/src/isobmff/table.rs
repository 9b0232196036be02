//! The sample tables of a track (ISO/IEC 14496-12, 8.6.1 and 8.7): runs of equal values, as the file has them.

use reelgate_flow::reason::{Code, Fault};

use super::packet::{Cursor, Packet, Uniform};
use crate::inspect::boxes::{Fields, Header};
use crate::source::Source;

/// Samples of the same duration.
#[derive(Clone, Copy, Debug)]
struct TimeRun {
    first: u64,
    decode: i64,
    duration: u32,
}

/// Samples that are shown as much later than they are decoded.
#[derive(Clone, Copy, Debug)]
struct CompositionRun {
    first: u64,
    offset: i32,
}

/// Chunks of as many samples.
#[derive(Clone, Copy, Debug)]
struct ChunkRun {
    first: u64,
    /// From 0.
    first_chunk: u32,
    samples: u32,
    /// From 0.
    description: u32,
}

#[derive(Debug)]
enum Sizes {
    Same { bytes: u32, count: u32 },
    Each(Vec<u32>),
}

/// The tables of one track; empty without samples.
#[derive(Debug)]
pub struct Tables {
    sizes: Sizes,
    times: Vec<TimeRun>,
    compositions: Vec<CompositionRun>,
    chunks: Vec<ChunkRun>,
    offsets: Vec<u64>,
    /// Numbers of the samples at which decoding can start, from 0 and rising; `None` if it can at all.
    keyframes: Option<Vec<u32>>,
    pub composition_min: i64,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            sizes: Sizes::Same { bytes: 0, count: 0 },
            times: Vec::new(),
            compositions: Vec::new(),
            chunks: Vec::new(),
            offsets: Vec::new(),
            keyframes: None,
            composition_min: 0,
        }
    }
}

/// Positions of the tables in the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableBoxes {
    pub times: Option<Header>,
    pub compositions: Option<Header>,
    pub sizes: Option<Header>,
    pub chunks: Option<Header>,
    pub offsets: Option<Header>,
    pub keyframes: Option<Header>,
    /// Samples of an open group of pictures, which a decoder may start with too (QuickTime File Format, "stps").
    pub partial_keyframes: Option<Header>,
}

impl Tables {
    /// Reads the tables. Fails with `damaged_index` if one is shorter than it declares.
    pub fn read(source: &Source, boxes: &TableBoxes) -> Result<Self, Fault> {
        let Some(sizes) = boxes.sizes else { return Ok(Self::default()) };
        let mut tables = Self { sizes: read_sizes(source, sizes)?, ..Self::default() };
        if let Some(header) = boxes.times {
            tables.times = times(source, header)?;
        }
        if let Some(header) = boxes.compositions {
            (tables.compositions, tables.composition_min) = compositions(source, header)?;
        }
        if let Some(header) = boxes.chunks {
            tables.chunks = chunks(source, header)?;
        }
        if let Some(header) = boxes.offsets {
            let is_long = header.kind == *b"co64";
            let offset =
                |fields: &mut Fields<'_>| if is_long { fields.u64() } else { fields.u32().map(u64::from) };
            tables.offsets = entries(source, header, if is_long { 8 } else { 4 }, offset)?;
        }
        if let Some(header) = boxes.keyframes {
            let mut keyframes = entries(source, header, 4, |fields| fields.u32())?;
            if let Some(partial) = boxes.partial_keyframes {
                keyframes.extend(entries(source, partial, 4, |fields| fields.u32())?);
            }
            keyframes.iter_mut().for_each(|number| *number = number.saturating_sub(1));
            keyframes.sort_unstable();
            keyframes.dedup();
            tables.keyframes = Some(keyframes);
        }
        Ok(tables)
    }

    pub fn count(&self) -> u64 {
        match &self.sizes {
            Sizes::Same { count, .. } => u64::from(*count),
            Sizes::Each(sizes) => sizes.len() as u64,
        }
    }

    /// Bytes of every sample, if they are equal.
    pub fn same_bytes(&self) -> Option<u32> {
        match self.sizes {
            Sizes::Same { bytes, .. } => Some(bytes),
            Sizes::Each(_) => None,
        }
    }

    /// Time of decoding after the last sample.
    pub fn end(&self) -> i64 {
        self.decode(self.count())
    }

    /// The duration that nearly all samples have; `None` if they differ. The last one may have any.
    pub fn usual_duration(&self) -> Option<u32> {
        let last = self.count().saturating_sub(1);
        let mut durations = self.times.iter().filter(|run| run.first < last).map(|run| run.duration);
        let first = durations.next()?;
        (first > 0 && durations.all(|duration| duration == first)).then_some(first)
    }

    fn bytes(&self, sample: u64) -> u32 {
        match &self.sizes {
            Sizes::Same { bytes, .. } => *bytes,
            Sizes::Each(sizes) => {
                usize::try_from(sample).ok().and_then(|at| sizes.get(at)).copied().unwrap_or(0)
            }
        }
    }

    fn time_run(&self, sample: u64) -> Option<&TimeRun> {
        let run = self.times.partition_point(|run| run.first <= sample).checked_sub(1)?;
        self.times.get(run)
    }

    fn decode(&self, sample: u64) -> i64 {
        self.time_run(sample).map_or(0, |run| {
            let ticks = (sample - run.first).saturating_mul(u64::from(run.duration));
            run.decode.saturating_add(i64::try_from(ticks).unwrap_or(i64::MAX))
        })
    }

    fn composition(&self, sample: u64) -> i32 {
        let run = self.compositions.partition_point(|run| run.first <= sample);
        run.checked_sub(1).map_or(0, |run| self.compositions[run].offset)
    }

    fn chunk_run(&self, sample: u64) -> Option<&ChunkRun> {
        let run = self.chunks.partition_point(|run| run.first <= sample).checked_sub(1)?;
        self.chunks.get(run)
    }

    /// The packet of one sample.
    pub fn packet(&self, sample: u64, cursor: &mut Cursor) -> Option<Packet> {
        let run = self.chunk_run(sample)?;
        let in_run = sample - run.first;
        let in_chunk = in_run % u64::from(run.samples);
        let offset = if in_chunk > 0 && cursor.next == sample {
            cursor.offset
        } else {
            let chunk = u64::from(run.first_chunk) + in_run / u64::from(run.samples);
            let start = *self.offsets.get(usize::try_from(chunk).ok()?)?;
            let before = (sample - in_chunk..sample).map(|before| u64::from(self.bytes(before)));
            before.fold(start, u64::saturating_add)
        };
        let bytes = u64::from(self.bytes(sample));
        *cursor = Cursor { next: sample + 1, offset: offset.saturating_add(bytes), decode: 0 };
        let decode = self.decode(sample);
        Some(Packet {
            sample,
            samples: 1,
            offset,
            bytes,
            decode,
            shown: decode.saturating_add(self.composition(sample).into()),
            duration: self.time_run(sample).map_or(0, |run| run.duration.into()),
            keyframe: self.is_keyframe(sample),
            description: run.description,
        })
    }

    /// A packet of at most `samples_max` samples of sound, which ends with its chunk at the latest.
    pub fn uniform_packet(&self, sample: u64, uniform: Uniform, samples_max: u32) -> Option<Packet> {
        let run = self.chunk_run(sample)?;
        let in_run = sample - run.first;
        let in_chunk = in_run % u64::from(run.samples);
        let chunk = u64::from(run.first_chunk) + in_run / u64::from(run.samples);
        let start = *self.offsets.get(usize::try_from(chunk).ok()?)?;
        let left = (u64::from(run.samples) - in_chunk).min(self.count() - sample);
        let samples = left.min(samples_max.into());
        let (decode, end) = (self.decode(sample), self.decode(sample + samples));
        Some(Packet {
            sample,
            samples: samples as u32, // at most `samples_max`
            offset: start.saturating_add(uniform.bytes_of(in_chunk)),
            bytes: uniform.bytes_of(samples),
            decode,
            shown: decode,
            duration: u64::try_from(end.saturating_sub(decode)).unwrap_or(0),
            keyframe: true,
            description: run.description,
        })
    }

    /// The last sample that is decoded at or before a time; the first one if there is none.
    pub fn at(&self, ticks: i64) -> u64 {
        let Some(run) = self.times.partition_point(|run| run.decode <= ticks).checked_sub(1) else {
            return 0;
        };
        let run = self.times[run];
        let since = u64::try_from(ticks.saturating_sub(run.decode)).unwrap_or(0);
        let within = since.checked_div(u64::from(run.duration)).unwrap_or(0);
        (run.first + within).min(self.count().saturating_sub(1))
    }

    fn is_keyframe(&self, sample: u64) -> bool {
        let Some(keyframes) = &self.keyframes else { return true };
        // A decoder has to start with the first sample, even if the table does not list it.
        sample == 0 || u32::try_from(sample).is_ok_and(|sample| keyframes.binary_search(&sample).is_ok())
    }

    /// The last keyframe up to this sample; `None` without samples.
    pub fn keyframe_before(&self, sample: u64) -> Option<u64> {
        let sample = sample.min(self.count().checked_sub(1)?);
        let Some(keyframes) = &self.keyframes else { return Some(sample) };
        let after = keyframes.partition_point(|keyframe| u64::from(*keyframe) <= sample);
        Some(after.checked_sub(1).map_or(0, |at| keyframes[at].into()))
    }
}

/// The entries of a table of entries of `bytes` bytes, after version, flags and their number.
fn entries<T>(
    source: &Source,
    header: Header,
    bytes: u64,
    read: impl FnMut(&mut Fields<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut fields = Fields::new(source, header.body, header.end);
    fields.skip(4)?;
    let count = fields.u32()?;
    entries_of(&mut fields, count, bytes, read)
}

fn entries_of<T>(
    fields: &mut Fields<'_>,
    count: u32,
    bytes: u64,
    mut read: impl FnMut(&mut Fields<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    if u64::from(count) * bytes > fields.left() {
        let detail = format!("a table declares {count} entries, more than fit");
        return Err(Fault::new(Code::DamagedIndex, detail));
    }
    (0..count).map(|_| read(fields)).collect()
}

fn read_sizes(source: &Source, header: Header) -> Result<Sizes, Fault> {
    let mut fields = Fields::new(source, header.body, header.end);
    fields.skip(4)?;
    if header.kind == *b"stsz" {
        let (bytes, count) = (fields.u32()?, fields.u32()?);
        return match bytes {
            0 => entries_of(&mut fields, count, 4, |fields| fields.u32()).map(Sizes::Each),
            bytes => Ok(Sizes::Same { bytes, count }),
        };
    }
    let field_bits = fields.u32()? & 0xFF;
    let count = fields.u32()?;
    match field_bits {
        16 => entries_of(&mut fields, count, 2, |fields| fields.u16().map(u32::from)).map(Sizes::Each),
        8 => entries_of(&mut fields, count, 1, |fields| fields.u8().map(u32::from)).map(Sizes::Each),
        _ => {
            let pairs = entries_of(&mut fields, count.div_ceil(2), 1, |fields| fields.u8())?;
            let both = pairs.into_iter().flat_map(|pair| [u32::from(pair >> 4), u32::from(pair & 0xF)]);
            Ok(Sizes::Each(both.take(count as usize).collect())) // at most twice the bytes read
        }
    }
}

fn times(source: &Source, header: Header) -> Result<Vec<TimeRun>, Fault> {
    let (mut first, mut decode) = (0u64, 0i64);
    entries(source, header, 8, |fields| {
        let (count, duration) = (fields.u32()?, fields.u32()?);
        // Some cameras write negative differences: 32 bits with the sign bit set.
        let duration = if duration > i32::MAX as u32 { 0 } else { duration };
        let run = TimeRun { first, decode, duration };
        first += u64::from(count); // 2³² entries of 2³² at most
        decode = decode.saturating_add(i64::from(count).saturating_mul(duration.into()));
        Ok(run)
    })
}

fn compositions(source: &Source, header: Header) -> Result<(Vec<CompositionRun>, i64), Fault> {
    let mut first = 0u64;
    let runs = entries(source, header, 8, |fields| {
        // Version 0 has no sign, but writers use it with one.
        let (count, offset) = (fields.u32()?, fields.u32()?.cast_signed());
        let run = CompositionRun { first, offset };
        first += u64::from(count);
        Ok(run)
    })?;
    let min = runs.iter().map(|run| i64::from(run.offset)).min().unwrap_or(0);
    Ok((runs, min))
}

fn chunks(source: &Source, header: Header) -> Result<Vec<ChunkRun>, Fault> {
    let listed = entries(source, header, 12, |fields| Ok((fields.u32()?, fields.u32()?, fields.u32()?)))?;
    let mut runs = Vec::with_capacity(listed.len());
    let mut first = 0u64;
    for (at, &(first_chunk, samples, description)) in listed.iter().enumerate() {
        let first_chunk = first_chunk.saturating_sub(1);
        // A run without samples lists chunks that hold nothing.
        if samples > 0 {
            runs.push(ChunkRun { first, first_chunk, samples, description: description.saturating_sub(1) });
        }
        let next = listed.get(at + 1).map_or(first_chunk, |next| next.0.saturating_sub(1));
        first = first.saturating_add(u64::from(next.saturating_sub(first_chunk)) * u64::from(samples));
    }
    Ok(runs)
}
