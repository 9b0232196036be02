//! What one read of a track delivers.

/// Samples of uncompressed sound in one packet.
const SOUND_SAMPLES: u32 = 4_096;

/// What one read delivers: a sample, or several samples of uncompressed sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet {
    /// Number of its first sample.
    pub sample: u64,
    /// Samples in it, at least one.
    pub samples: u32,
    /// First byte in the file.
    pub offset: u64,
    pub bytes: u64,
    /// Time of decoding, ticks of the track.
    pub decode: i64,
    /// Time of presentation, ticks of the track.
    pub shown: i64,
    /// Ticks until the next one is decoded.
    pub duration: u64,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// Which sample description applies, from 0.
    pub description: u32,
}

/// Sound whose samples all have the same size, and of which the tables may list each sample of each instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Uniform {
    /// Samples that are coded together; 1 for PCM.
    pub samples: u32,
    /// Bytes of such a group.
    pub bytes: u32,
}

impl Uniform {
    /// Samples of a packet: a group, or many if a group is one sample.
    pub fn per_packet(self) -> u32 {
        if self.samples > 1 { self.samples } else { SOUND_SAMPLES }
    }

    /// Bytes of a number of samples.
    pub fn bytes_of(self, samples: u64) -> u64 {
        samples.div_ceil(u64::from(self.samples.max(1))).saturating_mul(u64::from(self.bytes))
    }
}

/// Where the last sample ended, so that reading in order needs no search.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    pub next: u64,
    pub offset: u64,
    pub decode: i64,
}
