//! The machine that works: its type, how it is bought, and its size.

use serde::{Deserialize, Serialize};

use crate::prices::{Price, PriceError, Prices};
use crate::resource::Measure;

/// How a node is bought.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purchase {
    /// By the hour at the list price.
    #[default]
    OnDemand,
    /// Spare capacity that AWS may take back.
    Spot,
}

/// What a node is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeKind {
    /// Its instance type as prices name it, with hyphens: `c6a-xlarge`.
    pub node_type: String,
    /// How it is bought.
    pub purchase: Purchase,
    /// Its virtual CPUs.
    pub vcpus: u32,
}

impl NodeKind {
    /// The name of its price: `c6a-xlarge`, `c6a-xlarge-spot`. It is also what ledger lines say of the node.
    pub fn price_name(&self) -> String {
        match self.purchase {
            Purchase::OnDemand => self.node_type.clone(),
            Purchase::Spot => format!("{}-spot", self.node_type),
        }
    }

    /// The price of a millisecond of one of its virtual CPUs: an hour of the node is an hour of all of them.
    pub fn price(&self, prices: &Prices) -> Result<Price, PriceError> {
        let name = self.price_name();
        let hour = prices.named(&name, Measure::Milliseconds)?;
        let vcpus = u64::from(self.vcpus.max(1));
        let per = hour.per.checked_mul(vcpus).ok_or(PriceError::Size(name))?;
        Ok(Price { per, ..hour })
    }
}

/// What the time of a node costs, as the node reports it: its price is that of one of its virtual CPUs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeRate {
    /// What ledger lines say of the node ([`NodeKind::price_name`]).
    pub node_type: String,
    /// Its virtual CPUs.
    pub vcpus: u32,
    /// The price of so many milliseconds of one of them.
    pub price: Price,
}

impl NodeRate {
    /// The rate of a kind of node.
    pub fn new(kind: &NodeKind, prices: &Prices) -> Result<Self, PriceError> {
        Ok(Self { node_type: kind.price_name(), vcpus: kind.vcpus, price: kind.price(prices)? })
    }
}
