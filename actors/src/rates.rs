//! What the work of this node costs: turns what an attempt used into charges.

use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::node::{NodeKind, NodeRate};
use reelgate_cost::prices::{Price, PriceError, Prices};
use reelgate_cost::resource::Resource;
use reelgate_ports::meter::Meter;
use reelgate_ports::records::{AttemptCost, AttemptWork};

/// Resources that attempts use, besides the time of their node.
const COUNTED: [Resource; 6] = [
    Resource::S3Put,
    Resource::S3Copy,
    Resource::S3List,
    Resource::S3Get,
    Resource::S3Head,
    Resource::MacieBytes,
];

/// The prices of a node and of what its attempts use.
#[derive(Clone, Debug, Default)]
pub struct Rates(Option<(NodeRate, Prices)>);

impl Rates {
    /// Nothing has a price, as on a laptop: what is used is counted and costs nothing.
    pub fn free() -> Self {
        Self(None)
    }

    /// The rates of a node; an error if the table lacks a price that is needed.
    pub fn new(node: &NodeKind, prices: Prices) -> Result<Self, PriceError> {
        COUNTED.iter().try_for_each(|resource| prices.of(*resource).map(drop))?;
        Ok(Self(Some((NodeRate::new(node, &prices)?, prices))))
    }

    /// What the time of this node costs, for its report.
    pub fn node(&self) -> Option<&NodeRate> {
        self.0.as_ref().map(|(node, _)| node)
    }

    /// The same prices on another node.
    pub fn on(&self, node: NodeRate) -> Self {
        Self(self.0.as_ref().map(|(_, prices)| (node, prices.clone())))
    }

    /// What an attempt costs.
    pub fn charge(&self, cpu_ms: u64, meter: &Meter, work: Option<AttemptWork>) -> AttemptCost {
        let time = Some((Resource::NodeTime, cpu_ms)).filter(|(_, cpu_ms)| *cpu_ms > 0);
        let used = time.into_iter().chain(meter.counts());
        let charges = used.map(|(resource, quantity)| {
            self.price(resource, quantity).unwrap_or_else(|error| {
                tracing::warn!(resource = resource.as_str(), quantity, %error, "charged as free of charge");
                Charge::free(resource, quantity, Method::Measured)
            })
        });
        let node_type = self.node().map(|node| node.node_type.clone()).unwrap_or_default();
        AttemptCost { node_type, charges: charges.collect(), work, asked: None }
    }

    fn price(&self, resource: Resource, quantity: u64) -> Result<Charge, String> {
        let Some(rates) = &self.0 else {
            return Ok(Charge::free(resource, quantity, Method::Measured));
        };
        let price = price_of(rates, resource).map_err(|error| error.to_string())?;
        Charge::new(resource, quantity, &price, Method::Measured).map_err(|error| error.to_string())
    }

    /// The price of a resource; `None` where it has none.
    pub fn price_of(&self, resource: Resource) -> Option<Price> {
        self.0.as_ref().and_then(|rates| price_of(rates, resource).ok())
    }
}

fn price_of((node, prices): &(NodeRate, Prices), resource: Resource) -> Result<Price, PriceError> {
    match resource {
        Resource::NodeTime => Ok(node.price.clone()),
        other => prices.of(other),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use reelgate_cost::node::Purchase;

    use super::*;

    const PRICES: &str = include_str!("../../deploy/prices/us-east-1.toml");

    fn node() -> NodeKind {
        NodeKind { node_type: "c6a-xlarge".into(), purchase: Purchase::OnDemand, vcpus: 4 }
    }

    fn meter() -> Meter {
        let meter = Meter::default();
        meter.add(Resource::S3Put, 3);
        meter
    }

    #[test]
    fn an_hour_of_one_of_four_virtual_cpus_is_a_quarter_of_the_nodes_price() {
        let rates = Rates::new(&node(), Prices::parse(PRICES).unwrap()).unwrap();
        let cost = rates.charge(3_600_000, &meter(), None);
        let amounts: Vec<(Resource, i64)> =
            cost.charges.iter().map(|charge| (charge.resource, charge.amount.nanos())).collect();
        assert_eq!(amounts, [(Resource::NodeTime, 38_250_000), (Resource::S3Put, 15_000)]);
        assert_eq!(cost.node_type, "c6a-xlarge");
    }

    #[test]
    fn without_prices_what_was_used_is_counted_and_costs_nothing() {
        let cost = Rates::free().charge(5, &meter(), None);
        let quantities: Vec<u64> = cost.charges.iter().map(|charge| charge.quantity).collect();
        assert_eq!((quantities, cost.node_type.as_str()), (vec![5, 3], ""));
        assert!(cost.charges.iter().all(|charge| charge.amount.nanos() == 0));
    }

    #[test]
    fn a_table_without_a_needed_price_is_refused_at_once() {
        for missing in COUNTED.iter().map(|resource| resource.price_name()).chain(["c6a-xlarge"]) {
            let prices = PRICES.replace(&format!("[price.{missing}]"), "[price.other]");
            let error = Rates::new(&node(), Prices::parse(&prices).unwrap()).err().unwrap().to_string();
            assert!(error.contains(&format!("[price.{missing}]")), "{error}");
        }
    }
}
