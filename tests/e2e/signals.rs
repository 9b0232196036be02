//! What `serve` says about itself, as a real Prometheus reads it.

use std::fs;

use reelgate_signals::{catalogue, dashboards, rules};
use reelgate_stand_ins::Prometheus;

use crate::service::{Service, ended, states, until};
use crate::support::{TempHome, sample};

/// Name, and pairs of label and value, of one line of `/metrics`.
fn series(line: &str) -> (&str, Vec<(&str, &str)>) {
    let named = line.rsplit_once(' ').unwrap().0;
    let Some((name, rest)) = named.split_once('{') else { return (named, Vec::new()) };
    let pairs = rest.trim_end_matches('}').split(',').map(|pair| {
        let (label, value) = pair.split_once('=').unwrap();
        (label, value.trim_matches('"'))
    });
    (name, pairs.collect())
}

/// Every series is one of the catalogue; returns how many there are.
fn check_series(metrics: &str) -> usize {
    let lines: Vec<&str> = metrics.lines().filter(|line| !line.starts_with('#')).collect();
    for line in &lines {
        let (name, pairs) = series(line);
        let signal = catalogue::ALL.iter().find(|one| one.stored_names().iter().any(|stored| stored == name));
        let signal = signal.unwrap_or_else(|| panic!("not in the catalogue: {line}"));
        let mut values = Vec::new();
        for label in signal.labels {
            values.extend(pairs.iter().find(|(other, _)| other == label).map(|(_, value)| *value));
        }
        assert!(signal.allows(&values), "not in the catalogue: {line}");
    }
    lines.len()
}

#[test]
fn every_panel_has_data_after_a_run_and_no_label_holds_a_name() {
    let home = TempHome::encoding_quickly();
    let service = Service::start(&home);
    let prometheus = Prometheus::start(&[service.address()], &rules::file());
    // Rates need a sample from before.
    let reads = "count(reelgate_uploads_total{result=\"new\"})";
    until("Prometheus reads the node", || prometheus.values(reads), |values| !values.is_empty());
    for name in ["planted-card-number.mp4", "playlist-in-disguise.mp4", "big-buck-bunny-5s.mp4"] {
        fs::copy(sample(name), home.path().join("ingest").join(name)).unwrap();
    }
    until("every upload ends", || states(&home), |states| ended(states) == 3);
    let told = "sum(reelgate_alert_seconds_count) > 0";
    until("the notice is delivered and read", || prometheus.values(told), |values| !values.is_empty());
    let counted = "sum(reelgate_assets{phase=\"published\"}) == 1";
    until("the store has counted", || prometheus.values(counted), |values| !values.is_empty());
    let measured = "sum(reelgate_upload_seconds_count) == 3";
    until("every upload is measured", || prometheus.values(measured), |values| !values.is_empty());

    let mut empty = Vec::new();
    let mut panels = 0;
    for dashboard in dashboards::ALL {
        for panel in dashboard.panels {
            panels += 1;
            for query in panel.queries {
                let expression = query.text("job=~\".+\",instance=~\".+\"", "10m");
                let values = prometheus.values(&expression);
                if !values.iter().any(|value| value.is_finite()) {
                    empty.push(format!("{}: {}: {expression}: {values:?}", dashboard.id, panel.title));
                }
                if panel.is_zero {
                    assert!(values.iter().all(|value| *value == 0.0), "{}: {values:?}", panel.title);
                }
            }
        }
    }
    assert!(empty.is_empty(), "{empty:#?}");
    println!("{panels} panels with data");
    assert_eq!(prometheus.firing(), [""; 0], "nothing is wrong");

    let (_, metrics) = service.get("/metrics");
    let series = check_series(&metrics);
    println!("{series} series");
    assert!((300..=1_500).contains(&series), "{series}");
    for name in ["planted-card", "playlist-in", "big-buck"] {
        assert!(!metrics.contains(name), "{name}");
    }
}

#[test]
fn signals_are_written_as_the_repository_holds_them_and_a_bad_folder_is_told() {
    let home = TempHome::new();
    let out = home.file("signals/x").parent().unwrap().to_owned();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (verb, folder, files) in [
        ("grafana", "deploy/dashboards", 3),
        ("cloudwatch", "deploy/dashboards", 3),
        ("rules", "deploy/dashboards", 1),
        ("alarms", "deploy/stack", 1),
    ] {
        let output = home.reelgate(&["signals", verb, "--out", out.to_str().unwrap()]);
        assert!(output.status.success());
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.lines().count(), files, "{printed}");
        for path in printed.lines().map(std::path::Path::new) {
            let kept = root.join(folder).join(path.file_name().unwrap());
            assert_eq!(fs::read(path).unwrap(), fs::read(&kept).unwrap(), "{}", kept.display());
        }
    }
    let file = home.file("file");
    fs::write(&file, "").unwrap();
    let output = home.reelgate(&["signals", "rules", "--out", file.to_str().unwrap()]);
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{talk}");
    assert!(talk.contains("--out: expected a directory that can be written"), "{talk}");
}
