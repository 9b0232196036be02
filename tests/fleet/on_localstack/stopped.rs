//! Nodes that are frozen in the middle of their work (SIGSTOP), lose their tasks to another one, and go on.
//!
//! `REELGATE_STOPS` sets how often a node is frozen.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::fixture::{FleetFixture, LEASE, wait_for};
use crate::random::{Random, number};
use crate::uploads::uploads;

const STOPS: u64 = 4;
/// Uploads before each.
const UPLOADS: usize = 6;
/// Uploads that are quarantined after they were published.
const WITHDRAWN: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_frozen_changes_nothing_visible_when_it_goes_on() {
    let stops = number("REELGATE_STOPS", STOPS);
    let seed = number("REELGATE_SEED", u64::from(std::process::id()));
    println!("seed {seed}");
    let mut random = Random(seed);
    let count = UPLOADS * usize::try_from(stops).unwrap() + WITHDRAWN;
    let fixture = FleetFixture::new(false).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, count);
    let put = async |number: usize| {
        fixture.put(&format!("a/{number:03}.mp4"), &inbox.join(format!("{number:03}.mp4"))).await;
    };
    let nodes = [fixture.node("one", &[]), fixture.node("two", &[])];
    for number in 0..WITHDRAWN {
        put(number).await;
    }
    let in_phase = |phase: &str| fixture.states().get(phase).copied().unwrap_or_default();
    wait_for("the first ones are published", Duration::from_secs(120), async || {
        in_phase("published") == WITHDRAWN
    })
    .await;
    let visible: BTreeSet<String> = fixture.keys("published/").await.into_iter().collect();
    let mut published = fixture.assets();
    let mut next = WITHDRAWN;
    for stop in 0..stops {
        for _ in 0..UPLOADS {
            put(next).await;
            next += 1;
        }
        if let Some(asset) = published.pop() {
            let id = asset["asset_id"].as_str().unwrap();
            let decided = fixture.reelgate(&["quarantine", id, "--reason", "a test", "--by", "officer"]);
            assert!(decided.status.success(), "{}", String::from_utf8_lossy(&decided.stderr));
        }
        let frozen = &nodes[usize::from(stop % 2 == 1)];
        let leases = format!("select count(*) from tasks where lease_owner = '{}'", frozen.name);
        wait_for("the node works", Duration::from_secs(30), async || fixture.sql(&leases).trim() != "0")
            .await;
        tokio::time::sleep(Duration::from_millis(random.below(150))).await;
        frozen.signal("STOP");
        tokio::time::sleep(LEASE + Duration::from_secs(2)).await;
        frozen.signal("CONT");
    }
    wait_for("every upload has ended", Duration::from_secs(300), async || {
        let states = fixture.states();
        let ended = ["published", "rejected", "quarantined", "failed"];
        ended.iter().filter_map(|phase| states.get(*phase)).sum::<usize>() == count
    })
    .await;
    assert_eq!(in_phase("failed"), 0, "{}", fixture.logs());
    assert!(in_phase("quarantined") >= WITHDRAWN);
    let first = fixture.objects("published/").await;
    assert!(first.keys().all(|key| !visible.contains(key)), "outputs of a quarantined asset are visible");
    assert_eq!(fixture.verify_published().await, in_phase("published"));
    // What a frozen node had begun would show by now.
    tokio::time::sleep(LEASE + Duration::from_secs(2)).await;
    assert_eq!(fixture.objects("published/").await, first);
    let taken_over = fixture.sql("select count(*) from history where event = 'claimed' and attempt > 1");
    assert_ne!(taken_over.trim(), "0", "no node was frozen while it worked");
    println!("{} tasks were taken over", taken_over.trim());
}
