//! `reelgate cost show`: what one asset cost.

use reelgate_cost::line::DAY_MS;
use reelgate_cost::money::NanoUsd;
use reelgate_flow::ids::AssetId;
use reelgate_ports::store::Store;
use serde_json::{Value, json};

use super::ledger::{AssetLine, of_asset, total};
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::{find_asset, to_json};

/// Prints every line of an asset's ledger, and the sum.
pub async fn show(store: &dyn Store, typed: &str, as_json: bool) -> Result<ExitStatus, Failure> {
    let asset = find_asset(store, typed).await?;
    let rows = of_asset(store, &asset).await?;
    if as_json {
        for row in &rows {
            table::print(&to_json(&object(&asset, row))?)?;
        }
        return Ok(ExitStatus::Done);
    }
    let mut printed = table::narrowing(&[
        ("stage", 0),
        ("part", 3),
        ("attempt", 4),
        ("node", 5),
        ("used", 0),
        ("quantity", 0),
        ("price", 6),
        ("cost", 0),
        ("method", 2),
        ("waste", 1),
    ]);
    for line in &rows {
        let charge = line.charge();
        let (stage, part, attempt) = line.work();
        printed.add_row([
            stage,
            part,
            attempt.map(|attempt| attempt.to_string()).unwrap_or_default(),
            line.node_type().to_owned(),
            charge.resource.as_str().to_owned(),
            format!("{} {}", charge.quantity, charge.resource.measure().as_str()),
            match charge.unit_price {
                NanoUsd::ZERO => String::new(),
                price => format!("{price} for {} of {}", charge.unit, charge.price_date),
            },
            charge.amount.to_string(),
            charge.method.as_str().to_owned(),
            if line.is_waste() { "waste" } else { "" }.to_owned(),
        ]);
    }
    table::print(&printed.to_string())?;
    let (amount, waste) = total(&rows)?;
    table::print(&format!("{amount}, of which {waste} waste"))?;
    if rows.iter().all(|line| line.charge().unit_price == NanoUsd::ZERO) && !rows.is_empty() {
        stderr::say("nothing had a price where this was processed: cost.node_type is not set there");
    }
    Ok(ExitStatus::Done)
}

fn object(asset: &AssetId, line: &AssetLine) -> Value {
    let (charge, (stage, part, attempt)) = (line.charge(), line.work());
    // A share has no moment, but a day.
    let at_ms = match line {
        AssetLine::Used(row) => row.record.at_ms,
        AssetLine::Shared(row) => u64::from(row.record.day) * DAY_MS,
    };
    json!({
        "asset": asset.as_str(),
        "stage": stage,
        "part": part,
        "attempt": attempt,
        "at_ms": at_ms,
        "node_type": line.node_type(),
        "resource": charge.resource.as_str(),
        "quantity": charge.quantity,
        "measure": charge.resource.measure().as_str(),
        "unit_price_nanos": charge.unit_price.nanos(),
        "unit": charge.unit,
        "price_date": charge.price_date,
        "amount_nanos": charge.amount.nanos(),
        "method": charge.method.as_str(),
        "waste": line.is_waste(),
    })
}
