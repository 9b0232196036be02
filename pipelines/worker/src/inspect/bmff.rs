//! The structural check of ISO base media files (ISO/IEC 14496-12, QuickTime File Format) before a demuxer sees
//! them.
//!
//! Demuxers and probers trust what tables declare: a file of a few hundred bytes can claim 2³¹ samples of 65,535² pixels.
//! So this check first compares every claim with the configured limits and with the size of the file.

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::MediaLimits;

use super::boxes::{Boxes, Fields, Header};
use super::track::TrackTables;
use crate::source::Source;

/// What the structure declares.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Movie {
    /// Major brand of `ftyp`, printable ASCII; empty without one.
    pub brand: String,
    /// Whether movie fragments list samples.
    pub fragmented: bool,
    /// Duration of `mvhd`, nanoseconds; `None` if it is 0 or "unknown".
    pub declared_duration_ns: Option<u64>,
}

/// Boxes read in one file. A day of one-second fragments has half a million.
const BOXES_MAX: u32 = 4_000_000;
/// Percentage of the listed bytes that may be past the end of the file: a tail that players skip.
const MISSING_PERCENT_MAX: u128 = 2;

/// Boxes that contain boxes and into which this check descends.
const CONTAINERS: [&[u8; 4]; 11] =
    [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"mvex", b"moof", b"traf", b"rmra"];

/// Checks the file. The time is proportional to its tables, and the memory is constant.
///
/// Refuses with `damaged_index`, `truncated`, `external_reference`, `encrypted`, `unsupported_container` or the
/// `budget_…` code of the limit that is exceeded.
pub fn check(source: &Source, limits: &MediaLimits) -> Result<Movie, Fault> {
    let mut check = Check {
        source,
        limits,
        movie: Movie::default(),
        boxes: 0,
        tracks: 0,
        runs: 0,
        found: BoxTotals::default(),
    };
    check.top_level()?;
    let found = &check.found;
    if !found.movie {
        return Err(match found.cut_bytes {
            0 => Fault::new(Code::DamagedIndex, "expected a movie box, found none"),
            cut => Fault::new(
                Code::Truncated,
                format!("{cut} bytes are missing at the end, including the movie box"),
            ),
        });
    }
    if check.tracks == 0 {
        return Err(Fault::new(Code::NoMediaTrack, "the movie box lists no track"));
    }
    let missing = found.missing_bytes + if check.movie.fragmented { found.cut_bytes } else { 0 };
    let listed = found.listed_bytes + if check.movie.fragmented { source.size_bytes() } else { 0 };
    if u128::from(missing) * 100 > u128::from(listed) * MISSING_PERCENT_MAX {
        return Err(Fault::new(
            Code::Truncated,
            format!("{missing} of {listed} bytes of media are past the end"),
        ));
    }
    Ok(check.movie)
}

#[derive(Default)]
struct BoxTotals {
    movie: bool,
    /// Bytes that the last top-level box declares past the end.
    cut_bytes: u64,
    /// Bytes of all samples in tables.
    listed_bytes: u64,
    /// Listed bytes past the end of the file.
    missing_bytes: u64,
}

struct Check<'a> {
    source: &'a Source,
    limits: &'a MediaLimits,
    movie: Movie,
    boxes: u32,
    tracks: u32,
    /// Samples in track runs of fragments.
    runs: u64,
    found: BoxTotals,
}

impl<'a> Check<'a> {
    fn top_level(&mut self) -> Result<(), Fault> {
        let size = self.source.size_bytes();
        for found in Boxes::new(self.source, 0, size) {
            let header = match found {
                Ok(header) => header,
                // Garbage after a complete movie is harmless.
                Err(_) if self.found.movie => break,
                Err(fault) => return Err(fault),
            };
            self.count_box()?;
            let past = header.end.saturating_sub(size);
            match &header.kind {
                b"ftyp" => self.movie.brand = self.brand(&header)?,
                b"moov" if past > 0 => {
                    return Err(Fault::new(
                        Code::Truncated,
                        format!("{past} bytes of the movie box are missing"),
                    ));
                }
                b"moov" => {
                    self.found.movie = true;
                    self.descend(&header, 1, &mut None)?;
                }
                b"moof" => {
                    self.movie.fragmented = true;
                    self.descend(&Header { end: header.end.min(size), ..header }, 1, &mut None)?;
                }
                _ => {}
            }
            if matches!(&header.kind, b"mdat" | b"moof") {
                self.found.cut_bytes = past;
            }
        }
        Ok(())
    }

    fn count_box(&mut self) -> Result<(), Fault> {
        self.boxes += 1;
        if self.boxes > BOXES_MAX {
            return Err(Fault::new(Code::BudgetNesting, format!("more than {BOXES_MAX} boxes")));
        }
        Ok(())
    }

    fn descend(
        &mut self,
        parent: &Header,
        depth: u32,
        track: &mut Option<TrackTables<'a>>,
    ) -> Result<(), Fault> {
        if depth > self.limits.nesting_max {
            return Err(Fault::new(
                Code::BudgetNesting,
                format!("boxes nested deeper than {}", self.limits.nesting_max),
            ));
        }
        for found in Boxes::new(self.source, parent.body, parent.end) {
            let header = found?;
            self.count_box()?;
            if header.end > parent.end {
                let detail =
                    format!("a box ends at byte {}, past the box around it at {}", header.end, parent.end);
                return Err(Fault::new(Code::DamagedIndex, detail));
            }
            match &header.kind {
                b"trak" => self.track(&header, depth)?,
                b"mvhd" => self.movie_header(&header)?,
                b"rmda" => return Err(Fault::new(Code::ExternalReference, "the movie is a redirect")),
                b"cmov" => return Err(Fault::new(Code::UnsupportedContainer, "the movie box is compressed")),
                b"trun" => self.track_run(&header)?,
                b"mvex" => {
                    self.movie.fragmented = true;
                    self.descend(&header, depth + 1, track)?;
                }
                kind if CONTAINERS.contains(&kind) => self.descend(&header, depth + 1, track)?,
                _ => {
                    if let Some(track) = track {
                        track.add_box(&header)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn track(&mut self, header: &Header, depth: u32) -> Result<(), Fault> {
        self.tracks += 1;
        if self.tracks > self.limits.tracks_max {
            return Err(Fault::new(
                Code::BudgetTracks,
                format!("more than {} tracks", self.limits.tracks_max),
            ));
        }
        let mut track = Some(TrackTables::new(self.source, self.limits));
        self.descend(header, depth + 1, &mut track)?;
        let Some(track) = track else { return Ok(()) };
        let extent = track.check(self.movie.fragmented)?;
        self.found.listed_bytes = self.found.listed_bytes.saturating_add(extent.listed_bytes);
        self.found.missing_bytes = self.found.missing_bytes.saturating_add(extent.missing_bytes);
        Ok(())
    }

    fn brand(&self, header: &Header) -> Result<String, Fault> {
        let brand = Fields::new(self.source, header.body, header.end).u32()?.to_be_bytes();
        let printable = brand.iter().filter(|byte| byte.is_ascii_graphic());
        Ok(printable.map(|byte| char::from(*byte)).collect())
    }

    fn movie_header(&mut self, header: &Header) -> Result<(), Fault> {
        let mut fields = Fields::new(self.source, header.body, header.end);
        self.movie.declared_duration_ns = super::track::duration_ns(&mut fields)?.1;
        Ok(())
    }

    /// Counts the samples of a run. A run whose samples have no own fields can claim any number of them in 12 bytes.
    fn track_run(&mut self, header: &Header) -> Result<(), Fault> {
        let mut fields = Fields::new(self.source, header.body, header.end);
        fields.skip(4)?;
        self.runs = self.runs.saturating_add(u64::from(fields.u32()?));
        let most = self.limits.samples_max.saturating_mul(u64::from(self.limits.tracks_max));
        if self.runs > most.min(self.source.size_bytes()) {
            let detail =
                format!("fragments list {} samples in {} bytes", self.runs, self.source.size_bytes());
            return Err(Fault::new(Code::BudgetSamples, detail));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
