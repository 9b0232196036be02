//! `reelgate approve`: the second person agrees to what the first one proposed.

use reelgate_ports::records::{Approval, Decided};

use crate::cli::{ApproveArgs, GlobalArgs};
use crate::exit::{ExitStatus, Failure};
use crate::verbs::decide::{open, refusal, say};
use crate::verbs::principal::principal;
use crate::wiring;

/// Approves a proposal, which is then carried out.
pub async fn approve(global: &GlobalArgs, args: ApproveArgs) -> Result<ExitStatus, Failure> {
    let (config, store, asset) = open(global, &args.asset).await?;
    let by = principal(&config, args.by).await?;
    let approval = Approval { proposal: args.proposal.to_ascii_lowercase(), by };
    let decision = store.approve(&asset, &approval).await.map_err(|error| refusal(&asset, error))?;
    wiring::seal(&config, &*store).await?;
    match decision.what {
        Decided::Erase => {
            say(&asset, "is erased", "for good; `reelgate erase --certificate` then prints what was removed")
        }
        _ => say(&asset, "is released", "and its outputs are restored unchanged"),
    }
    Ok(ExitStatus::Done)
}
