//! `show` and `queue --assets` tell how far an asset is while a service works on it.

use serde_json::Value;

use crate::service::{Service, ended, states, until};
use crate::support::{TempHome, lines, sample};

#[test]
fn progress_rises_until_the_film_is_published() {
    let home = TempHome::encoding_quickly();
    let service = Service::start(&home);
    let upload = home.path().join("film.mp4");
    std::fs::copy(sample("sintel-trailer-720p.mp4"), &upload).unwrap();
    std::fs::rename(&upload, home.path().join("ingest/film.mp4")).unwrap();
    let mut seen: Vec<Value> = Vec::new();
    let look = || {
        let listed = lines(&home.reelgate(&["queue", "--assets", "--json"]).stdout, "");
        if let Some(line) = listed.first() {
            assert_eq!(line["source"], "film.mp4");
            let shown = home.reelgate(&["show", line["asset_id"].as_str().unwrap(), "--json"]);
            seen.push(line["progress"].clone());
            seen.push(lines(&shown.stdout, "")[0]["progress"].clone());
        }
        states(&home)
    };
    until("the film ends", look, |states| ended(states) == 1);
    let planned: Vec<&Value> = seen.iter().filter(|progress| !progress.is_null()).collect();
    let done: Vec<f64> = planned.iter().map(|progress| progress["done"].as_f64().unwrap()).collect();
    assert!(done.is_sorted() && done.iter().all(|done| (0.0..=1.0).contains(done)), "{seen:?}");
    let left = || planned.iter().filter_map(|progress| progress["left_s"].as_f64());
    assert!(left().count() > 0 && left().all(|left| left >= 0.0), "{seen:?}");
    let id =
        lines(&home.reelgate(&["list", "--json"]).stdout, "")[0]["asset_id"].as_str().unwrap().to_owned();
    let shown = home.reelgate(&["show", &id, "--json"]);
    assert_eq!(lines(&shown.stdout, "")[0]["progress"], Value::Null, "it has ended");
    assert!(lines(&home.reelgate(&["queue", "--assets", "--json"]).stdout, "").is_empty());
    assert_eq!(service.stop(), Some(0));
}
