//! What a simulation is asked for.

use serde::Serialize;

/// What goes wrong on the way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Nothing but what always goes wrong: bad uploads, and object stores that do not answer now and then.
    Steady,
    /// A tenth of the nodes die without notice, at random moments over the middle half of the arrivals.
    NodeDeaths,
    /// Three nodes of ten get the two-minute notice of a spot interruption at once.
    SpotWave,
    /// The database is away for 60 s.
    Failover,
    /// A hundredth as many uploads again arrive at once, and each crashes or hangs the media worker.
    Poison,
}

impl Scenario {
    /// Every scenario, the quiet one first.
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

/// What the database can do, each measured alone; infinite where it is to be no bound.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct StoreRates {
    /// Tasks claimed and completed a second, in batches.
    pub tasks_per_s: f64,
    /// Leases renewed a second, in batches.
    pub renewals_per_s: f64,
    /// Calls a second that find or write nothing: looks without a result, the fixed cost of every call.
    pub calls_per_s: f64,
    /// Rows inserted or updated a second, in batches.
    pub rows_per_s: f64,
    /// Microseconds to the database and back.
    pub round_trip_us: u64,
}

impl StoreRates {
    /// A database that costs nothing, to see what is asked of it.
    pub const UNBOUNDED: Self = Self {
        tasks_per_s: f64::INFINITY,
        renewals_per_s: f64::INFINITY,
        calls_per_s: f64::INFINITY,
        rows_per_s: f64::INFINITY,
        round_trip_us: 1_000,
    };
}

/// A whole simulation; equal settings give equal results.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Settings {
    /// Nodes, 1 to 100,000.
    pub nodes: u32,
    /// Cores of a node, 1 to 256: heavy tasks it runs at once.
    pub cores: u16,
    /// Light tasks a node claims at once, 1 to 1,000.
    pub light_tasks: u16,
    /// Uploads, 1 to 10,000,000.
    pub assets: u32,
    /// Everything random follows from it.
    pub seed: u64,
    /// Uploads a second; where not given, `load` of what the fleet or the database can do, whichever is less.
    pub arrivals_per_s: Option<f64>,
    /// Share of what can be done that arrives, above 0, where `arrivals_per_s` is not given.
    pub load: f64,
    /// Milliseconds a claim lasts without renewal; renewed every third of it.
    pub lease_ms: u64,
    /// Milliseconds between a node's looks for work nobody told it of.
    pub look_ms: u64,
    /// Seconds until a new node takes the place of a lost one.
    pub replace_s: u64,
    /// What goes wrong.
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
    /// The fleet of the mission, on nodes of eight cores with the engine's own defaults.
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
