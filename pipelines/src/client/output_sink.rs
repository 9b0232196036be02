//! Where the outputs of a job go.

use reelgate_flow::reason::Fault;

/// Receives the outputs of one job, one after the other. Names are already checked: relative, at most two levels, and
/// only those the job may write. On a fault the caller must drop the outputs received so far.
pub trait OutputSink {
    /// Begins an output.
    fn open(&mut self, name: &str) -> Result<(), Fault>;
    /// Appends to the open output.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault>;
    /// Completes the open output.
    fn close(&mut self) -> Result<(), Fault>;
}

/// A sink for jobs whose outputs are not needed: a self-test, a probe.
#[derive(Debug)]
pub struct Nowhere;

impl OutputSink for Nowhere {
    fn open(&mut self, _: &str) -> Result<(), Fault> {
        Ok(())
    }
    fn write(&mut self, _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }
    fn close(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}
