//! Running a fleet: draining, frozen nodes, a database that fails, a new configuration.

use std::time::{Duration, Instant};

use aws_sdk_ssm::types::ParameterType;

use crate::fixture::{FleetFixture, LEASE, wait_for};
use crate::uploads::uploads;

fn ended(fixture: &FleetFixture) -> usize {
    let states = fixture.states();
    ["published", "rejected", "quarantined", "superseded", "failed"]
        .iter()
        .filter_map(|phase| states.get(*phase))
        .sum()
}

fn node_state(fixture: &FleetFixture, name: &str) -> Option<String> {
    let nodes = fixture.lines(&["fleet", "status", "--json"]);
    let node = nodes.iter().find(|node| node["node"] == name)?;
    node["state"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_takes_no_work_until_it_is_undrained() {
    let fixture = FleetFixture::new(false).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, 2);
    let node = fixture.node("only", &[]);
    wait_for("the node is there", Duration::from_secs(30), async || {
        node_state(&fixture, "only").as_deref() == Some("working")
    })
    .await;
    assert!(fixture.reelgate(&["fleet", "drain", "only"]).status.success());
    wait_for("the node drains", Duration::from_secs(15), async || {
        node_state(&fixture, "only").as_deref() == Some("draining")
            && fixture.logs().contains("takes no new work")
    })
    .await;
    fixture.put("a/one.mp4", &inbox.join("000.mp4")).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(ended(&fixture), 0);
    assert!(fixture.reelgate(&["fleet", "undrain", "only"]).status.success());
    wait_for("the upload has ended", Duration::from_secs(60), async || ended(&fixture) == 1).await;
    assert!(!fixture.reelgate(&["fleet", "drain", "nobody"]).status.success());
    drop(node);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_node_is_replaced_and_fenced_when_it_wakes() {
    let fixture = FleetFixture::new(false).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, 1);
    let frozen = fixture.node("frozen", &[]);
    fixture.put("a/long.mp4", &inbox.join("long.mp4")).await;
    wait_for("it encodes", Duration::from_secs(60), async || {
        fixture.sql("select count(*) from tasks where lease_owner = 'frozen' and task like 'video-%'") != "0"
    })
    .await;
    frozen.signal("STOP");
    let other = fixture.node("other", &[]);
    wait_for("the other one has published it", Duration::from_secs(120), async || ended(&fixture) == 1).await;
    let published = fixture.verify_published().await;
    frozen.signal("CONT");
    wait_for("the frozen one was fenced", Duration::from_secs(30), async || {
        fixture.logs().contains("stale result refused")
            || fixture.logs().contains("leases could not be renewed")
    })
    .await;
    assert_eq!((published, fixture.verify_published().await), (1, 1));
    drop((frozen, other));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_dies_and_comes_back_loses_and_doubles_nothing() {
    let mut fixture = FleetFixture::new(false).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, 20);
    let nodes = [fixture.node("one", &[]), fixture.node("two", &[])];
    for number in 0..20 {
        fixture.put(&format!("a/{number:02}.mp4"), &inbox.join(format!("{number:03}.mp4"))).await;
        if number == 8 {
            wait_for("a node encodes", Duration::from_secs(60), async || {
                fixture
                    .sql("select count(*) from tasks where lease_owner is not null and task like 'video-%'")
                    != "0"
            })
            .await;
            fixture.postgres.kill();
            // A failover may take longer than a lease: both nodes notice it, and what was encoding then is either lost with
            // its lease or ends with a report that waits for the database.
            let killed = Instant::now();
            wait_for("the leases are over", 10 * LEASE, async || {
                let noticed = |node| fixture.log(node).contains("store away");
                noticed("one") && noticed("two") && killed.elapsed() > 2 * LEASE
            })
            .await;
            fixture.postgres.start_again();
        }
    }
    // Every connection is reset, whatever it is doing.
    for _ in 0..10 {
        fixture.sql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()");
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    wait_for("every upload has ended", Duration::from_secs(180), async || ended(&fixture) == 20).await;
    assert_eq!(fixture.states().get("failed"), None, "{}", fixture.logs());
    assert_eq!(fixture.verify_published().await, fixture.states()["published"]);
    let doubled = fixture.sql(
        "select count(*) from (select asset from history
         where event = 'entered' and detail in ('published', 'rejected', 'quarantined')
         group by asset having count(*) > 1) as doubled",
    );
    assert_eq!(doubled, "0");
    drop(nodes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_ends_for_a_new_configuration_but_not_for_an_invalid_one() {
    let fixture = FleetFixture::new(false).await;
    let ssm = aws_sdk_ssm::Client::new(&fixture.sdk);
    let path = format!("/reelgate/{}", fixture.environment);
    let put = async |name: &str, value: &str| {
        let parameter = ssm.put_parameter().name(format!("{path}/{name}")).value(value);
        parameter.r#type(ParameterType::String).overwrite(true).send().await.unwrap();
    };
    put("engine/lease_ms", "6000").await;
    let environment = [("REELGATE__AWS__REFRESH_S", "1")];
    let mut node = fixture.node("only", &environment);
    wait_for("the node is there", Duration::from_secs(30), async || {
        node_state(&fixture, "only").as_deref() == Some("working")
    })
    .await;
    put("events/url", "kafka://secret-topic").await;
    wait_for("the address is refused", Duration::from_secs(30), async || {
        let logs = fixture.logs();
        logs.contains("no node could start with") && logs.contains("events.url")
    })
    .await;
    assert!(node.child.try_wait().unwrap().is_none(), "it goes on with what it has");
    put("events/url", &format!("kinesis://{}", fixture.stream)).await;
    put("engine/lease_ms", "7654").await;
    wait_for("the node has ended", Duration::from_secs(60), async || {
        node.child.try_wait().unwrap().is_some()
    })
    .await;
    assert_eq!(node.child.wait().unwrap().code(), Some(4), "{}", fixture.logs());
    let logs = fixture.logs();
    assert!(logs.contains("engine.lease_ms"), "{logs}");
    assert!(!logs.contains("7654") && !logs.contains("secret-topic"), "a value in the log: {logs}");
    let mut again = fixture.node("again", &environment);
    wait_for("it works with the new one", Duration::from_secs(30), async || {
        node_state(&fixture, "again").as_deref() == Some("working")
    })
    .await;
    assert_eq!(again.stop(), Some(0));
}
