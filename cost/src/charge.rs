//! A charge: so much of a resource at a price. Here the one rounding happens.

use crate::money::{MoneyError, NanoUsd};
use crate::prices::Price;
use crate::resource::Resource;

/// How the quantity of a charge is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Method {
    /// It was counted where it was used.
    Measured,
    /// It is a share of a cost that nobody used alone ([`crate::allocation`]).
    Allocated,
    /// Nobody could count it.
    Estimated,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 3] = [Self::Measured, Self::Allocated, Self::Estimated];

    /// The word used in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Allocated => "allocated",
            Self::Estimated => "estimated",
        }
    }

    /// Parses the word of [`Method::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

/// What was used of one resource, and what that costs. It keeps its price: a price that changes later changes no charge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Charge {
    /// What was used.
    pub resource: Resource,
    /// How much, in the resource's measure.
    pub quantity: u64,
    /// The price of `unit` of it.
    pub unit_price: NanoUsd,
    /// How many of the measure the price is for; never 0.
    pub unit: u64,
    /// The date of the price, `YYYY-MM-DD`; empty where nothing has a price, as on a laptop.
    pub price_date: String,
    /// Quantity times price, rounded half up to a nano-dollar.
    pub amount: NanoUsd,
    /// How the quantity is known.
    pub method: Method,
}

impl Charge {
    /// A charge at a price.
    pub fn new(resource: Resource, quantity: u64, price: &Price, method: Method) -> Result<Self, MoneyError> {
        Ok(Self {
            resource,
            quantity,
            unit_price: price.usd,
            unit: price.per,
            price_date: price.date.clone(),
            amount: amount(quantity, price.usd, price.per)?,
            method,
        })
    }

    /// A charge where nothing has a price: the quantity counts, and costs nothing.
    pub fn free(resource: Resource, quantity: u64, method: Method) -> Self {
        let (unit_price, amount) = (NanoUsd::ZERO, NanoUsd::ZERO);
        Self { resource, quantity, unit_price, unit: 1, price_date: String::new(), amount, method }
    }
}

/// Quantity times price, rounded half up to a nano-dollar: the only place where an amount is rounded.
pub fn amount(quantity: u64, unit_price: NanoUsd, unit: u64) -> Result<NanoUsd, MoneyError> {
    let price = u128::try_from(unit_price.nanos()).map_err(|_| MoneyError::TooLarge)?;
    let unit = u128::from(unit.max(1));
    // A product of two numbers below 2⁶⁴ and 2⁶³, and half of one below 2⁶⁴, are below 2¹²⁸.
    let nanos = (u128::from(quantity) * price + unit / 2) / unit;
    i64::try_from(nanos).map(NanoUsd::new).map_err(|_| MoneyError::TooLarge)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_rounded_half_up_once() {
        let of = |quantity, price, unit| amount(quantity, NanoUsd::new(price), unit).unwrap().nanos();
        assert_eq!(of(1, 5_000_000, 1_000), 5_000);
        assert_eq!([of(1, 1, 2), of(1, 1, 3), of(2, 1, 3), of(3, 1, 2)], [1, 0, 1, 2]);
        assert_eq!(of(u64::MAX, 0, 1), 0);
        assert_eq!(of(u64::MAX, 1, u64::MAX), 1);
    }

    #[test]
    fn an_amount_that_has_no_room_is_an_error() {
        assert_eq!(amount(u64::MAX, NanoUsd::MAX, 1), Err(MoneyError::TooLarge));
        assert_eq!(amount(1, NanoUsd::new(-1), 1), Err(MoneyError::TooLarge));
    }

    #[test]
    fn words_are_parsed_back() {
        for method in Method::ALL {
            assert_eq!(Method::parse(method.as_str()), Some(method));
        }
        assert_eq!(Method::parse("guessed"), None);
    }
}
