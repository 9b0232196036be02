//! What a security officer decides: `quarantine`, `release`, `erase`, `hold`, `feedback`.

use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::records::{Closing, Decided, Decision};
use reelgate_ports::store::Store;

use crate::cli::{DecisionArgs, EraseArgs, FeedbackArgs, HoldArgs, Place, ReleaseArgs};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{table, talk};
use crate::verbs::{find_asset, to_json};
use crate::wiring;

const DAY_MS: u64 = 86_400_000;

/// Sets an asset apart by hand.
pub async fn quarantine(place: &Place, args: DecisionArgs) -> Result<Exit, Failure> {
    let (config, store, asset) = open(place, &args.asset).await?;
    let _ = config;
    decide(&*store, &asset, decision(Decided::Quarantine, &args, None)?).await?;
    say(&asset, "is set apart", "with every copy and older version");
    Ok(Exit::Done)
}

/// Lets a quarantined asset go.
pub async fn release(place: &Place, args: ReleaseArgs) -> Result<Exit, Failure> {
    let (config, store, asset) = open(place, &args.decision.asset).await?;
    let mut decision = decision(Decided::Release, &args.decision, args.approver)?;
    second_person(&config, &decision)?;
    decision.expires_ms = args.days.map(|days| now_ms().saturating_add(u64::from(days) * DAY_MS));
    decide(&*store, &asset, decision).await?;
    say(&asset, "is released", "and its outputs come back as they were");
    Ok(Exit::Done)
}

/// Removes everything of an asset, or prints the certificate of what was removed.
pub async fn erase(place: &Place, args: EraseArgs) -> Result<Exit, Failure> {
    let (config, store, asset) = open(place, &args.decision.asset).await?;
    if args.certificate {
        return certificate(&*store, &asset).await;
    }
    let decision = decision(Decided::Erase, &args.decision, args.approver)?;
    second_person(&config, &decision)?;
    decide(&*store, &asset, decision).await?;
    say(&asset, "is erased", "for good; `--certificate` then prints what was removed");
    Ok(Exit::Done)
}

/// Puts an asset under hold, or ends that.
pub async fn hold(place: &Place, args: HoldArgs) -> Result<Exit, Failure> {
    let (_, store, asset) = open(place, &args.decision.asset).await?;
    let what = if args.off { Decided::Unhold } else { Decided::Hold };
    decide(&*store, &asset, decision(what, &args.decision, None)?).await?;
    talk::say(&format!("{asset} {} be erased", if args.off { "may again" } else { "must not" }));
    Ok(Exit::Done)
}

/// Tells that a finding was none.
pub async fn feedback(place: &Place, args: FeedbackArgs) -> Result<Exit, Failure> {
    let expected = || {
        Failure::Usage(
            "expected a finding as ASSET/KIND, as `show` names it, and --false-positive".to_owned(),
        )
    };
    let (typed, kind) = args.finding.split_once('/').ok_or_else(expected)?;
    let (_, store, asset) = open(place, typed).await?;
    let known = store.asset(&asset).await?.findings;
    if !known.iter().any(|finding| finding.kind == kind) {
        let kinds: Vec<&str> = known.iter().map(|finding| finding.kind.as_str()).collect();
        let known = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
        return Err(Failure::Usage(format!(
            "{asset}: expected one of its findings ({known}), found `{kind}`"
        )));
    }
    let reason = args.reason.unwrap_or_else(|| "no finding".to_owned());
    let what = Decided::FalsePositive { kind: kind.to_owned() };
    let decision = Decision { what, by: person(args.by)?, approver: None, reason, expires_ms: None };
    decide(&*store, &asset, decision).await?;
    talk::say(&format!("{asset}: {kind} counts as a false positive; its state stays as it is"));
    Ok(Exit::Done)
}

async fn certificate(store: &dyn Store, asset: &AssetId) -> Result<Exit, Failure> {
    let product = store.product(asset, TaskKey::Withdraw).await?;
    let none = || {
        Failure::Usage(format!(
            "{asset}: nothing was taken away yet; `reelgate why {asset}` tells its history"
        ))
    };
    let closing: Closing = serde_json::from_value(product.ok_or_else(none)?.result)
        .map_err(|error| Failure::Internal(format!("read a certificate: {error}")))?;
    let detail = store.asset(asset).await?.asset;
    table::print(&to_json(&serde_json::json!({
        "asset_id": asset.as_str(),
        "state": detail.phase.as_str(),
        "sha256": detail.sha256,
        "size_bytes": detail.source.size_bytes,
        "ended_ms": detail.ended_ms,
        "closing": closing,
    }))?)?;
    Ok(Exit::Done)
}

/// The store of a home, and the asset that was named.
pub(super) async fn open(
    place: &Place,
    typed: &str,
) -> Result<(Config, std::sync::Arc<dyn Store>, AssetId), Failure> {
    let config = Config::load(place).await?;
    let store = wiring::existing_store(&config).await?;
    let asset = find_asset(&*store, typed).await?;
    Ok((config, store, asset))
}

/// A decision by whoever is named or logged in.
pub(super) fn decision(
    what: Decided,
    args: &DecisionArgs,
    approver: Option<String>,
) -> Result<Decision, Failure> {
    let reason = args.reason.clone().unwrap_or_default();
    if reason.trim().is_empty() {
        return Err(Failure::Usage(
            "--reason: expected why, found nothing; it is kept with the decision".into(),
        ));
    }
    Ok(Decision { what, by: person(args.by.clone())?, approver, reason, expires_ms: None })
}

/// The name given, or the one of the system's user: a decision has somebody who made it.
fn person(given: Option<String>) -> Result<String, Failure> {
    let named = given.or_else(|| ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()));
    let named = named.filter(|name| !name.trim().is_empty());
    named.ok_or_else(|| {
        Failure::Usage("--by: expected who decides, found neither that nor a user's name".into())
    })
}

fn second_person(config: &Config, decision: &Decision) -> Result<(), Failure> {
    let approver = decision.approver.as_deref().map(str::trim).unwrap_or_default();
    let two = !approver.is_empty() && approver != decision.by.trim();
    if config.raw.privacy.two_people && !two {
        return Err(Failure::Usage(format!(
            "--approver: expected a second person beside {}, because privacy.two_people asks for one",
            decision.by
        )));
    }
    Ok(())
}

/// Has a decision carried out; a refusal says why.
pub(super) async fn decide(store: &dyn Store, asset: &AssetId, decision: Decision) -> Result<(), Failure> {
    match store.decide(asset, &decision).await {
        Err(error) if error.kind == ErrorKind::Conflict => Err(Failure::Usage(format!(
            "{asset}: {}; `reelgate why {asset}` tells its history",
            error.detail
        ))),
        done => Ok(done?),
    }
}

/// Tells what will happen.
pub(super) fn say(asset: &AssetId, what: &str, how: &str) {
    talk::say(&format!("{asset} {what} with the next `run` or by the running `serve`, {how}"));
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
