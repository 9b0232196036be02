//! What the work of this node costs, as written in the configuration.

use std::collections::BTreeMap;

use reelgate_actors::rates::Rates;
use reelgate_cost::cap::Caps;
use reelgate_cost::money::NanoUsd;
use reelgate_cost::node::{NodeKind, Purchase};
use reelgate_cost::prices::{PriceError, Prices};
use reelgate_ports::machine::MachineKind;
use serde::{Deserialize, Serialize};

/// The list prices that ship: those of us-east-1.
const SHIPPED: &str = include_str!("../../deploy/prices/us-east-1.toml");
/// Most virtual CPUs that a node may have.
const VCPUS_MAX: u32 = 4_096;

/// Prices, and what this node is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CostRaw {
    /// What this node is, as price tables name it, such as `c6a-xlarge`. Default empty: with `node.ec2`, the type and purchase of
    /// the instance; without it nothing has a price, and what is used is counted all the same.
    pub node_type: String,
    /// `on-demand` or `spot`. Default `on-demand`.
    pub purchase: Purchase,
    /// Virtual CPUs of this node, 0 for as many as it has, at most 4,096. Default 0.
    pub vcpus: u32,
    /// File with a price table, see deploy/prices. Default empty: the one that ships, of us-east-1.
    pub prices: String,
    /// Most that may be spent.
    pub caps: CapsRaw,
}

/// Caps in US dollars, such as `"12.50"`. Default empty: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapsRaw {
    /// One asset may cost at most this, over its whole life.
    pub asset: String,
    /// All assets together in a day of UTC.
    pub day: String,
    /// All assets together in a month of UTC.
    pub month: String,
    /// The assets of a producer in a month, by the first folder of their keys.
    pub prefixes: BTreeMap<String, String>,
}

impl CapsRaw {
    /// The caps in effect; the message names the key.
    pub fn caps(&self) -> Result<Caps, String> {
        let amount = |key: &str, text: &str| match text {
            "" => Ok(None),
            // It is not quoted: what stands there may be anything.
            text => NanoUsd::parse(text).map(Some).map_err(|_| {
                format!(
                    "cost.caps.{key}: expected an amount of US dollars such as 12.50, found something else"
                )
            }),
        };
        let mut prefixes = BTreeMap::new();
        for (prefix, text) in &self.prefixes {
            if prefix.is_empty() || prefix.contains('/') {
                return Err(
                    "cost.caps.prefixes: expected first folders of keys without `/`, found another name"
                        .into(),
                );
            }
            prefixes.extend(amount("prefixes", text)?.map(|limit| (prefix.clone(), limit)));
        }
        Ok(Caps {
            asset: amount("asset", &self.asset)?,
            day: amount("day", &self.day)?,
            month: amount("month", &self.month)?,
            prefixes,
        })
    }
}

impl CostRaw {
    /// The price table in effect.
    pub fn table(&self) -> Result<Prices, String> {
        let text = match self.prices.as_str() {
            "" => SHIPPED.to_owned(),
            file => std::fs::read_to_string(file)
                .map_err(|error| format!("cost.prices: expected a file with a price table: {error}"))?,
        };
        Prices::parse(&text).map_err(|error| format!("cost.prices: {error}"))
    }

    /// The rates of this node, which has so many cores, as far as the configuration says what it is.
    pub fn rates(&self, cores: u16) -> Result<Rates, String> {
        if self.vcpus > VCPUS_MAX {
            return Err(format!("cost.vcpus: expected 0 to {VCPUS_MAX}, found {}", self.vcpus));
        }
        let prices = self.table()?;
        if self.node_type.is_empty() {
            return Ok(Rates::free());
        }
        Rates::new(&self.node(&self.node_type, self.purchase, cores), prices).map_err(|error| match error {
            // It is not quoted: what stands there may be anything.
            PriceError::Missing { name, region } if name.starts_with(&self.node_type) => format!(
                "cost.node_type: expected a node type with a price in those of {region}, such as c6a-xlarge, found another"
            ),
            error => format!("cost.prices: {error}"),
        })
    }

    /// The rates of a machine that the configuration does not name; an error where the table lacks a price.
    pub fn rates_of(&self, machine: &MachineKind, cores: u16) -> Result<Rates, String> {
        let purchase = if machine.is_spot { Purchase::Spot } else { Purchase::OnDemand };
        let node_type = machine.machine_type.replace('.', "-");
        Rates::new(&self.node(&node_type, purchase, cores), self.table()?).map_err(|error| error.to_string())
    }

    fn node(&self, node_type: &str, purchase: Purchase, cores: u16) -> NodeKind {
        let vcpus = if self.vcpus == 0 { u32::from(cores) } else { self.vcpus };
        NodeKind { node_type: node_type.to_owned(), purchase, vcpus }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn node(node_type: &str) -> CostRaw {
        CostRaw { node_type: node_type.into(), ..CostRaw::default() }
    }

    #[test]
    fn a_node_without_a_type_has_no_prices_and_one_with_a_type_has_those_of_its_size() {
        assert!(node("").rates(4).unwrap().node().is_none());
        let per = |vcpus, cores| {
            CostRaw { vcpus, ..node("c6a-xlarge") }.rates(cores).unwrap().node().unwrap().price.per
        };
        assert_eq!((per(0, 4), per(8, 4)), (4 * 3_600_000, 8 * 3_600_000));
    }

    #[test]
    fn caps_are_read_exactly_and_anything_else_is_one_clear_line() {
        let prefixes = |name: &str| BTreeMap::from([(name.to_owned(), "0.1".to_owned())]);
        let raw = CapsRaw { day: "12.50".into(), prefixes: prefixes("shows"), ..CapsRaw::default() };
        let caps = raw.caps().unwrap();
        assert_eq!((caps.asset, caps.day, caps.month), (None, Some(NanoUsd::new(12_500_000_000)), None));
        assert_eq!(caps.prefixes["shows"], NanoUsd::new(100_000_000));
        for (raw, expected) in [
            (CapsRaw { day: "much".into(), ..CapsRaw::default() }, "cost.caps.day: expected an amount"),
            (CapsRaw { asset: "-1".into(), ..CapsRaw::default() }, "cost.caps.asset: expected an amount"),
            (
                CapsRaw { prefixes: prefixes("a/b"), ..CapsRaw::default() },
                "cost.caps.prefixes: expected first folders",
            ),
        ] {
            let error = raw.caps().unwrap_err();
            assert!(error.starts_with(expected) && !error.contains("much"), "{error}");
        }
    }

    #[test]
    fn an_instance_has_the_price_of_its_type_and_purchase() {
        let kind = |machine_type: &str, is_spot| MachineKind { machine_type: machine_type.into(), is_spot };
        let rates =
            |kind: MachineKind| CostRaw::default().rates_of(&kind, 4).map(|rates| rates.node().cloned());
        let usd = |is_spot| rates(kind("c6a.xlarge", is_spot)).unwrap().unwrap().price.usd.nanos();
        assert_eq!((usd(false), usd(true)), (153_000_000, 61_200_000));
        let error = rates(kind("x9.huge", false)).unwrap_err();
        assert!(error.contains("[price.x9-huge]"), "{error}");
    }

    #[test]
    fn an_unknown_node_or_table_is_one_clear_line() {
        for (raw, expected) in [
            (
                node("x9-huge"),
                "cost.node_type: expected a node type with a price in those of us-east-1, such as c6a-xlarge",
            ),
            (CostRaw { vcpus: 5_000, ..node("") }, "cost.vcpus: expected 0 to 4096, found 5000"),
            (
                CostRaw { prices: "/nonexistent/prices.toml".into(), ..node("") },
                "cost.prices: expected a file with a price table: ",
            ),
            (CostRaw { prices: "Cargo.toml".into(), ..node("") }, "cost.prices: expected a price table"),
        ] {
            let error = raw.rates(1).unwrap_err();
            assert!(error.starts_with(expected) && error.lines().count() == 1, "{error}");
        }
    }
}
