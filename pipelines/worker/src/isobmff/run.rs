//! Samples of a movie fragment that follow each other in the file (ISO/IEC 14496-12, 8.8.8).

use super::packet::{Cursor, Packet, Uniform};

/// Flag of a sample that no decoder can start with (8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// What a run says of one sample, or the defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    pub duration: u32,
    pub bytes: u32,
    pub flags: u32,
    pub composition: i32,
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
    pub offset: u64,
    pub description: u32,
    pub default: Entry,
    pub first_flags: Option<u32>,
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
