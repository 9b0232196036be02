//! Nothing of the asset stays readable; the source is set apart as the door says.

use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::records::{Claim, Success};

use crate::house::House;
use crate::work::publish::published_path;
use crate::work::sources;

/// [`reelgate_flow::task::TaskKey::Withdraw`]. Safe to do twice.
pub async fn withdraw(house: &House, claim: &Claim) -> Result<Success, Fault> {
    let door = claim.door.ok_or_else(|| Fault::new(Code::Internal, "a withdrawal without a door"))?;
    let path = published_path(house, &claim.fence.asset, &claim.source);
    let withdrawn = house.objects.withdraw(&claim.fence.asset, Some(&path), &claim.source, door).await;
    match withdrawn {
        Ok(source_location) => Ok(Success::Withdrawn { source_location }),
        // A source that is gone or was replaced cannot be set apart; the outputs are removed first, so nothing stays.
        Err(error) if matches!(sources(error.clone()).code, Code::SourceMissing | Code::SourceChanged) => {
            Ok(Success::Withdrawn { source_location: claim.source.location.clone() })
        }
        Err(error) => Err(sources(error)),
    }
}
