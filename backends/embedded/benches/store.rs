//! What the store alone costs: uploads that are refused at once, taken through every transaction they need
//! (ingest, claim, report, claim, report, notice) in batches, on a file.
//!
//! `cargo bench -p reelgate-embedded --bench store [ASSETS] [BATCH]` prints assets per second.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use reelgate_embedded::sqlite::SqliteStore;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::{NodeId, ReceiverName, Sequencer, SourceId};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::clock::SystemClock;
use reelgate_ports::events::EventBatch;
use reelgate_ports::order::Priority;
use reelgate_ports::records::{
    AttemptCost, Claim, Ending, EventKind, MediaEvent, Success, TaskReport, UsageRecord,
};
use reelgate_ports::store::{Intake, Outbox, Queries, Queue};

const ASSETS: u64 = 10_000;
const BATCH: u16 = 32;
const LEASE_MS: u64 = 30_000;

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds `--bench`.
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let assets = numbers.first().copied().unwrap_or(ASSETS);
    let batch = numbers.get(1).map_or(Ok(BATCH), |batch| u16::try_from(*batch))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(assets, batch))
}

async fn measure(assets: u64, batch: u16) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let store = SqliteStore::open(&dir.path().join("bench.sqlite"), Arc::new(SystemClock)).await?;
    let node = NodeId::new("bench");
    let begun = Instant::now();
    let mut next = 0;
    while next < assets {
        let until = (next + u64::from(batch)).min(assets);
        let events: Vec<MediaEvent> = (next..until).map(event).collect();
        store.ingest(&EventBatch::of(events)).await?;
        next = until;
        work(&store, &node, batch).await?;
        let owed = store.outbox(batch, 0).await?;
        let receiver = ReceiverName::new("bench");
        let ids: Vec<_> = owed.into_iter().map(|notice| notice.id).collect();
        let addressed: Vec<_> = ids.iter().map(|id| (id.clone(), vec![receiver.clone()])).collect();
        store.address_notices(&addressed).await?;
        store.notices_delivered(&receiver, &ids).await?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let ended = store.backlog().await?.assets;
    assert_eq!(ended, [(Phase::Rejected, assets)], "every upload must have ended");
    println!("{assets} assets in batches of {batch}: {:.0} assets/s", assets as f64 / seconds);
    Ok(())
}

/// Claims and reports until nothing is due.
async fn work(store: &SqliteStore, node: &NodeId, batch: u16) -> Result<(), Box<dyn Error>> {
    loop {
        let claims = store.claim(node, Lane::Light, batch, LEASE_MS).await?;
        if claims.is_empty() {
            return Ok(());
        }
        let reports: Vec<TaskReport> = claims.into_iter().map(|claim| report(claim, node)).collect();
        store.complete(&reports).await?;
    }
}

fn event(number: u64) -> MediaEvent {
    let key = format!("folder/upload number {number}.mp4");
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
            withdrawal_record: reelgate_ports::records::WithdrawalRecord::default(),
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
