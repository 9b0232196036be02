//! The price table that ships has everything that the ledger counts.

use reelgate_cost::node::{NodeKind, Purchase};
use reelgate_cost::prices::Prices;
use reelgate_cost::resource::Resource;

const TEXT: &str = include_str!("../../deploy/prices/us-east-1.toml");

#[test]
fn every_resource_and_every_node_of_the_stack_has_a_price() {
    let prices = Prices::parse(TEXT).unwrap();
    for resource in Resource::ALL.into_iter().filter(|resource| *resource != Resource::NodeTime) {
        prices.of(resource).unwrap();
    }
    let heavy = ["c6a-xlarge", "c6i-xlarge", "c7i-xlarge", "m6a-xlarge"].map(|name| (name, 4));
    for (node_type, vcpus) in heavy.into_iter().chain([("t3a-small", 2), ("t3-small", 2)]) {
        for purchase in [Purchase::OnDemand, Purchase::Spot] {
            NodeKind { node_type: node_type.into(), purchase, vcpus }.price(&prices).unwrap();
        }
    }
}

#[test]
fn a_table_without_a_needed_price_is_refused() {
    let mut refused = 0;
    for resource in Resource::ALL.into_iter().filter(|resource| *resource != Resource::NodeTime) {
        let other = TEXT.replace(&format!("[price.{}]", resource.price_name()), "[price.other]");
        let prices = Prices::parse(&other).unwrap();
        let error = prices.of(resource).unwrap_err().to_string();
        assert!(error.contains(&format!("[price.{}]", resource.price_name())), "{error}");
        refused += 1;
    }
    assert_eq!(refused, Resource::ALL.len() - 1);
}
