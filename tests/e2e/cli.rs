//! The command line: arguments, output and exit status.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{TempHome, code, lines, sample, talk, undocumented};

#[test]
fn help_lists_every_verb_and_the_exit_statuses() {
    let home = TempHome::new();
    let output = home.command(&["--help"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!("help", String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_wrong_command_is_a_usage_error_in_one_line() {
    let home = TempHome::new();
    for (arguments, expected) in [
        (&["run", "no-such-file.mp4"][..], "no-such-file.mp4: expected a file or a directory"),
        (&["list"][..], "expected a home with a database"),
        (&["list", "--state", "gone"][..], "expected one of received"),
        (&["probe", "/"][..], "expected an ordinary file"),
        (&["check", "--config", "nowhere.toml"][..], "expected a TOML file"),
    ] {
        let output = home.reelgate(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", talk(&output));
        assert!(talk(&output).contains(expected), "{arguments:?}: {}", talk(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}: data without success");
        assert_eq!(talk(&output).lines().count(), 1, "{arguments:?}: {}", talk(&output));
    }
}

#[test]
fn a_wrong_configuration_names_key_value_and_file() {
    let home = TempHome::new();
    let config = home.file("reelgate.toml");
    for (text, expected) in [
        ("[media.video]\ncrg = 20\n", "crg"),
        ("[media.video]\ncrf = 99\n", "expected 0 to 51, found 99"),
        ("[engine]\nlease_ms = \"soon\"\n", "lease_ms"),
        ("[engine\n", "reelgate.toml"),
    ] {
        std::fs::write(&config, text).unwrap();
        let output = home.reelgate(&["check", "--config", config.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{text}: {}", talk(&output));
        assert!(talk(&output).contains(expected), "{text}: {}", talk(&output));
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let home = TempHome::new();
    let config = home.file("reelgate.toml");
    std::fs::write(&config, "[media.video]\ncrf = 30\n").unwrap();
    let mut command = home.command(&["check", "--print-config", "--config", config.to_str().unwrap()]);
    let printed = command.env("REELGATE__MEDIA__VIDEO__CRF", "19").output().unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(text.lines().any(|line| line == "crf = 19"), "{text}");
}

#[test]
fn check_reaches_every_port() {
    let home = TempHome::new();
    let output = home.reelgate(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(!home.path().exists(), "check made a home");
    let text = String::from_utf8(output.stdout).unwrap();
    for port in ["store", "objects", "ingest", "notices file"] {
        assert!(text.contains(&format!("✓ {port}: ")), "{text}");
    }
    let (status, _) = home.run(&[&sample("playlist-in-disguise.mp4")]);
    assert_eq!(status, 3);
    let output = home.reelgate(&["check"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.lines().all(|line| line.starts_with('✓')), "{text}");
    assert!(text.lines().count() >= 6, "{text}");
}

#[test]
fn check_says_the_version_of_gstreamer_and_refuses_one_below_the_configured_minimum() {
    let home = TempHome::new();
    let output = home.reelgate(&["check"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let answer = text.lines().find_map(|line| line.strip_prefix("✓ media worker: ")).unwrap();
    let version = answer.strip_prefix("jailed and answering, GStreamer ").unwrap();
    let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
    let warned = String::from_utf8(output.stderr).unwrap().contains(&format!("GStreamer {version} is older"));
    assert_eq!(warned, numbers < vec![1, 28, 5], "{text}");
    let mut command = home.command(&["check"]);
    let output = command.env("REELGATE__MEDIA__GSTREAMER_MIN", "99.0.0").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = format!("expected GStreamer 99.0.0 or newer (`media.gstreamer_min`), found {version}");
    assert!(
        text.lines().any(|line| line.starts_with("✗ media worker") && line.contains(&expected)),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(3), "{text}");
    let mut command = home.command(&["check"]);
    let output = command.env("REELGATE__MEDIA__GSTREAMER_MIN", "new").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
}

#[test]
fn check_on_a_fresh_node_reaches_every_service_and_one_that_is_down_hides_no_other() {
    let home = TempHome::new();
    let mut command = home.command(&["check"]);
    command.envs([
        ("REELGATE__STORE__URL", "postgres://me@127.0.0.1:1/db"),
        ("REELGATE__OBJECTS__URL", "s3://bucket"),
        ("REELGATE__EVENTS__URL", "kinesis://uploads"),
        (
            "REELGATE__NOTICES__URLS",
            "[\"sns:arn:aws:sns:eu-west-1:111122223333:t\", \"file:/nowhere/notices\"]",
        ),
        ("REELGATE__AWS__ENDPOINT_URL", "http://127.0.0.1:1"),
        ("REELGATE__AWS__REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ]);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let failed: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("✗ ")).collect();
    let names: Vec<&str> = failed.iter().filter_map(|line| line.split([':', '-']).next()).collect();
    assert_eq!(
        names,
        ["store", "objects", "ingest", "ingest route", "notices sns", "notices file"],
        "{text}"
    );
    assert!(
        failed.iter().all(|line| line.split_once(": ").is_some_and(|(_, why)| !why.is_empty())),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(!home.path().exists(), "check made a home");
}

#[test]
fn probe_prints_the_facts_and_keeps_nothing() {
    let home = TempHome::new();
    let output = home.reelgate(&["probe", "--json", sample("big-buck-bunny-5s.mp4").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let probed = &lines(&output.stdout, "")[0];
    assert_eq!(probed["media"]["video"][0]["codec"], "h264");
    assert_eq!(probed["media"]["video"][0]["frames"], 132);
    assert_eq!(probed["sha256"].as_str().unwrap().len(), 64);
    assert!(!home.path().exists(), "probe made a home");
    let refused = home.reelgate(&["probe", "--json", sample("playlist-in-disguise.mp4").to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(lines(&refused.stdout, "")[0]["reason"]["code"], "playlist_refused");
}

#[test]
fn probe_refuses_what_run_refuses_before_it_encodes_and_says_what_it_has_not_looked_at() {
    let home = TempHome::new();
    let probed = |path: &Path| {
        let output = home.reelgate(&["probe", "--json", path.to_str().unwrap()]);
        (output.status.code(), lines(&output.stdout, &talk(&output)).remove(0))
    };
    let film = home.file("film.mp4");
    std::fs::copy(sample("big-buck-bunny-5s.mp4"), &film).unwrap();
    let (status, line) = probed(&film);
    assert_eq!(
        (status, &line["not_looked"]),
        (Some(0), &serde_json::json!(["decode", "screening"])),
        "{line}"
    );
    for (name, beside, text, code) in [
        ("a.mp4", ".sha256", "0".repeat(64), "checksum_mismatch"),
        ("b.mp4", ".reelgate.toml", "[video]\nrungs = [7]\n".to_owned(), "job_file_invalid"),
        ("jpeg2000.mov", ".note", String::new(), "unsupported_codec"),
    ] {
        let path = home.file(name);
        let undecodable = reelgate_test_media::files().join(name);
        std::fs::copy(if undecodable.exists() { &undecodable } else { &film }, &path).unwrap();
        std::fs::write(home.file(&format!("{name}{beside}")), text).unwrap();
        let (status, line) = probed(&path);
        assert_eq!((status, line["reason"]["code"].as_str()), (Some(3), Some(code)), "{line}");
        let (_, run) = home.run(&[&path]);
        assert_eq!(run[0]["reason"]["code"].as_str(), Some(code), "run says what probe says: {run:?}");
    }
    let captions = home.file("film.de.srt");
    std::fs::write(&captions, "1\n00:00:01,000 --> 00:00:02,000\nHallo\n").unwrap();
    let (status, line) = probed(&captions);
    assert_eq!((status, line["caption_file"].as_str()), (Some(0), Some("srt")), "{line}");
}

#[test]
fn list_show_and_why_print_what_run_did() {
    let home = TempHome::new();
    let (_, run) = home.run(&[&sample("playlist-in-disguise.mp4")]);
    let id = run[0]["asset_id"].as_str().unwrap();
    let listed = home.reelgate(&["list", "--json"]);
    assert_eq!(lines(&listed.stdout, "")[0]["asset_id"], id);
    let shown = home.reelgate(&["show", &id[..6]]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("playlist_refused") && text.contains("advice"), "{text}");
    let why = home.reelgate(&["why", id, "--json"]);
    let history = lines(&why.stdout, "");
    let sequence: Vec<u64> = history.iter().map(|record| record["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequence, (1..=history.len() as u64).collect::<Vec<_>>(), "no gap in the history");
    let what: Vec<&str> = history.iter().map(|record| record["what"].as_str().unwrap()).collect();
    for expected in ["claimed", "gave_up", "entered"] {
        assert!(what.contains(&expected), "{what:?}");
    }
}

#[test]
fn redrive_lets_the_next_run_try_a_refused_asset_again() {
    let home = TempHome::new();
    let (_, first) = home.run(&[&sample("playlist-in-disguise.mp4")]);
    let id = first[0]["asset_id"].as_str().unwrap();
    assert_eq!(home.reelgate(&["redrive", id]).status.code(), Some(0));
    let again = home.reelgate(&["redrive", id]);
    assert_eq!(again.status.code(), Some(2), "an asset under way cannot be redriven");
    let (status, second) = home.run(&[&sample("playlist-in-disguise.mp4")]);
    assert_eq!((status, second.len()), (3, 1));
    let validate = &second[0]["stages"][0];
    assert_eq!((validate["stage"].as_str(), validate["attempts"].as_u64()), (Some("validate"), Some(2)));
}

#[test]
fn an_asset_that_cannot_be_redriven_keeps_no_other_failed_one_from_its_next_try() {
    const FAIL: &str = "import sqlite3, sys\n\
                        base = sqlite3.connect(sys.argv[1])\n\
                        base.execute(\"UPDATE assets SET phase = 'failed', exit = NULL\")\n\
                        base.execute('UPDATE assets SET redrives = 100 WHERE arrival = 1')\n\
                        base.execute(\"UPDATE tasks SET state = 'dead' WHERE task = 'validate'\")\n\
                        base.commit()";
    let home = TempHome::new();
    let uploads = ["first.mp4", "second.mp4"].map(|name| home.file(name));
    for upload in &uploads {
        std::fs::write(upload, format!("no video: {}", upload.display())).unwrap();
        home.run(&[upload]);
    }
    let mut failed = std::process::Command::new("python3");
    failed.args(["-c", FAIL]).arg(home.path().join("reelgate.sqlite"));
    assert!(failed.status().unwrap().success());
    let redriven = home.reelgate(&["redrive", "--all-failed"]);
    assert_eq!(redriven.status.code(), Some(0), "{}", talk(&redriven));
    let text = talk(&redriven);
    assert!(text.contains("expected a failed or rejected asset that was not redriven too often"), "{text}");
    assert!(text.contains("1 failed asset gets another try"), "{text}");
    let listed = home.reelgate(&["list", "--json"]);
    let states: Vec<_> = lines(&listed.stdout, "").iter().map(|line| line["state"].clone()).collect();
    assert!(states.contains(&"received".into()) && states.contains(&"failed".into()), "{states:?}");
}

#[test]
fn a_second_process_in_the_same_home_is_refused() {
    let home = TempHome::new();
    std::fs::create_dir_all(home.path()).unwrap();
    let lock = std::fs::File::create(home.path().join("engine.lock")).unwrap();
    lock.lock().unwrap();
    let output = home.reelgate(&["run", sample("playlist-in-disguise.mp4").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(talk(&output).contains("another `reelgate run` or `serve` works in"), "{}", talk(&output));
}

#[test]
fn a_line_is_printed_when_its_asset_ends_while_another_asset_is_still_in_work() {
    let home = TempHome::new();
    let mut command = home.command(&["run", "--json"]);
    command.args([sample("big-buck-bunny-30s.webm"), sample("playlist-in-disguise.mp4")]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    printed.read_line(&mut first).unwrap();
    // What has not ended now is still in work, because the run is interrupted before it can end.
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let rest = std::io::read_to_string(printed).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", talk(&output));
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&first["state"], code(&first)), (&Value::from("rejected"), "playlist_refused"));
    let [second] = &lines(rest.as_bytes(), &talk(&output))[..] else {
        panic!("one line for each asset: {rest}")
    };
    assert!(["received", "processing"].contains(&second["state"].as_str().unwrap()), "{second}");
}

#[test]
fn real_output_fits_the_published_schema() {
    let home = TempHome::new();
    let (_, run) = home.run(&[
        &sample("big-buck-bunny-5s.mp4"),
        &sample("planted-card-number.mp4"),
        &sample("playlist-in-disguise.mp4"),
    ]);
    assert_eq!(run.len(), 3);
    for line in &run {
        assert_eq!(undocumented(line), Vec::<String>::new());
    }
    let mut broken = run[0].clone();
    broken["state"] = "gone".into();
    assert!(!undocumented(&broken).is_empty(), "the schema refuses what is not documented");
}

#[test]
fn every_key_of_the_configuration_is_documented() {
    let home = TempHome::new();
    let printed = home.reelgate(&["check", "--print-config"]);
    let config: Value = toml::from_str::<toml::Value>(&String::from_utf8(printed.stdout).unwrap())
        .map(|value| serde_json::to_value(value).unwrap())
        .unwrap();
    let guide = include_str!("../../docs/reference/configuration.md");
    let mut keys = Vec::new();
    leaves(&config, &mut keys);
    assert!(keys.len() > 40, "found {} keys", keys.len());
    for key in keys {
        assert!(guide.contains(&format!("`{key}`")), "docs/reference/configuration.md lacks `{key}`");
    }
}

fn leaves(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if !value.is_object() {
                    keys.push(key.clone());
                }
                leaves(value, keys);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(item, keys)),
        _ => {}
    }
}

#[test]
fn list_prints_the_newest_first_and_continues_before_the_last_asset_of_a_page() {
    let home = TempHome::new();
    let mut ids = Vec::new();
    for name in ["first.mp4", "second.mp4", "third.mp4"] {
        let file = home.file(name);
        std::fs::copy(sample("playlist-in-disguise.mp4"), &file).unwrap();
        let (_, run) = home.run_with(&["--force"], &[&file]);
        ids.push(run[0]["asset_id"].as_str().unwrap().to_owned());
    }
    let listed = |arguments: &[&str]| {
        let output = home.reelgate(&[&["list", "--json"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
        let ids =
            lines(&output.stdout, "").into_iter().map(|line| line["asset_id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]), [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
    assert_eq!(listed(&["--limit", "2"]), ids[1..].iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(listed(&["--limit", "2", "--before", &ids[1]]), ids[..1]);
    let page = home.reelgate(&["list", "--limit", "2"]);
    assert!(talk(&page).contains(&format!("--before {}", ids[1])), "{}", talk(&page));
    let rest = home.reelgate(&["list", "--limit", "2", "--before", &ids[1][..8]]);
    assert_eq!(talk(&rest), "", "nothing follows");
    let unknown = home.reelgate(&["list", "--before", "zzzz"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_service_that_cannot_be_reached_is_reported_without_the_secrets_of_its_address() {
    let home = TempHome::new();
    home.run(&[&sample("playlist-in-disguise.mp4")]);
    let web = "http://user:sesame@127.0.0.1:1/sesame?key=sesame";
    let secret = ("REELGATE__NOTICES__WEBHOOK_SECRET", "sesame-sesame-sesame");
    for (arguments, settings) in [
        (&["check"][..], vec![("REELGATE__NOTICES__WEBHOOK_URL", web), secret]),
        (
            &["check"][..],
            vec![("REELGATE__STORE__URL", "postgres://user:sesame@127.0.0.1:1/db?application_name=sesame")],
        ),
        (
            &["check"][..],
            vec![
                ("REELGATE__OBJECTS__URL", "s3://bucket/prefix"),
                ("REELGATE__AWS__ENDPOINT_URL", web),
                ("REELGATE__AWS__REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "AKIDSESAME"),
                ("AWS_SECRET_ACCESS_KEY", "sesame"),
                ("AWS_MAX_ATTEMPTS", "1"),
            ],
        ),
        (&["check", "--print-config"][..], vec![("REELGATE__TELEMETRY__OTLP", web)]),
        (&["check"][..], vec![("REELGATE__NOTICES__URLS", "[\"https://127.0.0.1:1/sesame\"]")]),
        (&["check"][..], vec![("REELGATE__NOTICES__WEBHOOK_SECRET", "12345678901234567")]),
    ] {
        let mut command = home.command(&[arguments, &["--log", "trace"]].concat());
        let output = command.envs(settings.iter().copied()).output().unwrap();
        let shown =
            [String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap()].concat();
        assert!(!shown.is_empty(), "{settings:?}");
        assert!(!shown.contains("sesame") && !shown.contains("1234567890"), "{settings:?}: {shown}");
    }
    let mut run =
        home.command(&["run", "--log", "trace", sample("playlist-in-disguise.mp4").to_str().unwrap()]);
    let output = run.env("REELGATE__TELEMETRY__OTLP", web).output().unwrap();
    assert!(!talk(&output).contains("sesame"), "{}", talk(&output));
}
