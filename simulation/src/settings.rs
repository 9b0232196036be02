//! The settings of a simulation.

use serde::Serialize;

/// What goes wrong during the run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Only what always goes wrong: bad uploads, and object stores that sometimes do not answer.
    Steady,
    /// A tenth of the nodes die without notice, at random moments in the middle half of the arrivals.
    NodeDeaths,
    /// Three of ten nodes get the two-minute notice of a spot interruption at the same time.
    SpotWave,
    /// The database is away for 60 s.
    Failover,
    /// One more upload per hundred arrives, all at once; each of them crashes or hangs the media worker.
    Poison,
}

impl Scenario {
    /// Every scenario, the steady one first.
    pub const ALL: [Self; 5] = [Self::Steady, Self::NodeDeaths, Self::SpotWave, Self::Failover, Self::Poison];

    /// The word used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::NodeDeaths => "node-deaths",
            Self::SpotWave => "spot-wave",
            Self::Failover => "failover",
            Self::Poison => "poison",
        }
    }
}

/// What the database can do, each rate measured alone; infinite for no bound.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct StoreRates {
    /// Tasks claimed and completed per second, in batches.
    pub tasks_per_s: f64,
    /// Leases renewed per second, in batches.
    pub renewals_per_s: f64,
    /// Calls per second that find or write nothing: looks without a result, and the fixed cost of every call.
    pub calls_per_s: f64,
    /// Rows inserted or updated per second, in batches.
    pub rows_per_s: f64,
    /// Round trip to the database, microseconds.
    pub round_trip_us: u64,
}

impl StoreRates {
    /// A database without bounds, to measure the load on it.
    pub const UNBOUNDED: Self = Self {
        tasks_per_s: f64::INFINITY,
        renewals_per_s: f64::INFINITY,
        calls_per_s: f64::INFINITY,
        rows_per_s: f64::INFINITY,
        round_trip_us: 1_000,
    };
}

/// The settings of a run; equal settings give equal reports.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Settings {
    /// Number of nodes, 1 to 100,000.
    pub nodes: u32,
    /// Cores of a node, 1 to 256: heavy tasks it runs at once.
    pub cores: u16,
    /// Light tasks a node claims at once, 1 to 1,000.
    pub light_tasks: u16,
    /// Number of uploads, 1 to 10,000,000.
    pub assets: u32,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Uploads per second. Without it, the share `load` of what the fleet or the database can do, whichever is less.
    pub arrivals_per_s: Option<f64>,
    /// Share of the capacity that arrives, above 0; used without `arrivals_per_s`.
    pub load: f64,
    /// Milliseconds for which a claim lasts without renewal, 1,000 to 600,000; renewed every third of it.
    pub lease_ms: u64,
    /// Milliseconds between a node's looks for work, 1 to 600,000.
    pub look_ms: u64,
    /// Seconds until a new node replaces a lost one, 1 to 86,400.
    pub replace_s: u64,
    /// What goes wrong during the run.
    pub scenario: Scenario,
    /// What the database can do.
    pub store: StoreRates,
}

impl Default for StoreRates {
    fn default() -> Self {
        Self {
            tasks_per_s: 2_000.0,
            renewals_per_s: 20_000.0,
            calls_per_s: 8_000.0,
            rows_per_s: 20_000.0,
            round_trip_us: 1_000,
        }
    }
}

impl Default for Settings {
    /// A fleet of ten thousand nodes with eight cores each, with the defaults of the engine.
    fn default() -> Self {
        Self {
            nodes: 10_000,
            cores: 8,
            light_tasks: 32,
            assets: 1_000_000,
            seed: 1,
            arrivals_per_s: None,
            load: 0.7,
            lease_ms: 30_000,
            look_ms: 250,
            replace_s: 180,
            scenario: Scenario::Steady,
            store: StoreRates::default(),
        }
    }
}

impl Settings {
    /// Checks ranges; the message names the setting, what was expected and what was found.
    pub fn validate(&self) -> Result<(), String> {
        let whole = |name: &str, value: u64, min: u64, max: u64| {
            let fits = (min..=max).contains(&value);
            if fits { Ok(()) } else { Err(format!("{name}: expected {min} to {max}, found {value}")) }
        };
        let positive = |name: &str, value: f64| {
            let fits = value > 0.0;
            if fits { Ok(()) } else { Err(format!("{name}: expected more than 0, found {value}")) }
        };
        whole("nodes", self.nodes.into(), 1, 100_000)?;
        whole("cores", self.cores.into(), 1, 256)?;
        whole("light tasks", self.light_tasks.into(), 1, 1_000)?;
        whole("assets", self.assets.into(), 1, 10_000_000)?;
        whole("lease", self.lease_ms, 1_000, 600_000)?;
        whole("time between looks", self.look_ms, 1, 600_000)?;
        whole("time to replace a node", self.replace_s, 1, 86_400)?;
        whole("round trip", self.store.round_trip_us, 0, 1_000_000)?;
        positive("arrivals", self.arrivals_per_s.unwrap_or(1.0))?;
        positive("load", self.load)?;
        positive("tasks a second", self.store.tasks_per_s)?;
        positive("renewals a second", self.store.renewals_per_s)?;
        positive("calls a second", self.store.calls_per_s)?;
        positive("rows a second", self.store.rows_per_s)
    }
}
