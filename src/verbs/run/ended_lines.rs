//! The lines of `run --json`: one for each asset, printed when it ends.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_ports::records::AssetDetail;
use reelgate_ports::store::{Backlog, Store};

use crate::exit::Failure;
use crate::output::json::AssetLine;
use crate::output::progress::Progress;
use crate::output::table;
use crate::verbs::{asset_line, to_json, unended};

/// What has been printed of a run's assets, and what has not.
pub struct EndedLines {
    /// In the order in which they were named.
    waiting: Vec<AssetId>,
    /// The phase that each line printed so far has.
    printed: BTreeMap<AssetId, Phase>,
    /// How many assets of the home had ended when the store was last asked which.
    ended: Option<Vec<(Phase, u64)>>,
}

impl EndedLines {
    /// Nothing is printed yet.
    pub fn new(assets: &[AssetId]) -> Self {
        Self { waiting: assets.to_vec(), printed: BTreeMap::new(), ended: None }
    }

    /// Prints a line for each asset that has ended since the last call. Asks the store only where the counts have changed.
    pub async fn print_ended(
        &mut self,
        store: &dyn Store,
        backlog: &Backlog,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let ended: Vec<_> = backlog.assets.iter().filter(|(phase, _)| phase.is_ended()).copied().collect();
        if self.waiting.is_empty() || self.ended.as_ref() == Some(&ended) {
            return Ok(());
        }
        self.ended = Some(ended);
        let unended: BTreeSet<AssetId> = unended(store, u32::MAX).await?.into_iter().collect();
        for asset in std::mem::take(&mut self.waiting) {
            if unended.contains(&asset) {
                self.waiting.push(asset);
            } else {
                let (detail, line) = asset_line(store, &asset).await?;
                // A caption file goes where its film goes, so its line comes at the end of the run.
                if detail.asset.phase != Phase::Attached {
                    progress.aside(|| self.print(&detail, &line))?;
                }
            }
        }
        Ok(())
    }

    /// At the end of the run: prints a line for an asset that has none, or whose phase is another than its line says.
    pub fn print_changed(&mut self, detail: &AssetDetail, line: &AssetLine) -> Result<(), Failure> {
        if self.printed.get(&detail.asset.id) == Some(&detail.asset.phase) {
            return Ok(());
        }
        self.print(detail, line)
    }

    fn print(&mut self, detail: &AssetDetail, line: &AssetLine) -> Result<(), Failure> {
        self.printed.insert(detail.asset.id.clone(), detail.asset.phase);
        table::print(&to_json(line)?)
    }
}
