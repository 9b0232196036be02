//! Reads the ledger in pages: what attempts used, and the shares of what nobody used alone.

use reelgate_cost::line::{DAY_MS, Line, Owner, day_of};
use reelgate_cost::money::MoneyError;
use reelgate_ports::error::{ErrorKind, Port, PortError};
use reelgate_ports::order::prefix_of;
use reelgate_ports::records::{LedgerRow, ShareRow};
use reelgate_ports::store::{LedgerFilter, ShareFilter, Store};

use crate::profiles::Profiles;

/// Lines of a page.
const PAGE: u32 = 10_000;
/// Stage and part of a share of idle time.
pub const IDLE: &str = "idle";

/// A line of the ledger as it is stored.
#[derive(Clone, Copy)]
pub enum LedgerLine<'a> {
    /// What an attempt used.
    Used(&'a LedgerRow),
    /// A share of what nobody used alone.
    Shared(&'a ShareRow),
}

/// Passes every row of an attempt that a filter lets through to `look`, in order. What is written meanwhile may be missing.
pub async fn each_row<E: From<PortError>>(
    store: &dyn Store,
    filter: LedgerFilter,
    mut look: impl FnMut(&LedgerRow) -> Result<(), E>,
) -> Result<(), E> {
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

/// Passes every line that a filter lets through to `look`: those of attempts in order, then the shares of the same days.
pub async fn each_line<E: From<PortError>>(
    store: &dyn Store,
    filter: LedgerFilter,
    mut look: impl FnMut(LedgerLine<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut shares = ShareFilter {
        asset: filter.asset.clone(),
        from_day: filter.from_ms.map(|ms| day_of(ms.saturating_add(DAY_MS - 1))),
        until_day: filter.until_ms.map(day_of),
        after: None,
        lines_max: PAGE,
    };
    each_row(store, filter, |row| look(LedgerLine::Used(row))).await?;
    loop {
        let page = store.shares(&shares).await?;
        page.iter().try_for_each(|row| look(LedgerLine::Shared(row)))?;
        match page.last() {
            Some(last) if page.len() == PAGE as usize => shares.after = Some(last.record.clone()),
            _ => return Ok(()),
        }
    }
}

impl LedgerLine<'_> {
    /// As reports add it up.
    pub fn line(self, profiles: &Profiles) -> Line {
        match self {
            Self::Used(row) => line(row, profiles),
            Self::Shared(row) => shared(row, profiles),
        }
    }
}

/// A row of an attempt as reports add it up.
pub fn line(row: &LedgerRow, profiles: &Profiles) -> Line {
    let LedgerRow { record, key, .. } = row;
    let (stage, part) = (record.task.stage().to_owned(), record.task.text());
    Line {
        owner: Some(owner(record.asset.as_str(), key, profiles, stage, part)),
        day: day_of(record.at_ms),
        node_type: record.node_type.clone(),
        charge: record.charge.clone(),
        waste: record.waste,
    }
}

fn shared(row: &ShareRow, profiles: &Profiles) -> Line {
    let ShareRow { record, key } = row;
    let owner = |asset: &str| owner(asset, key, profiles, IDLE.to_owned(), IDLE.to_owned());
    Line {
        owner: record.asset.as_ref().map(|asset| owner(asset.as_str())),
        day: record.day,
        node_type: record.node_type.clone(),
        charge: record.charge.clone(),
        waste: false,
    }
}

fn owner(asset: &str, key: &str, profiles: &Profiles, stage: String, part: String) -> Owner {
    let profile = profiles.of_key(key).map(|profile| profile.name.clone()).unwrap_or_default();
    Owner { asset: asset.to_owned(), prefix: prefix_of(key).to_owned(), profile, stage, part }
}

/// A sum without room.
pub fn too_large(error: MoneyError) -> PortError {
    PortError::new(Port::Store, ErrorKind::Corrupt, "add up the ledger", error.to_string())
}
