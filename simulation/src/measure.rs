//! Measurements during a run: ages, times, and the load on the database by window.

use hdrhistogram::Histogram;
use reelgate_flow::task::Lane;
use reelgate_ports::order::Priority;

use crate::agenda::{MS, Ns, S};

/// Maximum number of windows; before there are more, each two are merged into one.
const WINDOWS_MAX: usize = 240;
/// Longest time that is distinguished, milliseconds: 100 days.
const TIME_MS_MAX: u64 = 100 * 86_400_000;

/// A distribution of milliseconds, to two digits.
#[derive(Clone, Debug)]
pub(crate) struct Times(Histogram<u32>);

impl Times {
    fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, TIME_MS_MAX, 2);
        Self(histogram.expect("the bounds are constants that the histogram accepts"))
    }

    fn record(&mut self, time: Ns) {
        self.0.saturating_record(time / MS);
    }

    fn add(&mut self, other: &Self) {
        // This cannot fail, because both have the same bounds.
        let added = self.0.add(&other.0);
        debug_assert!(added.is_ok(), "histograms of equal bounds add up");
    }

    /// Number of values.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The value that this share of all values does not exceed, seconds.
    pub(crate) fn at(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1e3
    }

    /// The largest value, seconds.
    pub(crate) fn max(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }
}

/// Measurements of one window of time.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) light: Times,
    pub(crate) heavy: Times,
    pub(crate) seconds: f64,
    pub(crate) claims: f64,
    pub(crate) calls: f64,
    pub(crate) renewals: f64,
    pub(crate) rows: f64,
    /// Seconds the database was busy.
    pub(crate) busy: f64,
    /// Assets that ended.
    pub(crate) ended: f64,
    /// Tasks due at its end, light and heavy.
    pub(crate) due: [f64; 2],
}

impl Window {
    fn new() -> Self {
        Self {
            light: Times::new(),
            heavy: Times::new(),
            seconds: 0.0,
            claims: 0.0,
            calls: 0.0,
            renewals: 0.0,
            rows: 0.0,
            busy: 0.0,
            ended: 0.0,
            due: [0.0; 2],
        }
    }

    fn merge(&mut self, later: &Self) {
        self.light.add(&later.light);
        self.heavy.add(&later.heavy);
        self.seconds += later.seconds;
        self.claims += later.claims;
        self.calls += later.calls;
        self.renewals += later.renewals;
        self.rows += later.rows;
        self.busy += later.busy;
        self.ended += later.ended;
        self.due = later.due;
    }
}

/// Load since the last tick.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tick {
    pub(crate) claims: f64,
    pub(crate) calls: f64,
    pub(crate) renewals: f64,
    pub(crate) rows: f64,
    pub(crate) busy: f64,
    pub(crate) ended: f64,
    pub(crate) due: [f64; 2],
}

/// All measurements of a run.
pub(crate) struct Measures {
    pub(crate) windows: Vec<Window>,
    ticks_per_window: u32,
    ticks: u32,
    pub(crate) light: Times,
    pub(crate) heavy: Times,
    pub(crate) publishing: [Times; 3],
    /// How long a node's turn at the database takes.
    pub(crate) turns: Times,
    /// Slot-seconds that were used, and those of them that were wasted.
    pub(crate) busy_s: f64,
    pub(crate) wasted_s: f64,
}

impl Measures {
    /// No measurements yet.
    pub(crate) fn new() -> Self {
        Self {
            windows: vec![Window::new()],
            ticks_per_window: 1,
            ticks: 0,
            light: Times::new(),
            heavy: Times::new(),
            publishing: [Times::new(), Times::new(), Times::new()],
            turns: Times::new(),
            busy_s: 0.0,
            wasted_s: 0.0,
        }
    }

    /// A task was claimed this long after it became due.
    pub(crate) fn claimed(&mut self, lane: Lane, age: Ns) {
        let Some(window) = self.windows.last_mut() else { return };
        let (whole, part) = match lane {
            Lane::Light => (&mut self.light, &mut window.light),
            Lane::Heavy => (&mut self.heavy, &mut window.heavy),
        };
        whole.record(age);
        part.record(age);
    }

    /// An asset was published this long after it arrived.
    pub(crate) fn published(&mut self, priority: Priority, took: Ns) {
        self.publishing[priority as usize].record(took);
    }

    /// A turn at the database took this long.
    pub(crate) fn turned(&mut self, took: Ns) {
        self.turns.record(took);
    }

    /// A slot was busy for this long, usefully or not.
    pub(crate) fn spent(&mut self, busy: Ns, wasted: bool) {
        let seconds = busy as f64 / S as f64;
        self.busy_s += seconds;
        self.wasted_s += if wasted { seconds } else { 0.0 };
    }

    /// A second has passed.
    pub(crate) fn tick(&mut self, tick: Tick) {
        let Some(window) = self.windows.last_mut() else { return };
        window.seconds += 1.0;
        window.claims += tick.claims;
        window.calls += tick.calls;
        window.renewals += tick.renewals;
        window.rows += tick.rows;
        window.busy += tick.busy;
        window.ended += tick.ended;
        window.due = tick.due;
        self.ticks += 1;
        if self.ticks == self.ticks_per_window {
            self.ticks = 0;
            self.next_window();
        }
    }

    fn next_window(&mut self) {
        if self.windows.len() == WINDOWS_MAX {
            let halves = self.windows.chunks(2).map(|pair| {
                let mut merged = pair[0].clone();
                pair.iter().skip(1).for_each(|later| merged.merge(later));
                merged
            });
            self.windows = halves.collect();
            self.ticks_per_window *= 2;
        }
        self.windows.push(Window::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_so_that_there_are_never_too_many_and_nothing_is_lost() {
        let mut measures = Measures::new();
        for second in 0..1_000 {
            measures.claimed(Lane::Light, second * MS);
            measures.tick(Tick { claims: 1.0, ..Tick::default() });
        }
        assert!(measures.windows.len() <= WINDOWS_MAX);
        assert_eq!(measures.windows.iter().map(|window| window.claims).sum::<f64>(), 1_000.0);
        assert_eq!(measures.windows.iter().map(|window| window.light.count()).sum::<u64>(), 1_000);
        assert_eq!(measures.windows[0].seconds, 8.0);
        assert!((measures.light.at(0.5) / 0.5 - 1.0).abs() < 0.02, "{}", measures.light.at(0.5));
    }

    #[test]
    fn work_thrown_away_counts_as_work_too() {
        let mut measures = Measures::new();
        measures.spent(3 * S, false);
        measures.spent(S, true);
        assert_eq!((measures.busy_s, measures.wasted_s), (4.0, 1.0));
    }
}
