//! No secret leaves the configuration: not when it is printed, and not in an error, whichever key it was written to.

use std::path::Path;

use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map};
use figment::{Figment, Metadata, Profile, Provider};

use super::layer::{keys_of_text, values_of_texts};
use super::{Config, Raw, changes};
use crate::cli::GlobalArgs;
use crate::exit::Failure;

const PLANTED: &str = "sesame-sesame-sesame";

/// Keys whose values are names, which an operator must see. A new key with text is either of a type of `secret.rs` or here.
const NAMES: [&str; 19] = [
    "aws.bucket_owner",
    "aws.kms_key_id",
    "aws.macie.account",
    "aws.region",
    "aws.viewer_role",
    "cost.caps.asset",
    "cost.caps.day",
    "cost.caps.month",
    "cost.node_type",
    "cost.prices",
    "cost.purchase",
    "events.fan_out",
    "node.cloudwatch_fleet",
    "node.cloudwatch_metrics",
    "node.name",
    "objects.scratch",
    "privacy.required",
    "publish.path_template",
    "serve.listen",
];

/// Keys that are shown if they hold no address, because they are paths then.
const PATHS: [&str; 8] = [
    "aws.macie.area",
    "events.url",
    "objects.ingest",
    "objects.published",
    "objects.quarantine",
    "objects.rejected",
    "objects.url",
    "objects.work",
];

async fn load(dir: &Path, text: &str) -> Result<Config, Failure> {
    let file = dir.join("reelgate.toml");
    std::fs::write(&file, text).unwrap();
    Config::load(&GlobalArgs { home: dir.to_path_buf(), config: Some(file) }).await
}

fn secret_keys() -> Vec<String> {
    // The path of the Parameter Store is a name as well; a configuration that has one is read from AWS.
    let is_shown =
        |key: &String| NAMES.contains(&key.as_str()) || key.starts_with("media.") || key == "aws.parameters";
    keys_of_text().into_iter().filter(|key| !is_shown(key)).collect()
}

/// Loads a configuration with a planted secret; returns whether it was accepted.
async fn hides(dir: &Path, text: &str) -> Option<Config> {
    match load(dir, text).await {
        Ok(config) => {
            let (printed, debugged) = (config.to_toml().unwrap(), format!("{config:?}"));
            assert!(!printed.contains("sesame"), "{text}: printed as\n{printed}");
            assert!(!debugged.contains("sesame"), "{text}: shown as {debugged}");
            Some(config)
        }
        Err(failure) => {
            let shown = format!("{failure} {failure:?}");
            assert!(!shown.contains("sesame"), "{text}: {shown}");
            None
        }
    }
}

#[tokio::test]
async fn a_secret_in_any_key_that_may_hold_one_is_not_printed() {
    let dir = tempfile::tempdir().unwrap();
    let keys = secret_keys();
    assert!(keys.len() >= 14, "{keys:?}");
    for key in &keys {
        let mut accepted = 0;
        for value in [
            format!("https://user:{PLANTED}@host/{PLANTED}?key={PLANTED}#{PLANTED}"),
            format!("postgres://user:{PLANTED}@host/database?password={PLANTED}"),
            format!("s3://key:{PLANTED}@bucket/prefix"),
            PLANTED.to_owned(),
        ] {
            if value == PLANTED && PATHS.contains(&key.as_str()) {
                continue;
            }
            let mut text = format!("{key} = \"{value}\"\n");
            let mut expected = vec![key.clone()];
            if key == "notices.webhook_url" {
                text += "notices.webhook_secret = \"0123456789abcdef\"\n";
                expected.insert(0, "notices.webhook_secret".into());
            }
            if let Some(config) = hides(dir.path(), &text).await {
                accepted += 1;
                assert_eq!(changes(&Raw::default(), &config.raw), expected, "the change is noticed");
            }
        }
        assert!(accepted > 0, "{key}: no value was accepted");
    }
    for text in [
        format!("[notices]\nurls = [\"https://user:{PLANTED}@host/{PLANTED}\", \"{PLANTED}\"]\n"),
        format!("[[privacy.alerts]]\nurl = \"https://host/{PLANTED}\"\n"),
    ] {
        assert!(hides(dir.path(), &text).await.is_some(), "{text}");
    }
}

#[tokio::test]
async fn an_error_quotes_no_value_of_whatever_key() {
    let dir = tempfile::tempdir().unwrap();
    let digits = "4711471147114711";
    for key in keys_of_text() {
        for (value, quoted) in [
            (format!("[\"{PLANTED}\"]"), "sesame"),
            (format!("{{ key = \"{PLANTED}\" }}"), "sesame"),
            (format!("\"{PLANTED}"), "sesame"),
            (digits.to_owned(), "4711"),
        ] {
            let accepts_numbers = ["aws.bucket_owner", "aws.macie.account"].contains(&key.as_str());
            if quoted == "4711" && accepts_numbers {
                continue;
            }
            let refused = load(dir.path(), &format!("{key} = {value}\n")).await;
            let shown = refused.expect_err(&key).to_string();
            assert!(!shown.contains(quoted), "{key}: {shown}");
        }
    }
    for text in [
        format!("[engine]\nlease_ms = \"{PLANTED}\"\n"),
        format!("[engine]\nunknown = \"{PLANTED}\"\n"),
        format!("[privacy]\nrequired = \"{PLANTED}\"\n"),
        format!("[privacy]\nfingerprint_key = \"sesame\"\n# {PLANTED}"),
        format!("[node]\nroles = [\"{PLANTED}\"]\n"),
        format!("[notices]\nurls = \"{PLANTED}\"\n"),
        format!("[[privacy.alerts]]\nurl = \"file:x\"\nseverity = \"{PLANTED}\"\n"),
        format!("[telemetry]\notlp = \"{PLANTED}\"\n"),
        format!("[notices]\nwebhook_secret = \"sesame\"\nwebhook_url = \"http://host/{PLANTED}\"\n"),
        format!("webhook_secret = \"{PLANTED}\" \"\n"),
        PLANTED.to_owned(),
    ] {
        assert!(hides(dir.path(), &text).await.is_none(), "accepted: {text}");
    }
}

/// Texts as the environment or the Parameter Store gives them.
struct Texts(Vec<(String, String)>);

impl Provider for Texts {
    fn metadata(&self) -> Metadata {
        Metadata::named("the documented variables")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        values_of_texts(self.0.clone())
    }
}

#[test]
fn the_documented_variables_of_lists_and_tables_mean_what_they_say() {
    let document = include_str!("../../docs/reference/configuration.md");
    let variables: Vec<(String, String)> = document
        .lines()
        .filter_map(|line| line.strip_prefix("REELGATE__")?.strip_suffix('\'')?.split_once("='"))
        .map(|(name, value)| (name.to_lowercase().replace("__", "."), value.to_owned()))
        .collect();
    assert_eq!(variables.len(), 5, "{variables:?}");
    let defaults = Figment::from(Serialized::defaults(Raw::default()));
    let raw: Raw = defaults.merge(Texts(variables)).extract().unwrap();
    let as_toml: Raw = Figment::from(Serialized::defaults(Raw::default()))
        .merge(Toml::string(
            r#"
            node.roles = ["intake", "light"]
            notices.urls = ["file:notices.jsonl", "sns:arn:aws:sns:eu-west-1:111122223333:assets"]
            privacy.two_people = true
            privacy.alerts = [{ severity = "high", url = "file:alerts.jsonl" }]
            [[privacy.rules]]
            kinds = ["PHONE_NUMBER"]
            prefix = "adverts/"
            action = "log"
            [[privacy.rules]]
            severity = "medium"
            action = "quarantine"
            "#,
        ))
        .extract()
        .unwrap();
    assert_eq!(raw.privacy, as_toml.privacy);
    assert_eq!((raw.node.roles, raw.notices.urls), (as_toml.node.roles, as_toml.notices.urls));
}
