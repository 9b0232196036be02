//! Shards that are split, merged and ended.

use reelgate_ports::events::Events;
use reelgate_ports::shards::Position;

use super::model::*;

#[tokio::test(start_paused = true)]
async fn every_record_of_every_shard_is_ingested_and_the_checkpoint_is_at_the_last() {
    let (stream, model) = (FakeStream::new(&["1", "2"]), Model::default());
    for n in 0..50 {
        stream.put(if n % 2 == 0 { "1" } else { "2" }, &n.to_string());
    }
    let node = Node::new("a", &stream, &model);
    work_until(&[&node], 30_000, || model.effects().len() == 50).await;
    assert_eq!(model.committed().len(), 50, "nothing was read twice");
    assert_eq!(model.shards.position("2"), Some(Position::After(format!("{:020}", 50))));
}

#[tokio::test(start_paused = true)]
async fn a_child_s_first_record_comes_after_its_parents_end_is_committed() {
    for fan_out in [None, Some("consumer")] {
        let (stream, model) = (FakeStream::new(&["1", "2"]), Model::default());
        let nodes = ["a", "b"].map(|name| Node::with(name, &stream, &model, fan_out));
        let nodes = [&nodes[0], &nodes[1]];
        for n in 0..30 {
            stream.put(if n % 2 == 0 { "1" } else { "2" }, &n.to_string());
        }
        work_until(&nodes, 30_000, || model.effects().len() > 10).await;
        stream.reshard(&["1"], &["3", "4"]);
        stream.reshard(&["2", "3"], &["5"]);
        for n in 30..60 {
            stream.put(if n % 2 == 0 { "4" } else { "5" }, &n.to_string());
        }
        work_until(&nodes, 120_000, || model.effects() == keys(0..60)).await;
        assert_eq!(model.committed().len(), 60, "nothing was read twice");
        let order: Vec<String> = model.committed().into_iter().map(|(shard, _)| shard).collect();
        let last_of = |shard: &str| order.iter().rposition(|s| s == shard).unwrap();
        let first_of = |shard: &str| order.iter().position(|s| s == shard).unwrap();
        assert!(last_of("1") < first_of("4") && last_of("1") < first_of("5") && last_of("2") < first_of("5"));
        assert_eq!(model.shards.position("3"), Some(Position::Ended), "an empty shard ends too");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_was_split_while_nobody_read_is_read_before_its_children() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    stream.put("1", "0");
    stream.reshard(&["1"], &["2", "3"]);
    stream.reshard(&["2"], &["4", "5"]);
    stream.put("5", "1");
    let node = Node::new("a", &stream, &model);
    work_until(&[&node], 60_000, || model.effects() == keys(0..2)).await;
    assert_eq!(model.committed(), [("1".to_owned(), "0".to_owned()), ("5".to_owned(), "1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn rows_of_ended_and_removed_shards_are_deleted_and_children_are_read() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let node = Node::new("a", &stream, &model);
    stream.put("1", "0");
    stream.reshard(&["1"], &["2"]);
    work_until(&[&node], 60_000, || model.shards.owners().get("2").is_some_and(Option::is_some)).await;
    stream.remove("1");
    work_until(&[&node], 180_000, || !model.shards.owners().contains_key("1")).await;
    stream.put("2", "1");
    work_until(&[&node], 60_000, || model.effects() == keys(0..2)).await;
    assert!(!node.events.sweep_wanted(), "nothing was lost");
}

#[tokio::test(start_paused = true)]
async fn deleted_leases_skip_no_shard_and_no_record() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    stream.put("1", "0");
    stream.reshard(&["1"], &["2"]);
    stream.put("2", "1");
    model.shards.clear();
    let node = Node::new("a", &stream, &model);
    work_until(&[&node], 60_000, || model.effects() == keys(0..2)).await;
    model.shards.clear();
    stream.put("2", "2");
    work_until(&[&node], 180_000, || model.effects() == keys(0..3)).await;
    assert!(!node.events.sweep_wanted());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_capacity_blocks_no_shard() {
    let (stream, model) = (FakeStream::new(&["0"]), Model::default());
    let nodes = [Node::new("a", &stream, &model), Node::new("b", &stream, &model)];
    let nodes = [&nodes[0], &nodes[1]];
    // One shard becomes four, four become two, two become one, as in an on-demand stream.
    let generations: [&[(&[&str], &[&str])]; 3] = [
        &[(&["0"], &["1", "2", "3", "4"])],
        &[(&["1", "2"], &["5"]), (&["3", "4"], &["6"])],
        &[(&["5", "6"], &["7"])],
    ];
    let mut number = 0;
    let mut newest = vec!["0"];
    for generation in generations {
        for shard in newest.drain(..) {
            stream.put(shard, &number.to_string());
            number += 1;
        }
        for (from, to) in generation {
            stream.reshard(from, to);
            newest.extend_from_slice(to);
        }
        work_for(&nodes, 500).await;
    }
    stream.put("7", &number.to_string());
    number += 1;
    work_until(&nodes, 120_000, || model.effects() == keys(0..number)).await;
}
