//! The samples of a track, from the tables of the movie (ISO/IEC 14496-12, 8.6 and 8.7) and from its fragments (8.8), in the
//! order of decoding.
//!
//! Tables stay in the compact form of the file: a track of a day may list a billion samples of sound.

use super::packet::{Cursor, Packet, Uniform};
use super::run::Run;
use super::table::Tables;

/// All samples of a track.
#[derive(Debug, Default)]
pub struct SampleIndex {
    pub tables: Tables,
    /// In order of their first sample, which continues the tables.
    pub runs: Vec<Run>,
    pub uniform: Option<Uniform>,
}

impl SampleIndex {
    pub fn count(&self) -> u64 {
        self.runs.last().map_or(self.tables.count(), |last| last.first + u64::from(last.count))
    }

    /// Time of decoding after the last sample.
    pub fn end(&self) -> i64 {
        self.runs.last().map_or(self.tables.end(), Run::end)
    }

    /// How much earlier than it is decoded a sample may be shown, ticks; 0 or negative.
    pub fn composition_min(&self) -> i64 {
        let of_runs = self.runs.iter().map(|run| run.composition_min).min().unwrap_or(0);
        of_runs.min(self.tables.composition_min).min(0)
    }

    /// The packet that begins with a sample; `None` after the last one, and where the tables name no place for it.
    pub fn packet(&self, sample: u64, cursor: &mut Cursor) -> Option<Packet> {
        if sample < self.tables.count() {
            return match self.uniform {
                Some(uniform) => self.tables.uniform_packet(sample, uniform, uniform.per_packet()),
                None => self.tables.packet(sample, cursor),
            };
        }
        let run = self.runs.partition_point(|run| run.first <= sample).checked_sub(1)?;
        let run = &self.runs[run];
        match self.uniform.filter(|_| run.entries.is_empty()) {
            Some(uniform) => run.uniform_packet(sample, uniform, uniform.per_packet()),
            None => run.packet(sample, cursor),
        }
    }

    /// The last sample that is decoded at or before a time; the first one if there is none.
    pub fn at(&self, ticks: i64) -> u64 {
        let after = self.runs.partition_point(|run| run.decode <= ticks);
        match after.checked_sub(1) {
            Some(run) => self.runs[run].at(ticks),
            None => self.tables.at(ticks),
        }
    }

    /// The last sample up to this one at which decoding can start; the first one if there is none.
    pub fn keyframe_before(&self, sample: u64) -> u64 {
        for run in self.runs.iter().rev().filter(|run| run.first <= sample) {
            if let Some(found) = run.keyframe_before(sample) {
                return found;
            }
        }
        self.tables.keyframe_before(sample).unwrap_or(0)
    }
}
