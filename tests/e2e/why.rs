//! `why`: the whole history, its summary, and its lines as they come.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::service::{Service, states, until};
use crate::support::{TempHome, sample};

fn text(home: &TempHome, arguments: &[&str]) -> String {
    let output = home.reelgate(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_summary_has_one_line_for_each_stage_and_event_and_the_same_seconds() {
    let home = TempHome::new();
    home.run(&[&sample("planted-card-number.mp4")]);
    let listed: Value = serde_json::from_str(text(&home, &["list", "--json"]).trim()).unwrap();
    let id = listed["asset_id"].as_str().unwrap();
    let whole = text(&home, &["why", id]);
    let summary = text(&home, &["why", id, "--summary"]);
    let rows = |text: &str| text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
    assert!(rows(&summary).len() < rows(&whole).len(), "{summary}\n{whole}");
    for stage in ["validate", "enrich", "screen", "withdraw"] {
        let of_stage =
            rows(&summary).iter().filter(|row| row.split_whitespace().any(|word| word == stage)).count();
        assert_eq!(of_stage, 1, "{stage}:\n{summary}");
    }
    for event in ["judged", "closed"] {
        assert!(rows(&summary).iter().any(|row| row.contains(event)), "{event}:\n{summary}");
    }
    // A line below the header, and none between rows.
    assert_eq!(whole.lines().filter(|line| line.contains('─')).count(), 1, "{whole}");
}

#[test]
fn lines_are_printed_as_they_come_until_the_asset_has_ended() {
    let home = TempHome::encoding_quickly();
    let service = Service::start(&home);
    std::fs::copy(sample("big-buck-bunny-5s.mp4"), home.path().join("ingest/clip.mp4")).unwrap();
    until("the upload is known", || states(&home), |states| states.len() == 1);
    let listed: Value = serde_json::from_str(text(&home, &["list", "--json"]).trim()).unwrap();
    let id = listed["asset_id"].as_str().unwrap();
    let mut follow = home.command(&["why", id, "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines: Vec<String> =
        BufReader::new(follow.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(follow.wait().unwrap().success());
    assert!(lines[0].contains("event"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("entered") && line.ends_with("published")), "{lines:#?}");
    let whole = text(&home, &["why", id]);
    // The notice may come later.
    let rows: Vec<&str> = whole.lines().skip(2).collect();
    let until_the_end = rows.iter().position(|row| row.ends_with("published")).unwrap() + 1;
    let is_complete = (until_the_end..=rows.len()).contains(&lines.len());
    assert!(is_complete, "nothing is missing or twice: {lines:#?}\n{whole}");
    drop(service);
}
