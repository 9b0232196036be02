//! Storage that refuses connections, hangs and answers 503 while uploads and withdrawals are in flight.
//!
//! `REELGATE_AWAY_S` sets how long it is away, seconds; with 600 there are 50 uploads and five withdrawals.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reelgate_stand_ins::{Fault, FaultProxy, TcpProxy};

use crate::fixture::{FleetFixture, wait_for};
use crate::random::number;
use crate::uploads::{is_published, uploads};

const AWAY_S: u64 = 12;
const FULL_AWAY_S: u64 = 600;

#[tokio::test(flavor = "multi_thread")]
async fn storage_that_is_away_fails_nothing_and_nothing_quarantined_stays_readable() {
    let away = number("REELGATE_AWAY_S", AWAY_S);
    let (count, withdrawn) = if away >= FULL_AWAY_S { (50, 5) } else { (8, 2) };
    let fixture = FleetFixture::new(false).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, count);
    let answers = FaultProxy::before(fixture.localstack.endpoint());
    let port = answers.endpoint().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap();
    let connections = TcpProxy::before(port);
    let s3 = format!("http://127.0.0.1:{}", connections.port());
    let environment = [
        ("REELGATE__AWS__ENDPOINT_URL", ""),
        ("AWS_ENDPOINT_URL", fixture.localstack.endpoint()),
        ("AWS_ENDPOINT_URL_S3", s3.as_str()),
    ];
    let nodes = [fixture.node("one", &environment), fixture.node("two", &environment)];
    let (first, later) = (0..count).partition::<Vec<_>, _>(|number| is_published(*number));
    let (first, more) = first.split_at(withdrawn);
    for number in first {
        fixture.put(&format!("a/{number:02}.mp4"), &inbox.join(format!("{number:03}.mp4"))).await;
    }
    let in_phase = |phase: &str| fixture.states().get(phase).copied().unwrap_or_default();
    wait_for("the first ones are published", Duration::from_secs(120), async || {
        in_phase("published") == withdrawn
    })
    .await;
    let visible: BTreeSet<String> = fixture.keys("published/").await.into_iter().collect();
    assert!(!visible.is_empty());
    let ids: BTreeSet<String> =
        fixture.assets().iter().map(|asset| asset["asset_id"].as_str().unwrap().to_owned()).collect();

    connections.refuse(true);
    for number in more.iter().chain(&later) {
        fixture.put(&format!("a/{number:02}.mp4"), &inbox.join(format!("{number:03}.mp4"))).await;
    }
    for id in &ids {
        let decided = fixture.reelgate(&["quarantine", id, "--reason", "a test", "--by", "officer"]);
        assert!(decided.status.success(), "{}", String::from_utf8_lossy(&decided.stderr));
    }
    let third = Duration::from_secs(away) / 3;
    tokio::time::sleep(third).await;
    wait_for("a node says that storage is away", Duration::from_secs(60), async || {
        fixture.logs().contains("service away")
    })
    .await;
    answers.on(|_| Fault::Late(Duration::from_secs(3_600)));
    connections.refuse(false);
    tokio::time::sleep(third).await;
    answers.on(|_| Fault::slow_down());
    tokio::time::sleep(third).await;
    assert_eq!((in_phase("withdrawing"), in_phase("quarantined")), (withdrawn, 0), "it was away");
    answers.on(|_| Fault::None);

    let back = Instant::now();
    let mut told = BTreeSet::new();
    wait_for("every withdrawal has ended and is told", Duration::from_secs(300), async || {
        let open = in_phase("withdrawing");
        let readable = fixture
            .keys("published/")
            .await
            .into_iter()
            .filter(|key| visible.contains(key) && key.ends_with("/manifest.json"));
        assert!(readable.count() <= open, "outputs of a quarantined asset are readable");
        for notice in fixture.notices().await {
            if notice["kind"] == "quarantined" && ids.contains(notice["asset_id"].as_str().unwrap()) {
                told.insert(notice["asset_id"].as_str().unwrap().to_owned());
            }
        }
        told == ids
    })
    .await;
    println!("{withdrawn} withdrawals were told {:?} after storage was back", back.elapsed());
    wait_for("every upload has ended", Duration::from_secs(900), async || {
        let states = fixture.states();
        let ended = ["published", "rejected", "quarantined", "failed"];
        ended.iter().filter_map(|phase| states.get(*phase)).sum::<usize>() == count
    })
    .await;
    println!("{count} uploads had ended {:?} after storage was back: {:?}", back.elapsed(), fixture.states());
    assert_eq!(in_phase("failed"), 0, "{}", fixture.logs());
    let left: Vec<String> =
        fixture.keys("published/").await.into_iter().filter(|key| visible.contains(key)).collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(fixture.verify_published().await, in_phase("published"));
    drop(nodes);
}
