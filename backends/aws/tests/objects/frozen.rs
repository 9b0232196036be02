//! An attempt that is frozen before any of its requests that write is sent, and goes on when a later attempt has ended: nothing visible
//! changes. A bucket with versioning, because removals name exact versions there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use reelgate_conformance::objects::ObjectsHome;
use reelgate_conformance::samples::next_turn;
use reelgate_flow::asset::Exit;
use reelgate_ports::error::PortResult;
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::{Objects, Publication};
use reelgate_ports::records::SourceRecord;
use reelgate_stand_ins::{Fault, FaultProxy};

use super::details::{publication, stage};
use super::scratch_buckets::ScratchBuckets;

/// What an attempt does to the upload.
#[derive(Clone, Copy, Debug)]
enum Act {
    Publish,
    Quarantine,
    Supersede,
    Restore,
}

impl Act {
    async fn run(self, objects: &dyn Objects, source: &SourceRecord, wanted: &Publication) -> PortResult<()> {
        let turn = next_turn(&asset_id(&source.id));
        match self {
            Self::Publish => objects.publish(&Publication { turn, ..wanted.clone() }).await.map(drop),
            Self::Quarantine => {
                objects.withdraw(&turn, Some("out"), source, Exit::Quarantine, true).await.map(drop)
            }
            Self::Supersede => {
                objects.withdraw(&turn, Some("out"), source, Exit::Supersede, false).await.map(drop)
            }
            Self::Restore => objects.restore(&turn, "out", source).await.map(drop),
        }
    }
}

/// Everything that is visible, and where sources and kept outputs are; without the number of the turn.
async fn everything(home: &ScratchBuckets) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for area in ["in/", "published/", "quarantine/", "rejected/"] {
        for key in home.versions(area).await.into_iter().filter(|key| !key.ends_with("/turn")) {
            // What only an older version holds counts as well.
            let bytes = home.get(&key).await.unwrap_or_default();
            found.insert(key, bytes);
        }
    }
    found
}

/// Freezes `frozen` before each of its requests that write, lets `later` act, and lets it go on.
async fn check(prepare: &[Act], frozen: Act, later: &[Act]) {
    for at in 0..150 {
        let home = ScratchBuckets::versioned().await;
        let source = home.put("a", b"content").await;
        let staged = stage(&*home.objects, &source, b"abc").await;
        let wanted = publication(&source, &staged);
        for act in prepare {
            act.run(&*home.objects, &source, &wanted).await.unwrap();
        }
        let proxy = FaultProxy::before(home.endpoint());
        let objects = home.with(Some(proxy.endpoint()), |_| {});
        let (reached, mut reaching) = tokio::sync::mpsc::unbounded_channel();
        let (thaw, thawed) = std::sync::mpsc::channel::<()>();
        let seen = AtomicUsize::new(0);
        let gate = Mutex::new(Some((reached, thawed)));
        proxy.on(move |asked| {
            let writes = !matches!(asked.method.as_str(), "GET" | "HEAD");
            if writes
                && seen.fetch_add(1, Ordering::Relaxed) == at
                && let Some((reached, thawed)) = gate.lock().unwrap().take()
            {
                reached.send(()).unwrap();
                thawed.recv().unwrap();
            }
            Fault::None
        });
        let attempt = {
            let (source, wanted) = (source.clone(), wanted.clone());
            tokio::spawn(async move { frozen.run(&objects, &source, &wanted).await })
        };
        let attempt = Arc::new(tokio::sync::Mutex::new(attempt));
        let ended = async {
            let mut attempt = attempt.lock().await;
            (&mut *attempt).await.unwrap()
        };
        let is_frozen = tokio::select! {
            reached = reaching.recv() => reached.is_some(),
            ended = ended => {
                ended.unwrap();
                false
            }
        };
        if !is_frozen {
            assert!(at > 2, "expected several requests that write, found {at}");
            return;
        }
        let staged = stage(&*home.objects, &source, b"abc").await;
        let again = publication(&source, &staged);
        for act in later {
            act.run(&*home.objects, &source, &again).await.unwrap();
        }
        let before = everything(&home).await;
        thaw.send(()).unwrap();
        let ended = (&mut *attempt.lock().await).await.unwrap();
        let after = everything(&home).await;
        assert!(
            after == before,
            "{frozen:?} before writing request {at}, then {later:?}: {ended:?}, {after:?}"
        );
    }
    panic!("expected fewer than 150 requests");
}

#[tokio::test]
async fn a_publisher_that_wakes_late_changes_nothing() {
    check(&[], Act::Publish, &[Act::Publish]).await;
    check(&[], Act::Publish, &[Act::Quarantine]).await;
    check(&[], Act::Publish, &[Act::Supersede]).await;
}

#[tokio::test]
async fn a_withdrawal_that_wakes_late_changes_nothing() {
    check(&[Act::Publish], Act::Quarantine, &[Act::Quarantine]).await;
    check(&[Act::Publish], Act::Quarantine, &[Act::Quarantine, Act::Restore]).await;
}

#[tokio::test]
async fn a_restoration_that_wakes_late_changes_nothing() {
    check(&[Act::Publish, Act::Quarantine], Act::Restore, &[Act::Restore]).await;
    check(&[Act::Publish, Act::Quarantine], Act::Restore, &[Act::Restore, Act::Quarantine]).await;
}
