//! Reads the ledger in pages.

use reelgate_actors::profiles::Profiles;
use reelgate_cost::line::{Line, Owner, day_of};
use reelgate_cost::money::{MoneyError, NanoUsd};
use reelgate_flow::ids::AssetId;
use reelgate_ports::order::prefix_of;
use reelgate_ports::records::LedgerRow;
use reelgate_ports::store::{LedgerFilter, Store};

use crate::exit::Failure;

/// Lines of a page.
const PAGE: u32 = 10_000;

/// Passes every line of the ledger that a filter lets through to `look`, in order. What is written meanwhile may be missing.
pub async fn each_line(
    store: &dyn Store,
    filter: LedgerFilter,
    mut look: impl FnMut(&LedgerRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut filter = LedgerFilter { lines_max: PAGE, ..filter };
    loop {
        let page = store.ledger(&filter).await?;
        page.iter().try_for_each(&mut look)?;
        match page.last() {
            Some(last) if page.len() == PAGE as usize => filter.after = Some(last.record.position()),
            _ => return Ok(()),
        }
    }
}

/// The lines of one asset.
pub async fn of_asset(store: &dyn Store, asset: &AssetId) -> Result<Vec<LedgerRow>, Failure> {
    let mut rows = Vec::new();
    let filter = LedgerFilter { asset: Some(asset.clone()), ..LedgerFilter::default() };
    each_line(store, filter, |row| {
        rows.push(row.clone());
        Ok(())
    })
    .await?;
    Ok(rows)
}

/// What the lines cost, and what of it was waste.
pub fn total(rows: &[LedgerRow]) -> Result<(NanoUsd, NanoUsd), Failure> {
    let amounts = |waste: bool| {
        let rows = rows.iter().filter(move |row| row.record.waste || !waste);
        NanoUsd::sum(rows.map(|row| row.record.charge.amount)).map_err(too_large)
    };
    Ok((amounts(false)?, amounts(true)?))
}

/// A row as reports add it up.
pub fn line(row: &LedgerRow, profiles: &Profiles) -> Line {
    let LedgerRow { record, key } = row;
    Line {
        owner: Some(Owner {
            asset: record.asset.as_str().to_owned(),
            prefix: prefix_of(key).to_owned(),
            profile: profiles.of_key(key).map(|profile| profile.name.clone()).unwrap_or_default(),
            stage: record.task.stage().to_owned(),
            part: record.task.text(),
        }),
        day: day_of(record.at_ms),
        node_type: record.node_type.clone(),
        charge: record.charge.clone(),
        waste: record.waste,
    }
}

/// A sum without room.
pub fn too_large(error: MoneyError) -> Failure {
    Failure::Internal(format!("add up the ledger: {error}"))
}
