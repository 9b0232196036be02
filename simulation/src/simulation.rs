//! A running simulation: handles events in order of time.

use reelgate_flow::asset::Phase;
use reelgate_flow::task::Lane;

use crate::agenda::{Agenda, Event, MS, Ns, S};
use crate::chance;
use crate::database::Database;
use crate::fleet::Fleet;
use crate::measure::{Measures, Tick};
use crate::media::Workload;
use crate::settings::{Scenario, Settings};
use crate::store::{Counts, Fence, News, StoreModel};

/// Purposes of the run's random numbers.
const ARRIVALS: u64 = 101;
const NODES: u64 = 102;
const INCIDENTS: u64 = 103;

/// Uploads that intake ingests in one call.
const INGESTED_AT_ONCE: u64 = 10;
/// The least share of the database that the choice of a load leaves for work, even if looks and renewals take all of it.
const LEAST_LEFT: f64 = 0.05;

/// A running simulation.
pub(crate) struct Simulation {
    pub(crate) settings: Settings,
    pub(crate) workload: Workload,
    pub(crate) now: Ns,
    pub(crate) agenda: Agenda,
    pub(crate) store: StoreModel,
    pub(crate) fleet: Fleet,
    pub(crate) database: Database,
    pub(crate) measures: Measures,
    pub(crate) arrivals_per_s: f64,
    /// Calls to the database so far, without looks that found nothing.
    pub(crate) calls: u64,
    pub(crate) flights: u32,
    pub(crate) turns: u32,
    pub(crate) looking: [bool; 2],
    /// Batches of leases to be ended, by number.
    pub(crate) lost: Vec<Vec<Fence>>,
    pub(crate) rng: fastrand::Rng,
    /// When the database went away.
    pub(crate) away_since: Ns,
    /// Number of all uploads of the run.
    pub(crate) uploads: u32,
    pub(crate) arrived: u32,
    pub(crate) last_arrival: Ns,
    arrivals: fastrand::Rng,
    /// Uploads that arrived while the database was away, with their times of arrival.
    kept: Vec<(u32, Ns)>,
    ticked: (Counts, u64),
}

impl Simulation {
    pub(crate) fn new(settings: &Settings) -> Self {
        let sound = settings.assets;
        let poisoned = if settings.scenario == Scenario::Poison { (sound / 100).max(1) } else { 0 };
        let uploads = sound + poisoned;
        let workload = Workload { seed: settings.seed, sound };
        let interval = settings.lease_ms * MS / 3;
        let mut phases = chance::of(settings.seed, NODES, 0);
        Self {
            settings: settings.clone(),
            workload,
            now: 0,
            agenda: Agenda::default(),
            store: StoreModel::new(workload, uploads),
            fleet: Fleet::new(settings.nodes, settings.light_tasks, settings.cores, interval, &mut phases),
            database: Database::new(&settings.store),
            measures: Measures::new(),
            arrivals_per_s: settings.arrivals_per_s.unwrap_or_else(|| fitting_load(settings, &workload)),
            calls: 0,
            flights: 0,
            turns: 0,
            looking: [false; 2],
            lost: Vec::new(),
            rng: chance::of(settings.seed, INCIDENTS, 0),
            away_since: 0,
            uploads,
            arrived: 0,
            last_arrival: 0,
            arrivals: chance::of(settings.seed, ARRIVALS, 0),
            kept: Vec::new(),
            ticked: (Counts::default(), 0),
        }
    }

    pub(crate) fn begin(&mut self) {
        self.plan_incidents();
        self.agenda.enter(0, Event::Tick);
        self.agenda.enter(0, Event::Arrival);
    }

    /// Nanoseconds in which all sound uploads arrive.
    pub(crate) fn span(&self) -> Ns {
        (f64::from(self.settings.assets) / self.arrivals_per_s * S as f64) as Ns
    }

    pub(crate) fn happen(&mut self, event: Event) {
        match event {
            Event::Arrival => self.arrival(),
            Event::TaskEnded { node, flight } => self.task_ended(node, flight),
            Event::TurnEnded { node, turn } => self.turn_ended(node, turn),
            Event::TurnDue { node } => self.turn_due(node),
            Event::TaskDue { asset, task } => self.store.due(self.now, asset, task),
            Event::Look { lane } => self.look(lane),
            Event::Reap { batch } => self.reap(batch),
            Event::ReapAll => self.reap_all(),
            Event::Abort { node } => self.abort(node),
            Event::GiveBack { node } => self.give_back(node),
            Event::Gone { node } => self.gone(node),
            Event::Replaced { node } => self.replaced(node),
            Event::Incident => self.incident(),
            Event::Tick => self.tick(),
        }
        self.deliver_events();
        self.send_lookers();
    }

    fn arrival(&mut self) {
        if self.database.away_until(self.now).is_some() {
            // The stream keeps what intake cannot commit.
            self.kept.push((self.arrived, self.now));
        } else {
            self.ingest(self.arrived, self.now);
        }
        self.arrived += 1;
        self.last_arrival = self.now;
        if self.arrived < self.settings.assets {
            let wait = chance::wait_ns(&mut self.arrivals, self.arrivals_per_s);
            self.agenda.enter(self.now + wait, Event::Arrival);
        }
    }

    /// Intake ingests the uploads that the stream has kept.
    pub(crate) fn catch_up(&mut self) {
        for (asset, arrived) in std::mem::take(&mut self.kept) {
            self.ingest(asset, arrived);
        }
    }

    /// Ingests an upload; several uploads share one call.
    pub(crate) fn ingest(&mut self, asset: u32, arrived: Ns) {
        let rows = self.store.counts.rows;
        self.store.ingest(self.now, asset, arrived);
        let is_call = u64::from(asset).is_multiple_of(INGESTED_AT_ONCE);
        self.calls += u64::from(is_call);
        let prices = self.database.prices;
        let price = prices.rows(self.store.counts.rows - rows) + prices.calls(u64::from(is_call));
        self.database.work(self.now, price);
    }

    /// Handles what the store reported since the last event.
    fn deliver_events(&mut self) {
        let mut notices = 0;
        for news in self.store.news.drain(..) {
            match news {
                News::Due { at, asset, task } => self.agenda.enter(at, Event::TaskDue { asset, task }),
                News::Ended { phase, priority, took } => {
                    if phase == Phase::Published {
                        self.measures.published(priority, took);
                    }
                    notices += u64::from(phase.notice().is_some());
                }
            }
        }
        if notices > 0 {
            // A delivery removes the notice and writes a line of history, besides the calls for work.
            self.database.work(self.now, self.database.prices.rows(2 * notices));
        }
    }

    /// Schedules a look for each lane with due tasks and a node with room.
    fn send_lookers(&mut self) {
        for lane in Lane::ALL {
            let slot = lane as usize;
            let hungry = self.fleet.hungry(lane).len();
            if self.looking[slot] || hungry == 0 || self.store.queue(lane).is_empty() {
                continue;
            }
            self.looking[slot] = true;
            let looks_per_s = hungry as f64 * self.looks_per_s();
            let wait = chance::wait_ns(&mut self.rng, looks_per_s);
            self.agenda.enter(self.now + wait, Event::Look { lane });
        }
    }

    /// Looks of one node per second: the next one begins after the last one is answered.
    fn looks_per_s(&self) -> f64 {
        let between = self.settings.look_ms * MS + self.database.lag(self.now);
        S as f64 / between as f64
    }

    fn tick(&mut self) {
        let away = self.database.away_until(self.now).is_some();
        let renewing_s = self.settings.lease_ms as f64 / 3e3;
        let looks = self.fleet.hungry(Lane::Light).len() + self.fleet.hungry(Lane::Heavy).len();
        // Every node ends expired leases and reports that it is alive; nodes with work renew all their leases in one call.
        let keeping = (2 * self.fleet.alive() + self.fleet.holders) as f64 / renewing_s;
        let (mut calls, mut renewals) = (looks as f64 * self.looks_per_s() + keeping, 0.0);
        if away {
            calls = 0.0;
        } else {
            renewals = self.fleet.held.iter().sum::<u64>() as f64 / renewing_s;
        }
        let share = self.database.prices.share(calls, renewals);
        let (before, calls_before) = std::mem::replace(&mut self.ticked, (self.store.counts, self.calls));
        let counts = self.store.counts;
        let busy = self.database.settle(share) + share;
        let due = [self.store.queue(Lane::Light).len() as f64, self.store.queue(Lane::Heavy).len() as f64];
        self.measures.tick(Tick {
            claims: (counts.claims - before.claims) as f64,
            calls: calls + (self.calls - calls_before) as f64,
            renewals,
            rows: (counts.rows - before.rows) as f64,
            busy,
            ended: (counts.ended - before.ended) as f64,
            due,
        });
        // Without any other event, what has not ended will never end.
        if !self.agenda.is_empty() {
            self.agenda.enter(self.now + S, Event::Tick);
        }
    }
}

/// Uploads per second: a share of what the cores or the database can do, whichever is less.
fn fitting_load(settings: &Settings, workload: &Workload) -> f64 {
    let mean = workload.mean();
    let nodes = f64::from(settings.nodes);
    let media = nodes * f64::from(settings.cores) * 1e3 / mean.heavy_ms;
    let database = Database::new(&settings.store);
    let looks = 2.0 * nodes * 1e3 / settings.look_ms as f64;
    let renewing_s = settings.lease_ms as f64 / 3e3;
    let held = nodes * f64::from(settings.cores) / renewing_s;
    let left = 1.0 - database.prices.share(looks + 3.0 * nodes / renewing_s, held);
    // A task with a turn of its own: a commit, two claims, and two looks that find nothing.
    let of_tasks =
        mean.tasks * (database.prices.claims(1) + database.prices.completions(1) + database.prices.calls(4));
    let stored = left.max(LEAST_LEFT) * 1e9 / (of_tasks + database.prices.rows(8)).max(1.0);
    settings.load * media.min(stored)
}
