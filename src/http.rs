//! Health, readiness and metrics over HTTP; on loopback by default. Every answer comes from memory: nobody waits here for a
//! store that hangs, least of all those who want to know why it does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};
use prometheus::{Encoder, Registry, TextEncoder};
use reelgate_actors::engine_context::EngineContext;
use reelgate_actors::meters::Meters;
use reelgate_signals::catalogue;

use crate::exit::Failure;

/// A store that has not answered this node's report for longer counts as away: three reports were not answered.
const STORE_SILENT_MAX: Duration = Duration::from_secs(10);

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

/// Whether new work can be taken: the store has answered lately, no service that tasks need is away, and the node is not
/// draining.
async fn readyz(context: web::Data<EngineContext>) -> HttpResponse {
    if context.progress_board.is_drained() {
        return HttpResponse::ServiceUnavailable().body("draining\n");
    }
    if !context.availability.is_on() {
        let (state, reason) = context.availability.state();
        return HttpResponse::ServiceUnavailable().body(format!("{state}: {reason}\n"));
    }
    if let Some(reason) = context.breaker.reason() {
        return HttpResponse::ServiceUnavailable().body(format!("{reason}\n"));
    }
    match context.signals.store().last_answer() {
        Some(age) if age <= STORE_SILENT_MAX => HttpResponse::Ok().body("ok\n"),
        Some(age) => HttpResponse::ServiceUnavailable().body(format!(
            "store: expected an answer every few seconds, found the last {} s ago{}\n",
            age.as_secs(),
            why_away(&context)
        )),
        None => {
            let why = why_away(&context);
            HttpResponse::ServiceUnavailable().body(format!("store: it has not answered yet{why}\n"))
        }
    }
}

/// What the last call of the store met, and what follows; nothing where calls hang instead.
fn why_away(context: &EngineContext) -> String {
    let away = context.signals.store().away();
    away.map_or(String::new(), |error| {
        format!(" ({error}); its calls are tried again and the node goes on by itself")
    })
}

async fn metrics(context: web::Data<EngineContext>) -> HttpResponse {
    let mut families = context.signals.registry().gather();
    families.extend(levels(&context).gather());
    let mut text = Vec::new();
    match TextEncoder::new().encode(&families, &mut text) {
        Ok(()) => HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text),
        Err(error) => HttpResponse::InternalServerError().body(format!("encode metrics: {error}\n")),
    }
}

/// What is filled in when it is read: what the store counted last, and how long ago things happened. What is not known yet is not
/// there.
fn levels(context: &EngineContext) -> Registry {
    let receivers = context.notices.iter().map(|receiver| receiver.name.as_str().to_owned());
    let meters = Meters::new(receivers.collect());
    let known = context.signals.store();
    if let Some(age) = known.last_answer() {
        meters.float_gauge(&catalogue::STORE_ANSWER_AGE_SECONDS).set(age.as_secs_f64());
    }
    if let Some(age) = known.last_seal() {
        meters.float_gauge(&catalogue::AUDIT_SEAL_AGE_SECONDS).set(age.as_secs_f64());
    }
    let level = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    if let Some(backlog) = known.backlog() {
        let lanes = [(&catalogue::TASKS_READY, &backlog.ready), (&catalogue::TASKS_LEASED, &backlog.leased)];
        for (signal, counts) in lanes {
            let gauges = meters.gauges(signal);
            for (lane, count) in counts {
                gauges.with_label_values(&[lane.as_str()]).set(level(*count));
            }
        }
        let assets = meters.gauges(&catalogue::ASSETS);
        for (phase, count) in &backlog.assets {
            assets.with_label_values(&[phase.as_str()]).set(level(*count));
        }
        meters.gauges(&catalogue::OUTBOX).with_label_values(&["owed"]).set(level(backlog.outbox));
        // A receiver that has got everything is listed too, so that an alarm on it ends.
        let notices = meters.gauges(&catalogue::OUTBOX_NOTICES);
        let ages = meters.gauges(&catalogue::OUTBOX_AGE_SECONDS);
        for owed in &backlog.deliveries {
            notices.with_label_values(&[owed.receiver.as_str()]).set(level(owed.notices));
            ages.with_label_values(&[owed.receiver.as_str()]).set(level(owed.oldest_ms / 1_000));
        }
    }
    let violations = meters.gauges(&catalogue::INVARIANT_VIOLATIONS);
    for (id, count) in context.store.violations() {
        violations.with_label_values(&[id.as_str()]).set(level(count));
    }
    meters.into_registry()
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::path::Path;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use actix_web::body::to_bytes;
    use actix_web::http::StatusCode;
    use reelgate_actors::availability::Availability;
    use reelgate_actors::breaker::Breaker;
    use reelgate_actors::engine_context::{Credits, Roles};
    use reelgate_actors::profiles::Profiles;
    use reelgate_actors::progress_board::ProgressBoard;
    use reelgate_actors::signals::Signals;
    use reelgate_conformance::fault_plan::FaultPlan;
    use reelgate_conformance::faulty::Faulty;
    use reelgate_embedded::directory::DirectoryObjects;
    use reelgate_embedded::seal_file::SealFile;
    use reelgate_embedded::sqlite::SqliteStore;
    use reelgate_flow::ids::{NodeId, ReceiverName};
    use reelgate_flow::policy::Policy;
    use reelgate_pipelines::client::WorkerProgram;
    use reelgate_pipelines::recipes::settings::Settings;
    use reelgate_pipelines::recipes::template::PathTemplate;
    use reelgate_ports::clock::SystemClock;
    use reelgate_ports::error::{ErrorKind, Port, PortError};
    use reelgate_ports::store::{Backlog, DeliveriesOwed};
    use reelgate_privacy::Classifier;
    use tokio::sync::Semaphore;

    use super::*;

    /// An engine without actors, whose store follows a plan of faults.
    async fn context(home: &Path, plan: &FaultPlan) -> web::Data<EngineContext> {
        let store = SqliteStore::open(&home.join("reelgate.sqlite"), Arc::new(SystemClock)).await.unwrap();
        web::Data::new(EngineContext {
            node: NodeId::new("test"),
            roles: Roles::ALL,
            availability: Availability::default(),
            breaker: Breaker::default(),
            machine: None,
            pause_flag: None,
            sweep_interval: None,
            history_days: None,
            store: Arc::new(Faulty::new(Arc::new(store), plan)),
            seals: Arc::new(SealFile::new(home.join("audit-seal.json"))),
            objects: Arc::new(DirectoryObjects::open(home).unwrap()),
            dead_letters: None,
            events: None,
            notices: Vec::new(),
            unserved_ms: 0,
            worker: WorkerProgram::new("/nonexistent/worker"),
            settings: Settings::default(),
            profiles: Profiles::default(),
            path_template: PathTemplate::default(),
            classifier: Classifier::new(),
            external_scan: None,
            finding_sweep: None,
            policy: Policy::default(),
            review_ms: u64::MAX,
            film_wait_ms: 0,
            credits: Credits { light: 1, heavy: 1, inspections: 1 },
            inspections: Semaphore::new(1),
            rates: reelgate_actors::rates::Rates::free(),
            estimates: reelgate_actors::estimator::Estimates::new(
                reelgate_actors::estimator::Estimator::first_day(
                    reelgate_actors::rates::Rates::free(),
                    false,
                )
                .unwrap(),
            ),
            caps: reelgate_cost::cap::Caps::default(),
            lease_ms: 5_000,
            poll_ms: 50,
            progress_board: ProgressBoard::default(),
            signals: Signals::default(),
        })
    }

    /// Status and body of an answer that waits for nothing.
    fn at_once(answer: impl Future<Output = HttpResponse>) -> (StatusCode, String) {
        let Poll::Ready(answer) = pin!(answer).poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("the answer waits for something")
        };
        let status = answer.status();
        let Poll::Ready(body) =
            pin!(to_bytes(answer.into_body())).poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("the body waits for something")
        };
        (status, String::from_utf8(body.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn metrics_and_readiness_are_answered_at_once_while_the_store_hangs() {
        let (home, plan) = (tempfile::tempdir().unwrap(), FaultPlan::default());
        let context = context(home.path(), &plan).await;
        plan.set_frozen(true);
        let (status, body) = at_once(readyz(context.clone()));
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "store: it has not answered yet\n")
        );
        let (status, body) = at_once(metrics(context.clone()));
        assert_eq!(status, StatusCode::OK);
        assert!(
            body.contains("reelgate_leases_lost_total 0") && !body.contains("reelgate_store_answer_age"),
            "{body}"
        );

        let full = PortError::new(Port::Store, ErrorKind::Full, "commit", "database or disk is full");
        context.signals.store().failed("complete", &full);
        let (_, body) = at_once(readyz(context.clone()));
        let why =
            "(commit: database or disk is full); its calls are tried again and the node goes on by itself";
        assert_eq!(body, format!("store: it has not answered yet {why}\n"));

        context.signals.store().answered();
        let owed = DeliveriesOwed { receiver: ReceiverName::new("webhook"), notices: 3, oldest_ms: 61_000 };
        context.signals.store().counted(Backlog { outbox: 7, deliveries: vec![owed], ..Backlog::default() });
        assert_eq!(at_once(readyz(context.clone())), (StatusCode::OK, "ok\n".to_owned()));
        let (status, body) = at_once(metrics(context));
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("reelgate_outbox{state=\"owed\"} 7"), "{body}");
        assert!(body.contains("reelgate_outbox_notices{receiver=\"webhook\"} 3"), "{body}");
        assert!(body.contains("reelgate_outbox_age_seconds{receiver=\"webhook\"} 61"), "{body}");
        assert!(body.contains("reelgate_store_answer_age_seconds 0."), "{body}");
    }

    /// Together with what is counted as it happens, this is the whole catalogue.
    #[tokio::test]
    async fn every_metric_of_the_catalogue_is_there_once_the_store_has_answered() {
        let (home, plan) = (tempfile::tempdir().unwrap(), FaultPlan::default());
        let context = context(home.path(), &plan).await;
        context.signals.store().answered();
        context.signals.store().sealed();
        context.signals.store().counted(Backlog::default());
        let (_, body) = at_once(metrics(context));
        for signal in catalogue::ALL {
            // Metrics without a series are left out: nothing was found, and no receiver is configured.
            let is_open = signal.from_start(&[]).is_empty();
            assert_ne!(
                body.contains(&format!("# TYPE {} {}\n", signal.name, signal.kind.as_str())),
                is_open,
                "{}",
                signal.name
            );
        }
    }
}
