//! Collects the beginning of an output up to a known number of bytes.

use reelgate_flow::reason::Fault;

use crate::trust::range_checks::at_most;

/// The bytes so far, and how many are needed before the next decision.
pub struct Header {
    bytes: Vec<u8>,
    wanted: usize,
    bytes_max: usize,
}

impl Header {
    /// Collects `wanted` bytes first, and never more than `bytes_max`.
    pub fn new(wanted: usize, bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), wanted, bytes_max }
    }

    /// Takes what is missing and returns the rest.
    pub fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let missing = self.wanted - self.bytes.len();
        let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
        self.bytes.extend_from_slice(taken);
        rest
    }

    /// Whether everything that is wanted is here.
    pub fn is_complete(&self) -> bool {
        self.bytes.len() == self.wanted
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Wants so many bytes more. `what` names them in the refusal of too many.
    pub fn want(&mut self, more: u64, what: &str) -> Result<(), Fault> {
        let most = self.bytes_max - self.wanted;
        at_most(&format!("bytes of {what}"), more, most as u64)?;
        self.wanted += more as usize; // fits, because `most` does
        Ok(())
    }
}
