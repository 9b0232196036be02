//! What the store on PostgreSQL costs on this machine, the server on the same cores, commits flushed to disk.
//!
//! Before anything is measured the database holds a million rows of history, and a transaction is left open that
//! keeps vacuum from removing any row that changes from then on; then the requested number of tasks come and go, to leave
//! as many dead rows as an hour of work.
//!
//! 1. Plain: what the server does without us, one short transaction (one row changed, one added) after the other.
//! 2. Tasks: several connections claim and complete batches, as fast as it goes and then at a steady rate; time of
//!    every call.
//! 3. Nodes: four processes ingest uploads that are refused at once, through every transaction they need (ingest,
//!    claim, report, claim, report, notice).
//!
//! `cargo bench -p reelgate-postgres --bench store -- [TASKS] [DEAD_TASKS]` prints rates and percentiles.

use std::error::Error;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reelgate_flow::asset::Phase;
use reelgate_flow::ids::{NodeId, ReceiverName, Sequencer, SourceId};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::events::EventBatch;
use reelgate_ports::order::Priority;
use reelgate_ports::records::{
    AttemptCost, Claim, Ending, EventKind, MediaEvent, Success, TaskReport, UsageRecord, WithdrawalRecord,
};
use reelgate_ports::store::{Intake, Outbox, Queries, Queue};
use reelgate_postgres::{PgStore, Settings, Time};
use reelgate_stand_ins::Postgres;
use reelgate_stand_ins::postgres::Durability;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::task::JoinSet;

type Res<T> = Result<T, Box<dyn Error + Send + Sync>>;

const TASKS: u64 = 60_000;
const DEAD_TASKS: u64 = 1_000_000;
const HISTORY_ROWS: u64 = 1_000_000;
const BATCH: u16 = 32;
const CLIENTS: usize = 4;
const NODES: u64 = 4;
const LEASE_MS: u64 = 60_000;
/// Tasks a second at the steady rate.
const OFFERED: u64 = 2_000;
const PLAIN: Duration = Duration::from_secs(5);

fn main() -> Res<()> {
    // `cargo bench` adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let [word, url, name, assets] = words.as_slice()
        && word == "node"
    {
        return runtime.block_on(node(url, name, assets.parse()?));
    }
    let number = |index: usize, default| words.get(index).map_or(Ok(default), |word| word.parse());
    runtime.block_on(measure(number(0, TASKS)?, number(1, DEAD_TASKS)?))
}

async fn measure(tasks: u64, dead: u64) -> Res<()> {
    let server = Postgres::start(Durability::Durable);
    let url = server.url("postgres");
    let settings = Settings { connections_max: 6, ..Settings::new(&url) };
    PgStore::migrate(&settings).await?;
    let mut conn = PgConnection::connect(&url).await?;
    fill(&mut conn).await?;
    let mut idle = PgConnection::connect(&url).await?;
    idle.execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    idle.execute("SELECT pg_current_xact_id()").await?;
    kill_tasks(&mut conn, dead).await?;
    println!("{HISTORY_ROWS} rows of history; a transaction open since; {dead} dead tasks");

    let plain = plain(&url).await?;
    println!("plain: {plain:.0} transactions/s over {CLIENTS} connections");
    let store = Arc::new(PgStore::open(&settings, Time::Database).await?);
    let rate = work_off(store.clone(), tasks / 2, None).await?;
    println!(
        "tasks: {rate:.0} tasks/s claimed and completed, {:.1} for each plain transaction",
        rate / plain
    );
    let rate = work_off(store.clone(), tasks / 2, Some(OFFERED)).await?;
    println!("tasks, {OFFERED} offered each second: {rate:.0} tasks/s");
    let rate = nodes(&url, &store, tasks / 6).await?;
    println!("nodes: {rate:.0} refused assets/s over {NODES} processes");
    idle.execute("ROLLBACK").await?;
    Ok(())
}

/// Assets that ended long ago, with their tasks and five rows of history each.
async fn fill(conn: &mut PgConnection) -> Res<()> {
    let assets = HISTORY_ROWS / 5;
    for statement in [
        format!(
            "INSERT INTO assets (arrival, id, bucket, key, version, key_hash, key_sha256, sequencer, size_bytes, location, forced,
                 priority, prefix, queue_position, received_at_ms, phase, verdict, severity, redrives, ended_at_ms)
             SELECT nextval('arrivals'), left(translate(md5(n::text), '0189', 'wxyz'), 26), 'ingest',
                 'old/' || n || '.mp4', '1', hashtextextended(n::text, 0),
                 encode(sha256(convert_to('old/' || n || '.mp4', 'UTF8')), 'hex'), '1', 1000, 'x', false, 'normal', 'old',
                 0, 0, 'rejected', 'unscanned', 'none', 0, 1 FROM generate_series(1, {assets}) AS n"
        ),
        format!("INSERT INTO phase_counts VALUES ('rejected', {assets})"),
        "INSERT INTO settled_tasks SELECT arrival, t, 'done', 1, 0, 0, 1, 1, 1, 1
         FROM assets, unnest(ARRAY['validate', 'withdraw']) AS t"
            .to_owned(),
        "INSERT INTO history_commits (asset, lines)
         SELECT arrival, repeat('x', 300) FROM assets, generate_series(1, 5)"
            .to_owned(),
        "VACUUM ANALYZE".to_owned(),
        "CREATE TABLE plain (number bigint PRIMARY KEY, value bigint NOT NULL)".to_owned(),
        "CREATE TABLE plain_told (number bigint NOT NULL, line text NOT NULL)".to_owned(),
        "INSERT INTO plain SELECT n, 0 FROM generate_series(1, 100000) AS n".to_owned(),
    ] {
        conn.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}

/// Creates and removes tasks at the front of the index that claims scan.
async fn kill_tasks(conn: &mut PgConnection, tasks: u64) -> Res<()> {
    conn.execute(AssertSqlSafe(format!(
        "INSERT INTO open_tasks (asset, task, urgency, queue_position, claimable_since, due, ready_at_ms, attempts, uncounted, not_producers_fault,
             answered, wall_ms, cpu_ms, memory_bytes_max)
         SELECT -n, 'validate', 3, n, 3::bigint << 50, true, 0, 0, 0, 0, 0, 0, 0, 0
         FROM generate_series(1, {tasks}) AS n"
    )))
    .await?;
    conn.execute("DELETE FROM open_tasks").await?;
    conn.execute("CHECKPOINT").await?;
    Ok(())
}

/// Transactions a second that the server does by itself.
async fn plain(url: &str) -> Res<f64> {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let url = url.to_owned();
        clients.spawn(async move {
            let mut conn = PgConnection::connect(&url).await?;
            let begun = Instant::now();
            let mut done = 0_u64;
            while begun.elapsed() < PLAIN {
                let number =
                    i64::try_from(done.wrapping_mul(7_919) % 24_000)? + 1 + 25_000 * i64::try_from(client)?;
                let mut tx = conn.begin().await?;
                sqlx::query("UPDATE plain SET value = value + 1 WHERE number = $1")
                    .bind(number)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query("INSERT INTO plain_told VALUES ($1, $2)")
                    .bind(number)
                    .bind("a line of history")
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                done += 1;
            }
            Res::Ok(done)
        });
    }
    let mut done = 0;
    for client in clients.join_all().await {
        done += client?;
    }
    Ok(done as f64 / PLAIN.as_secs_f64())
}

/// Tasks a second, claimed and completed in batches by several connections; as fast as it goes, or so many a second.
async fn work_off(store: Arc<PgStore>, assets: u64, offered: Option<u64>) -> Res<f64> {
    let folder = if offered.is_some() { "paced" } else { "work" };
    let rate_limit =
        offered.map(|rate| Duration::from_secs(1) * u32::from(BATCH) * CLIENTS as u32 / rate as u32);
    let events: Vec<MediaEvent> = (0..assets).map(|number| event(folder, number)).collect();
    for batch in events.chunks(500) {
        store.ingest(&EventBatch::of(batch)).await?;
    }
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let store = store.clone();
        clients.spawn(async move {
            let node = NodeId::new(format!("client-{client}"));
            let (mut claims, mut reports) = (Vec::new(), Vec::new());
            let mut done = 0;
            let mut next =
                tokio::time::Instant::now() + rate_limit.unwrap_or_default() * client as u32 / CLIENTS as u32;
            loop {
                if let Some(rate_limit) = rate_limit {
                    tokio::time::sleep_until(next).await;
                    next += rate_limit;
                }
                let begun = Instant::now();
                let claimed = store.claim(&node, Lane::Light, BATCH, LEASE_MS).await?;
                if claimed.is_empty() {
                    return Res::Ok((done, claims, reports));
                }
                claims.push(begun.elapsed());
                done += claimed.len();
                let ended: Vec<TaskReport> = claimed.into_iter().map(|claim| report(claim, &node)).collect();
                let begun = Instant::now();
                store.complete(&ended).await?;
                reports.push(begun.elapsed());
            }
        });
    }
    let (mut done, mut claims, mut reports) = (0, Vec::new(), Vec::new());
    for client in clients.join_all().await {
        let (tasks, claiming, reporting) = client?;
        done += tasks;
        claims.extend(claiming);
        reports.extend(reporting);
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("  claims of {BATCH}: {}", percentiles(claims));
    println!("  reports of {BATCH}: {}", percentiles(reports));
    Ok(done as f64 / seconds)
}

fn percentiles(mut calls: Vec<Duration>) -> String {
    calls.sort_unstable();
    let at = |share: f64| {
        let index = ((calls.len() as f64 - 1.0).max(0.0) * share) as usize;
        calls.get(index).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    format!("{} calls, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", calls.len(), at(0.5), at(0.99), at(1.0))
}

/// Refused assets a second over several processes.
async fn nodes(url: &str, store: &PgStore, assets: u64) -> Res<f64> {
    let before = rejected(store).await?;
    let each = assets / NODES;
    let program = std::env::current_exe()?;
    let begun = Instant::now();
    let start = |number: u64| {
        let name = format!("node-{number}");
        Command::new(&program).args(["node", url, &name, &each.to_string()]).spawn()
    };
    let mut children = (0..NODES).map(start).collect::<Result<Vec<Child>, _>>()?;
    for child in &mut children {
        let status = tokio::task::block_in_place(|| child.wait())?;
        if !status.success() {
            return Err(format!("a node ended with {status}").into());
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let ended = rejected(store).await? - before;
    if ended != each * NODES {
        return Err(format!("expected {} assets to have ended, found {ended}", each * NODES).into());
    }
    Ok(ended as f64 / seconds)
}

async fn rejected(store: &PgStore) -> Res<u64> {
    let assets = store.backlog().await?.assets;
    Ok(assets.iter().find(|(phase, _)| *phase == Phase::Rejected).map_or(0, |(_, count)| *count))
}

/// One node: ingests its uploads, then works and delivers notices until all assets have ended.
async fn node(url: &str, name: &str, assets: u64) -> Res<()> {
    let settings = Settings { connections_max: 4, ..Settings::new(url) };
    let store = PgStore::open(&settings, Time::Database).await?;
    let node = NodeId::new(name);
    let events: Vec<MediaEvent> = (0..assets).map(|number| event(name, number)).collect();
    for batch in events.chunks(usize::from(BATCH)) {
        store.ingest(&EventBatch::of(batch)).await?;
        work(&store, &node).await?;
    }
    while work(&store, &node).await? > 0 {}
    Ok(())
}

async fn work(store: &PgStore, node: &NodeId) -> Res<usize> {
    let mut done = 0;
    // What validation refuses is withdrawn next.
    for _ in 0..2 {
        let claims = store.claim(node, Lane::Light, BATCH, LEASE_MS).await?;
        done += claims.len();
        let reports: Vec<TaskReport> = claims.into_iter().map(|claim| report(claim, node)).collect();
        store.complete(&reports).await?;
    }
    let owed = store.outbox(BATCH, LEASE_MS).await?;
    done += owed.len();
    let receiver = ReceiverName::new("bench");
    let ids: Vec<_> = owed.into_iter().map(|notice| notice.id).collect();
    let addressed: Vec<_> = ids.iter().map(|id| (id.clone(), vec![receiver.clone()])).collect();
    store.address_notices(&addressed).await?;
    store.notices_delivered(&receiver, &ids).await?;
    Ok(done)
}

fn event(folder: &str, number: u64) -> MediaEvent {
    let key = format!("{folder}/upload number {number}.mp4");
    MediaEvent {
        kind: EventKind::Created,
        priority: Priority::Normal,
        location: format!("ingest:{key}"),
        source: SourceId { bucket: "ingest".into(), key, version: number.to_string() },
        sequencer: Sequencer::from_nanos(number),
        size_bytes: 1_000,
        force: false,
    }
}

fn report(claim: Claim, node: &NodeId) -> TaskReport {
    let ending = match claim.fence.task {
        TaskKey::Withdraw => Ending::Success(Success::Withdrawn {
            source_location: format!("rejected:{}/source", claim.fence.asset),
            withdrawal_record: WithdrawalRecord::default(),
        }),
        _ => Ending::Fault(Fault::new(Code::NotMedia, "found 0 of 12 known signatures")),
    };
    TaskReport {
        node: node.clone(),
        sha256: Some(reelgate_ports::identity::key_sha256(claim.fence.asset.as_str())),
        facts: None,
        metadata: None,
        ending,
        usage: UsageRecord { wall_ms: 2, cpu_ms: 1, memory_bytes_max: 1 << 20 },
        cost: AttemptCost::default(),
        fence: claim.fence,
    }
}
