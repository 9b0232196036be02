//! Health, readiness and metrics over HTTP; on loopback by default.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};
use prometheus::{Encoder, IntGaugeVec, Opts, Registry, TextEncoder};
use reelgate_actors::engine_context::EngineContext;

use crate::exit::Failure;

/// Starts serving; fails where the address cannot be bound.
pub fn start(listen: SocketAddr, context: Arc<EngineContext>) -> Result<(Server, SocketAddr), Failure> {
    let data = web::Data::from(context);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/healthz", web::get().to(healthz))
            .route("/readyz", web::get().to(readyz))
            .route("/metrics", web::get().to(metrics))
    })
    .workers(1)
    .disable_signals()
    .bind(listen)
    .map_err(|error| {
        Failure::Usage(format!("serve.listen: expected a free address, {listen} cannot be bound: {error}"))
    })?;
    let bound = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), bound))
}

/// Whether the process and its actors live.
async fn healthz(context: web::Data<EngineContext>) -> HttpResponse {
    match context.progress_board.dead() {
        None => HttpResponse::Ok().body("ok\n"),
        Some(reason) => HttpResponse::InternalServerError().body(format!("{reason}\n")),
    }
}

/// Whether new work can be taken: the store answers and the node is not draining.
async fn readyz(context: web::Data<EngineContext>) -> HttpResponse {
    if context.progress_board.is_drained() {
        return HttpResponse::ServiceUnavailable().body("draining\n");
    }
    if !context.availability.is_on() {
        let (state, reason) = context.availability.state();
        return HttpResponse::ServiceUnavailable().body(format!("{state}: {reason}\n"));
    }
    match context.store.check().await {
        Ok(_) => HttpResponse::Ok().body("ok\n"),
        Err(error) => HttpResponse::ServiceUnavailable().body(format!("{error}\n")),
    }
}

async fn metrics(context: web::Data<EngineContext>) -> HttpResponse {
    let mut families = context.signals.registry().gather();
    match gauges(&context).await {
        Ok(registry) => families.extend(registry.gather()),
        Err(error) => return HttpResponse::ServiceUnavailable().body(format!("{error}\n")),
    }
    let mut text = Vec::new();
    match TextEncoder::new().encode(&families, &mut text) {
        Ok(()) => HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text),
        Err(error) => HttpResponse::InternalServerError().body(format!("encode metrics: {error}\n")),
    }
}

/// Gauges that are read from the store for each request.
struct Levels {
    ready: IntGaugeVec,
    leased: IntGaugeVec,
    assets: IntGaugeVec,
    outbox: IntGaugeVec,
    violations: IntGaugeVec,
}

impl Levels {
    fn new() -> Self {
        let level = |name: &str, help: &str, label: &str| {
            IntGaugeVec::new(Opts::new(name, help), &[label]).expect("names and labels are literals")
        };
        Self {
            ready: level("reelgate_tasks_ready", "Tasks claimable or waiting for a retry.", "lane"),
            leased: level("reelgate_tasks_leased", "Tasks under a live lease.", "lane"),
            assets: level("reelgate_assets", "Assets by phase.", "phase"),
            outbox: level("reelgate_outbox", "Notices not yet delivered.", "state"),
            violations: level(
                "reelgate_invariant_violations",
                "Invariants found broken since the start.",
                "id",
            ),
        }
    }

    fn all(&self) -> [&IntGaugeVec; 5] {
        [&self.ready, &self.leased, &self.assets, &self.outbox, &self.violations]
    }
}

async fn gauges(context: &EngineContext) -> Result<Registry, String> {
    let backlog = context.store.backlog().await.map_err(|error| error.to_string())?;
    let levels = Levels::new();
    let level = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    for (lane, count) in &backlog.ready {
        levels.ready.with_label_values(&[lane.as_str()]).set(level(*count));
    }
    for (lane, count) in &backlog.leased {
        levels.leased.with_label_values(&[lane.as_str()]).set(level(*count));
    }
    for (phase, count) in &backlog.assets {
        levels.assets.with_label_values(&[phase.as_str()]).set(level(*count));
    }
    levels.outbox.with_label_values(&["owed"]).set(level(backlog.outbox));
    for (id, count) in context.store.violations() {
        levels.violations.with_label_values(&[id.as_str()]).set(level(count));
    }
    let registry = Registry::new();
    for gauge in levels.all() {
        registry.register(Box::new(gauge.clone())).map_err(|error| error.to_string())?;
    }
    Ok(registry)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use reelgate_actors::signals::{Metric, Signals};

    use super::*;

    /// The page is generated from the code: `REELGATE_BLESS=1` writes it.
    #[test]
    fn the_page_of_metrics_lists_every_metric() {
        let mut metrics = Signals::default().catalogue().to_vec();
        metrics.extend(Levels::new().all().into_iter().flat_map(|gauge| Metric::of("gauge", gauge)));
        metrics.sort();
        let mut expected = String::from(
            "# Metrics\n\nThe metrics that `/metrics` of every `reelgate serve` returns, in Prometheus' text format. Labels are words \
             of the code; no\nkey, name or content of an upload is ever a label.\n\n| metric | kind | labels | what it counts |\n\
             |---|---|---|---|\n",
        );
        for Metric { name, kind, labels, help } in &metrics {
            expected += &format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", "));
        }
        let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/metrics.md");
        let found = std::fs::read_to_string(&guide).unwrap_or_default();
        if found != expected && std::env::var_os("REELGATE_BLESS").is_some() {
            return std::fs::write(&guide, expected).unwrap();
        }
        assert!(
            found == expected,
            "docs/reference/metrics.md differs from the code: write it again with REELGATE_BLESS=1"
        );
    }
}
