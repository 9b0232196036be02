//! Which waiting assets go into a job together: jobs are few and slow to start, and no asset may wait for ever.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;

/// When a batch is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchRule {
    /// Assets of one batch at most; at least 1.
    pub assets_max: usize,
    /// A batch begins at the latest when its oldest asset has waited for so long, milliseconds.
    pub wait_ms_max: u64,
}

impl Default for BatchRule {
    /// 100 assets or a minute: at one job in ten seconds that is ten assets a second.
    fn default() -> Self {
        Self { assets_max: 100, wait_ms_max: 60_000 }
    }
}

/// An asset whose text is ready.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Waiting {
    /// Since when, milliseconds since 1970.
    pub since_ms: u64,
    /// Which.
    pub asset: AssetId,
}

/// The batches that begin now, the oldest assets first; who is in none of them goes on waiting.
pub fn batches(waiting: &[Waiting], now_ms: u64, rule: BatchRule) -> Vec<Vec<Waiting>> {
    let mut waiting = waiting.to_vec();
    waiting.sort();
    let mut seen = BTreeSet::new();
    waiting.retain(|one| seen.insert(one.asset.clone()));
    let size = rule.assets_max.max(1);
    let begins = |group: &[Waiting]| {
        let waited_ms = group.first().map_or(0, |first| now_ms.saturating_sub(first.since_ms));
        group.len() == size || waited_ms >= rule.wait_ms_max
    };
    waiting.chunks(size).filter(|group| begins(group)).map(<[Waiting]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: BatchRule = BatchRule { assets_max: 3, wait_ms_max: 100 };

    fn waiting(number: u64, since_ms: u64) -> Waiting {
        Waiting { since_ms, asset: AssetId::new(format!("asset{number}")) }
    }

    #[test]
    fn a_batch_begins_when_it_is_full_or_its_oldest_asset_has_waited_long_enough() {
        let two = [waiting(2, 20), waiting(1, 10)];
        assert!(batches(&two, 109, RULE).is_empty());
        assert_eq!(batches(&two, 110, RULE), [vec![waiting(1, 10), waiting(2, 20)]]);
        let four: Vec<_> = (0..4).map(|number| waiting(number, 50)).collect();
        assert_eq!(batches(&four, 51, RULE), [four[..3].to_vec()]);
    }

    #[test]
    fn an_asset_named_twice_waits_since_the_first_time() {
        let twice = [waiting(1, 60), waiting(1, 0)];
        assert_eq!(batches(&twice, 100, RULE), [vec![waiting(1, 0)]]);
    }

    #[test]
    fn a_clock_that_went_back_starts_nothing_and_breaks_nothing() {
        assert!(batches(&[waiting(1, 10)], 0, RULE).is_empty());
    }

    proptest! {
        #[test]
        fn nobody_waits_too_long_is_taken_twice_or_overtaken(
            since in proptest::collection::vec(0..300_u64, 0..40), now_ms in 0..400_u64, assets_max in 0..6_usize,
        ) {
            let rule = BatchRule { assets_max, wait_ms_max: 100 };
            let all: Vec<_> = (0..).zip(&since).map(|(number, since)| waiting(number, *since)).collect();
            let begun = batches(&all, now_ms, rule);
            let taken: Vec<_> = begun.iter().flatten().cloned().collect();
            let names: BTreeSet<_> = taken.iter().map(|one| one.asset.clone()).collect();
            prop_assert_eq!(names.len(), taken.len());
            prop_assert!(begun.iter().all(|batch| (1..=assets_max.max(1)).contains(&batch.len())));
            let left: Vec<_> = all.iter().filter(|one| !names.contains(&one.asset)).collect();
            prop_assert!(left.len() < assets_max.max(1));
            prop_assert!(left.iter().all(|one| now_ms.saturating_sub(one.since_ms) < 100));
            let newest_taken = taken.iter().map(|one| one.since_ms).max();
            prop_assert!(left.iter().all(|one| Some(one.since_ms) >= newest_taken));
        }
    }
}
