//! The database as one server with a price for each operation. Requests are served one after another, and none while the
//! database is away.

use crate::agenda::{Ns, S};
use crate::settings::StoreRates;

/// The share of the server's time that always remains for calls, however many looks and renewals there are: a node has one
/// outstanding call of each kind, so looks cannot displace everything else.
const LEAST_SHARE: f64 = 0.05;

/// Prices of calls, nanoseconds of the server's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prices {
    call: f64,
    claim: f64,
    complete: f64,
    renewal: f64,
    row: f64,
}

impl Prices {
    /// Prices from measured rates.
    pub(crate) fn new(rates: &StoreRates) -> Self {
        let price = |per_s: f64| if per_s.is_finite() { 1e9 / per_s } else { 0.0 };
        // The bench measures claim and completion together; both write about as many rows.
        let half = price(rates.tasks_per_s) / 2.0;
        Self {
            call: price(rates.calls_per_s),
            claim: half,
            complete: half,
            renewal: price(rates.renewals_per_s),
            row: price(rates.rows_per_s),
        }
    }

    /// A call that finds or writes nothing.
    pub(crate) fn calls(&self, calls: u64) -> f64 {
        self.call * calls as f64
    }

    /// Leasing tasks, within a call.
    pub(crate) fn claims(&self, tasks: u64) -> f64 {
        self.claim * tasks as f64
    }

    /// Committing reports, within a call.
    pub(crate) fn completions(&self, reports: u64) -> f64 {
        self.complete * reports as f64
    }

    /// Writing rows outside claims and completions.
    pub(crate) fn rows(&self, rows: u64) -> f64 {
        self.row * rows as f64
    }

    /// The share of the server's time that so many calls and renewals a second take.
    pub(crate) fn share(&self, calls_per_s: f64, renewals_per_s: f64) -> f64 {
        (self.call * calls_per_s + self.renewal * renewals_per_s) / 1e9
    }
}

/// The server.
pub(crate) struct Database {
    /// What things cost.
    pub(crate) prices: Prices,
    round_trip: Ns,
    free_at: Ns,
    away_until: Ns,
    background: f64,
    busy: f64,
}

impl Database {
    /// An idle server.
    pub(crate) fn new(rates: &StoreRates) -> Self {
        Self {
            prices: Prices::new(rates),
            round_trip: rates.round_trip_us * 1_000,
            free_at: 0,
            away_until: 0,
            background: 0.0,
            busy: 0.0,
        }
    }

    /// Does work of this price after all earlier requests; returns the time at which the answer arrives.
    pub(crate) fn serve(&mut self, now: Ns, price: f64) -> Ns {
        self.work(now, price) + self.round_trip
    }

    /// Does work without an answer; returns the time at which it is done.
    pub(crate) fn work(&mut self, now: Ns, price: f64) -> Ns {
        self.busy += price;
        let share = (1.0 - self.background).max(LEAST_SHARE);
        self.free_at = self.free_at.max(now) + (price / share) as Ns;
        self.free_at
    }

    /// Goes away until a time; pending requests are lost.
    pub(crate) fn go_away(&mut self, until: Ns) {
        self.away_until = until;
        self.free_at = until;
    }

    /// When it will be back; `None` if it is not away.
    pub(crate) fn away_until(&self, now: Ns) -> Option<Ns> {
        (now < self.away_until).then_some(self.away_until)
    }

    /// Nanoseconds until all requests so far are served.
    pub(crate) fn lag(&self, now: Ns) -> Ns {
        self.free_at.saturating_sub(now)
    }

    /// Sets the share of time that looks and renewals take. Returns how many seconds the server was busy with calls since the
    /// last call of this method.
    pub(crate) fn settle(&mut self, background: f64) -> f64 {
        self.background = background;
        std::mem::take(&mut self.busy) / S as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates() -> StoreRates {
        StoreRates {
            tasks_per_s: 1_000.0,
            renewals_per_s: 10_000.0,
            calls_per_s: 10_000.0,
            rows_per_s: 10_000.0,
            round_trip_us: 1_000,
        }
    }

    #[test]
    fn calls_take_turns_and_the_way_back_does_not_hold_the_next_one_up() {
        let mut database = Database::new(&rates());
        let price = database.prices.claims(1) + database.prices.completions(1);
        assert_eq!(database.serve(0, price), 2_000_000);
        assert_eq!(database.serve(0, price), 3_000_000);
        assert_eq!(database.lag(500_000), 1_500_000);
    }

    #[test]
    fn renewals_slow_down_everything_else_but_never_stop_it() {
        let mut database = Database::new(&rates());
        let share = database.prices.share(2_500.0, 2_500.0);
        assert!((share - 0.5).abs() < 1e-9);
        database.settle(share);
        assert_eq!(database.work(0, 1_000.0), 2_000);
        database.settle(7.0);
        assert_eq!(database.work(0, 1_000.0), 2_000 + 20_000);
    }

    #[test]
    fn nothing_is_served_while_it_is_away() {
        let mut database = Database::new(&rates());
        database.go_away(5 * S);
        assert_eq!(database.away_until(S), Some(5 * S));
        assert_eq!(database.away_until(5 * S), None);
        assert_eq!(database.work(S, 100.0), 5 * S + 100);
    }

    #[test]
    fn a_store_without_bounds_costs_nothing() {
        let database = Database::new(&StoreRates::UNBOUNDED);
        assert_eq!(database.prices.calls(5) + database.prices.claims(5) + database.prices.rows(5), 0.0);
    }
}
