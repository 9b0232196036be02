//! A node's turns at the database, as in the engine's persister: it commits finished tasks, claims what fits, and looks again
//! if it claimed something. There is one turn at a time; tasks that end meanwhile are committed in the next one.

use reelgate_flow::task::Lane;

use crate::agenda::{Event, MS, Ns};
use crate::fleet::{FinishedTask, Flight};
use crate::media::AttemptEnding;
use crate::simulation::Simulation;
use crate::store::AttemptOutcome;

/// Longest time for which a node waits before it retries a database that did not answer.
const RETRY: Ns = 500 * MS;

impl Simulation {
    /// A node looks for work in a lane.
    pub(crate) fn look(&mut self, lane: Lane) {
        self.looking[lane as usize] = false;
        if let Some(until) = self.database.away_until(self.now) {
            self.looking[lane as usize] = true;
            return self.agenda.enter(until, Event::Look { lane });
        }
        let hungry = self.fleet.hungry(lane);
        if hungry.is_empty() || self.store.queue(lane).is_empty() {
            return;
        }
        let node = hungry[self.rng.usize(..hungry.len())];
        self.turn(node);
    }

    /// A task has ended on its node.
    pub(crate) fn task_ended(&mut self, number: u32, flight: u32) {
        let now = self.now;
        let node = self.fleet.node(number);
        let Some(position) = node.running.iter().position(|running| running.number == flight) else { return };
        let Flight { fence, since, outcome, .. } = node.running.swap_remove(position);
        node.reports.push(FinishedTask { fence, outcome, busy: now - since });
        self.turn(number);
    }

    /// A node retries after the database was away.
    pub(crate) fn turn_due(&mut self, node: u32) {
        self.fleet.node(node).waits = false;
        self.fleet.refresh(node);
        self.turn(node);
    }

    /// Begins a turn if none is running.
    pub(crate) fn turn(&mut self, number: u32) {
        let credits = self.fleet.credits;
        let away_until = self.database.away_until(self.now);
        let node = self.fleet.node(number);
        if !node.alive || node.turn.is_some() || node.waits {
            return;
        }
        if let Some(until) = away_until {
            node.waits = true;
            self.fleet.refresh(number);
            let wait = self.rng.u64(..RETRY);
            return self.agenda.enter(until + wait, Event::TurnDue { node: number });
        }
        node.committing.append(&mut node.reports);
        let reports = node.committing.len() as u64;
        // Room after the reports are committed.
        let has_room = |lane: &Lane| {
            let frees = node.committing.iter().any(|report| report.fence.task.lane() == *lane);
            frees || node.room(*lane, credits) > 0
        };
        let lanes =
            if node.draining { 0 } else { Lane::ALL.iter().filter(|lane| has_room(lane)).count() as u64 };
        let calls = u64::from(reports > 0) + lanes;
        if calls == 0 {
            return;
        }
        node.turn = Some(self.turns);
        self.fleet.refresh(number);
        self.calls += calls;
        let price = self.database.prices.calls(calls) + self.database.prices.completions(reports);
        let trips = (calls - 1) * self.settings.store.round_trip_us * 1_000;
        let answered = self.database.serve(self.now, price) + trips;
        self.measures.turned(answered - self.now);
        self.agenda.enter(answered, Event::TurnEnded { node: number, turn: self.turns });
        self.turns = self.turns.wrapping_add(1);
    }

    /// The database has answered, or has gone away.
    pub(crate) fn turn_ended(&mut self, number: u32, turn: u32) {
        let node = self.fleet.node(number);
        if node.turn != Some(turn) {
            return;
        }
        node.turn = None;
        if self.database.away_until(self.now).is_some() {
            node.reports.append(&mut node.committing);
            return self.turn(number);
        }
        self.commit(number);
        let claimed = self.claim(number);
        self.fleet.refresh(number);
        if claimed {
            self.look_again(number);
        }
        if !self.fleet.node(number).reports.is_empty() {
            self.turn(number);
        }
    }

    fn commit(&mut self, number: u32) {
        let mut committing = std::mem::take(&mut self.fleet.node(number).committing);
        for FinishedTask { fence, outcome, busy } in committing.drain(..) {
            let applied = self.store.complete(self.now, fence, outcome);
            let lane = fence.task.lane();
            self.fleet.release(number, lane);
            // A refusal is a useful result; a retry is not.
            let refused = matches!(outcome, AttemptOutcome::Ended(AttemptEnding::Fault(code)) if code.attempts_max() == 1);
            let useful = applied && (refused || outcome == AttemptOutcome::Ended(AttemptEnding::Success));
            if lane == Lane::Heavy {
                self.measures.spent(busy, !useful);
            }
        }
        // Keeps the allocation.
        self.fleet.node(number).committing = committing;
    }

    /// Claims what fits; returns whether it claimed anything.
    fn claim(&mut self, number: u32) -> bool {
        if self.fleet.node(number).draining {
            return false;
        }
        let mut claimed = Vec::new();
        for lane in Lane::ALL {
            let room = self.fleet.nodes[number as usize].room(lane, self.fleet.credits);
            for _ in 0..room {
                let Some((fence, due)) = self.store.claim(lane) else { break };
                self.measures.claimed(lane, self.now - due.since);
                claimed.push(fence);
            }
        }
        let started = self.database.work(self.now, self.database.prices.claims(claimed.len() as u64));
        for fence in &claimed {
            let Some((takes, ending)) = self.store.attempt(*fence) else { continue };
            let flight = Flight {
                number: self.flights,
                fence: *fence,
                since: started,
                outcome: AttemptOutcome::Ended(ending),
            };
            self.agenda.enter(started + takes, Event::TaskEnded { node: number, flight: self.flights });
            self.flights = self.flights.wrapping_add(1);
            self.fleet.take(number, flight);
        }
        !claimed.is_empty()
    }

    /// After a claim the engine looks again; if nothing is due, this costs only the calls.
    fn look_again(&mut self, number: u32) {
        let mut calls = 0;
        let mut finds = false;
        for lane in Lane::ALL {
            if self.fleet.nodes[number as usize].room(lane, self.fleet.credits) > 0 {
                calls += 1;
                finds |= !self.store.queue(lane).is_empty();
            }
        }
        if finds {
            return self.turn(number);
        }
        self.calls += calls;
        self.database.work(self.now, self.database.prices.calls(calls));
    }
}
