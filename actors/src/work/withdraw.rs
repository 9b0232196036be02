//! Nothing of the asset stays readable; the source is set apart as the door says. And the way back out of quarantine.

use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::objects::{Restored, Withdrawn};
use reelgate_ports::records::{Claim, Closing, Success, Taken};

use crate::house::House;
use crate::work::publish::published_path;
use crate::work::scan::take_back;
use crate::work::{ours, sources};

/// [`reelgate_flow::task::TaskKey::Withdraw`]. Safe to do twice.
pub async fn withdraw(house: &House, claim: &Claim) -> Result<Success, Fault> {
    let door = claim.door.ok_or_else(|| Fault::new(Code::Internal, "a withdrawal without a door"))?;
    let path = published_path(house, &claim.fence.asset, &claim.source);
    let withdrawn = house.objects.withdraw(&claim.fence.asset, Some(&path), &claim.source, door).await;
    let Withdrawn { source_location, mut closing } = match withdrawn {
        // A source that is gone or was replaced cannot be set apart; the outputs are removed first, so nothing stays.
        Err(error) if matches!(sources(error.clone()).code, Code::SourceMissing | Code::SourceChanged) => {
            Withdrawn { source_location: claim.source.location.clone(), closing: Closing::default() }
        }
        other => other.map_err(sources)?,
    };
    // After what is visible: a scanner's bucket that does not answer must not keep outputs where they are.
    if let Some(text) = take_back(house, claim).await? {
        // Sidecar and map: removed, and looked for afterwards.
        closing.looked_at += 2;
        closing.taken.extend((text.objects > 0).then(|| Taken {
            area: "scan".to_owned(),
            name: "sidecar".to_owned(),
            size_bytes: text.bytes,
        }));
    }
    Ok(Success::Withdrawn { source_location, closing })
}

/// [`reelgate_flow::task::TaskKey::Restore`]. Safe to do twice.
pub async fn restore(house: &House, claim: &Claim) -> Result<Success, Fault> {
    let path = published_path(house, &claim.fence.asset, &claim.source);
    let restored = house.objects.restore(&claim.fence.asset, &path, &claim.source).await;
    let Restored { source_location, published_location } = restored.map_err(ours)?;
    Ok(Success::Restored { source_location, published_location })
}
