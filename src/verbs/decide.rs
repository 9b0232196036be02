//! Decisions of a security officer: `quarantine`, `release`, `erase`, `hold`, `feedback`.

use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::clock::{Clock, SystemClock};
use reelgate_ports::error::{ErrorKind, PortError};
use reelgate_ports::records::{Decided, Decision, DecisionOutcome, WithdrawalRecord};
use reelgate_ports::store::Store;

use crate::cli::{DecisionArgs, EraseArgs, FeedbackArgs, GlobalArgs, HoldArgs, ReleaseArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::principal::principal;
use crate::verbs::{find_asset, local_time, to_json};
use crate::wiring;

const DAY_MS: u64 = 86_400_000;

/// Quarantines an asset by hand.
pub async fn quarantine(global: &GlobalArgs, args: DecisionArgs) -> Result<ExitStatus, Failure> {
    let (config, store, asset) = open(global, &args.asset).await?;
    decide(&config, &*store, &asset, decision(&config, Decided::Quarantine, &args).await?).await?;
    say(&asset, "is quarantined", "with every copy and older version");
    Ok(ExitStatus::Done)
}

/// Releases a quarantined asset.
pub async fn release(global: &GlobalArgs, args: ReleaseArgs) -> Result<ExitStatus, Failure> {
    let (config, store, asset) = open(global, &args.decision.asset).await?;
    let mut decision = decision(&config, Decided::Release, &args.decision).await?;
    decision.expires_ms = args.days.map(|days| SystemClock.now_ms().saturating_add(u64::from(days) * DAY_MS));
    let outcome = decide(&config, &*store, &asset, decision).await?;
    say_outcome(&asset, &outcome, "is released", "and its outputs are restored unchanged");
    Ok(ExitStatus::Done)
}

/// Removes everything of an asset, or prints the certificate of what was removed.
pub async fn erase(global: &GlobalArgs, args: EraseArgs) -> Result<ExitStatus, Failure> {
    let (config, store, asset) = open(global, &args.decision.asset).await?;
    if args.certificate {
        return certificate(&*store, &asset).await;
    }
    let decision = decision(&config, Decided::Erase, &args.decision).await?;
    let outcome = decide(&config, &*store, &asset, decision).await?;
    say_outcome(&asset, &outcome, "is erased", "for good; `--certificate` then prints what was removed");
    Ok(ExitStatus::Done)
}

/// Puts an asset under hold, or ends that.
pub async fn hold(global: &GlobalArgs, args: HoldArgs) -> Result<ExitStatus, Failure> {
    let (config, store, asset) = open(global, &args.decision.asset).await?;
    let what = if args.off { Decided::Unhold } else { Decided::Hold };
    decide(&config, &*store, &asset, decision(&config, what, &args.decision).await?).await?;
    let (state, then) = match args.off {
        true => ("is no longer under hold", "and may be removed and replaced again"),
        false => ("is under hold", "and nothing of it is removed or replaced"),
    };
    say(&asset, state, then);
    Ok(ExitStatus::Done)
}

/// Records that a finding was a false positive.
pub async fn feedback(global: &GlobalArgs, args: FeedbackArgs) -> Result<ExitStatus, Failure> {
    let expected = || {
        Failure::Usage(
            "expected a finding as ASSET/KIND, as `show` names it, and --false-positive".to_owned(),
        )
    };
    let (typed, kind) = args.finding.split_once('/').ok_or_else(expected)?;
    let (config, store, asset) = open(global, typed).await?;
    let known = store.asset(&asset).await?.findings;
    if !known.iter().any(|finding| finding.kind == kind) {
        let kinds: Vec<&str> = known.iter().map(|finding| finding.kind.as_str()).collect();
        let known = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
        return Err(Failure::Usage(format!(
            "{asset}: expected one of its findings ({known}), found `{kind}`"
        )));
    }
    let reason = args.reason.unwrap_or_else(|| "false positive".to_owned());
    let what = Decided::FalsePositive { kind: kind.to_owned() };
    let by = principal(&config, args.by).await?;
    let decision = Decision { what, by, reason, expires_ms: None };
    decide(&config, &*store, &asset, decision).await?;
    stderr::say(&format!(
        "{asset}: {kind} counts as a false positive; the state of the asset does not change"
    ));
    Ok(ExitStatus::Done)
}

async fn certificate(store: &dyn Store, asset: &AssetId) -> Result<ExitStatus, Failure> {
    let product = store.product(asset, TaskKey::Withdraw).await?;
    let none = || {
        Failure::Usage(format!("{asset}: nothing was removed yet; `reelgate why {asset}` shows its history"))
    };
    let withdrawal_record: WithdrawalRecord = serde_json::from_value(product.ok_or_else(none)?.result)
        .map_err(|error| Failure::Internal(format!("read a certificate: {error}")))?;
    let detail = store.asset(asset).await?.asset;
    table::print(&to_json(&serde_json::json!({
        "asset_id": asset.as_str(),
        "state": detail.phase.as_str(),
        "sha256": detail.sha256,
        "size_bytes": detail.source.size_bytes,
        "ended_ms": detail.ended_ms,
        "closing": withdrawal_record,
    }))?)?;
    Ok(ExitStatus::Done)
}

/// The store of a home, and the asset that was named.
pub(super) async fn open(
    global: &GlobalArgs,
    typed: &str,
) -> Result<(Config, std::sync::Arc<dyn Store>, AssetId), Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    let asset = find_asset(&*store, typed).await?;
    Ok((config, store, asset))
}

/// A decision by the person who is named or logged in.
pub(super) async fn decision(
    config: &Config,
    what: Decided,
    args: &DecisionArgs,
) -> Result<Decision, Failure> {
    let reason = args.reason.clone().unwrap_or_default();
    if reason.trim().is_empty() {
        return Err(Failure::Usage(
            "--reason: expected the reason of the decision, found none; it is kept with the decision".into(),
        ));
    }
    Ok(Decision { what, by: principal(config, args.by.clone()).await?, reason, expires_ms: None })
}

/// Carries out a decision, or keeps it as a proposal; a refusal gives the reason.
pub(super) async fn decide(
    config: &Config,
    store: &dyn Store,
    asset: &AssetId,
    decision: Decision,
) -> Result<DecisionOutcome, Failure> {
    let outcome = store.decide(asset, &decision).await.map_err(|error| refusal(asset, error))?;
    wiring::seal(config, store).await?;
    Ok(outcome)
}

/// The refusal of a decision, with where to look.
pub(super) fn refusal(asset: &AssetId, error: PortError) -> Failure {
    match error.kind {
        ErrorKind::Conflict => {
            Failure::Usage(format!("{asset}: {}; `reelgate why {asset}` shows its history", error.detail))
        }
        _ => error.into(),
    }
}

/// Prints what will happen, or who must approve it first.
fn say_outcome(asset: &AssetId, outcome: &DecisionOutcome, what: &str, how: &str) {
    let DecisionOutcome::Proposed(proposal) = outcome else { return say(asset, what, how) };
    stderr::say(&format!(
        "{asset}: to {} it is proposed until {}; another person approves it with: reelgate approve {asset} {}",
        proposal.decision.what.as_str(),
        local_time(proposal.valid_until_ms),
        proposal.id,
    ));
}

/// Prints what will happen.
pub(super) fn say(asset: &AssetId, what: &str, how: &str) {
    stderr::say(&format!("{asset} {what} with the next `run` or by the running `serve`, {how}"));
}
