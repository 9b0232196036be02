//! Decisions of a security officer: `quarantine`, `release`, `erase`, `hold`, `feedback`.

use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::records::{Decided, Decision, WithdrawalRecord};
use reelgate_ports::store::Store;

use crate::cli::{DecisionArgs, EraseArgs, FeedbackArgs, GlobalArgs, HoldArgs, ReleaseArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::{find_asset, to_json};
use crate::wiring;

const DAY_MS: u64 = 86_400_000;

/// Quarantines an asset by hand.
pub async fn quarantine(global: &GlobalArgs, args: DecisionArgs) -> Result<ExitStatus, Failure> {
    let (config, store, asset) = open(global, &args.asset).await?;
    let _ = config;
    decide(&*store, &asset, decision(Decided::Quarantine, &args, None)?).await?;
    say(&asset, "is quarantined", "with every copy and older version");
    Ok(ExitStatus::Done)
}

/// Releases a quarantined asset.
pub async fn release(global: &GlobalArgs, args: ReleaseArgs) -> Result<ExitStatus, Failure> {
    let (config, store, asset) = open(global, &args.decision.asset).await?;
    let mut decision = decision(Decided::Release, &args.decision, args.approver)?;
    second_person(&config, &decision)?;
    decision.expires_ms = args.days.map(|days| now_ms().saturating_add(u64::from(days) * DAY_MS));
    decide(&*store, &asset, decision).await?;
    say(&asset, "is released", "and its outputs are restored unchanged");
    Ok(ExitStatus::Done)
}

/// Removes everything of an asset, or prints the certificate of what was removed.
pub async fn erase(global: &GlobalArgs, args: EraseArgs) -> Result<ExitStatus, Failure> {
    let (config, store, asset) = open(global, &args.decision.asset).await?;
    if args.certificate {
        return certificate(&*store, &asset).await;
    }
    let decision = decision(Decided::Erase, &args.decision, args.approver)?;
    second_person(&config, &decision)?;
    decide(&*store, &asset, decision).await?;
    say(&asset, "is erased", "for good; `--certificate` then prints what was removed");
    Ok(ExitStatus::Done)
}

/// Puts an asset under hold, or ends that.
pub async fn hold(global: &GlobalArgs, args: HoldArgs) -> Result<ExitStatus, Failure> {
    let (_, store, asset) = open(global, &args.decision.asset).await?;
    let what = if args.off { Decided::Unhold } else { Decided::Hold };
    decide(&*store, &asset, decision(what, &args.decision, None)?).await?;
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
    let (_, store, asset) = open(global, typed).await?;
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
    let decision = Decision { what, by: person(args.by)?, approver: None, reason, expires_ms: None };
    decide(&*store, &asset, decision).await?;
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
pub(super) fn decision(
    what: Decided,
    args: &DecisionArgs,
    approver: Option<String>,
) -> Result<Decision, Failure> {
    let reason = args.reason.clone().unwrap_or_default();
    if reason.trim().is_empty() {
        return Err(Failure::Usage(
            "--reason: expected the reason of the decision, found none; it is kept with the decision".into(),
        ));
    }
    Ok(Decision { what, by: person(args.by.clone())?, approver, reason, expires_ms: None })
}

/// The given name, otherwise that of the system's user: a decision must name the person who made it.
fn person(given: Option<String>) -> Result<String, Failure> {
    let named = given.or_else(|| ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()));
    let named = named.filter(|name| !name.trim().is_empty());
    named.ok_or_else(|| {
        Failure::Usage(
            "--by: expected the name of the person who decides, found neither it nor the name of a user"
                .into(),
        )
    })
}

fn second_person(config: &Config, decision: &Decision) -> Result<(), Failure> {
    let approver = decision.approver.as_deref().map(str::trim).unwrap_or_default();
    // The same name in other letters is the same person.
    let two = !approver.is_empty() && approver.to_lowercase() != decision.by.trim().to_lowercase();
    if config.raw.privacy.two_people && !two {
        return Err(Failure::Usage(format!(
            "--approver: expected a second person in addition to {}, because privacy.two_people asks for one",
            decision.by
        )));
    }
    Ok(())
}

/// Carries out a decision; a refusal gives the reason.
pub(super) async fn decide(store: &dyn Store, asset: &AssetId, decision: Decision) -> Result<(), Failure> {
    match store.decide(asset, &decision).await {
        Err(error) if error.kind == ErrorKind::Conflict => Err(Failure::Usage(format!(
            "{asset}: {}; `reelgate why {asset}` shows its history",
            error.detail
        ))),
        done => Ok(done?),
    }
}

/// Prints what will happen.
pub(super) fn say(asset: &AssetId, what: &str, how: &str) {
    stderr::say(&format!("{asset} {what} with the next `run` or by the running `serve`, {how}"));
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
