//! `reelgate cost anomalies`: the days on which uploads cost unusually much.

use reelgate_actors::work::cost_days::daily_costs;
use reelgate_cost::daily::Finding;
use reelgate_cost::line::day_of;
use reelgate_ports::store::Store;
use serde_json::{Value, json};

use super::days;
use super::report::NONE;
use crate::cli::AnomaliesArgs;
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::to_json;

/// Days that are judged where the user names none.
const DAYS: u32 = 30;

/// Prints one line for each unusual day of a prefix or a profile.
pub async fn anomalies(
    config: &Config,
    store: &dyn Store,
    args: &AnomaliesArgs,
) -> Result<ExitStatus, Failure> {
    let day = |argument: &str, text: &Option<String>| {
        text.as_deref().map(|text| days::begin_ms(argument, text).map(day_of)).transpose()
    };
    let (since, until) = (day("--since", &args.since)?, day("--until", &args.until)?);
    // A day that goes on is not judged: what is missing of it may be its cheap part.
    let finished = store.cost_days().await?.finished;
    let last = until.unwrap_or(finished).min(finished);
    let first = since.unwrap_or_else(|| last.saturating_sub(DAYS - 1));
    let mut found: Vec<Finding> = Vec::new();
    if first <= last {
        let costs = daily_costs(store, &config.profiles, first, last).await?;
        found.extend((first..=last).flat_map(|day| costs.findings(day)));
    }
    if args.json {
        for finding in &found {
            table::print(&to_json(&object(finding))?)?;
        }
        return Ok(ExitStatus::Done);
    }
    if found.is_empty() {
        stderr::say(&format!("no unusual day up to {}", days::text(last)));
        return Ok(ExitStatus::Done);
    }
    let mut rows = table::narrowing(&[
        ("day", 0),
        ("of", 2),
        ("name", 0),
        ("a GB cost", 0),
        ("usual", 0),
        ("limit", 3),
        ("cost", 1),
    ]);
    for Finding { scope, name, day, amount, anomaly, .. } in &found {
        rows.add_row([
            days::text(*day),
            scope.as_str().to_owned(),
            if name.is_empty() { NONE.to_owned() } else { table::clean(name) },
            anomaly.found.to_string(),
            anomaly.usual.to_string(),
            anomaly.limit.to_string(),
            amount.to_string(),
        ]);
    }
    table::print(&rows.to_string())?;
    Ok(ExitStatus::Done)
}

fn object(finding: &Finding) -> Value {
    let Finding { scope, name, day, amount, bytes, anomaly } = finding;
    json!({
        "day": days::text(*day),
        "scope": scope.as_str(),
        "name": name,
        "amount_nanos": amount.nanos(),
        "bytes": bytes,
        "nanos_per_gb": anomaly.found.nanos(),
        "usual_nanos_per_gb": anomaly.usual.nanos(),
        "limit_nanos_per_gb": anomaly.limit.nanos(),
    })
}
