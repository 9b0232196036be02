//! Servers and sessions that fail at any moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reelgate_flow::asset::Phase;
use reelgate_flow::ids::ReceiverName;
use reelgate_flow::task::Lane;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::Applied;
use reelgate_ports::store::{AssetFilter, Intake, Maintenance, Outbox, Queries, Queue};
use reelgate_postgres::{PgStore, Settings, Time};
use reelgate_stand_ins::Postgres;
use reelgate_stand_ins::postgres::Durability;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::moves::{claim_light, event, node, refused, uploads};
use crate::temp_database::TempDatabase;

/// Longest that anything awaited here may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// Short, so that tasks whose claim was lost with its session are soon claimed again.
const SHORT_LEASE_MS: u64 = 1_000;

/// Tries again, as the engine does, while the store cannot be reached.
macro_rules! persist {
    ($call:expr) => {
        loop {
            match $call.await {
                Ok(answer) => break answer,
                Err(error) if error.kind == ErrorKind::Unavailable => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_killed_at_any_moment_lose_nothing_and_repeat_nothing() {
    const ASSETS: u64 = 120;
    let home = TempDatabase::new();
    let stores = [Arc::new(home.store().await), Arc::new(home.store().await)];
    let done = Arc::new(AtomicBool::new(false));
    let mut nodes = JoinSet::new();
    for (name, store) in ["a", "b"].into_iter().zip(stores.clone()) {
        let done = done.clone();
        nodes.spawn(async move { refuse_all(&store, name, &done).await });
    }
    let kill = "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity
                where datname = current_database() and application_name = 'reelgate' order by random() limit 1) as one";
    let ended = async {
        for first in (0..ASSETS).step_by(10) {
            let batch: Vec<_> = (first..first + 10).map(|key| event(&key.to_string(), 1)).collect();
            let batch = EventBatch::of(batch);
            persist!(stores[0].ingest(&batch));
            home.execute(kill);
        }
        let mut kills = 0;
        loop {
            let backlog = persist!(stores[1].backlog());
            // A notice whose lease was lost with its session is due again only when the lease ends.
            if backlog.assets == [(Phase::Rejected, ASSETS)] && backlog.outbox == 0 {
                break;
            }
            if kills < 60 {
                home.execute(kill);
                kills += 1;
            }
        }
        done.store(true, Ordering::SeqCst);
    };
    timeout(DEADLINE, ended).await.unwrap();
    nodes.join_all().await;
    let filter = AssetFilter { limit: 1_000, ..AssetFilter::default() };
    for asset in stores[0].assets(&filter).await.unwrap() {
        let history = stores[0].history(&asset.id).await.unwrap();
        let times = |what: &str| history.iter().filter(|line| line.event.as_str() == what).count();
        assert_eq!((times("event"), times("notice_sent")), (1, 1), "{history:?}");
        // Validation gives up once; withdrawing finishes once, however often either was tried.
        assert_eq!((times("gave_up"), times("finished")), (1, 1), "{history:?}");
    }
    assert_eq!(home.execute("select count(*) from open_tasks").trim(), "0");
    assert_eq!(home.execute("select count(*) from outbox").trim(), "0");
    for store in &stores {
        assert_eq!(store.violations(), []);
    }
}

/// A node that refuses every upload and delivers every notice.
async fn refuse_all(store: &PgStore, name: &str, done: &AtomicBool) {
    let receiver = ReceiverName::new("webhook");
    let node = node(name);
    while !done.load(Ordering::SeqCst) {
        persist!(store.reap());
        let claims = persist!(store.claim(&node, Lane::Light, 8, SHORT_LEASE_MS));
        let reports: Vec<_> = claims.iter().map(|claim| refused(claim, &node)).collect();
        if !reports.is_empty() {
            persist!(store.complete(&reports));
        }
        let owed = persist!(store.outbox(8, SHORT_LEASE_MS));
        let addressed: Vec<_> = owed.into_iter().map(|notice| (notice.id, vec![receiver.clone()])).collect();
        persist!(store.address_notices(&addressed));
        let due = persist!(store.deliveries(&receiver, 8, SHORT_LEASE_MS));
        let ids: Vec<_> = due.into_iter().map(|notice| notice.id).collect();
        persist!(store.notices_delivered(&receiver, &ids));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_killed_is_used_again_after_its_restart_and_has_lost_nothing() {
    let mut server = Postgres::start(Durability::Fast);
    let settings = Settings {
        connections_max: 3,
        acquire_timeout: Duration::from_millis(500),
        ..Settings::new(server.url("postgres"))
    };
    PgStore::migrate(&settings).await.unwrap();
    let store = PgStore::open(&settings, Time::Database).await.unwrap();
    store.ingest(&uploads(5)).await.unwrap();
    let claims = claim_light(&store, &node("a"), 5).await;
    server.kill();
    let error = store.ingest(&EventBatch::of([event("later", 1)])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    server.start_again();
    let reports: Vec<_> = claims.iter().map(|claim| refused(claim, &node("a"))).collect();
    let applied = timeout(DEADLINE, async { persist!(store.complete(&reports)) }).await.unwrap();
    assert!(applied.iter().all(|one| matches!(one, Applied::Committed(_))));
    server.restart();
    let claims = persist!(store.claim(&node("a"), Lane::Light, 10, 30_000));
    assert_eq!(claims.len(), 5, "the withdrawals, and nothing of what was refused");
}

#[tokio::test]
async fn a_read_only_server_is_not_used_until_it_accepts_writes_again() {
    let home = TempDatabase::new();
    let store = home.store().await;
    store.ingest(&uploads(1)).await.unwrap();
    let name = home.execute("select current_database()");
    let name = name.trim();
    let end_sessions = "select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and application_name = 'reelgate'";
    home.execute(&format!("alter database {name} set default_transaction_read_only = on"));
    home.execute(end_sessions);
    let error = store.claim(&node("a"), Lane::Light, 1, 30_000).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    let opened = PgStore::open(&home.settings(), Time::Database).await;
    assert_eq!(opened.map(|_| ()).unwrap_err().kind, ErrorKind::Unavailable);
    home.execute(&format!(
        "begin read write; alter database {name} reset default_transaction_read_only; commit"
    ));
    let claims = timeout(DEADLINE, async { persist!(store.claim(&node("a"), Lane::Light, 1, 30_000)) }).await;
    assert_eq!(claims.unwrap().len(), 1);
}
