//! The tables of one track of an ISO base media file, checked against each other and against the file.

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::MediaLimits;

use super::boxes::{Fields, Header};
use crate::source::Source;

/// Sample descriptions, data references and edits of one track. A few are common.
const ENTRIES_MAX: u32 = 10_000;

/// How many bytes of media a track's tables list, and how many of them are not in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extent {
    /// Bytes of all samples.
    pub listed_bytes: u64,
    /// Bytes past the end of the file.
    pub missing_bytes: u64,
}

/// Positions of the tables of one track.
pub struct TrackTables<'a> {
    source: &'a Source,
    limits: &'a MediaLimits,
    handler: [u8; 4],
    timescale: u32,
    duration_ns: Option<u64>,
    times: Option<Header>,
    sizes: Option<Header>,
    chunks: Option<Header>,
    offsets: Option<Header>,
}

impl<'a> TrackTables<'a> {
    pub fn new(source: &'a Source, limits: &'a MediaLimits) -> Self {
        let (times, sizes, chunks, offsets) = (None, None, None, None);
        let handler = *b"    ";
        Self { source, limits, handler, timescale: 0, duration_ns: None, times, sizes, chunks, offsets }
    }

    /// Records a box inside the track, and checks it if that is possible on its own.
    pub fn add_box(&mut self, header: &Header) -> Result<(), Fault> {
        match &header.kind {
            b"mdhd" => (self.timescale, self.duration_ns) = duration_ns(&mut self.fields(header))?,
            // QuickTime has a second handler box inside `minf`. It describes the data handler and is ignored.
            b"hdlr" if self.handler == *b"    " => {
                let mut fields = self.fields(header);
                fields.skip(8)?;
                self.handler = fields.u32()?.to_be_bytes();
            }
            b"dref" => self.data_references(header)?,
            b"stsd" => self.descriptions(header)?,
            b"elst" | b"ctts" | b"stss" => self.table_fits(header)?,
            b"stts" => self.times = Some(*header),
            b"stsz" | b"stz2" => self.sizes = Some(*header),
            b"stsc" => self.chunks = Some(*header),
            b"stco" | b"co64" => self.offsets = Some(*header),
            _ => {}
        }
        Ok(())
    }

    /// Checks the tables together, when all boxes of the track are recorded.
    pub fn check(&self, fragmented: bool) -> Result<Extent, Fault> {
        if !matches!(&self.handler, b"vide" | b"soun") {
            return Ok(Extent::default());
        }
        if self.timescale == 0 {
            return Err(Fault::new(Code::DamagedIndex, "a track has the timescale 0"));
        }
        let media_ns = self.media_duration_ns()?;
        let duration_ns = if fragmented { media_ns } else { media_ns.max(self.duration_ns.unwrap_or(0)) };
        if duration_ns / 1_000_000_000 > self.limits.duration_max_s {
            let detail = format!(
                "a track lists {} s, the limit is {} s",
                duration_ns / 1_000_000_000,
                self.limits.duration_max_s
            );
            return Err(Fault::new(Code::BudgetDuration, detail));
        }
        self.extent()
    }

    fn fields(&self, header: &Header) -> Fields<'a> {
        Fields::new(self.source, header.body, header.end)
    }

    /// Version, flags and entry count of a table, then its entries.
    fn table(&self, header: &Header) -> Result<(u32, Fields<'a>), Fault> {
        let mut fields = self.fields(header);
        fields.skip(4)?;
        Ok((fields.u32()?, fields))
    }

    fn table_fits(&self, header: &Header) -> Result<(), Fault> {
        let version = self.fields(header).u8()?;
        let (entries, fields) = self.table(header)?;
        let entry_bytes: u64 = match (&header.kind, version) {
            (b"elst", 1) => 20,
            (b"elst", _) => 12,
            (b"stss", _) => 4,
            _ => 8,
        };
        if u64::from(entries) * entry_bytes > fields.left() {
            return Err(Fault::new(
                Code::DamagedIndex,
                format!("a table declares {entries} entries, more than fit"),
            ));
        }
        if header.kind == *b"elst" && entries > ENTRIES_MAX {
            return Err(Fault::new(Code::BudgetSamples, format!("an edit list of {entries} entries")));
        }
        Ok(())
    }

    fn data_references(&self, header: &Header) -> Result<(), Fault> {
        const SELF_CONTAINED: u32 = 1;
        let (entries, mut fields) = self.table(header)?;
        for _ in 0..entries.min(ENTRIES_MAX) {
            if fields.left() < 12 {
                break;
            }
            let size = fields.u32()?;
            fields.skip(4)?;
            if fields.u32()? & SELF_CONTAINED == 0 {
                return Err(Fault::new(Code::ExternalReference, "a track's data is outside the file"));
            }
            fields.skip(u64::from(size.saturating_sub(12)))?;
        }
        Ok(())
    }

    /// Format and picture size of each sample description (ISO/IEC 14496-12, 8.5.2 and 12.1.3).
    fn descriptions(&self, header: &Header) -> Result<(), Fault> {
        let (entries, mut fields) = self.table(header)?;
        for _ in 0..entries.min(ENTRIES_MAX) {
            if fields.left() < 16 {
                break;
            }
            let size = u64::from(fields.u32()?);
            let format = fields.u32()?.to_be_bytes();
            if matches!(&format, b"encv" | b"enca") {
                return Err(Fault::new(Code::Encrypted, "a track is marked as encrypted"));
            }
            let mut read = 8;
            if self.handler == *b"vide" && size >= 36 {
                fields.skip(24)?;
                let (width, height) = (fields.u16()?, fields.u16()?);
                super::limits::picture(self.limits, u32::from(width), u32::from(height))?;
                read = 36;
            }
            fields.skip(size.saturating_sub(read))?;
        }
        Ok(())
    }

    /// Sum of the durations of all samples, nanoseconds.
    fn media_duration_ns(&self) -> Result<u64, Fault> {
        let Some(header) = self.times else { return Ok(0) };
        let (entries, mut fields) = self.table(&header)?;
        let mut ticks: u128 = 0;
        let mut samples: u64 = 0;
        for _ in 0..entries {
            let (count, delta) = (fields.u32()?, fields.u32()?);
            samples += u64::from(count); // 2³² entries of 2³² at most
            // Some cameras write negative differences: 32 bits with the sign bit set.
            if delta <= i32::MAX as u32 {
                ticks += u128::from(count) * u128::from(delta);
            }
        }
        self.samples_plausible(samples, 0)?;
        Ok(u64::try_from(ticks * 1_000_000_000 / u128::from(self.timescale)).unwrap_or(u64::MAX))
    }

    /// Checks a number of samples. Sound may list single PCM samples, so the limit applies only to pictures.
    fn samples_plausible(&self, samples: u64, sample_bytes: u32) -> Result<(), Fault> {
        let over_limit = self.handler == *b"vide" && samples > self.limits.samples_max;
        let bytes = u128::from(samples) * u128::from(sample_bytes.max(1));
        if over_limit || bytes > u128::from(self.source.size_bytes()) {
            let detail =
                format!("a track lists {samples} samples in a file of {} bytes", self.source.size_bytes());
            return Err(Fault::new(Code::BudgetSamples, detail));
        }
        Ok(())
    }

    /// Reads all chunks (ISO/IEC 14496-12, 8.7) and adds up the positions of their samples.
    fn extent(&self) -> Result<Extent, Fault> {
        let Some(sizes) = self.sizes else { return Ok(Extent::default()) };
        let mut sizes = SampleSizes::read(self.fields(&sizes), sizes.kind)?;
        self.samples_plausible(u64::from(sizes.left), sizes.constant)?;
        if sizes.left == 0 {
            return Ok(Extent::default());
        }
        let (Some(chunks), Some(offsets)) = (self.chunks, self.offsets) else {
            return Err(Fault::new(Code::DamagedIndex, "the tables list samples without their positions"));
        };
        let (runs, mut run_fields) = self.table(&chunks)?;
        let (count, mut offset_fields) = self.table(&offsets)?;
        let mut runs = Runs::read(runs, &mut run_fields)?;
        let mut extent = Extent::default();
        for chunk in 1..=count {
            let offset = match &offsets.kind {
                b"co64" => offset_fields.u64()?,
                _ => u64::from(offset_fields.u32()?),
            };
            let bytes = sizes.take(runs.samples_of(chunk, &mut run_fields)?)?;
            let past = offset.saturating_add(bytes).saturating_sub(self.source.size_bytes());
            extent.listed_bytes = extent.listed_bytes.saturating_add(bytes);
            extent.missing_bytes = extent.missing_bytes.saturating_add(past.min(bytes));
        }
        Ok(extent)
    }
}

/// Timescale and duration of `mvhd` and `mdhd`, which begin in the same way. All ones mean an unknown duration.
pub fn duration_ns(fields: &mut Fields<'_>) -> Result<(u32, Option<u64>), Fault> {
    let long = fields.u8()? == 1;
    fields.skip(if long { 3 + 16 } else { 3 + 8 })?;
    let timescale = fields.u32()?;
    let duration = if long { fields.u64()? } else { u64::from(fields.u32()?) };
    let unknown = duration == 0 || duration == if long { u64::MAX } else { u64::from(u32::MAX) };
    let ns = (u128::from(duration) * 1_000_000_000).checked_div(u128::from(timescale));
    let ns = ns.map(|ns| u64::try_from(ns).unwrap_or(u64::MAX));
    Ok((timescale, ns.filter(|_| !unknown)))
}

/// Sizes of samples in order, from `stsz` or `stz2`.
struct SampleSizes<'a> {
    fields: Fields<'a>,
    /// Size of every sample; 0 if each has its own size.
    constant: u32,
    /// Bits per size, if each sample has its own.
    bits: u8,
    left: u32,
}

impl<'a> SampleSizes<'a> {
    fn read(mut fields: Fields<'a>, kind: [u8; 4]) -> Result<Self, Fault> {
        fields.skip(4)?;
        let first = fields.u32()?;
        let left = fields.u32()?;
        let (constant, bits) = if kind == *b"stz2" { (0, (first & 0xFF) as u8) } else { (first, 32) };
        if constant == 0 && u64::from(left) * u64::from(bits) > fields.left() * 8 {
            return Err(Fault::new(
                Code::DamagedIndex,
                format!("a table declares {left} sizes, more than fit"),
            ));
        }
        Ok(Self { fields, constant, bits, left })
    }

    /// Bytes of the next `samples` samples, or of the remaining ones if there are fewer.
    fn take(&mut self, samples: u32) -> Result<u64, Fault> {
        let samples = samples.min(self.left);
        self.left -= samples;
        if self.constant != 0 {
            return Ok(u64::from(self.constant) * u64::from(samples));
        }
        let mut bytes = 0u64;
        for _ in 0..samples {
            bytes += match self.bits {
                32 => u64::from(self.fields.u32()?),
                16 => u64::from(self.fields.u16()?),
                8 => u64::from(self.fields.u8()?),
                // Four-bit sizes are at most 15 bytes, too small to matter for the missing bytes.
                _ => 0,
            };
        }
        Ok(bytes)
    }
}

/// Samples per chunk, from `stsc`: runs of chunks with the same number.
struct Runs {
    left: u32,
    samples: u32,
    /// First chunk of the next run and its samples per chunk.
    next: Option<(u32, u32)>,
}

impl Runs {
    fn read(entries: u32, fields: &mut Fields<'_>) -> Result<Self, Fault> {
        let mut runs = Self { left: entries, samples: 0, next: None };
        runs.advance(fields)?;
        Ok(runs)
    }

    fn advance(&mut self, fields: &mut Fields<'_>) -> Result<(), Fault> {
        self.next = None;
        if self.left > 0 {
            self.left -= 1;
            self.next = Some((fields.u32()?, fields.u32()?));
            fields.skip(4)?;
        }
        Ok(())
    }

    fn samples_of(&mut self, chunk: u32, fields: &mut Fields<'_>) -> Result<u32, Fault> {
        while let Some((first, samples)) = self.next
            && first <= chunk
        {
            self.samples = samples;
            self.advance(fields)?;
        }
        Ok(self.samples)
    }
}
