//! The time of nodes that no attempt used, and its division among those who worked on that day.

use std::collections::BTreeMap;

use crate::allocation::allocate;
use crate::charge::{Charge, Method};
use crate::line::Line;
use crate::money::{MoneyError, NanoUsd};
use crate::node::NodeRate;
use crate::resource::Resource;

/// What one asset has of the idle time of one type of node; of what no asset has a share, the asset is empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdleShare {
    /// The asset.
    pub asset: String,
    /// The type of the nodes.
    pub node_type: String,
    /// Its share.
    pub charge: Charge,
}

/// The node time that attempts used on one day.
#[derive(Clone, Default, Debug)]
pub struct DayUse {
    by_node_type: BTreeMap<String, u64>,
    /// In the order of the ledger.
    by_asset: Vec<(String, u64)>,
}

impl DayUse {
    /// Adds a line of the day. The lines of an asset come one after the other.
    pub fn add(&mut self, line: &Line) {
        let (Some(owner), Resource::NodeTime) = (&line.owner, line.charge.resource) else { return };
        let quantity = line.charge.quantity;
        let of_type = self.by_node_type.entry(line.node_type.clone()).or_default();
        *of_type = of_type.saturating_add(quantity);
        match self.by_asset.last_mut() {
            Some((asset, used)) if *asset == owner.asset => *used = used.saturating_add(quantity),
            _ => self.by_asset.push((owner.asset.clone(), quantity)),
        }
    }

    /// The idle time of nodes that were up for so long (milliseconds), each type divided in proportion to node time. A node whose lost
    /// attempts are charged more than its time has none.
    pub fn idle(&self, uptimes: &[(NodeRate, u64)]) -> Result<Vec<IdleShare>, MoneyError> {
        let mut up: BTreeMap<&str, (&NodeRate, u64)> = BTreeMap::new();
        for (rate, up_ms) in uptimes {
            let (_, sum) = up.entry(&rate.node_type).or_insert((rate, 0));
            *sum = sum.saturating_add(up_ms.saturating_mul(u64::from(rate.vcpus)));
        }
        let weights: Vec<u64> = self.by_asset.iter().map(|(_, used)| *used).collect();
        let mut shares = Vec::new();
        for (node_type, (rate, up_ms)) in up {
            let used_ms = self.by_node_type.get(node_type).copied().unwrap_or_default();
            let idle_ms = up_ms.saturating_sub(used_ms);
            if idle_ms == 0 {
                continue;
            }
            let whole = Charge::new(Resource::NodeTime, idle_ms, &rate.price, Method::Allocated)?;
            let share = |asset: &str, charge| IdleShare {
                asset: asset.to_owned(),
                node_type: node_type.to_owned(),
                charge,
            };
            match divide(&whole, &weights)? {
                None => shares.push(share("", whole)),
                Some(parts) => {
                    let parts = self.by_asset.iter().zip(parts).filter(|(_, part)| part.quantity > 0);
                    shares.extend(parts.map(|((asset, _), part)| share(asset, part)));
                }
            }
        }
        Ok(shares)
    }
}

/// A charge divided by weights; amounts and quantities each add up to those of the whole. `None` without a weight above 0.
fn divide(whole: &Charge, weights: &[u64]) -> Result<Option<Vec<Charge>>, MoneyError> {
    let quantity = i64::try_from(whole.quantity).map_err(|_| MoneyError::TooLarge)?;
    let (Some(amounts), Some(quantities)) =
        (allocate(whole.amount, weights)?, allocate(NanoUsd::new(quantity), weights)?)
    else {
        return Ok(None);
    };
    let part = |(amount, quantity): (NanoUsd, NanoUsd)| Charge {
        amount,
        quantity: quantity.nanos().unsigned_abs(),
        ..whole.clone()
    };
    Ok(Some(amounts.into_iter().zip(quantities).map(part).collect()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::line::Owner;
    use crate::prices::Price;

    fn rate(node_type: &str) -> NodeRate {
        let price =
            Price { usd: NanoUsd::new(1_000_003), per: 997, date: "2026-08-01".into(), verified: true };
        NodeRate { node_type: node_type.into(), vcpus: 4, price }
    }

    fn line(asset: &str, node_type: &str, ms: u64) -> Line {
        let owner = Owner {
            asset: asset.into(),
            prefix: String::new(),
            profile: String::new(),
            stage: "transcode".into(),
            part: "audio".into(),
        };
        let charge = Charge::new(Resource::NodeTime, ms, &rate(node_type).price, Method::Measured).unwrap();
        Line { owner: Some(owner), day: 0, node_type: node_type.into(), charge, waste: false }
    }

    #[test]
    fn what_nobody_used_of_the_uptime_is_divided_by_node_time_and_loses_nothing() {
        let mut day = DayUse::default();
        for (asset, ms) in [("a", 100), ("a", 200), ("b", 100)] {
            day.add(&line(asset, "heavy", ms));
        }
        let shares = day.idle(&[(rate("heavy"), 300), (rate("heavy"), 100), (rate("light"), 10)]).unwrap();
        let found: Vec<_> = shares
            .iter()
            .map(|share| (share.asset.as_str(), share.node_type.as_str(), share.charge.quantity))
            .collect();
        // 4 × 400 ms less 400 ms, and 4 × 10 ms, three quarters and one.
        assert_eq!(found, [("a", "heavy", 900), ("b", "heavy", 300), ("a", "light", 30), ("b", "light", 10)]);
        let amount = |node_type: &str| {
            let of_type = shares.iter().filter(|share| share.node_type == node_type);
            NanoUsd::sum(of_type.map(|share| share.charge.amount)).unwrap()
        };
        let whole =
            |ms| Charge::new(Resource::NodeTime, ms, &rate("").price, Method::Allocated).unwrap().amount;
        assert_eq!((amount("heavy"), amount("light")), (whole(1_200), whole(40)));
    }

    #[test]
    fn idle_time_of_a_day_without_work_has_no_asset_and_a_busy_node_has_none() {
        let [share] = &DayUse::default().idle(&[(rate("heavy"), 5)]).unwrap()[..] else {
            panic!("expected one")
        };
        assert_eq!(
            (share.asset.as_str(), share.charge.quantity, share.charge.method),
            ("", 20, Method::Allocated)
        );
        let mut day = DayUse::default();
        day.add(&line("a", "heavy", 21));
        assert_eq!(day.idle(&[(rate("heavy"), 5)]).unwrap(), []);
    }
}
