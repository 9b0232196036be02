//! Caps: money is reserved before work begins, and the reservation is replaced by what was spent when it ends.

use std::collections::BTreeMap;

use crate::money::{MoneyError, NanoUsd};

/// What a cap is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CapScope {
    /// One asset, over its whole life.
    Asset,
    /// The assets of one prefix in a month.
    Prefix,
    /// All assets in a day.
    Day,
    /// All assets in a month.
    Month,
}

impl CapScope {
    /// The word used in messages and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Prefix => "prefix",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// The caps in force; `None` where nothing is capped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Caps {
    /// Of one asset.
    pub asset: Option<NanoUsd>,
    /// Of all assets in a day.
    pub day: Option<NanoUsd>,
    /// Of all assets in a month.
    pub month: Option<NanoUsd>,
    /// Of the assets of a prefix in a month, by prefix: the first folder of the key.
    pub prefixes: BTreeMap<String, NanoUsd>,
}

impl Caps {
    /// The cap of a scope for an asset with this prefix.
    pub fn limit(&self, scope: CapScope, prefix: &str) -> Option<NanoUsd> {
        match scope {
            CapScope::Asset => self.asset,
            CapScope::Prefix => self.prefixes.get(prefix).copied(),
            CapScope::Day => self.day,
            CapScope::Month => self.month,
        }
    }
}

/// The money of one scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Account {
    /// What it is about.
    pub scope: CapScope,
    /// Most that may be spent.
    pub limit: NanoUsd,
    /// What was spent.
    pub spent: NanoUsd,
    /// What is reserved for work that has not ended.
    pub reserved: NanoUsd,
}

/// Why work is not admitted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The reservation does not fit.
    #[error("the cap of the {} is {limit}; {spent} is spent, {reserved} is reserved, and the work may cost {asked}", .scope.as_str())]
    OverCap {
        /// What the cap is about.
        scope: CapScope,
        /// The cap.
        limit: NanoUsd,
        /// What was spent.
        spent: NanoUsd,
        /// What is reserved.
        reserved: NanoUsd,
        /// What was asked for.
        asked: NanoUsd,
    },
    /// An amount has no room.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Account {
    /// Nothing spent, nothing reserved.
    pub fn new(scope: CapScope, limit: NanoUsd) -> Self {
        Self { scope, limit, spent: NanoUsd::ZERO, reserved: NanoUsd::ZERO }
    }

    fn with(&self, asked: NanoUsd) -> Result<Self, Refused> {
        let reserved = self.reserved.plus(asked)?;
        if self.spent.plus(reserved)? > self.limit {
            let Self { scope, limit, spent, reserved } = *self;
            return Err(Refused::OverCap { scope, limit, spent, reserved, asked });
        }
        Ok(Self { reserved, ..*self })
    }

    /// Replaces a reservation by what was spent, which may be more.
    pub fn settle(&mut self, reserved: NanoUsd, spent: NanoUsd) -> Result<(), MoneyError> {
        let left = self.reserved.minus(reserved)?.max(NanoUsd::ZERO);
        let spent = self.spent.plus(spent)?;
        (self.reserved, self.spent) = (left, spent);
        Ok(())
    }

    /// Ends a reservation without spending anything.
    pub fn release(&mut self, reserved: NanoUsd) -> Result<(), MoneyError> {
        self.settle(reserved, NanoUsd::ZERO)
    }
}

/// Reserves an amount in all of these accounts, or in none. It is granted if it fits everywhere.
pub fn reserve(accounts: &mut [Account], asked: NanoUsd) -> Result<(), Refused> {
    let asked = asked.max(NanoUsd::ZERO);
    let after = accounts.iter().map(|account| account.with(asked)).collect::<Result<Vec<_>, _>>()?;
    accounts.copy_from_slice(&after);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn usd(nanos: i64) -> NanoUsd {
        NanoUsd::new(nanos)
    }

    #[test]
    fn a_reservation_is_made_in_all_accounts_or_in_none() {
        let mut accounts = [Account::new(CapScope::Day, usd(10)), Account::new(CapScope::Month, usd(15))];
        reserve(&mut accounts, usd(10)).unwrap();
        let before = accounts;
        let refused = reserve(&mut accounts, usd(1)).unwrap_err();
        assert!(matches!(refused, Refused::OverCap { scope: CapScope::Day, .. }), "{refused}");
        assert_eq!(accounts, before);
        for account in &mut accounts {
            account.settle(usd(10), usd(4)).unwrap();
        }
        assert!(reserve(&mut accounts, usd(6)).is_ok());
        assert_eq!(accounts.map(|account| (account.spent, account.reserved)), [(usd(4), usd(6)); 2]);
    }

    #[test]
    fn a_refusal_says_what_there_is_and_what_was_asked() {
        let mut accounts = [Account::new(CapScope::Asset, usd(1_000_000))];
        let text = reserve(&mut accounts, usd(2_000_000)).unwrap_err().to_string();
        assert_eq!(
            text,
            "the cap of the asset is $0.001; $0.00 is spent, $0.00 is reserved, and the work may cost $0.002"
        );
    }

    #[test]
    fn what_is_released_can_be_reserved_again() {
        let mut accounts = [Account::new(CapScope::Prefix, usd(5))];
        reserve(&mut accounts, usd(5)).unwrap();
        accounts[0].release(usd(5)).unwrap();
        assert!(reserve(&mut accounts, usd(5)).is_ok());
    }
}
