//! Price tables: list prices as data, each with its unit, date and source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::money::{MoneyError, NanoUsd};
use crate::resource::{Measure, Resource};

/// AWS's GB: 2³⁰ bytes.
const GB: u64 = 1 << 30;
const HOUR_MS: u64 = 3_600_000;
/// Hours that AWS counts as a month.
const MONTH_HOURS: u64 = 730;

/// A price: so much for so many of what a resource's measure counts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Price {
    /// For the whole unit.
    pub usd: NanoUsd,
    /// How many of the measure the unit is: 1,000 requests, 3,600,000 milliseconds. Never 0.
    pub per: u64,
    /// When it was last compared with AWS's list, `YYYY-MM-DD`.
    pub date: String,
    /// Whether it was compared with a source that can be read again. An unverified price is a guess and reports say so.
    pub verified: bool,
}

/// The prices of one region.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prices {
    /// The region, such as `us-east-1`.
    pub region: String,
    by_name: BTreeMap<String, (Measure, Price)>,
}

/// Why a price table cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PriceError {
    /// It is no price table.
    #[error("expected a price table (region, and [price.NAME] with usd, unit, date, source): {0}")]
    Table(String),
    /// An amount is none.
    #[error("price.{0}.usd: {1}")]
    Amount(String, MoneyError),
    /// A unit is unknown.
    #[error(
        "price.{0}.unit: expected hour, month, GB, GB-month, or a number of requests, events or objects such as 1,000 requests, found `{1}`"
    )]
    Unit(String, String),
    /// A date is none.
    #[error("price.{0}.date: expected a date such as 2026-08-01, found `{1}`")]
    Date(String, String),
    /// A price is needed and missing.
    #[error(
        "expected [price.{name}] in the prices of {region}, found none; add it with usd, unit, date and source"
    )]
    Missing {
        /// The price's name.
        name: String,
        /// The table's region.
        region: String,
    },
    /// A price has a unit that counts something else.
    #[error("price.{name}.unit: expected a unit that counts {expected}, found one that counts {found}")]
    Measure {
        /// The price's name.
        name: String,
        /// What the resource needs.
        expected: &'static str,
        /// What the unit counts.
        found: &'static str,
    },
    /// A node with so many virtual CPUs has no price.
    #[error("price.{0}: expected a node with at most a million virtual CPUs, found more")]
    Size(String),
}

#[derive(Deserialize)]
struct Table {
    region: String,
    price: BTreeMap<String, Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// Only its place is used: the digits are read from the text, because a floating-point number would not hold them.
    usd: Spanned<toml::Value>,
    unit: String,
    date: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(default = "yes")]
    verified: bool,
}

fn yes() -> bool {
    true
}

impl Prices {
    /// Reads the text of a price table.
    pub fn parse(text: &str) -> Result<Self, PriceError> {
        let table: Table =
            toml::from_str(text).map_err(|error| PriceError::Table(error.message().to_owned()))?;
        let mut by_name = BTreeMap::new();
        for (name, row) in table.price {
            let digits = text.get(row.usd.span()).unwrap_or_default().trim();
            let usd = NanoUsd::parse(digits).map_err(|error| PriceError::Amount(name.clone(), error))?;
            let Some((measure, per)) = unit(&row.unit) else {
                return Err(PriceError::Unit(name, row.unit));
            };
            if !is_date(&row.date) {
                return Err(PriceError::Date(name, row.date));
            }
            let price = Price { usd, per, date: row.date, verified: row.verified };
            by_name.insert(name, (measure, price));
        }
        Ok(Self { region: table.region, by_name })
    }

    /// The price of a resource that is the same on every node; of [`Resource::NodeTime`] a node knows it
    /// ([`crate::node::NodeKind::price`]).
    pub fn of(&self, resource: Resource) -> Result<Price, PriceError> {
        self.named(resource.price_name(), resource.measure())
    }

    /// The price with this name, in a unit that counts this.
    pub fn named(&self, name: &str, measure: Measure) -> Result<Price, PriceError> {
        let missing = || PriceError::Missing { name: name.to_owned(), region: self.region.clone() };
        let (found, price) = self.by_name.get(name).ok_or_else(missing)?;
        if *found != measure {
            let (expected, found) = (measure.noun(), found.noun());
            return Err(PriceError::Measure { name: name.to_owned(), expected, found });
        }
        Ok(price.clone())
    }

    /// Names of the prices that nobody has compared with a source, in order.
    pub fn unverified(&self) -> Vec<&str> {
        let guessed = self.by_name.iter().filter(|(_, (_, price))| !price.verified);
        guessed.map(|(name, _)| name.as_str()).collect()
    }
}

fn unit(text: &str) -> Option<(Measure, u64)> {
    Some(match text {
        "hour" => (Measure::Milliseconds, HOUR_MS),
        "month" => (Measure::Milliseconds, HOUR_MS * MONTH_HOURS),
        "GB" => (Measure::Bytes, GB),
        "GB-month" => (Measure::ByteHours, GB * MONTH_HOURS),
        _ => (Measure::Count, counted(text)?),
    })
}

/// The number in `1,000 requests`; `None` for 0 and for what is none.
fn counted(text: &str) -> Option<u64> {
    let (number, what) = text.split_once(' ')?;
    let is_counted = matches!(what, "requests" | "events" | "objects" | "objects and month");
    number.replace(',', "").parse().ok().filter(|number| is_counted && *number > 0)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let number = |part: &str, digits: usize, range: std::ops::RangeInclusive<u32>| {
        part.len() == digits
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse().is_ok_and(|number| range.contains(&number))
    };
    number(year, 4, 2000..=9999) && number(month, 2, 1..=12) && number(day, 2, 1..=31)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::node::{NodeKind, Purchase};

    fn table(row: &str) -> String {
        format!("region = \"us-east-1\"\n[price.s3-write]\n{row}\n")
    }

    const GOOD: &str =
        "usd = 0.005\nunit = \"1,000 requests\"\ndate = \"2026-08-01\"\nsource = \"S3 pricing\"";

    #[test]
    fn digits_of_a_price_are_kept_exactly() {
        let prices = Prices::parse(&table(&GOOD.replace("0.005", "0.012345678"))).unwrap();
        let price = prices.of(Resource::S3Put).unwrap();
        assert_eq!((price.usd.nanos(), price.per, price.verified), (12_345_678, 1_000, true));
    }

    #[test]
    fn each_wrong_row_is_one_clear_error() {
        for (from, to, expected) in [
            ("0.005", "5e-3", "price.s3-write.usd: expected an amount of US dollars"),
            ("0.005", "-1", "price.s3-write.usd: expected an amount of US dollars"),
            ("0.005", "\"cheap\"", "price.s3-write.usd: expected an amount of US dollars"),
            ("0.005", "0.0000000001", "at most nine decimals"),
            ("0.005", "99999999999.0", "at most nine billion US dollars"),
            ("1,000 requests", "0 requests", "price.s3-write.unit: expected hour, month"),
            ("1,000 requests", "dozen", "price.s3-write.unit: expected hour, month"),
            ("2026-08-01", "August", "price.s3-write.date: expected a date such as"),
            ("2026-08-01", "2026-13-01", "price.s3-write.date: expected a date such as"),
            ("source", "origin", "expected a price table"),
        ] {
            let error = Prices::parse(&table(&GOOD.replace(from, to))).unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        assert!(Prices::parse("region = 1").is_err() && Prices::parse("").is_err());
    }

    #[test]
    fn a_price_that_is_needed_and_missing_is_named() {
        let prices = Prices::parse(&table(GOOD)).unwrap();
        let error = prices.of(Resource::S3Get).unwrap_err().to_string();
        assert!(
            error.starts_with("expected [price.s3-read] in the prices of us-east-1, found none"),
            "{error}"
        );
        let node = NodeKind { node_type: "c6a-xlarge".into(), purchase: Purchase::Spot, vcpus: 4 };
        let error = node.price(&prices).unwrap_err().to_string();
        assert!(error.contains("[price.c6a-xlarge-spot]"), "{error}");
    }

    #[test]
    fn a_unit_that_counts_something_else_is_refused() {
        let prices = Prices::parse(&table(&GOOD.replace("1,000 requests", "GB"))).unwrap();
        let error = prices.of(Resource::S3Put).unwrap_err().to_string();
        assert_eq!(
            error,
            "price.s3-write.unit: expected a unit that counts requests, found one that counts bytes"
        );
    }
}
