//! Profiles: uploads below a prefix have media settings of their own.

use crate::support::{TempHome, lines, sample, talk};

#[test]
fn uploads_below_the_prefix_of_a_profile_are_encoded_as_it_says() {
    let home = TempHome::encoding_quickly();
    let config = home.file("reelgate.toml");
    let (small, usual) = (home.file("small/clip.mp4"), home.file("usual/clip.mp4"));
    std::fs::copy(sample("big-buck-bunny-5s.mp4"), &small).unwrap();
    std::fs::copy(reelgate_test_media::files().join("h264-aac.mp4"), &usual).unwrap();
    let prefix = small.parent().unwrap().to_str().unwrap();
    let profile = format!(
        "[profiles.small]\nprefixes = [\"{prefix}/\"]\nvideo.rungs = [{{ height = 240, bitrate_bps = 400000 }}]\n"
    );
    std::fs::write(&config, &profile).unwrap();
    let with_config = ["--config", config.to_str().unwrap()];
    let (status, run) = home.run_with(&with_config, &[&small, &usual]);
    assert_eq!(status, 0, "{run:?}");
    let names = |at: usize| -> Vec<&str> {
        run[at]["renditions"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names(0), ["240p", "audio"]);
    assert!(!names(1).is_empty() && names(1) != names(0), "{:?}", names(1));

    // What the profile says now counts after the plan is made anew.
    std::fs::write(&config, profile.replace("240", "480")).unwrap();
    let id = run[0]["asset_id"].as_str().unwrap();
    let redo = |stage: &str| {
        let output = home.reelgate(&[&["redo", id, "--stage", stage], &with_config[..]].concat());
        assert!(output.status.success(), "{}", talk(&output));
        home.run_with(&with_config, &[&small]);
        let shown = home.reelgate(&["show", id, "--json"]);
        let shown = lines(&shown.stdout, &talk(&shown)).remove(0);
        let renditions = shown["renditions"].as_array().unwrap().clone();
        renditions.into_iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(redo("transcode"), ["240p", "audio"]);
    assert_eq!(redo("validate"), ["480p", "audio"]);

    let probe = |name: &str| {
        let arguments = ["probe", "--json", "--profile", name, small.to_str().unwrap()];
        home.reelgate(&[&arguments[..], &with_config[..]].concat())
    };
    let output = probe("small");
    assert_eq!(lines(&output.stdout, &talk(&output))[0]["planned"], serde_json::json!(["480p", "audio"]));
    let unknown = probe("smal");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(talk(&unknown).contains("--profile: expected one of small, found `smal`"), "{}", talk(&unknown));

    std::fs::write(&config, profile.replace("240", "241")).unwrap();
    let refused = home.reelgate(&[&["check"], &with_config[..]].concat());
    assert_eq!(refused.status.code(), Some(2));
    assert!(talk(&refused).contains("profiles.small.video.rungs.height: expected"), "{}", talk(&refused));
}
