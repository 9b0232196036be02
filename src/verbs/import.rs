//! `reelgate import`: ingests a back-catalogue at a rate and a priority that do not delay new uploads.

use std::time::Duration;

use reelgate_actors::ledger::too_large;
use reelgate_actors::work::sweep::{page, with_priority};
use reelgate_cost::estimate::Estimate;
use reelgate_flow::plain::counted;
use reelgate_ports::events::EventBatch;
use reelgate_ports::order::Priority;
use serde_json::json;

use crate::cli::{GlobalArgs, ImportArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::cost::rough::CostOfBytes;
use crate::verbs::to_json;
use crate::wiring;

/// Most uploads ingested at once; a small batch keeps the rate smooth.
const BATCH_MAX: usize = 50;

/// Ingests the uploads under a prefix of the ingest area that are not known yet. After a stop the same command continues.
pub async fn import(global: &GlobalArgs, args: ImportArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let priority = Priority::parse(&args.priority).ok_or_else(|| {
        Failure::Usage(format!("--priority: expected `high`, `normal` or `low`, found `{}`", args.priority))
    })?;
    let per_hour = rate(&args.rate)?;
    let prefix = wiring::ingest_prefix(&config, &args.source)?;
    let ports = wiring::existing_ports(&config).await?;
    if args.dry_run {
        return dry_run(&config, &ports, &prefix, &args).await;
    }
    let pause = Duration::from_secs_f64(3_600.0 / per_hour);
    let (mut listed, mut taken) = (0_u64, 0_u64);
    let mut after: Option<String> = None;
    let mut stop = std::pin::pin!(wiring::stop_asked());
    'pages: loop {
        let page = page(&*ports.store, &*ports.objects, &prefix, after.as_deref()).await?;
        listed += page.listed;
        let left = args.limit.saturating_sub(taken);
        let unknown = page.unknown.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX));
        let unknown = with_priority(unknown.collect(), priority);
        for batch in unknown.chunks(BATCH_MAX) {
            ports.store.ingest(&EventBatch::of(batch)).await?;
            taken += batch.len() as u64;
            let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            tokio::select! {
                () = tokio::time::sleep(pause.saturating_mul(count)) => {}
                () = &mut stop => break 'pages,
            }
        }
        match page.next {
            Some(next) if taken < args.limit => after = Some(next),
            _ => break,
        }
    }
    wiring::seal(&config, &*ports.store).await?;
    if args.json {
        table::print(&to_json(&json!({"listed": listed, "taken_in": taken}))?)?;
    } else {
        stderr::say(&format!(
            "{} listed, {taken} ingested with {} priority",
            counted(listed, "upload", "uploads"),
            priority.as_str()
        ));
    }
    Ok(ExitStatus::Done)
}

/// Counts what would be ingested, and estimates it from sizes alone.
async fn dry_run(
    config: &Config,
    ports: &wiring::Ports,
    prefix: &str,
    args: &ImportArgs,
) -> Result<ExitStatus, Failure> {
    let known = CostOfBytes::learn(config, &*ports.store).await?;
    let (mut listed, mut found, mut size_bytes, mut unknown) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut cost = Estimate::default();
    let mut after: Option<String> = None;
    loop {
        let page = page(&*ports.store, &*ports.objects, prefix, after.as_deref()).await?;
        listed += page.listed;
        for upload in page.unknown {
            if found == args.limit {
                break;
            }
            found += 1;
            size_bytes = size_bytes.saturating_add(upload.size_bytes);
            match known.of(config, &upload.source.key, upload.size_bytes).map_err(too_large)? {
                Some(one) => cost = cost.plus(one).map_err(too_large)?,
                None => unknown += 1,
            }
        }
        match page.next {
            Some(next) if found < args.limit => after = Some(next),
            _ => break,
        }
    }
    if args.json {
        table::print(&to_json(&json!({
            "listed": listed,
            "would_take_in": found,
            "size_bytes": size_bytes,
            "rough_p50_nanos": cost.p50.nanos(),
            "rough_p90_nanos": cost.p90.nanos(),
            "not_estimated": unknown,
        }))?)?;
        return Ok(ExitStatus::Done);
    }
    stderr::say(&format!(
        "{} listed, {found} would be ingested, {size_bytes} bytes",
        counted(listed, "upload", "uploads")
    ));
    if found > unknown {
        stderr::say(&format!(
            "roughly {} (p50) to {} (p90) for {} of them, from their sizes and what such uploads have cost; `reelgate cost estimate {}` inspects each",
            cost.p50,
            cost.p90,
            found - unknown,
            args.source
        ));
    }
    if unknown > 0 {
        stderr::say(&format!(
            "no estimate for {unknown} of them: fewer than 8 uploads of their profile have ended with an estimate; `reelgate cost estimate {}` inspects each",
            args.source
        ));
    }
    Ok(ExitStatus::Done)
}

/// `500/h`, `10/m` or `2/s`, as uploads an hour.
fn rate(text: &str) -> Result<f64, Failure> {
    let wrong = || {
        Failure::Usage(format!(
            "--rate: expected a number and a unit such as 500/h, 10/m or 2/s, found `{text}`"
        ))
    };
    let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let per_hour = match unit {
        "h" => number,
        "m" => number * 60.0,
        "s" => number * 3_600.0,
        _ => return Err(wrong()),
    };
    if per_hour.is_finite() && per_hour > 0.0 { Ok(per_hour) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_unit_and_is_above_zero() {
        assert_eq!(rate("500/h").unwrap(), 500.0);
        assert_eq!(rate("0.5/s").unwrap(), 1_800.0);
        for wrong in ["500", "0/h", "-1/h", "x/h", "5/d", "inf/h"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
