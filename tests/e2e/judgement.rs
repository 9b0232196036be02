//! Findings belong to the content, the verdict to the asset: a copy of a published video is judged by its own name, by the rules of
//! today, and by a look that leaves out nothing that is asked today.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TempHome, code, sample, tool};

/// An invented card number, and the number of an invented badge that only a custom identifier finds.
const CARD: &str = "4539 5787 6362 1486";
const BADGE: &str = "B-4711";
/// Whatever is found is only recorded.
const LENIENT: &str = "[[privacy.rules]]\naction = \"log\"\n";
const BADGES: &str = "[[privacy.custom_identifiers]]\nname = \"badge\"\nregex = \"B-[0-9]{4}\"\n\
    severity_levels = [{ occurrences_threshold = 1, severity = \"High\" }]\n";

struct Judging {
    home: TempHome,
    source: PathBuf,
}

impl Judging {
    /// A video with this text in a tag.
    fn new(text: &str) -> Self {
        let home = TempHome::new();
        let (video, source) = (sample("big-buck-bunny-5s.mp4"), home.file("source.mp4"));
        let comment = format!("comment={text}");
        let arguments = ["-v", "error", "-y", "-i", video.to_str().unwrap(), "-c", "copy", "-metadata"];
        tool("ffmpeg", &[&arguments[..], &[&comment, source.to_str().unwrap()]].concat());
        Self { home, source }
    }

    /// Runs the video under this name and with this configuration.
    fn run(&self, name: &str, config: &str) -> Value {
        let (file, path) = (self.home.file(name), self.home.file("reelgate.toml"));
        std::fs::copy(&self.source, &file).unwrap();
        std::fs::write(&path, config).unwrap();
        let arguments = ["--config", path.to_str().unwrap()];
        self.home.run_with(&arguments, &[Path::new(&file)]).1.remove(0)
    }

    fn state(&self, run: &Value) -> String {
        let shown = self.home.reelgate(&["show", "--json", run["asset_id"].as_str().unwrap()]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        shown["state"].as_str().unwrap().to_owned()
    }
}

fn ran(run: &Value, stage: &str) -> bool {
    run["stages"].as_array().unwrap().iter().any(|one| one["stage"] == stage)
}

#[test]
fn a_copy_is_judged_by_the_rules_for_its_own_name_and_of_today() {
    let judging = Judging::new(&format!("the card is {CARD}"));
    let first = judging.run("first.mp4", LENIENT);
    assert_eq!(first["state"], "published", "{first}");
    let allowed = judging.run("allowed.mp4", LENIENT);
    assert_eq!(
        (&allowed["state"], &allowed["linked_to"]),
        (&first["state"], &first["asset_id"]),
        "{allowed}"
    );
    assert_eq!(allowed["findings"][0]["kind"], "CREDIT_CARD_NUMBER", "it shows what is in the content");
    assert!(!ran(&allowed, "transcode") && !ran(&allowed, "enrich"), "{allowed}");
    let strict = judging.run("strict.mp4", "");
    assert_eq!((&strict["state"], code(&strict)), (&"quarantined".into(), "personal_data"), "{strict}");
    for earlier in [&first, &allowed] {
        assert_eq!(judging.state(earlier), "published", "its verdict is its own");
    }
}

#[test]
fn content_that_was_searched_less_than_is_asked_today_is_searched_again_for_a_copy() {
    let judging = Judging::new(&format!("visitor {BADGE}"));
    let first = judging.run("first.mp4", "");
    assert_eq!((&first["state"], &first["verdict"]), (&"published".into(), &"clean".into()), "{first}");
    let shared = judging.run("shared.mp4", "");
    assert!(shared["state"] == "published" && !ran(&shared, "enrich"), "{shared}");
    let copy = judging.run("copy.mp4", BADGES);
    assert_eq!((&copy["state"], code(&copy)), (&"quarantined".into(), "personal_data"), "{copy}");
    assert!(ran(&copy, "enrich") && !ran(&copy, "transcode"), "{copy}");
    // The next run does what the new look at the content has caused.
    judging.run("another.mp4", BADGES);
    for earlier in [&first, &shared] {
        assert_eq!(judging.state(earlier), "quarantined", "it has the same content");
    }
}
