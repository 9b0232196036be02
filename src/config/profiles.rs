//! Profiles as written: what differs from the settings of all other uploads.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_actors::profiles::{Profile, Profiles};
use reelgate_flow::policy::Rule;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_ports::judgement::comparable;
use reelgate_ports::order::Priority;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Longest name, bytes.
const NAME_BYTES_MAX: usize = 64;

/// One profile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileRaw {
    /// What the keys of its uploads begin with, at least one. The longest prefix of a key decides. The key of a file that is read
    /// in place is its absolute path.
    pub prefixes: Vec<String>,
    /// `high`, `normal` or `low`. Default: that of the source, which is normal for all but an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Rules for its uploads, as in `privacy.rules` but without `prefix`. They count before those of profiles with a shorter
    /// prefix, and these before `privacy.rules`. Default none.
    pub rules: Vec<Rule>,
    /// Keys of `media.video` that differ.
    pub video: Map<String, Value>,
    /// Keys of `media.audio` that differ.
    pub audio: Map<String, Value>,
    /// Keys of `media.cut` that differ.
    pub cut: Map<String, Value>,
}

/// The profiles in effect; an error names the key, what was expected and what was found.
pub fn profiles(written: &BTreeMap<String, ProfileRaw>, media: &Settings) -> Result<Profiles, String> {
    let mut prefixes = BTreeSet::new();
    let mut all = Vec::new();
    for (name, raw) in written {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(is_plain) {
            return Err(format!(
                "profiles: expected names of at most {NAME_BYTES_MAX} letters, digits, `-` and `_`, found another"
            ));
        }
        if raw.prefixes.is_empty() {
            return Err(format!("profiles.{name}.prefixes: expected at least one prefix, found none"));
        }
        if raw.rules.iter().any(|rule| !rule.prefix.is_empty()) {
            return Err(format!(
                "profiles.{name}.rules.prefix: expected none, because the profile has prefixes, found one"
            ));
        }
        for prefix in &raw.prefixes {
            if !prefixes.insert(comparable(prefix)) {
                return Err(format!("profiles.{name}.prefixes: expected each prefix once, found one twice"));
            }
        }
        all.push(Profile {
            name: name.clone(),
            prefixes: raw.prefixes.iter().map(|prefix| comparable(prefix)).collect(),
            priority: raw.priority,
            settings: settings(name, raw, media)?,
        });
    }
    Ok(Profiles::new(all))
}

/// The rules of all profiles, those of the longest prefix first, then the others in their order.
pub fn rules(written: &BTreeMap<String, ProfileRaw>, others: &[Rule]) -> Vec<Rule> {
    let below = |rule: &Rule, prefix: &str| Rule { prefix: comparable(prefix), ..rule.clone() };
    let mut rules = Vec::new();
    for raw in written.values() {
        for prefix in &raw.prefixes {
            rules.extend(raw.rules.iter().map(|rule| below(rule, prefix)));
        }
    }
    // Stable: the rules of one prefix stay in their order.
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.prefix.len()));
    rules.extend(others.iter().map(|rule| below(rule, &rule.prefix)));
    rules
}

fn settings(name: &str, raw: &ProfileRaw, media: &Settings) -> Result<Settings, String> {
    let key = |table: &str| format!("profiles.{name}.{table}");
    let settings = Settings {
        video: merged(&key("video"), &media.video, &raw.video)?,
        audio: merged(&key("audio"), &media.audio, &raw.audio)?,
        cut: merged(&key("cut"), &media.cut, &raw.cut)?,
        ..media.clone()
    };
    settings.validate().map_err(|error| {
        format!("{}: expected {}, found {}", key(&error.field), error.expected, error.found)
    })?;
    Ok(settings)
}

/// A table with some of its keys replaced.
fn merged<T: Serialize + DeserializeOwned>(
    key: &str,
    table: &T,
    over: &Map<String, Value>,
) -> Result<T, String> {
    let wrong = |error: serde_json::Error| format!("{key}: {error}");
    let mut whole = serde_json::to_value(table).map_err(wrong)?;
    if let Value::Object(whole) = &mut whole {
        whole.extend(over.clone());
    }
    serde_json::from_value(whole).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reelgate_flow::asset::{Response, Severity};
    use reelgate_flow::policy::Policy;

    fn of(text: &str) -> Result<Profiles, String> {
        let written: BTreeMap<String, ProfileRaw> =
            toml::from_str(text).map_err(|error| error.to_string())?;
        profiles(&written, &Settings::default())
    }

    #[test]
    fn a_profile_differs_in_what_it_names_and_in_nothing_else() {
        let profiles = of("[studio]\nprefixes = [\"studio/\"]\npriority = \"high\"\nvideo.crf = 19\n\
             [[studio.video.rungs]]\nheight = 240\nbitrate_bps = 400000\n")
        .unwrap();
        let found = profiles.named("studio").unwrap();
        let mut expected = Settings::default();
        expected.video.crf = 19;
        expected.video.rungs.retain(|rung| rung.height == 240);
        assert_eq!((&found.settings, found.priority), (&expected, Some(Priority::High)));
        assert!(profiles.of_key("studio/a.mp4").is_some() && profiles.of_key("other/a.mp4").is_none());
    }

    #[test]
    fn the_rules_of_the_longest_prefix_count_first() {
        let text = "[a]\nprefixes = [\"a/\", \"o/\"]\n[[a.rules]]\nseverity = \"medium\"\naction = \"quarantine\"\n\
                    [[a.rules]]\naction = \"publish_tagged\"\n\
                    [news]\nprefixes = [\"a/news/\"]\n[[news.rules]]\nkinds = [\"PHONE_NUMBER\"]\naction = \"log\"\n";
        let written: BTreeMap<String, ProfileRaw> = toml::from_str(text).unwrap();
        let everywhere = Rule {
            severity: Severity::High,
            kinds: Vec::new(),
            prefix: String::new(),
            action: Response::RedactThenPublish,
        };
        let policy = Policy { rules: rules(&written, &[everywhere]), ..Policy::default() };
        let answer = |severity, key| policy.answer(severity, "PHONE_NUMBER", key);
        assert_eq!(answer(Severity::High, "a/news/x.mp4"), Response::Log);
        assert_eq!(policy.answer(Severity::High, "OTHER", "a/news/x.mp4"), Response::Quarantine);
        assert_eq!(answer(Severity::Medium, "o/x.mp4"), Response::Quarantine);
        assert_eq!(answer(Severity::Low, "a/x.mp4"), Response::PublishTagged);
        assert_eq!(answer(Severity::High, "b/x.mp4"), Response::RedactThenPublish);
    }

    #[test]
    fn a_wrong_profile_is_refused_with_its_key() {
        for (text, expected) in [
            ("[a]\n", "profiles.a.prefixes: expected at least one prefix, found none"),
            (
                "[a]\nprefixes = [\"x\"]\n[b]\nprefixes = [\"x\"]\n",
                "profiles.b.prefixes: expected each prefix once",
            ),
            ("[\"a b\"]\nprefixes = [\"x\"]\n", "profiles: expected names of at most 64 letters"),
            ("[a]\nprefixes = [\"x\"]\nvideo.crf = 52\n", "profiles.a.video.crf: expected 0 to 51, found 52"),
            ("[a]\nprefixes = [\"x\"]\nvideo.crg = 5\n", "profiles.a.video: unknown field `crg`"),
            ("[a]\nprefixes = [\"x\"]\ncut.chunk_s = 3\n", "profiles.a.cut.chunk_s: expected"),
            ("[a]\nprefixes = [\"x\"]\naudio.channels = \"two\"\n", "profiles.a.audio: invalid type"),
            (
                "[a]\nprefixes = [\"x\"]\n[[a.rules]]\nprefix = \"y\"\naction = \"log\"\n",
                "profiles.a.rules.prefix: expected none",
            ),
            ("[a]\nprefixes = [\"x\"]\nlimits.tracks_max = 3\n", "unknown field `limits`"),
            ("[a]\nprefixes = [\"x\"]\npriority = \"urgent\"\n", "unknown variant `urgent`"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
