//! The incidents of the scenarios, and the reactions of nodes and store.

use reelgate_flow::task::{Lane, TaskKey};

use crate::agenda::{Event, MS, Ns, S};
use crate::fleet::{FinishedTask, Node};
use crate::settings::Scenario;
use crate::simulation::Simulation;
use crate::store::{AttemptOutcome, Fence};

/// When a single incident happens, as a share of the time in which uploads arrive.
const MOMENT: f64 = 0.4;
/// One node of this many dies.
const DYING_ONE_IN: u32 = 10;
/// How many of ten nodes get a spot notice.
const WAVE_OF_TEN: u64 = 3;
/// Time from the notice of a spot interruption to the end of the node: two minutes, as EC2 documents it.
const NOTICE: Ns = 120 * S;
/// Tasks that are unfinished at this time before the end are given back, so that their reports are still committed.
const GIVE_BACK_BEFORE: Ns = 10 * S;
/// How long the database is away.
const AWAY: Ns = 60 * S;

impl Simulation {
    /// Schedules the incidents of the scenario.
    pub(crate) fn plan_incidents(&mut self) {
        let span = self.span() as f64;
        let once = (span * MOMENT) as Ns;
        let moments: Vec<Ns> = match self.settings.scenario {
            Scenario::Steady => Vec::new(),
            Scenario::NodeDeaths => {
                let deaths = (self.settings.nodes / DYING_ONE_IN).max(1);
                (0..deaths).map(|_| (span * (0.25 + 0.5 * self.rng.f64())) as Ns).collect()
            }
            Scenario::SpotWave | Scenario::Failover | Scenario::Poison => vec![once],
        };
        moments.into_iter().for_each(|at| self.agenda.enter(at, Event::Incident));
    }

    /// An incident happens.
    pub(crate) fn incident(&mut self) {
        match self.settings.scenario {
            Scenario::Steady => {}
            Scenario::NodeDeaths => {
                let node = self.rng.u32(..self.settings.nodes);
                self.gone(node);
            }
            Scenario::SpotWave => self.spot_wave(),
            Scenario::Failover => self.failover(),
            Scenario::Poison => {
                (self.settings.assets..self.uploads).for_each(|asset| self.ingest(asset, self.now))
            }
        }
    }

    fn spot_wave(&mut self) {
        for node in 0..self.settings.nodes {
            if self.rng.u64(..10) >= WAVE_OF_TEN {
                continue;
            }
            self.fleet.node(node).draining = true;
            self.fleet.refresh(node);
            self.agenda.enter(self.now + NOTICE - GIVE_BACK_BEFORE, Event::GiveBack { node });
            self.agenda.enter(self.now + NOTICE, Event::Gone { node });
        }
    }

    fn failover(&mut self) {
        let until = self.now + AWAY;
        let lease = self.settings.lease_ms * MS;
        self.database.go_away(until);
        for node in 0..self.settings.nodes {
            let renewed = self.renewed(node);
            // Every claim was made or renewed before the database went away.
            let stops = renewed + lease * 2 / 3;
            if stops < until {
                self.agenda.enter(stops.max(self.now), Event::Abort { node });
            }
        }
        // The first node that reaches the database again ends every expired lease of all nodes.
        let first = lease / 3 / u64::from(self.settings.nodes);
        self.away_since = self.now;
        self.agenda.enter(until + first, Event::ReapAll);
    }

    /// A node that could not renew stops its media workers, and reports it when the database is back.
    pub(crate) fn abort(&mut self, node: u32) {
        if self.database.away_until(self.now).is_some() {
            self.give_back(node);
        }
    }

    /// A node gives back its unfinished tasks.
    pub(crate) fn give_back(&mut self, number: u32) {
        let now = self.now;
        let node = self.fleet.node(number);
        for flight in node.running.drain(..) {
            let busy = now.saturating_sub(flight.since);
            node.reports.push(FinishedTask { fence: flight.fence, outcome: AttemptOutcome::GivenBack, busy });
        }
        if !node.reports.is_empty() {
            self.turn(number);
        }
    }

    /// A node is lost without notice. Its leases expire, and a new node replaces it.
    pub(crate) fn gone(&mut self, number: u32) {
        if !self.fleet.nodes[number as usize].alive {
            return;
        }
        let (now, lease) = (self.now, self.settings.lease_ms * MS);
        let renewed = self.renewed(number);
        let node = self.fleet.node(number);
        let heavy = |task: TaskKey| task.lane() == Lane::Heavy;
        let running = node.running.iter().filter(|flight| heavy(flight.fence.task));
        let mut wasted: Ns = running.map(|flight| now.saturating_sub(flight.since)).sum();
        let reported = node.reports.iter().chain(&node.committing).filter(|report| heavy(report.fence.task));
        wasted += reported.map(|report| report.busy).sum::<Ns>();
        self.measures.spent(wasted, true);
        let lost = self.fleet.lose(number);
        let reaper = self.rng.u64(..=lease / 3 / self.fleet.alive().max(1));
        self.enter_reaping(renewed.max(now.saturating_sub(lease)) + lease + reaper, lost);
        self.agenda.enter(now + self.settings.replace_s * S, Event::Replaced { node: number });
    }

    /// A new node starts.
    pub(crate) fn replaced(&mut self, number: u32) {
        let node = self.fleet.node(number);
        (node.alive, node.draining) = (true, false);
        self.fleet.refresh(number);
    }

    fn enter_reaping(&mut self, at: Ns, lost: Vec<Fence>) {
        let batch = self.lost.len() as u32;
        self.lost.push(lost);
        self.agenda.enter(at, Event::Reap { batch });
    }

    /// Expired leases are ended, each as a lost attempt.
    pub(crate) fn reap(&mut self, batch: u32) {
        if let Some(until) = self.database.away_until(self.now) {
            return self.agenda.enter(until + MS, Event::Reap { batch });
        }
        let lost = std::mem::take(&mut self.lost[batch as usize]);
        self.end_leases(lost);
    }

    /// The database is back: intake catches up, and the first node that looks ends the leases that expired meanwhile.
    pub(crate) fn reap_all(&mut self) {
        self.catch_up();
        let lost = self.expired();
        self.end_leases(lost);
    }

    fn end_leases(&mut self, lost: Vec<Fence>) {
        self.calls += 1;
        let price = self.database.prices.completions(lost.len() as u64) + self.database.prices.calls(1);
        self.database.work(self.now, price);
        for fence in lost {
            self.store.complete(self.now, fence, AttemptOutcome::Lost);
        }
    }

    /// Claims whose lease expired while no node could renew.
    fn expired(&mut self) -> Vec<Fence> {
        let lease = self.settings.lease_ms * MS;
        let (went, interval) = (self.away_since, lease / 3);
        let of = |node: &Node| {
            let is_expired = node.renewed(went, interval) + lease <= self.now;
            let running = node.running.iter().map(|flight| flight.fence);
            let reported = node.reports.iter().map(|report| report.fence);
            running.chain(reported).filter(move |_| is_expired).collect::<Vec<_>>()
        };
        self.fleet.nodes.iter().flat_map(of).collect()
    }

    fn renewed(&self, node: u32) -> Ns {
        let interval = self.settings.lease_ms * MS / 3;
        self.fleet.nodes[node as usize].renewed(self.now, interval)
    }
}
