//! The ledger of one asset.

use reelgate_actors::ledger::{IDLE, LedgerLine, each_line, too_large};
use reelgate_cost::charge::Charge;
use reelgate_cost::money::NanoUsd;
use reelgate_flow::ids::AssetId;
use reelgate_ports::records::{LedgerRow, ShareRow};
use reelgate_ports::store::{LedgerFilter, Store};

use crate::exit::Failure;

/// A line of an asset.
pub enum AssetLine {
    /// What an attempt used.
    Used(LedgerRow),
    /// A share of what nobody used alone.
    Shared(ShareRow),
}

impl AssetLine {
    /// The line as it was read.
    pub fn borrowed(&self) -> LedgerLine<'_> {
        match self {
            Self::Used(row) => LedgerLine::Used(row),
            Self::Shared(row) => LedgerLine::Shared(row),
        }
    }

    /// What was used, and what that costs.
    pub fn charge(&self) -> &Charge {
        match self {
            Self::Used(row) => &row.record.charge,
            Self::Shared(row) => &row.record.charge,
        }
    }

    /// Whether it was of no use.
    pub fn is_waste(&self) -> bool {
        matches!(self, Self::Used(row) if row.record.waste)
    }

    /// The type of the node.
    pub fn node_type(&self) -> &str {
        match self {
            Self::Used(row) => &row.record.node_type,
            Self::Shared(row) => &row.record.node_type,
        }
    }

    /// Stage, part and attempt.
    pub fn work(&self) -> (String, String, Option<u32>) {
        match self {
            Self::Used(LedgerRow { record, .. }) => {
                (record.task.stage().to_owned(), record.task.text(), Some(record.attempt))
            }
            Self::Shared(_) => (IDLE.to_owned(), IDLE.to_owned(), None),
        }
    }
}

/// The lines of one asset.
pub async fn of_asset(store: &dyn Store, asset: &AssetId) -> Result<Vec<AssetLine>, Failure> {
    let mut lines = Vec::new();
    let filter = LedgerFilter { asset: Some(asset.clone()), ..LedgerFilter::default() };
    each_line(store, filter, |line| {
        lines.push(match line {
            LedgerLine::Used(row) => AssetLine::Used(row.clone()),
            LedgerLine::Shared(row) => AssetLine::Shared(row.clone()),
        });
        Ok::<(), Failure>(())
    })
    .await?;
    Ok(lines)
}

/// What the lines cost, and what of it was waste.
pub fn total(lines: &[AssetLine]) -> Result<(NanoUsd, NanoUsd), Failure> {
    let amounts = |waste: bool| {
        let lines = lines.iter().filter(move |line| line.is_waste() || !waste);
        NanoUsd::sum(lines.map(|line| line.charge().amount)).map_err(too_large)
    };
    Ok((amounts(false)?, amounts(true)?))
}
