//! Sums agree in every dimension, and allocation loses nothing.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use reelgate_cost::allocation::allocate;
use reelgate_cost::charge::{Charge, Method, amount};
use reelgate_cost::line::{Line, Owner};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::prices::Price;
use reelgate_cost::resource::Resource;
use reelgate_cost::sums::{Dimension, Group, Sum, Sums};

const CASES: u32 = 10_000;

fn label(letters: &'static str) -> impl Strategy<Value = String> {
    proptest::string::string_regex(letters).unwrap()
}

fn owner() -> impl Strategy<Value = Owner> {
    (label("[a-e]"), label("[xy]?"), label("[pq]?"), 0..4usize, label("[0-2]")).prop_map(
        |(asset, prefix, profile, stage, part)| {
            let stage = ["validate", "transcode", "screen", "publish"][stage].to_owned();
            Owner { asset, prefix, profile, stage, part }
        },
    )
}

fn line() -> impl Strategy<Value = Line> {
    let price = (0..10_000_000_000i64, 1..100_000_000u64);
    let what = (0..Resource::ALL.len(), 0..10_000_000u64, price, 0..Method::ALL.len());
    (proptest::option::weighted(0.9, owner()), 20_000..20_040u32, label("[mn]?"), what, any::<bool>())
        .prop_map(|(owner, day, node_type, (resource, quantity, (usd, per), method), waste)| {
            let price = Price { usd: NanoUsd::new(usd), per, date: "2026-08-01".into(), verified: true };
            let (resource, method) = (Resource::ALL[resource], Method::ALL[method]);
            // Kept small enough that a sum of all lines has room.
            let charge = Charge::new(resource, quantity % (per * 1_000), &price, method).unwrap();
            Line { owner, day, node_type, charge, waste }
        })
}

fn is_shared(line: &Line) -> bool {
    line.owner.is_none() || line.charge.method == Method::Allocated
}

fn added(groups: impl Iterator<Item = Sum>) -> (i64, i64, i64, u64) {
    groups.fold((0, 0, 0, 0), |sum, group| {
        (
            sum.0 + group.total.nanos(),
            sum.1 + group.waste.nanos(),
            sum.2 + group.shared.nanos(),
            sum.3 + group.lines,
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn sums_of_every_dimension_are_the_total_in_nano_dollars(lines in vec(line(), 0..40)) {
        let expected: i64 = lines.iter().map(|line| line.charge.amount.nanos()).sum();
        let shared: i64 =
            lines.iter().filter(|line| is_shared(line)).map(|line| line.charge.amount.nanos()).sum();
        let waste: i64 = lines.iter().filter(|line| line.waste).map(|line| line.charge.amount.nanos()).sum();
        let expected = (expected, waste, shared, lines.len() as u64);
        for dimension in Dimension::ALL {
            let mut sums = Sums::new(dimension);
            lines.iter().for_each(|line| sums.add(line).unwrap());
            prop_assert_eq!(added(sums.groups().map(|(_, sum)| *sum)), expected, "groups by {:?}", dimension);
            prop_assert_eq!(added([*sums.total()].into_iter()), expected, "total by {:?}", dimension);
            // What nobody used alone has a line of its own where lines are divided by who used them.
            let by_user = !matches!(dimension, Dimension::Day | Dimension::NodeType | Dimension::Resource);
            let has_shared = lines.iter().any(|line| line.owner.is_none());
            prop_assert_eq!(
                sums.groups().any(|(group, _)| *group == Group::Shared),
                by_user && has_shared
            );
        }
    }

    #[test]
    fn an_allocation_loses_no_nano_dollar_and_is_fair(
        nanos in 0..=i64::MAX, weights in vec(prop_oneof![Just(0), 0..1_000u64, any::<u64>()], 0..30)
    ) {
        let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        let Some(shares) = allocate(NanoUsd::new(nanos), &weights).unwrap() else {
            prop_assert_eq!(total, 0);
            return Ok(());
        };
        prop_assert_eq!(shares.len(), weights.len());
        prop_assert_eq!(NanoUsd::sum(shares.iter().copied()).unwrap().nanos(), nanos);
        for (share, weight) in shares.iter().zip(&weights) {
            let exact = u128::from(nanos.unsigned_abs()) * u128::from(*weight) / total;
            let share = u128::from(share.nanos().unsigned_abs());
            prop_assert!(share == exact || share == exact + 1, "{share} for {weight}, exactly {exact}");
            prop_assert!(*weight > 0 || share == 0);
        }
    }

    #[test]
    fn an_amount_is_within_half_a_nano_dollar_of_quantity_times_price(
        quantity in any::<u64>(), price in 0..=i64::MAX, unit in 1..=u64::MAX
    ) {
        let exact = u128::from(quantity) * u128::from(price.unsigned_abs());
        match amount(quantity, NanoUsd::new(price), unit) {
            Ok(found) => {
                let back = u128::from(found.nanos().unsigned_abs()).checked_mul(u128::from(unit)).unwrap();
                prop_assert!(back.abs_diff(exact) * 2 <= u128::from(unit));
            }
            Err(_) => prop_assert!(exact / u128::from(unit) >= i64::MAX.unsigned_abs().into()),
        }
    }

    #[test]
    fn an_amount_is_written_and_parsed_back(nanos in 0..=i64::MAX) {
        let money = NanoUsd::new(nanos);
        prop_assert_eq!(NanoUsd::parse(money.to_string().trim_start_matches('$')).unwrap(), money);
    }
}

#[test]
fn generated_lines_are_of_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let lines: Vec<Line> = (0..2_000).map(|_| line().new_tree(&mut runner).unwrap().current()).collect();
    assert!(lines.iter().any(|line| line.owner.is_none()) && lines.iter().any(|line| line.waste));
    assert!(lines.iter().filter(|line| line.charge.amount > NanoUsd::ZERO).count() > 1_000);
    let resources: BTreeSet<Resource> = lines.iter().map(|line| line.charge.resource).collect();
    assert_eq!(resources.len(), Resource::ALL.len());
}
