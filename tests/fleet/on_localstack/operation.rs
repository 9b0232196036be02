//! Running a fleet: orders to drain, frozen nodes, a database that goes away, another configuration.

use std::time::Duration;

use aws_sdk_ssm::types::ParameterType;
use reelgate_stand_ins::fresh_name;

use crate::uploads::uploads;
use crate::world::{World, wait_for};

fn ended(world: &World) -> usize {
    let states = world.states();
    ["published", "rejected", "quarantined", "superseded", "failed"]
        .iter()
        .filter_map(|phase| states.get(*phase))
        .sum()
}

fn node_state(world: &World, name: &str) -> Option<String> {
    let nodes = world.lines(&["fleet", "status", "--json"]);
    let node = nodes.iter().find(|node| node["node"] == name)?;
    node["state"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_takes_nothing_until_the_order_is_taken_back() {
    let world = World::new(false).await;
    let inbox = world.dir.path().join("uploads");
    uploads(&inbox, 2);
    let node = world.node("only", &[]);
    wait_for("the node is there", Duration::from_secs(30), async || {
        node_state(&world, "only").as_deref() == Some("working")
    })
    .await;
    assert!(world.reelgate(&["fleet", "drain", "only"]).status.success());
    wait_for("the node drains", Duration::from_secs(15), async || {
        node_state(&world, "only").as_deref() == Some("draining")
            && world.logs().contains("no new work is taken")
    })
    .await;
    world.put("a/one.mp4", &inbox.join("000.mp4")).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(ended(&world), 0);
    assert!(world.reelgate(&["fleet", "undrain", "only"]).status.success());
    wait_for("the upload has ended", Duration::from_secs(60), async || ended(&world) == 1).await;
    assert!(!world.reelgate(&["fleet", "drain", "nobody"]).status.success());
    drop(node);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_node_is_replaced_and_fenced_when_it_wakes() {
    let world = World::new(false).await;
    let inbox = world.dir.path().join("uploads");
    uploads(&inbox, 1);
    let frozen = world.node("frozen", &[]);
    world.put("a/long.mp4", &inbox.join("long.mp4")).await;
    wait_for("it encodes", Duration::from_secs(60), async || {
        world.sql("select count(*) from tasks where lease_owner = 'frozen' and task like 'video-%'") != "0"
    })
    .await;
    frozen.signal("STOP");
    let other = world.node("other", &[]);
    wait_for("the other one has published it", Duration::from_secs(120), async || ended(&world) == 1).await;
    let published = world.verify_published().await;
    frozen.signal("CONT");
    wait_for("the frozen one was fenced", Duration::from_secs(30), async || {
        world.logs().contains("stale result fenced off")
            || world.logs().contains("leases could not be renewed")
    })
    .await;
    assert_eq!((published, world.verify_published().await), (1, 1));
    drop((frozen, other));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_dies_and_comes_back_loses_and_doubles_nothing() {
    let mut world = World::new(false).await;
    let inbox = world.dir.path().join("uploads");
    uploads(&inbox, 20);
    let nodes = [world.node("one", &[]), world.node("two", &[])];
    for number in 0..20 {
        world.put(&format!("a/{number:02}.mp4"), &inbox.join(format!("{number:03}.mp4"))).await;
        if number == 8 {
            world.postgres.kill();
            // Away for as long as a failover may take, which is longer than any lease here.
            tokio::time::sleep(Duration::from_secs(60)).await;
            world.postgres.start_again();
        }
    }
    // Every connection is reset in the middle of whatever it does.
    for _ in 0..10 {
        world.sql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()");
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    wait_for("every upload has ended", Duration::from_secs(180), async || ended(&world) == 20).await;
    assert_eq!(world.states().get("failed"), None, "{}", world.logs());
    assert_eq!(world.verify_published().await, world.states()["published"]);
    let doubled = world.sql(
        "select count(*) from (select asset from history, jsonb_array_elements(lines::jsonb) as line
         where line ->> 'what' = 'entered' and line ->> 'detail' in ('published', 'rejected', 'quarantined')
         group by asset having count(*) > 1) as doubled",
    );
    assert_eq!(doubled, "0");
    drop(nodes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_ends_for_another_configuration_but_not_for_one_it_could_not_start_with() {
    let world = World::new(false).await;
    let ssm = aws_sdk_ssm::Client::new(&world.sdk);
    let path = format!("/{}", fresh_name("reelgate"));
    let put = async |name: &str, value: &str| {
        let parameter = ssm.put_parameter().name(format!("{path}/{name}")).value(value);
        parameter.r#type(ParameterType::String).overwrite(true).send().await.unwrap();
    };
    put("engine/lease_ms", "6000").await;
    let environment = [("REELGATE__AWS__PARAMETERS", path.as_str()), ("REELGATE__AWS__REFRESH_S", "1")];
    let mut node = world.node("only", &environment);
    wait_for("the node is there", Duration::from_secs(30), async || {
        node_state(&world, "only").as_deref() == Some("working")
    })
    .await;
    put("events/url", "kafka://secret-topic").await;
    wait_for("the address is refused", Duration::from_secs(30), async || {
        let logs = world.logs();
        logs.contains("no node could start with") && logs.contains("events.url")
    })
    .await;
    assert!(node.child.try_wait().unwrap().is_none(), "it goes on with what it has");
    ssm.delete_parameter().name(format!("{path}/events/url")).send().await.unwrap();
    put("engine/lease_ms", "7654").await;
    wait_for("the node has ended", Duration::from_secs(60), async || {
        node.child.try_wait().unwrap().is_some()
    })
    .await;
    assert_eq!(node.child.wait().unwrap().code(), Some(4), "{}", world.logs());
    let logs = world.logs();
    assert!(logs.contains("engine.lease_ms"), "{logs}");
    assert!(!logs.contains("7654") && !logs.contains("secret-topic"), "a value in the log: {logs}");
    let mut again = world.node("again", &environment);
    wait_for("it works with the new one", Duration::from_secs(30), async || {
        node_state(&world, "again").as_deref() == Some("working")
    })
    .await;
    assert_eq!(again.stop(), Some(0));
}
