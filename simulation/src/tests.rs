//! Small and quick runs of the whole simulation, and what must follow from their settings.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::{Report, Scenario, Settings, StoreRates, run, sweep};

/// A small fleet with a database that does not limit it.
fn settings(scenario: Scenario) -> Settings {
    Settings { nodes: 20, cores: 4, assets: 600, seed: 7, scenario, look_ms: 1_000, ..Settings::default() }
}

fn report(settings: &Settings) -> Report {
    let report = run(settings).unwrap();
    let broken: Vec<_> = report.checks.iter().filter(|check| !check.holds).collect();
    assert!(broken.is_empty(), "seed {}: {broken:?}", settings.seed);
    report
}

fn steady() -> Report {
    report(&settings(Scenario::Steady))
}

#[test]
fn equal_settings_give_equal_reports_and_another_seed_another() {
    assert_eq!(steady(), steady());
    let other = report(&Settings { seed: 8, ..settings(Scenario::Steady) });
    assert_ne!(steady().endings, other.endings);
}

#[test]
fn every_upload_ends_once_in_every_scenario() {
    for scenario in Scenario::ALL {
        let report = report(&settings(scenario));
        let ended: u64 = report.endings.values().sum();
        assert_eq!(ended, u64::from(report.uploads), "{}", scenario.as_str());
        assert_eq!(report.checks.len(), 4);
    }
}

#[test]
fn an_upload_is_the_same_and_ends_the_same_whatever_happens_to_the_fleet() {
    let quiet = steady().endings;
    for scenario in [Scenario::NodeDeaths, Scenario::SpotWave, Scenario::Failover] {
        let published = report(&settings(scenario)).endings["published"];
        // Whether an upload is superseded depends on whether it has ended when the newer version arrives.
        assert!(published.abs_diff(quiet["published"]) <= 3, "{}: {published}", scenario.as_str());
    }
}

#[test]
fn dead_nodes_cost_attempts_and_the_work_they_had_done() {
    let of = |scenario| report(&Settings { nodes: 60, cores: 2, ..settings(scenario) });
    let (quiet, dead) = (of(Scenario::Steady), of(Scenario::NodeDeaths));
    assert_eq!(quiet.lost, 0);
    assert!(dead.lost > 0, "expected lost attempts, found none");
    assert!(dead.wasted_core_hours > quiet.wasted_core_hours);
}

#[test]
fn a_spot_notice_lets_nodes_finish_or_give_back_so_that_no_lease_runs_out() {
    let wave = report(&settings(Scenario::SpotWave));
    assert_eq!(wave.lost, 0);
    assert!(wave.took_s >= steady().took_s);
}

#[test]
fn a_failover_longer_than_the_lease_delays_and_repeats_but_loses_nothing() {
    let failover = report(&settings(Scenario::Failover));
    assert!(failover.lost + failover.given_back > 0, "work was under way when the database went");
    let p90_s = |report: &Report| report.publishing["normal"].p90_s;
    assert!(p90_s(&failover) > p90_s(&steady()), "{} s and {} s", p90_s(&failover), p90_s(&steady()));
    assert!(failover.wasted_core_hours > steady().wasted_core_hours);
}

#[test]
fn a_lease_that_outlasts_the_failover_keeps_the_work() {
    let patient = report(&Settings { lease_ms: 180_000, ..settings(Scenario::Failover) });
    assert_eq!((patient.lost, patient.given_back), (0, 0));
}

#[test]
fn poisoned_uploads_are_refused_after_two_tries_and_others_are_not() {
    let poisoned = report(&settings(Scenario::Poison));
    assert_eq!(poisoned.uploads, 606);
    assert_eq!(poisoned.endings["rejected"], steady().endings["rejected"] + 6);
    assert!(poisoned.faults >= steady().faults + 12, "{} and {}", poisoned.faults, steady().faults);
}

#[test]
fn a_database_that_is_too_slow_makes_work_wait_and_still_ends_it() {
    let store = StoreRates { tasks_per_s: 1.0, ..StoreRates::default() };
    let arrivals_per_s = Some(steady().arrivals_per_s);
    let slow = report(&Settings { store, arrivals_per_s, ..settings(Scenario::Steady) });
    assert!(slow.load.busy.peak > 0.9, "{:?}", slow.load.busy);
    assert!(slow.took_s > steady().took_s * 1.5, "{} s", slow.took_s);
}

#[test]
fn looks_of_idle_nodes_are_counted_and_fewer_looks_cost_less() {
    let busy = report(&Settings { look_ms: 250, ..settings(Scenario::Steady) });
    let calm = report(&Settings { look_ms: 5_000, ..settings(Scenario::Steady) });
    assert!(busy.load.calls.mean > 3.0 * calm.load.calls.mean);
    assert!(busy.light.p99_s < calm.light.p99_s, "who looks less often finds work later");
}

#[test]
fn what_a_fleet_asks_grows_with_its_nodes_until_it_is_too_much() {
    let store = StoreRates { calls_per_s: 500.0, ..StoreRates::default() };
    let sweep =
        sweep(&Settings { nodes: 100, cores: 2, look_ms: 250, store, ..Settings::default() }).unwrap();
    assert!(
        sweep.steps.is_sorted_by(|a, b| a.claims_per_s < b.claims_per_s && a.calls_per_s < b.calls_per_s)
    );
    assert_eq!(sweep.first_beyond(|step| step.calls_share), Some(100));
    assert_eq!(sweep.first_beyond(|step| step.claims_share), None);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let refused = |settings: Settings| run(&settings).unwrap_err();
    assert_eq!(refused(Settings { nodes: 0, ..Settings::default() }), "nodes: expected 1 to 100000, found 0");
    let none = Settings { arrivals_per_s: Some(0.0), ..Settings::default() };
    assert_eq!(refused(none), "arrivals: expected more than 0, found 0");
    let not_a_number = Settings { load: f64::NAN, ..Settings::default() };
    assert!(refused(not_a_number).starts_with("load:"));
}

#[test]
fn the_plot_names_every_scenario() {
    let reports: Vec<Report> = Scenario::ALL.map(|scenario| report(&settings(scenario))).into();
    let dir = std::env::temp_dir().join(format!("reelgate-simulation-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    crate::plot(&reports, &dir.join("plot.svg")).unwrap();
    let svg = std::fs::read_to_string(dir.join("plot.svg")).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    for scenario in Scenario::ALL {
        assert!(svg.contains(scenario.as_str()), "{}", scenario.as_str());
    }
    assert!(crate::plot(&reports, &dir.join("gone/plot.svg")).is_err(), "there is no such directory");
}
