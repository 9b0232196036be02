//! `reelgate cost report`: adds up what everything cost.

use std::collections::BTreeSet;

use reelgate_actors::ledger::{each_line, too_large};
use reelgate_cost::line::Line;
use reelgate_cost::resource::Resource;
use reelgate_cost::sums::{Dimension, Group, Sum, Sums};
use reelgate_ports::store::Store;
use serde_json::{Value, json};

use super::days;
use crate::cli::{ReportArgs, ReportBy};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::to_json;

/// What stands for an empty label.
pub(super) const NONE: &str = "(none)";
/// What nobody used alone.
const SHARED: &str = "(shared)";

/// Prints one line for each group, and the total.
pub async fn report(config: &Config, store: &dyn Store, args: &ReportArgs) -> Result<ExitStatus, Failure> {
    let filter = days::filter(&args.days)?;
    let mut sums = Sums::new(dimension(args.by));
    let mut used = BTreeSet::new();
    each_line(store, filter, |row| {
        let line = row.line(&config.profiles);
        used.insert(price_name(&line));
        sums.add(&line).map_err(too_large).map_err(Failure::from)
    })
    .await?;
    let total = sums.total();
    if args.json {
        for (group, sum) in sums.groups() {
            table::print(&to_json(&object("group", &label(group), sum))?)?;
        }
        table::print(&to_json(&object("total", "total", total))?)?;
        return Ok(ExitStatus::Done);
    }
    let columns = [(name(args.by), 0), ("cost", 0), ("waste", 1), ("shared", 2), ("lines", 3)];
    let mut rows = table::narrowing(&columns);
    let all = sums.groups().map(|(group, sum)| (label(group), sum));
    for (label, sum) in all.chain([("total".to_owned(), total)]) {
        let label = table::clean(&label);
        let [cost, waste, shared] = [sum.total, sum.waste, sum.shared].map(|amount| amount.to_string());
        rows.add_row([label, cost, waste, shared, sum.lines.to_string()]);
    }
    table::print(&rows.to_string())?;
    let prices = config.raw.cost.table().map_err(Failure::Usage)?;
    let unverified: Vec<&str> = prices.unverified().into_iter().filter(|name| used.contains(*name)).collect();
    if !unverified.is_empty() {
        stderr::say(&format!(
            "prices that nobody has compared with AWS's list: {}; see cost.prices",
            unverified.join(", ")
        ));
    }
    Ok(ExitStatus::Done)
}

/// The name of the price of a line.
fn price_name(line: &Line) -> String {
    match line.charge.resource {
        Resource::NodeTime => line.node_type.clone(),
        other => other.price_name().to_owned(),
    }
}

fn object(kind: &str, label: &str, sum: &Sum) -> Value {
    json!({
        "kind": kind,
        "label": label,
        "amount_nanos": sum.total.nanos(),
        "waste_nanos": sum.waste.nanos(),
        "shared_nanos": sum.shared.nanos(),
        "lines": sum.lines,
    })
}

fn label(group: &Group) -> String {
    match group {
        Group::Label(label) if label.is_empty() => NONE.to_owned(),
        Group::Label(label) => label.clone(),
        Group::Day(day) => days::text(*day),
        Group::Shared => SHARED.to_owned(),
    }
}

fn dimension(by: ReportBy) -> Dimension {
    match by {
        ReportBy::Asset => Dimension::Asset,
        ReportBy::Stage => Dimension::Stage,
        ReportBy::Prefix => Dimension::Prefix,
        ReportBy::Profile => Dimension::Profile,
        ReportBy::Day => Dimension::Day,
        ReportBy::NodeType => Dimension::NodeType,
        ReportBy::Resource => Dimension::Resource,
    }
}

fn name(by: ReportBy) -> &'static str {
    match by {
        ReportBy::Asset => "asset",
        ReportBy::Stage => "stage",
        ReportBy::Prefix => "prefix",
        ReportBy::Profile => "profile",
        ReportBy::Day => "day",
        ReportBy::NodeType => "node type",
        ReportBy::Resource => "resource",
    }
}
