//! Asks for money before work begins, and books it when the work has ended.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_cost::estimate::Estimate;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_ports::records::{Asked, TaskReport};

use crate::session::{Answer, Money, Session};

/// What this report asks for.
pub(super) fn asked(report: &TaskReport) -> Option<&Asked> {
    report.cost.asked.as_deref().filter(|asked| asked.rest != Estimate::default())
}

/// Asks for the money of a validated asset, in the transaction that makes its work claimable. An asset that was linked or refused
/// asks for none.
pub(super) async fn ask<S: Session>(session: &mut S, id: &AssetId, asked: &Asked) -> Answer<(), S> {
    if session.work().at(id)?.row.core.phase != Phase::Processing {
        return Ok(());
    }
    let mut money = money_of(session, &BTreeSet::from([id.clone()])).await?;
    let names = session.work().accounts_of(id)?.into_iter().map(|(_, name)| name).collect();
    let sums = session.account_sums(&names).await?;
    let money = money.remove(id).unwrap_or_default();
    Ok(session.work().ask(id, money, asked, &sums)?)
}

/// Books what ended assets have cost.
pub(super) async fn settle<S: Session>(session: &mut S) -> Answer<(), S> {
    let assets = session.work().take_ended();
    if assets.is_empty() {
        return Ok(());
    }
    for (id, money) in money_of(session, &assets).await? {
        session.work().settle(&id, money)?;
    }
    Ok(())
}

/// Reserves what is left of the estimate of an asset that an operator redrove.
pub(super) async fn reserve_anyway<S: Session>(session: &mut S, id: &AssetId) -> Answer<(), S> {
    let mut money = money_of(session, &BTreeSet::from([id.clone()])).await?;
    let money = money.remove(id).unwrap_or_default();
    session.work().reserve_anyway(id, money)?;
    Ok(())
}

/// The money of loaded assets, with what this call has changed of it.
pub(super) async fn money_of<S: Session>(
    session: &mut S,
    assets: &BTreeSet<AssetId>,
) -> Answer<BTreeMap<AssetId, Money>, S> {
    let mut all = session.money_of(assets).await?;
    for (id, money) in &mut all {
        if let Some(changed) = session.work().budgets.get(id) {
            money.budget = changed.clone();
        }
    }
    Ok(all)
}
