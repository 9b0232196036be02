//! What work cost: the ledger of a real run, shown and added up.

use serde_json::Value;

use crate::service::{Service, copy_in, ended, states, until};
use crate::support::{TempHome, lines, sample, talk};

/// The lines of a command that prints JSON.
fn json(home: &TempHome, arguments: &[&str]) -> Vec<Value> {
    let output = home.reelgate(arguments);
    assert!(output.status.success(), "{}", talk(&output));
    lines(&output.stdout, &talk(&output))
}

fn nanos(line: &Value) -> i64 {
    line["amount_nanos"].as_i64().unwrap()
}

#[test]
fn every_report_adds_up_what_the_assets_of_a_run_cost() {
    let home = TempHome::encoding_quickly();
    let config = home.file("reelgate.toml");
    let (film, text) = (home.file("shows/clip.mp4"), home.file("shows/notes.mp4"));
    let prefix = film.parent().unwrap().to_str().unwrap().to_owned();
    let written = format!(
        "[cost]\nnode_type = \"c6a-xlarge\"\npurchase = \"spot\"\nvcpus = 4\n[profiles.shows]\nprefixes = [\"{prefix}/\"]\n"
    );
    std::fs::write(&config, written).unwrap();
    std::fs::copy(sample("big-buck-bunny-5s.mp4"), &film).unwrap();
    std::fs::write(&text, "no film").unwrap();
    let with_config = ["--config", config.to_str().unwrap()];
    let (_, run) = home.run_with(&with_config, &[&film, &text]);
    let id = run.iter().find(|line| line["state"] == "published").unwrap()["asset_id"].as_str().unwrap();

    let shown = json(&home, &["cost", "show", id, "--json"]);
    assert!(shown.iter().any(|line| line["stage"] == "transcode" && nanos(line) > 0), "{shown:?}");
    for line in &shown {
        let whole = |key: &str| line[key].as_i64().unwrap();
        assert_eq!(
            (line["node_type"].as_str(), line["waste"].as_bool()),
            (Some("c6a-xlarge-spot"), Some(false))
        );
        assert_eq!((whole("unit_price_nanos"), whole("unit")), (61_200_000, 4 * 3_600_000));
        let exact = whole("quantity") * whole("unit_price_nanos");
        assert_eq!(nanos(line), (exact + whole("unit") / 2) / whole("unit"));
    }
    let of_film: i64 = shown.iter().map(nanos).sum();

    let mut totals = Vec::new();
    for by in ["asset", "stage", "prefix", "profile", "day", "node-type", "resource"] {
        let report = json(&home, &[&["cost", "report", "--by", by, "--json"], &with_config[..]].concat());
        let (total, groups) = report.split_last().unwrap();
        assert_eq!(
            (total["kind"].as_str(), nanos(total)),
            (Some("total"), groups.iter().map(nanos).sum()),
            "{by}"
        );
        totals.push(nanos(total));
        let label = |label: &str| groups.iter().find(|line| line["label"] == label).map(nanos);
        match by {
            "asset" => assert_eq!(label(id), Some(of_film)),
            "profile" => assert_eq!(label("shows"), Some(nanos(total))),
            "node-type" => assert_eq!(label("c6a-xlarge-spot"), Some(nanos(total))),
            _ => assert!(!groups.is_empty(), "{by}"),
        }
    }
    assert!(totals[0] >= of_film && totals.iter().all(|total| *total == totals[0]), "{totals:?}");

    let told = talk(&home.reelgate(&["cost", "report"]));
    assert!(
        told.contains("compared with AWS's list: c6a-xlarge-spot; see cost.prices"),
        "only what was met: {told}"
    );

    let future = json(&home, &["cost", "report", "--since", "2999-01-01", "--json"]);
    assert_eq!((future.len(), nanos(&future[0])), (1, 0));
    let why = home.reelgate(&["why", id]);
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(why.contains(&format!("`reelgate cost show {id}` lists it")), "{why}");
    assert!(why.lines().any(|line| line.starts_with("cost of transcode $0.")), "{why}");
}

#[test]
fn a_wrong_day_node_or_price_table_is_one_clear_line() {
    let home = TempHome::new();
    home.run(&[&sample("playlist-in-disguise.mp4")]);
    let refused = home.reelgate(&["cost", "report", "--since", "yesterday"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(talk(&refused).contains("--since: expected a day such as 2026-08-01"), "{}", talk(&refused));
    for (variable, value, expected) in [
        ("REELGATE__COST__NODE_TYPE", "x9-huge", "cost.node_type: expected a node type with a price"),
        ("REELGATE__COST__PRICES", "/nonexistent", "cost.prices: expected a file with a price table"),
        ("REELGATE__COST__PURCHASE", "borrowed", "cost.purchase: expected"),
    ] {
        let refused = home.command(&["cost", "report"]).env(variable, value).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{variable}");
        assert!(talk(&refused).contains(expected), "{}", talk(&refused));
    }
}

#[test]
fn each_command_of_the_page_about_rising_costs_works() {
    let home = TempHome::encoding_quickly();
    let (_, run) = home.run(&[&sample("big-buck-bunny-5s.mp4")]);
    let id = run[0]["asset_id"].as_str().unwrap();
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide/cost.md");
    let page = std::fs::read_to_string(guide).unwrap();
    let section = page.split("\n## Costs rise\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let commands = section.lines().filter_map(|line| line.trim_start().strip_prefix("reelgate "));
    let mut tried = 0;
    for command in commands {
        let command = command.split(" #").next().unwrap().replace("ASSET", id).replace("DAY", "2026-01-01");
        // A text in quotes is one word.
        let pieces = command.split('"').enumerate();
        let words: Vec<&str> = pieces
            .flat_map(|(n, piece)| if n % 2 == 1 { vec![piece] } else { piece.split_whitespace().collect() })
            .collect();
        let done = home.command(&words).env("USER", "ann").output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", talk(&done));
        tried += 1;
    }
    assert!(tried >= 10, "{tried}");
    let status = home.reelgate(&["fleet", "status"]);
    assert!(!talk(&status).contains("paused"), "the last command ends the pause: {}", talk(&status));
}

#[test]
fn a_pause_of_heavy_work_keeps_uploads_and_ends_with_all_of_them() {
    let home = TempHome::encoding_quickly();
    let service = Service::start(&home);
    let pause = home.reelgate(&["fleet", "pause", "heavy", "--reason", "too dear", "--by", "ann"]);
    assert!(pause.status.success(), "{}", talk(&pause));
    let ingest = home.path().join("ingest");
    copy_in(&sample("big-buck-bunny-5s.mp4"), &ingest.join("a.mp4"));
    copy_in(&sample("playlist-in-disguise.mp4"), &ingest.join("b.mp4"));
    // The refused upload leaves, and the other one is validated and waits.
    let waiting = |states: &Vec<(String, String)>| {
        states.len() == 2 && states.iter().any(|(_, state)| state == "processing") && ended(states) == 1
    };
    until("one upload waits", || states(&home), waiting);
    let listed = json(&home, &["list", "--json"]);
    let id = listed.iter().find(|line| line["state"] == "processing").unwrap()["asset_id"].clone();
    let id = id.as_str().unwrap().to_owned();
    let heavy = json(&home, &["queue", "--json"]);
    assert!(heavy.iter().any(|row| row["lane"] == "heavy" && row["leased"] == 0), "{heavy:?}");
    let status = home.reelgate(&["fleet", "status"]);
    assert!(talk(&status).contains("by ann: too dear"), "{}", talk(&status));
    let refused = home.command(&["fleet", "pause", "heavy", "--reason", " "]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));

    let resumed = home.reelgate(&["fleet", "resume", "heavy"]);
    assert!(talk(&resumed).contains("nodes begin heavy work again"), "{}", talk(&resumed));
    until("both ended", || states(&home), |states| ended(states) == 2);
    let history = json(&home, &["why", &id, "--json"]);
    let at =
        |what: &str| history.iter().position(|line| line["what"] == what && line["task"] == "video-00000");
    assert!(at("claimed") > at("due") && at("due").is_some(), "{history:?}");
    drop(service);
}
