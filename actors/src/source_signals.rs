//! How many bytes of sources were transferred for tasks, and how many tasks found on the local disk.

use prometheus::IntCounterVec;
use reelgate_ports::objects::OpenSource;

/// See the module.
pub struct SourceSignals {
    bytes: IntCounterVec,
}

impl SourceSignals {
    /// `add` registers a counter by its name, help and labels.
    pub(crate) fn new(add: &dyn Fn(&str, &str, &[&str]) -> IntCounterVec) -> Self {
        Self {
            bytes: add(
                "reelgate_source_bytes_total",
                "Bytes of sources that tasks opened: `local`, `fetched` from the object store, or `fetched_not_kept` because they are larger than objects.scratch_bytes_max.",
                &["result"],
            ),
        }
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
    use prometheus::Opts;

    use super::*;

    #[test]
    fn bytes_are_counted_by_where_they_came_from() {
        let signals = SourceSignals::new(&|name, help, labels| {
            IntCounterVec::new(Opts::new(name, help), labels).unwrap()
        });
        for (fetched_bytes, is_kept) in [(0, true), (12, true), (13, false), (0, false)] {
            let file = tempfile::tempfile().unwrap();
            signals.opened(&OpenSource { file, size_bytes: 10, fetched_bytes, is_kept });
        }
        let counted = |result: &str| signals.bytes.with_label_values(&[result]).get();
        assert_eq!((counted("local"), counted("fetched"), counted("fetched_not_kept")), (20, 12, 13));
    }
}
