//! What a GB of uploads cost on each day, by prefix and by profile, and the days on which it cost unusually much.

use std::collections::{BTreeMap, BTreeSet};

use crate::anomaly::{Anomaly, DayCost, judge};
use crate::line::Line;
use crate::money::{MoneyError, NanoUsd};
use crate::resource::Resource;

/// AWS's GB: 2³⁰ bytes.
const GB: u128 = 1 << 30;

/// What days are compared by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scope {
    /// The first folder of the key: the producer.
    Prefix,
    /// The profile that the key belongs to.
    Profile,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Prefix, Self::Profile];

    /// The word used in notices, labels and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Profile => "profile",
        }
    }
}

/// A day on which the uploads of a prefix or a profile cost unusually much.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Prefix or profile.
    pub scope: Scope,
    /// Its name; empty for keys without a folder, and for erased assets.
    pub name: String,
    /// The day in UTC, counted from 1970-01-01.
    pub day: u32,
    /// What its uploads cost on that day.
    pub amount: NanoUsd,
    /// Bytes of the uploads that were worked on.
    pub bytes: u64,
    /// The cost of a GB, what is usual, and the limit.
    pub anomaly: Anomaly,
}

/// One day of a prefix or a profile.
#[derive(Clone, Copy, Default)]
struct Day {
    amount: NanoUsd,
    bytes: u64,
}

impl Day {
    /// The cost of a GB; `None` if no upload was worked on.
    fn per_gb(self) -> Option<NanoUsd> {
        let nanos = u128::from(self.amount.nanos().max(0).unsigned_abs()) * GB;
        let per_gb = nanos.checked_div(u128::from(self.bytes))?;
        Some(NanoUsd::new(i64::try_from(per_gb).unwrap_or(i64::MAX)))
    }
}

/// The days of every prefix and every profile.
#[derive(Default)]
pub struct DailyCosts {
    days: BTreeMap<(Scope, String), BTreeMap<u32, Day>>,
    /// The asset of the last line, and the days on which its bytes are counted already.
    last: (String, BTreeSet<u32>),
}

impl DailyCosts {
    /// Adds a line of an asset of this size. The lines of an asset come one after the other, as the ledger is read. Its bytes count
    /// once on each day on which a node computed for it: a withdrawal or a copy is no work on its media.
    pub fn add(&mut self, line: &Line, size_bytes: u64) -> Result<(), MoneyError> {
        let Some(owner) = &line.owner else { return Ok(()) };
        if self.last.0 != owner.asset {
            self.last = (owner.asset.clone(), BTreeSet::new());
        }
        let is_first = line.charge.resource == Resource::NodeTime && self.last.1.insert(line.day);
        for (scope, name) in [(Scope::Prefix, &owner.prefix), (Scope::Profile, &owner.profile)] {
            if scope == Scope::Profile && name.is_empty() {
                continue;
            }
            let day = self.days.entry((scope, name.clone())).or_default().entry(line.day).or_default();
            day.amount = day.amount.plus(line.charge.amount)?;
            day.bytes = day.bytes.saturating_add(if is_first { size_bytes } else { 0 });
        }
        Ok(())
    }

    /// What was unusual on a day, in the order of scopes and names. The days before it must have been added too.
    pub fn findings(&self, day: u32) -> Vec<Finding> {
        let finding = |((scope, name), days): (&(Scope, String), &BTreeMap<u32, Day>)| {
            let cost = |(day, of): (&u32, &Day)| Some(DayCost { day: *day, cost: of.per_gb()? });
            let today = days.get(&day)?;
            let before: Vec<DayCost> = days.range(..day).filter_map(cost).collect();
            let anomaly = judge(&before, cost((&day, today))?)?;
            let (name, Day { amount, bytes }) = (name.clone(), *today);
            Some(Finding { scope: *scope, name, day, amount, bytes, anomaly })
        };
        self.days.iter().filter_map(finding).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::charge::{Charge, Method};
    use crate::line::Owner;
    use crate::prices::Price;

    const GIB: u64 = 1 << 30;

    fn line(asset: &str, day: u32, resource: Resource, nanos: i64) -> Line {
        let price = Price { usd: NanoUsd::new(nanos), per: 1, date: "2026-08-01".into(), verified: true };
        let owner = Owner {
            asset: asset.into(),
            prefix: "show".into(),
            profile: String::new(),
            stage: "transcode".into(),
            part: "audio".into(),
        };
        let charge = Charge::new(resource, 1, &price, Method::Measured).unwrap();
        Line { owner: Some(owner), day, node_type: String::new(), charge, waste: false }
    }

    fn usual() -> DailyCosts {
        let mut costs = DailyCosts::default();
        for day in 0..28 {
            // Two attempts on one upload of two GB.
            let asset = format!("asset-{day}");
            for _ in 0..2 {
                costs.add(&line(&asset, day, Resource::NodeTime, 100), 2 * GIB).unwrap();
            }
        }
        costs
    }

    #[test]
    fn the_bytes_of_an_upload_count_once_a_day_and_requests_count_none() {
        let mut costs = usual();
        costs.add(&line("dear", 28, Resource::NodeTime, 400), 2 * GIB).unwrap();
        costs.add(&line("dear", 28, Resource::S3Put, 30), 2 * GIB).unwrap();
        costs.add(&line("withdrawn", 28, Resource::S3Put, 10), 50 * GIB).unwrap();
        let [found] = &costs.findings(28)[..] else { panic!("expected one finding") };
        assert_eq!((found.scope, found.name.as_str(), found.day), (Scope::Prefix, "show", 28));
        assert_eq!((found.amount, found.bytes), (NanoUsd::new(440), 2 * GIB));
        assert_eq!((found.anomaly.usual, found.anomaly.found), (NanoUsd::new(100), NanoUsd::new(220)));
    }

    #[test]
    fn twice_the_uploads_at_twice_the_cost_are_usual_and_a_day_without_work_is_not_judged() {
        let mut costs = usual();
        costs.add(&line("a", 28, Resource::NodeTime, 200), 2 * GIB).unwrap();
        costs.add(&line("b", 28, Resource::NodeTime, 200), 2 * GIB).unwrap();
        costs.add(&line("withdrawn", 29, Resource::S3Put, 1_000_000), 2 * GIB).unwrap();
        assert_eq!((costs.findings(28), costs.findings(29), costs.findings(30)), (vec![], vec![], vec![]));
    }

    #[test]
    fn an_upload_that_two_days_work_on_counts_on_both() {
        let mut costs = usual();
        costs.add(&line("long", 28, Resource::NodeTime, 100), 2 * GIB).unwrap();
        costs.add(&line("long", 29, Resource::NodeTime, 500), 2 * GIB).unwrap();
        assert_eq!((costs.findings(28).len(), costs.findings(29).len()), (0, 1));
    }
}
