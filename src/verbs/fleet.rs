//! `reelgate fleet`: shows the nodes and orders them to drain, or all of them to begin no heavy work.

use reelgate_actors::availability::state_of;
use reelgate_flow::ids::NodeId;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::pause_flag::ordered;
use reelgate_ports::records::HeavyPause;
use reelgate_ports::store::Store;
use serde_json::json;

use crate::cli::{FleetVerb, GlobalArgs, PauseArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::principal::principal;
use crate::verbs::{local_time, to_json};
use crate::wiring;

/// Shows nodes or orders one to drain.
pub async fn fleet(global: &GlobalArgs, verb: FleetVerb) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    match verb {
        FleetVerb::Status { json } => status(&*store, json).await,
        FleetVerb::Drain { node } => order(&*store, &node, true).await,
        FleetVerb::Undrain { node } => order(&*store, &node, false).await,
        FleetVerb::Pause(args) => pause(&config, &*store, args).await,
        FleetVerb::Resume { .. } => resume(&config, &*store).await,
    }
}

async fn pause(config: &Config, store: &dyn Store, args: PauseArgs) -> Result<ExitStatus, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::Usage("--reason: expected the reason of the pause, found none".into()));
    }
    store.pause_heavy(&args.reason, &principal(config, args.by).await?).await?;
    stderr::say(
        "no node begins heavy work; what runs is finished, and uploads are still recorded and validated",
    );
    Ok(ExitStatus::Done)
}

async fn resume(config: &Config, store: &dyn Store) -> Result<ExitStatus, Failure> {
    // A node would pause heavy work again within seconds.
    let flag = wiring::pause_flag(config).await?;
    if let Some(flag) = flag
        && let Some(reason) = flag.reason().await?
    {
        return Err(Failure::Usage(format!(
            "heavy work stays paused while the flag {} is set: {}; {}",
            flag.name(),
            table::clean(&reason),
            removal(flag.name())
        )));
    }
    match store.resume_heavy().await? {
        true => stderr::say("nodes begin heavy work again"),
        false => stderr::say("heavy work was not paused"),
    }
    Ok(ExitStatus::Done)
}

/// The order to begin no heavy work, for people.
pub fn told(pause: &HeavyPause) -> String {
    let by = table::clean(&pause.by.name);
    let end = match ordered(pause) {
        true => removal(&by),
        false => "`reelgate fleet resume heavy` ends it".to_owned(),
    };
    let reason = table::clean(&pause.reason);
    format!("heavy work is paused since {} by {by}: {reason}; {end}", local_time(pause.since_ms))
}

/// How a flag is removed, with the rights of who may: nodes only read it.
fn removal(flag: &str) -> String {
    format!("`aws ssm delete-parameter --name {flag}` ends it within a minute")
}

async fn status(store: &dyn Store, as_json: bool) -> Result<ExitStatus, Failure> {
    let nodes = store.nodes().await?;
    if let Some(pause) = store.heavy_pause().await? {
        stderr::say(&told(&pause));
    }
    if as_json {
        for node in &nodes {
            let line = json!({
                "node": node.report.node.as_str(),
                "state": state_of(node),
                "reason": node.report.reason,
                "roles": node.report.roles,
                "version": node.report.version,
                "capacity": node.report.capacity,
                "in_flight": node.report.in_flight,
                "costs": node.report.costs,
                "first_seen_ms": node.first_seen_ms,
                "silent_ms": node.silent_ms,
                "drain_ordered": node.drain_ordered,
            });
            table::print(&to_json(&line)?)?;
        }
        return Ok(ExitStatus::Done);
    }
    let mut rows = table::narrowing(&[
        ("node", 0),
        ("state", 0),
        ("roles", 3),
        ("running", 1),
        ("silent", 2),
        ("version", 4),
        ("why", 0),
    ]);
    for node in &nodes {
        let running: u32 = node.report.in_flight.iter().map(|(_, tasks)| u32::from(*tasks)).sum();
        let room: u32 = node.report.capacity.iter().map(|(_, tasks)| u32::from(*tasks)).sum();
        rows.add_row(vec![
            table::clean(node.report.node.as_str()),
            state_of(node).to_owned(),
            node.report.roles.join(" "),
            format!("{running} of {room}"),
            table::seconds(node.silent_ms as f64 / 1_000.0),
            table::clean(&node.report.version),
            table::clean(&node.report.reason),
        ]);
    }
    table::print(&rows.to_string())?;
    Ok(ExitStatus::Done)
}

async fn order(store: &dyn Store, node: &str, drain: bool) -> Result<ExitStatus, Failure> {
    match store.order_drain(&NodeId::new(node), drain).await {
        Ok(()) if drain => stderr::say(&format!("{node} takes no new work; what it runs is finished")),
        Ok(()) => stderr::say(&format!("{node} takes work again")),
        Err(error) if error.kind == ErrorKind::Missing => return Err(Failure::Usage(error.to_string())),
        Err(error) => return Err(error.into()),
    }
    Ok(ExitStatus::Done)
}
