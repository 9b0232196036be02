//! How many bytes of sources were transferred for tasks, and how many tasks found on the local disk.

use reelgate_ports::objects::OpenSource;
use reelgate_signals::catalogue;

use crate::meters::{Counters, Meters};

/// See the module.
pub struct SourceSignals {
    bytes: Counters,
}

impl SourceSignals {
    pub(crate) fn new(meters: &Meters) -> Self {
        Self { bytes: meters.counters(&catalogue::SOURCE_BYTES) }
    }

    pub(crate) fn opened(&self, source: &OpenSource) {
        let (result, bytes) = match source {
            OpenSource { fetched_bytes: 0, size_bytes, .. } => ("local", *size_bytes),
            OpenSource { fetched_bytes, is_kept: true, .. } => ("fetched", *fetched_bytes),
            OpenSource { fetched_bytes, .. } => ("fetched_not_kept", *fetched_bytes),
        };
        self.bytes.with_label_values(&[result]).inc_by(bytes);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_by_where_they_came_from() {
        let signals = SourceSignals::new(&Meters::default());
        for (fetched_bytes, is_kept) in [(0, true), (12, true), (13, false), (0, false)] {
            let file = tempfile::tempfile().unwrap();
            signals.opened(&OpenSource { file, size_bytes: 10, fetched_bytes, is_kept });
        }
        let counted = |result: &str| signals.bytes.with_label_values(&[result]).get();
        assert_eq!((counted("local"), counted("fetched"), counted("fetched_not_kept")), (20, 12, 13));
    }
}
