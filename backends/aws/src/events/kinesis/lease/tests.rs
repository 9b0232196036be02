use super::*;

const LEASE_MS: u64 = 30_000;

fn node(name: &str) -> NodeId {
    NodeId::new(name)
}

fn row(shard: &str, owner: Option<&str>) -> ShardRow {
    ShardRow {
        shard: shard.to_owned(),
        parents: Vec::new(),
        position: Position::Oldest,
        owner: owner.map(node),
        counter: 1,
        wanted_by: None,
    }
}

fn rows(owners: &[(&str, Option<&str>)]) -> Vec<ShardRow> {
    owners.iter().map(|(shard, owner)| row(shard, *owner)).collect()
}

struct Observer {
    planner: Planner,
    held: BTreeSet<String>,
    listed: Option<BTreeSet<String>>,
    now_ms: u64,
}

impl Observer {
    fn new(name: &str) -> Self {
        Self { planner: Planner::new(node(name), LEASE_MS), held: BTreeSet::new(), listed: None, now_ms: 0 }
    }

    fn holding(mut self, shards: &[&str]) -> Self {
        self.held = shards.iter().map(|shard| (*shard).to_owned()).collect();
        self
    }

    fn look(&mut self, rows: &[ShardRow], now_ms: u64) -> Plan {
        self.now_ms = now_ms;
        let view = View { rows, listed: self.listed.as_ref(), held: &self.held, now_ms };
        self.planner.plan(&view, &mut fastrand::Rng::with_seed(7))
    }
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.take.iter().map(|(shard, _)| shard.as_str()).collect()
}

#[test]
fn a_lease_expires_only_after_its_counter_was_unchanged_for_the_whole_lease() {
    let mut observer = Observer::new("b");
    let mut held_by_a = rows(&[("s1", Some("a"))]);
    assert!(observer.look(&held_by_a, 0).take.is_empty());
    assert!(observer.look(&held_by_a, LEASE_MS - 1).take.is_empty());
    held_by_a[0].counter = 2;
    assert!(observer.look(&held_by_a, LEASE_MS).take.is_empty(), "renewed in between");
    assert!(observer.look(&held_by_a, 2 * LEASE_MS - 1).take.is_empty());
    assert_eq!(observer.look(&held_by_a, 2 * LEASE_MS).take, [("s1".to_owned(), 2)]);
}

#[test]
fn an_outage_of_the_store_moves_no_lease() {
    let mut observer = Observer::new("b");
    let held_by_a = rows(&[("s1", Some("a"))]);
    observer.look(&held_by_a, 0);
    observer.planner.look_failed();
    assert!(observer.look(&held_by_a, 10 * LEASE_MS).take.is_empty());
}

#[test]
fn a_restarted_process_takes_its_predecessor_s_leases_at_once_but_only_at_its_start() {
    let mut observer = Observer::new("a");
    let left = rows(&[("s1", Some("a")), ("s2", Some("a")), ("s3", Some("b"))]);
    assert_eq!(names(&observer.look(&left, 0)), ["s1", "s2"]);
    assert!(observer.look(&left, 1).take.is_empty(), "another process may have our name");
    assert_eq!(observer.look(&left, LEASE_MS).take.len(), 2, "half of the expired leases");
}

#[test]
fn readers_that_start_together_take_half_of_the_free_shards_at_a_time() {
    let mut observer = Observer::new("a");
    let free: Vec<ShardRow> = (0..8).map(|n| row(&format!("s{n}"), None)).collect();
    assert_eq!(observer.look(&free, 0).take.len(), 4);
}

#[test]
fn a_reader_takes_no_more_than_its_share_of_the_free_shards() {
    let mut observer = Observer::new("a").holding(&["s0"]);
    let some = rows(&[("s0", Some("a")), ("s1", Some("b")), ("s2", None), ("s3", None)]);
    assert_eq!(observer.look(&some, 0).take.len(), 1);
}

#[test]
fn a_reader_with_two_fewer_asks_the_largest_owner_for_one_and_no_more_while_it_waits() {
    let mut observer = Observer::new("b");
    let mut all_a = rows(&[("s1", Some("a")), ("s2", Some("a")), ("s3", Some("a"))]);
    let wanted = observer.look(&all_a, 0).want.expect("three against none");
    all_a.iter_mut().find(|row| row.shard == wanted).unwrap().wanted_by = Some(node("b"));
    assert_eq!(observer.look(&all_a, 1).want, None, "two shards against one requested shard is balanced");
}

#[test]
fn a_difference_of_one_shard_is_balanced_so_that_shards_do_not_move() {
    let mut observer = Observer::new("b").holding(&["s3"]);
    let even = rows(&[("s1", Some("a")), ("s2", Some("a")), ("s3", Some("b"))]);
    assert_eq!(observer.look(&even, 0), Plan::default());
}

#[test]
fn an_owner_hands_over_a_shard_that_another_reader_asks_for() {
    let mut observer = Observer::new("a").holding(&["s1", "s2"]);
    let mut held = rows(&[("s1", Some("a")), ("s2", Some("a"))]);
    held[1].wanted_by = Some(node("b"));
    assert_eq!(observer.look(&held, 0).hand_over, ["s2"]);
    held[1].wanted_by = Some(node("a"));
    assert!(observer.look(&held, 1).hand_over.is_empty(), "its own earlier request");
}

#[test]
fn a_shard_released_for_us_is_taken_first_and_one_released_for_another_is_left() {
    let mut released = rows(&[("s1", None)]);
    released[0].wanted_by = Some(node("b"));
    assert_eq!(names(&Observer::new("b").look(&released, 0)), ["s1"]);
    assert!(Observer::new("c").look(&released, 0).take.is_empty());
}

#[test]
fn a_hand_over_to_a_dead_node_is_not_lost() {
    let mut observer = Observer::new("c");
    let mut released = rows(&[("s1", None)]);
    released[0].wanted_by = Some(node("dead"));
    assert!(observer.look(&released, 0).take.is_empty());
    assert_eq!(names(&observer.look(&released, LEASE_MS)), ["s1"]);
}

#[test]
fn a_child_waits_for_every_parent_s_end() {
    let mut observer = Observer::new("a").holding(&["p1"]);
    let mut family = rows(&[("p1", Some("a")), ("p2", None), ("child", None)]);
    family[2].parents = vec!["p1".to_owned(), "p2".to_owned()];
    family[1].position = Position::Ended;
    family[0].position = Position::After("9".to_owned());
    assert!(observer.look(&family, 0).take.is_empty());
    family[0].position = Position::Ended;
    assert_eq!(names(&observer.look(&family, 1)), ["child"]);
}

#[test]
fn a_child_whose_parent_has_no_row_waits_until_the_stream_was_listed() {
    let mut observer = Observer::new("a");
    let mut orphan = rows(&[("child", None)]);
    orphan[0].parents = vec!["deleted".to_owned()];
    let plan = observer.look(&orphan, 0);
    assert!(plan.list && plan.take.is_empty());
    observer.listed = Some(["deleted".to_owned(), "child".to_owned()].into());
    assert!(observer.look(&orphan, 1).take.is_empty(), "its row is added again and it is read first");
    observer.listed = Some(["child".to_owned()].into());
    let plan = observer.look(&orphan, 2);
    assert_eq!((names(&plan), plan.list), (vec!["child"], false));
}

#[test]
fn a_shard_read_to_its_end_is_not_taken_again() {
    let mut observer = Observer::new("a");
    let mut ended = rows(&[("s1", None), ("s2", Some("a"))]);
    for row in &mut ended {
        row.position = Position::Ended;
    }
    assert_eq!(observer.look(&ended, LEASE_MS), Plan::default());
}

/// Runs rounds of all readers, each in another order, until no reader changes anything.
fn settle(readers: &mut [Observer], rows: &mut [ShardRow], seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    for round in 0..200 {
        rng.shuffle(readers);
        let mut quiet = true;
        for reader in readers.iter_mut() {
            for row in rows.iter_mut().filter(|row| reader.held.contains(&row.shard)) {
                row.counter += 1;
            }
            let view = View { rows, listed: None, held: &reader.held, now_ms: round };
            let plan = reader.planner.plan(&view, &mut rng);
            quiet &= plan == Plan::default();
            apply(reader, rows, plan);
        }
        if quiet {
            return;
        }
    }
    panic!("seed {seed}: shards never stop moving");
}

fn apply(reader: &mut Observer, rows: &mut [ShardRow], plan: Plan) {
    let own = reader.planner.node.clone();
    for row in rows.iter_mut() {
        if plan.take.contains(&(row.shard.clone(), row.counter)) {
            (row.owner, row.wanted_by) = (Some(own.clone()), None);
            row.counter += 1;
            reader.held.insert(row.shard.clone());
        }
        if plan.want.as_ref() == Some(&row.shard) {
            row.wanted_by = Some(own.clone());
        }
        if plan.hand_over.contains(&row.shard) {
            row.owner = None;
            row.counter += 1;
            reader.held.remove(&row.shard);
        }
    }
}

#[test]
fn any_number_of_readers_reaches_a_stable_balance() {
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (shards, nodes) = (rng.usize(1..40), rng.usize(1..9));
        let mut rows: Vec<ShardRow> = (0..shards).map(|n| row(&format!("s{n:02}"), None)).collect();
        let mut readers: Vec<Observer> = vec![Observer::new("n0")];
        settle(&mut readers, &mut rows, seed);
        readers.extend((1..nodes).map(|n| Observer::new(&format!("n{n}"))));
        settle(&mut readers, &mut rows, seed);
        let held: Vec<usize> = readers.iter().map(|reader| reader.held.len()).collect();
        assert_eq!(held.iter().sum::<usize>(), shards, "seed {seed}");
        let (least, most) = (held.iter().min().unwrap(), held.iter().max().unwrap());
        assert!(most - least <= 1, "seed {seed}: {held:?}");
    }
}
