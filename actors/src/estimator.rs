//! What the work on an upload will probably cost, by stage.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use reelgate_cost::charge::amount;
use reelgate_cost::estimate::{Estimate, EstimateError, Paces};
use reelgate_cost::node::NodeRate;
use reelgate_cost::resource::Resource;
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::AttemptWork;
use reelgate_ports::store::{Nodes, Queries, Store};

use crate::rates::Rates;

/// Paces of the first day, measured on one machine.
const FIRST_DAY: &str = include_str!("../../deploy/prices/paces.toml");
/// Lines of the ledger from which paces are learned: some 64 of each kind, where ten kinds are usual.
const LINES_MAX: u32 = 4_000;
/// Requests that are counted where objects lie in S3.
const REQUESTS: [Resource; 5] =
    [Resource::S3Put, Resource::S3Copy, Resource::S3List, Resource::S3Get, Resource::S3Head];

/// What one stage will probably use and cost.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StageEstimate {
    /// CPU time of media workers, milliseconds: the median and the 90th percentile.
    pub cpu_ms: (u64, u64),
    /// Requests to S3, likewise.
    pub requests: (u64, u64),
    /// What both cost.
    pub cost: Estimate,
}

/// Paces, and the rates of the nodes that do the work.
#[derive(Clone, Debug)]
pub struct Estimator {
    paces: Paces,
    rates: Rates,
    /// Of the nodes that encode and sample.
    heavy: Rates,
    on_s3: bool,
}

impl Estimator {
    /// Knows only the table of the first day. `on_s3`: requests for objects cost something.
    pub fn first_day(rates: Rates, on_s3: bool) -> Result<Self, EstimateError> {
        Ok(Self { paces: Paces::parse(FIRST_DAY)?, heavy: rates.clone(), rates, on_s3 })
    }

    /// The same with what the nodes of a fleet report: heavy work is done by those with that role, and the dearest of them counts.
    pub async fn learn_fleet(&mut self, store: &(impl Nodes + ?Sized)) -> PortResult<()> {
        let nodes = store.nodes().await?.into_iter().map(|node| node.report);
        let heavy = nodes.filter(|report| report.roles.iter().any(|role| role == "heavy"));
        // The price of a millisecond, as far as whole numbers tell.
        let dear = |rate: &NodeRate| {
            i128::from(rate.price.usd.nanos()) * 1_000_000 / i128::from(rate.price.per.max(1))
        };
        if let Some(rate) = heavy.filter_map(|report| report.rate).max_by_key(dear) {
            self.heavy = self.rates.on(rate);
        }
        Ok(())
    }

    /// Learns from the last lines of a ledger.
    pub async fn learn(&mut self, store: &(impl Queries + ?Sized)) -> PortResult<()> {
        for sample in store.recent_work(LINES_MAX).await? {
            self.paces.observe(&sample.amount(), sample.quantity);
        }
        Ok(())
    }

    /// What work costs, by stage.
    ///
    /// # Errors
    /// No pace of some work is known. Requests are left out where nothing is known of them.
    pub fn by_stage(
        &self,
        work: &[(TaskKey, AttemptWork)],
    ) -> Result<BTreeMap<&'static str, StageEstimate>, EstimateError> {
        let mut stages: BTreeMap<&'static str, StageEstimate> = BTreeMap::new();
        for (task, work) in work {
            let rates = if task.lane() == Lane::Heavy { &self.heavy } else { &self.rates };
            let node_type = rates.node().map_or("", |node| node.node_type.as_str());
            let stage = stages.entry(task.stage()).or_default();
            if work.units > 0 {
                let used = self.paces.quantity(&work.amount(*task, Resource::NodeTime, node_type))?;
                stage.cpu_ms = both(stage.cpu_ms, used);
                stage.cost = stage.cost.plus(cost(rates, Resource::NodeTime, used)?)?;
            }
            for resource in REQUESTS.into_iter().filter(|_| self.on_s3) {
                let Ok(used) = self.paces.quantity(&work.amount(*task, resource, node_type)) else {
                    continue;
                };
                stage.requests = both(stage.requests, used);
                stage.cost = stage.cost.plus(cost(rates, resource, used)?)?;
            }
        }
        Ok(stages)
    }
}

fn cost(rates: &Rates, resource: Resource, (p50, p90): (u64, u64)) -> Result<Estimate, EstimateError> {
    let Some(price) = rates.price_of(resource) else { return Ok(Estimate::default()) };
    let cost = |quantity| amount(quantity, price.usd, price.per);
    Ok(Estimate { p50: cost(p50)?, p90: cost(p90)? })
}

/// The estimator of a node, which learns anew from time to time.
#[derive(Debug)]
pub struct Estimates {
    first_day: Estimator,
    now: RwLock<Estimator>,
}

impl Estimates {
    /// Knows the table of the first day.
    pub fn new(first_day: Estimator) -> Self {
        Self { now: RwLock::new(first_day.clone()), first_day }
    }

    /// Learns from the ledger and from what nodes report.
    pub async fn learn(&self, store: &dyn Store) -> PortResult<()> {
        let mut learned = self.first_day.clone();
        learned.learn(store).await?;
        learned.learn_fleet(store).await?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = learned;
        Ok(())
    }

    /// What work probably costs; `None` where nothing has a price, or a pace is not known.
    pub fn of(&self, work: &[(TaskKey, AttemptWork)]) -> Option<Estimate> {
        let estimator = self.now.read().unwrap_or_else(PoisonError::into_inner);
        let estimated = estimator.by_stage(work).and_then(|stages| total(&stages));
        match estimated {
            Ok(total) => Some(total.cost).filter(|cost| *cost != Estimate::default()),
            Err(error) => {
                tracing::warn!(%error, "work is not estimated: no cap holds for it, and what it costs is booked when it ends");
                None
            }
        }
    }
}

/// The sum of all stages.
pub fn total(stages: &BTreeMap<&'static str, StageEstimate>) -> Result<StageEstimate, EstimateError> {
    let mut total = StageEstimate::default();
    for stage in stages.values() {
        total.cpu_ms = both(total.cpu_ms, stage.cpu_ms);
        total.requests = both(total.requests, stage.requests);
        total.cost = total.cost.plus(stage.cost)?;
    }
    Ok(total)
}

fn both((p50, p90): (u64, u64), (other_p50, other_p90): (u64, u64)) -> (u64, u64) {
    (p50.saturating_add(other_p50), p90.saturating_add(other_p90))
}
