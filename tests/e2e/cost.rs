//! What work cost: the ledger of a real run, shown and added up.

use std::path::{Path, PathBuf};

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

/// The rows of a CSV, the header first.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            // The first of two quotes in a quoted cell ends it, and the second one goes on with it.
            '"' => {
                cell.push(c);
                quoted = !quoted;
            }
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(c),
        }
    }
    rows
}

/// What the charges of an export cost, each as long as the header.
fn exported_nanos(text: &str) -> i64 {
    let rows = rows(text);
    let cost = rows[0].iter().position(|column| column == "BilledCost").unwrap();
    let nanos = |row: &Vec<String>| {
        assert_eq!(row.len(), rows[0].len(), "{row:?}");
        let (whole, decimals) = row[cost].split_once('.').unwrap();
        whole.parse::<i64>().unwrap() * 1_000_000_000 + format!("{decimals:0<9}").parse::<i64>().unwrap()
    };
    rows[1..].iter().map(nanos).sum()
}

/// Ten days of a ledger, of which the last one that is over cost three times as much, in the database of a home with one asset.
const TEN_DAYS: &str = "import sqlite3, sys, time
base = sqlite3.connect(sys.argv[1])
asset = base.execute('SELECT min(arrival) FROM assets').fetchone()[0]
last = int(time.time() - 600) // 86400 - 1
for ago in range(10):
    amount = 3000000 if ago == 0 else 1000000
    base.execute('''INSERT INTO ledger (asset, task, attempt, resource, at_ms, node_type, quantity, unit_price_nanos,
                    unit, price_date, amount_nanos, method, waste) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)''',
                 (asset, 'validate', 100 + ago, 'node-time', (last - ago) * 86400000 + 1000, 'c6a-xlarge', 1, amount, 1,
                  '2026-08-01', amount, 'measured', 0))
base.commit()
";

#[test]
fn a_day_that_cost_three_times_as_much_is_listed_and_a_usual_one_is_not() {
    let home = TempHome::new();
    let film = home.file("shows/clip.mp4");
    std::fs::copy(sample("playlist-in-disguise.mp4"), &film).unwrap();
    home.run(&[&film]);
    let quiet = home.reelgate(&["cost", "anomalies"]);
    assert!(quiet.status.success() && quiet.stdout.is_empty(), "{}", talk(&quiet));
    assert!(talk(&quiet).contains("no unusual day up to "), "{}", talk(&quiet));
    let database = home.path().join("reelgate.sqlite");
    let python =
        std::process::Command::new("python3").args(["-c", TEN_DAYS]).arg(&database).output().unwrap();
    assert!(python.status.success(), "{}", talk(&python));
    let found = json(&home, &["cost", "anomalies", "--json"]);
    let [found] = &found[..] else { panic!("expected one unusual day, found {found:?}") };
    assert_eq!((found["scope"].as_str(), found["amount_nanos"].as_i64()), (Some("prefix"), Some(3_000_000)));
    let day = found["day"].as_str().unwrap();
    let before = home.reelgate(&["cost", "anomalies", "--until", "2020-01-01"]);
    assert!(talk(&before).contains("no unusual day up to 2020-01-01"), "{}", talk(&before));
    let table = home.reelgate(&["cost", "anomalies", "--since", day, "--until", day]);
    assert!(String::from_utf8_lossy(&table.stdout).contains(day), "{}", talk(&table));
}

/// Lines of many resources with prices, and shares of idle time, in the database of a home with one asset.
const MANY_RESOURCES: &str = "import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
asset = base.execute('SELECT min(arrival) FROM assets').fetchone()[0]
at_ms = 1780000000000
used = [('node-time', 'c6a-xlarge-spot', 123457, 61200000, 14400000), ('node-time', 'c6a-xlarge', 7, 153000000, 14400000),
        ('s3-put', 'c6a-xlarge', 13, 5000000, 1000), ('s3-get', '', 7, 400000, 1000), ('bytes-out', '', 123456789, 90000000, 1 << 30),
        ('storage-standard', '', 1 << 50, 23000000, 730 << 30), ('macie-bytes', '', 3 << 30, 1000000000, 1 << 30),
        ('sns-publish', '', 1, 500000000, 1000000), ('kms-request', '', 9, 30000000, 10000)]
for attempt, (resource, node, quantity, price, unit) in enumerate(used, 1):
    base.execute('INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
                 (asset, 'validate', 100 + attempt, resource, at_ms, node, quantity, price, unit, '2026-08-01',
                  (quantity * price + unit // 2) // unit, 'measured', attempt % 2))
for owner, amount in [(0, 29), (asset, 1234567891)]:
    base.execute('INSERT INTO ledger_shares VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
                 (20601 + owner, owner, 'node-time', 'c6a-xlarge', amount // 10, 153000000, 14400000, '2026-08-01', amount, 'allocated'))
base.commit()
";
/// FinOps' validator reads a file beside itself by a relative name.
const VALIDATE: &str = "import focus_validator, os
os.chdir(os.path.dirname(os.path.dirname(focus_validator.__file__)))
from focus_validator.main import main
main()
";
/// What of FOCUS's conditional rules applies: what the ledger knows.
const APPLIES: &str = "UNIT_PRICING_SUPPORTED,REGION_SUPPORTED,TAGGING_SUPPORTED,RESOURCE_TYPE_ASSIGNMENT_SUPPORTED,\
BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED,MULTIPLE_PRICING_CATEGORIES_SUPPORTED,NEGOTIATED_PRICING_SUPPORTED";
/// It asks for an invoice of every charge, though FOCUS wants null where there is none.
const WITHOUT_INVOICE: [&str; 1] = ["InvoiceId-C-005-C"];

/// Needs FinOps' own validator in a virtual environment of Python 3.12 or newer, whose folder `REELGATE_FOCUS_VALIDATOR` names.
#[test]
fn focus_validator_finds_no_broken_rule_in_an_export() {
    let venv = std::env::var("REELGATE_FOCUS_VALIDATOR")
        .expect("REELGATE_FOCUS_VALIDATOR names a virtual environment");
    let home = TempHome::new();
    let (film, csv) = (home.file("shows/clip.mp4"), home.file("focus.csv"));
    std::fs::copy(sample("playlist-in-disguise.mp4"), &film).unwrap();
    home.run(&[&film]);
    let database = home.path().join("reelgate.sqlite");
    let python =
        std::process::Command::new("python3").args(["-c", MANY_RESOURCES]).arg(&database).output().unwrap();
    assert!(python.status.success(), "{}", talk(&python));
    let export = [
        "cost",
        "export",
        "--focus",
        "--billing-account",
        "aws:123456789012",
        "--out",
        csv.to_str().unwrap(),
    ];
    assert!(home.reelgate(&export).status.success());
    let judged = std::process::Command::new(std::path::Path::new(&venv).join("bin/python"))
        .args([
            "-c",
            VALIDATE,
            "--data-file",
            csv.to_str().unwrap(),
            "--validate-version",
            "1.2",
            "--block-download",
        ])
        .args(["--focus-dataset", "CostAndUsage", "--applicability-criteria", APPLIES, "--show-violations"])
        .output()
        .unwrap();
    let judgement = String::from_utf8_lossy(&judged.stdout);
    let rules = |mark: &str| {
        let lines = judgement.lines().filter_map(|line| line.strip_prefix(mark)?.trim().split(':').next());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(rules("✅").len() > 150, "{}", talk(&judged));
    assert_eq!(rules("❌"), WITHOUT_INVOICE, "{judgement}");
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

    let export = [&["cost", "export", "--focus"], &with_config[..]].concat();
    let printed = String::from_utf8(home.reelgate(&export).stdout).unwrap();
    assert_eq!(exported_nanos(&printed), totals[0], "{printed}");
    let file = home.file("focus.csv");
    let out = ["--out", file.to_str().unwrap()];
    assert!(home.reelgate(&[&export[..], &out[..]].concat()).status.success());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), printed);
    let none = home.reelgate(&["cost", "export", "--focus", "--since", "2999-01-01"]);
    assert_eq!(String::from_utf8(none.stdout).unwrap().lines().count(), 1, "the header alone");

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
fn an_estimate_is_what_the_ledger_saw_such_work_use() {
    let home = TempHome::encoding_quickly();
    let config = home.file("reelgate.toml");
    std::fs::write(&config, "[cost]\nnode_type = \"c6a-xlarge\"\nvcpus = 4\n").unwrap();
    let films: Vec<_> = (0..9).map(|number| home.file(&format!("shows/{number}.mp4"))).collect();
    for (number, film) in films.iter().enumerate() {
        // Another tag makes each another content with the same pictures.
        let made = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(sample("big-buck-bunny-5s.mp4"))
            .args(["-c", "copy", "-metadata", &format!("title={number}")])
            .arg(film)
            .status();
        assert!(made.unwrap().success());
    }
    let with_config = ["--config", config.to_str().unwrap()];
    let estimated = |target: &Path| {
        let target = target.to_str().unwrap();
        json(&home, &[&["cost", "estimate", target, "--json"], &with_config[..]].concat())
    };
    let whole = |line: &Value, key: &str| line["total"][key].as_i64().unwrap();
    let first_day = estimated(&films[8]);
    assert!(0 < whole(&first_day[0], "p50_nanos"), "{first_day:?}");
    assert!(whole(&first_day[0], "p50_nanos") <= whole(&first_day[0], "p90_nanos"), "{first_day:?}");
    assert_eq!(first_day[0]["total"], first_day[1]["total"], "one file is the total");

    let others: Vec<&Path> = films[..8].iter().map(PathBuf::as_path).collect();
    let (_, run) = home.run_with(&with_config, &others);
    let mut used = Vec::new();
    for asset in run {
        let shown = json(&home, &["cost", "show", asset["asset_id"].as_str().unwrap(), "--json"]);
        let sampling = shown.iter().find(|line| line["stage"] == "enrich" && line["resource"] == "node-time");
        used.push(sampling.unwrap()["quantity"].as_u64().unwrap());
    }
    used.sort_unstable();
    let learned = estimated(&films[8]);
    let stage = &learned[0]["stages"]["enrich"];
    // The slope of equal work is its median, the fourth of eight; a millisecond may be rounded.
    let near = |found: &Value, expected: u64| found.as_u64().unwrap().abs_diff(expected) <= 1;
    assert!(near(&stage["cpu_p50_ms"], used[3]), "{used:?}: {stage}");
    assert!(near(&stage["cpu_p90_ms"], used[7]), "{used:?}: {stage}");

    let all = estimated(films[0].parent().unwrap());
    let (total, files) = all.split_last().unwrap();
    let sum: i64 = files.iter().map(|line| whole(line, "p50_nanos")).sum();
    assert_eq!((files.len(), whole(total, "p50_nanos")), (9, sum));
    let last = films[8].to_str().unwrap();
    let told = talk(&home.reelgate(&[&["cost", "estimate", last], &with_config[..]].concat()));
    assert!(told.contains("1 file on c6a-xlarge: $0.153 for 14400000 ms"), "{told}");
}

#[test]
fn what_would_be_refused_is_estimated_as_its_validation_alone() {
    let home = TempHome::new();
    let playlist = sample("playlist-in-disguise.mp4");
    let lines = json(&home, &["cost", "estimate", playlist.to_str().unwrap(), "--json"]);
    assert_eq!(lines[0]["note"], "would be refused after its validation: playlist_refused");
    let stages: Vec<&String> = lines[0]["stages"].as_object().unwrap().keys().collect();
    assert_eq!(stages, ["validate"]);
    let told = talk(&home.reelgate(&["cost", "estimate", playlist.to_str().unwrap()]));
    assert!(told.contains("nothing has a price: cost.node_type is not set"), "{told}");
}

#[test]
fn an_estimate_of_nothing_or_with_an_unknown_profile_is_one_clear_line() {
    let home = TempHome::new();
    let film = sample("big-buck-bunny-5s.mp4");
    let film = film.to_str().unwrap();
    for (arguments, expected) in [
        (vec!["cost", "estimate", "nowhere.mp4"], "nowhere.mp4: expected a file, a directory, or a prefix"),
        (
            vec!["cost", "estimate", film, "--profile", "gold"],
            "--profile: the configuration has no profile, found `gold`",
        ),
    ] {
        let refused = home.reelgate(&arguments);
        assert_eq!(refused.status.code(), Some(2), "{}", talk(&refused));
        assert!(talk(&refused).contains(expected), "{}", talk(&refused));
    }
    let refused = home
        .command(&["cost", "estimate", film])
        .env("REELGATE__COST__NODE_TYPE", "x9-huge")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        talk(&refused).contains("cost.node_type: expected a node type with a price"),
        "{}",
        talk(&refused)
    );
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
