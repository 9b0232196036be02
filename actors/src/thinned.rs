//! Warnings that would come many times a second are thinned out.

use std::time::Duration;

use tokio::time::Instant;

/// Between two warnings of the same kind.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// Warnings of one kind: the first is due at once, and then at most one in [`WARN_INTERVAL`].
#[derive(Default)]
pub(crate) struct Thinned {
    warned: Option<Instant>,
    left_out: u64,
}

impl Thinned {
    /// Counts a failure. Returns how many failures a warning now stands for, or `None` if none is due.
    pub(crate) fn due(&mut self, now: Instant) -> Option<u64> {
        self.left_out += 1;
        if self.warned.is_some_and(|warned| now.saturating_duration_since(warned) < WARN_INTERVAL) {
            return None;
        }
        self.warned = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_warning_is_due_at_once_and_then_one_a_minute_with_the_number_of_failures() {
        let (mut thinned, begin) = (Thinned::default(), Instant::now());
        let due: Vec<(u64, u64)> = (0..=180)
            .filter_map(|second| Some((second, thinned.due(begin + Duration::from_secs(second))?)))
            .collect();
        assert_eq!(due, [(0, 1), (60, 60), (120, 60), (180, 60)]);
    }
}
