//! Money of assets. It is asked for when validation has planned the work and before any of it can be claimed, and what the asset cost is
//! booked when it ends. What was asked for is reserved in between.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_cost::cap::{Account, CapScope, Caps, Refused, reserve};
use reelgate_cost::estimate::Estimate;
use reelgate_cost::money::{MoneyError, NanoUsd};
use reelgate_flow::asset::{Input, Phase};
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::Code;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::order::prefix_of;
use reelgate_ports::records::{AccountSums, Asked, AssetBudget, accounts};

use super::steps::UnitOfWork;
use crate::history_lines::Attribution;
use crate::session::Money;

impl UnitOfWork {
    /// Assets whose cost is to be booked: those that end in this call, and those that had ended and are charged once more.
    pub(crate) fn take_ended(&mut self) -> BTreeSet<AssetId> {
        let mut assets = std::mem::take(&mut self.ended);
        assets.extend(self.ledger.iter().map(|record| record.asset.clone()));
        assets.retain(|id| self.loaded.get(id).is_some_and(|loaded| loaded.row.core.phase.is_ended()));
        assets
    }

    /// Books what an ended asset has cost, in place of what was reserved for it.
    pub(crate) fn settle(&mut self, id: &AssetId, money: Money) -> PortResult<()> {
        let Money { cost, mut budget } = money;
        let spent = cost.minus(budget.booked).map_err(no_room)?;
        if (spent, budget.reserved) == (NanoUsd::ZERO, NanoUsd::ZERO) {
            return Ok(());
        }
        if budget.accounts.is_empty() {
            budget.accounts = self.accounts_of(id)?.into_iter().map(|(_, name)| name).collect();
        }
        let released = NanoUsd::ZERO.minus(budget.reserved).map_err(no_room)?;
        self.book(&budget.accounts, AccountSums { spent, reserved: released })?;
        if budget.reserved > NanoUsd::ZERO {
            budget.cost = Some(cost);
        }
        (budget.reserved, budget.booked) = (NanoUsd::ZERO, cost);
        self.budgets.insert(id.clone(), budget);
        Ok(())
    }

    /// The accounts in which an asset counts that is admitted now.
    pub(crate) fn accounts_of(&mut self, id: &AssetId) -> PortResult<Vec<(CapScope, String)>> {
        let now_ms = self.now_ms;
        Ok(accounts(now_ms, prefix_of(&self.at(id)?.row.source.id.key)))
    }

    /// Asks for what a validated asset may cost. If it does not fit into every account, its work is parked.
    pub(crate) fn ask(
        &mut self,
        id: &AssetId,
        money: Money,
        asked: &Asked,
        sums: &BTreeMap<String, AccountSums>,
    ) -> PortResult<()> {
        let Money { cost, mut budget } = money;
        self.give_up_reservation(&mut budget)?;
        let whole = |rest: NanoUsd| cost.plus(rest).map_err(no_room);
        let estimated = Estimate { p50: whole(asked.rest.p50)?, p90: whole(asked.rest.p90)? };
        (budget.estimated, budget.cost) = (Some(estimated), None);
        let needed = estimated.p90.minus(budget.booked).map_err(no_room)?;
        match self.fits(id, &budget, needed, &asked.caps, sums)? {
            Ok(()) => self.reserve(id, &mut budget, needed)?,
            Err(refused) => {
                self.step(id, Input::OverBudget { detail: told(&refused) }, Attribution::default())?;
            }
        }
        self.budgets.insert(id.clone(), budget);
        Ok(())
    }

    /// Lets an asset go on that waits for money, if there is enough now; every version of its key is loaded.
    pub(crate) fn admit(
        &mut self,
        id: &AssetId,
        money: Money,
        caps: &Caps,
        sums: &BTreeMap<String, AccountSums>,
    ) -> PortResult<bool> {
        let reason = self.at(id)?.row.core.reason.as_ref();
        let waits = reason.is_some_and(|fault| fault.code == Code::BudgetExceeded);
        let budget = money.budget.clone();
        let needed = self.needed(&money)?;
        if !waits || self.fits(id, &budget, needed, caps, sums)?.is_err() {
            return Ok(false);
        }
        let by = Attribution { cause: Some("there is money for it"), ..Attribution::default() };
        Ok(self.begin_again(id, by)? && self.reserve_anyway(id, money)?)
    }

    /// Reserves what is left of an asset's estimate although it may not fit: an operator wants it to go on. False if the asset does not
    /// work on what was estimated.
    pub(crate) fn reserve_anyway(&mut self, id: &AssetId, money: Money) -> PortResult<bool> {
        let needed = self.needed(&money)?;
        let mut budget = money.budget;
        let works = matches!(self.at(id)?.row.core.phase, Phase::Processing | Phase::Screened);
        if !works || budget.estimated.is_none() {
            return Ok(false);
        }
        self.give_up_reservation(&mut budget)?;
        self.reserve(id, &mut budget, needed)?;
        self.budgets.insert(id.clone(), budget);
        Ok(true)
    }

    /// What is not booked yet of what an asset may cost.
    fn needed(&self, Money { cost, budget }: &Money) -> PortResult<NanoUsd> {
        let most = budget.estimated.map_or(NanoUsd::ZERO, |estimated| estimated.p90).max(*cost);
        most.minus(budget.booked).map_err(no_room)
    }

    fn fits(
        &mut self,
        id: &AssetId,
        budget: &AssetBudget,
        needed: NanoUsd,
        caps: &Caps,
        sums: &BTreeMap<String, AccountSums>,
    ) -> PortResult<Result<(), Refused>> {
        let named = self.accounts_of(id)?;
        let prefix = prefix_of(&self.at(id)?.row.source.id.key).to_owned();
        let mut capped = Vec::new();
        if let Some(limit) = caps.asset {
            capped.push(Account { spent: budget.booked, ..Account::new(CapScope::Asset, limit) });
        }
        for (scope, name) in named {
            let Some(limit) = caps.limit(scope, &prefix) else { continue };
            let AccountSums { spent, reserved } = sums.get(&name).copied().unwrap_or_default();
            let change = self.account_changes.get(&name).copied().unwrap_or_default();
            let spent = spent.plus(change.spent).map_err(no_room)?;
            let reserved = reserved.plus(change.reserved).map_err(no_room)?;
            capped.push(Account { scope, limit, spent, reserved });
        }
        Ok(reserve(&mut capped, needed))
    }

    fn reserve(&mut self, id: &AssetId, budget: &mut AssetBudget, needed: NanoUsd) -> PortResult<()> {
        let needed = needed.max(NanoUsd::ZERO);
        budget.accounts = self.accounts_of(id)?.into_iter().map(|(_, name)| name).collect();
        budget.reserved = needed;
        self.book(&budget.accounts, AccountSums { spent: NanoUsd::ZERO, reserved: needed })
    }

    fn give_up_reservation(&mut self, budget: &mut AssetBudget) -> PortResult<()> {
        let reserved = NanoUsd::ZERO.minus(budget.reserved).map_err(no_room)?;
        budget.reserved = NanoUsd::ZERO;
        self.book(&budget.accounts, AccountSums { spent: NanoUsd::ZERO, reserved })
    }

    fn book(&mut self, accounts: &[String], change: AccountSums) -> PortResult<()> {
        for name in accounts.iter().filter(|_| change != AccountSums::default()) {
            let sums = self.account_changes.entry(name.clone()).or_default();
            sums.spent = sums.spent.plus(change.spent).map_err(no_room)?;
            sums.reserved = sums.reserved.plus(change.reserved).map_err(no_room)?;
        }
        Ok(())
    }
}

/// Why the work is parked. A cap below what one asset may cost would keep it waiting for ever.
fn told(refused: &Refused) -> String {
    match refused {
        Refused::OverCap { limit, asked, .. } if asked > limit => {
            format!("{refused}; that is more than the cap alone: raise the cap, or redrive it")
        }
        other => other.to_string(),
    }
}

fn no_room(error: MoneyError) -> PortError {
    PortError::new(Port::Store, ErrorKind::Invalid, "book money", error.to_string())
}
