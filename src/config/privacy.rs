//! The configuration of the search for personal data and of the response to findings.

use reelgate_flow::asset::Severity;
use reelgate_flow::policy::{REQUIRED_SURFACES, Rule};
use reelgate_flow::surface::Surface;
use reelgate_pipelines::recipes::settings::ScreenTextSettings;
use reelgate_privacy::{AllowList, Classifier, ConfigError, CustomIdentifier, Fingerprinter, Options};
use serde::{Deserialize, Serialize};

use super::secret::{Secret, SecretUrl};

const HOUR_MS: u64 = 3_600_000;

/// The search for personal data and the response to findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacyRaw {
    /// Rules, in order; the first one that fits a finding decides. Default none: high is quarantined, medium is published
    /// and marked, low is recorded.
    pub rules: Vec<Rule>,
    /// The surfaces that must be analysed whole before an asset counts as clean: `name`, `metadata`, `tags`, `chapters`,
    /// `subtitles`, `captions`, `locations`, `on_screen_text`, `codes`, `caption_files`. Default: the first seven, and what `media.screen_text`
    /// switches on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surfaces: Option<Vec<Surface>>,
    /// The scanners that must answer before an asset is published: `local`, `macie` or `both`. Default `local`. The classifier
    /// of this program always answers, so `macie` and `both` mean the same. They need `aws.macie`.
    pub required: Required,
    /// Longest time that an asset waits for Macie's answer before it fails, seconds, 60 to 2,592,000. Default 21,600: six
    /// hours.
    pub wait_s: u32,
    /// Receivers of notices about severe findings only, in addition to those of `notices`. Default none.
    pub alerts: Vec<AlertRaw>,
    /// Whether a release and an erasure are proposed by one person and approved by another. Default false: small teams may have
    /// no second person.
    pub two_people: bool,
    /// Hours that a proposal waits for the second person, 1 to 8,760. Default 72.
    pub approval_hours: u32,
    /// Days after which a reminder is sent about an asset that is still quarantined, 1 to 3,650; repeated at this interval.
    /// Default 90. Nothing is ever removed for its age.
    pub review_days: u32,
    /// Ids of built-in identifiers that are not looked for, as `reelgate scan --types` lists them. Default none.
    pub disabled: Vec<String>,
    /// Further identifiers, at most 100. Default none.
    pub custom_identifiers: Vec<CustomIdentifier>,
    /// Values that are never reported, whichever identifier finds them. Default none.
    pub allow_lists: Vec<AllowList>,
    /// Key of the fingerprints by which a value is recognised in another asset, at least 16 bytes. Set it by the environment:
    /// REELGATE__PRIVACY__FINGERPRINT_KEY. Default empty: no fingerprints.
    pub fingerprint_key: Secret,
}

impl Default for PrivacyRaw {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            surfaces: None,
            required: Required::Local,
            wait_s: 21_600,
            alerts: Vec::new(),
            two_people: false,
            approval_hours: 72,
            review_days: 90,
            disabled: Vec::new(),
            custom_identifiers: Vec::new(),
            allow_lists: Vec::new(),
            fingerprint_key: Secret::default(),
        }
    }
}

/// The scanners that must answer before an asset is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Required {
    /// The classifier of this program.
    Local,
    /// Amazon Macie in addition.
    Macie,
    /// The same as `Macie`.
    Both,
}

impl Required {
    /// Whether Macie's answer is waited for.
    pub fn is_macies(self) -> bool {
        self != Self::Local
    }
}

/// A receiver of notices about severe findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRaw {
    /// At least this severity. Default `high`.
    #[serde(default = "high")]
    pub severity: Severity,
    /// The receiver: `sns:TOPIC-ARN`, `eventbridge:BUS`, `file:PATH`.
    pub url: SecretUrl,
}

fn high() -> Severity {
    Severity::High
}

impl PrivacyRaw {
    /// The surfaces that must be analysed whole.
    pub fn required_surfaces(&self, pictures: &ScreenTextSettings) -> Vec<Surface> {
        let switched_on = [(Surface::OnScreenText, pictures.on_screen), (Surface::Codes, pictures.codes)];
        let switched_on = switched_on.into_iter().filter_map(|(surface, is_on)| is_on.then_some(surface));
        let default = || REQUIRED_SURFACES.into_iter().chain(switched_on).collect();
        self.surfaces.clone().unwrap_or_else(default)
    }

    /// How long a proposal waits for a second person, milliseconds; `None` where one person decides.
    pub fn approval_ms(&self) -> Option<u64> {
        self.two_people.then_some(u64::from(self.approval_hours) * HOUR_MS)
    }

    /// Checks that every required surface is analysed with these settings. Otherwise no asset could ever be clean.
    fn validate_surfaces(&self, pictures: &ScreenTextSettings) -> Result<(), String> {
        for surface in self.surfaces.iter().flatten() {
            let switch = match surface {
                Surface::OnScreenText if !pictures.on_screen => "media.screen_text.on_screen",
                Surface::Codes if !pictures.codes => "media.screen_text.codes",
                other if !other.is_analysable() => {
                    let expected = "privacy.surfaces: expected surfaces that can be analysed";
                    return Err(format!("{expected}, found {}", other.as_str()));
                }
                _ => continue,
            };
            let found = surface.as_str();
            return Err(format!(
                "privacy.surfaces: expected {switch} to be true, because {found} is required"
            ));
        }
        Ok(())
    }

    /// Checks ranges and definitions.
    pub fn validate(&self, pictures: &ScreenTextSettings) -> Result<(), String> {
        self.validate_surfaces(pictures)?;
        if !(1..=3_650).contains(&self.review_days) {
            return Err(format!("privacy.review_days: expected 1 to 3650, found {}", self.review_days));
        }
        if !(1..=8_760).contains(&self.approval_hours) {
            return Err(format!("privacy.approval_hours: expected 1 to 8760, found {}", self.approval_hours));
        }
        if !(60..=2_592_000).contains(&self.wait_s) {
            return Err(format!("privacy.wait_s: expected 60 to 2592000, found {}", self.wait_s));
        }
        let classifies_as_built = self.disabled.is_empty()
            && self.custom_identifiers.is_empty()
            && self.allow_lists.is_empty()
            && self.fingerprint_key.is_empty();
        // A verb that never classifies does not pay for building the automata of two hundred identifiers.
        if classifies_as_built { Ok(()) } else { self.classifier().map(drop) }
    }

    /// The classifier as configured; an error names the key, and never a value of it that is secret.
    pub fn classifier(&self) -> Result<Classifier, String> {
        let refused = |error: ConfigError| format!("{}: {error}", key_of(&error));
        let fingerprinter = match self.fingerprint_key.reveal().as_bytes() {
            [] => None,
            key => Some(Fingerprinter::new(key).map_err(refused)?),
        };
        let options = Options { disabled: self.disabled.clone(), fingerprinter };
        Classifier::with(&self.custom_identifiers, &self.allow_lists, options).map_err(refused)
    }
}

/// The key that an error of the classifier is about.
fn key_of(error: &ConfigError) -> &'static str {
    match error {
        ConfigError::NameLength { .. }
        | ConfigError::NameTaken { .. }
        | ConfigError::TooMany { .. }
        | ConfigError::RegexLength { .. }
        | ConfigError::Regex { .. }
        | ConfigError::RegexMatchesNothing { .. }
        | ConfigError::Keywords { .. }
        | ConfigError::IgnoreWords { .. }
        | ConfigError::Distance { .. }
        | ConfigError::SeverityLevels { .. } => "privacy.custom_identifiers",
        ConfigError::AllowedWords { .. } | ConfigError::AllowedRegex { .. } => "privacy.allow_lists",
        ConfigError::UnknownIdentifier { .. } => "privacy.disabled",
        ConfigError::FingerprintKey { .. } => "privacy.fingerprint_key",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_classifier_names_the_key_and_never_the_secret() {
        for (text, key) in [
            ("disabled = [\"CREDIT_CARD\"]", "privacy.disabled: there is no identifier \"CREDIT_CARD\""),
            ("fingerprint_key = \"sesame\"", "privacy.fingerprint_key: a fingerprint key must have 16 bytes"),
            ("[[custom_identifiers]]\nname = \"badge\"\nregex = \"(\"", "privacy.custom_identifiers: "),
            ("[[allow_lists]]\nregex = \"(\"", "privacy.allow_lists: the expression of \"an allow list\""),
            ("[[allow_lists]]\nwords = [\"\"]", "privacy.allow_lists: an allow list may have 100,000 words"),
        ] {
            let raw: PrivacyRaw = toml::from_str(text).unwrap();
            let error = raw.validate(&ScreenTextSettings::default()).unwrap_err();
            assert!(error.starts_with(key) && !error.contains("sesame"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_switched_on_is_required_and_what_is_never_analysed_cannot_be() {
        let on = ScreenTextSettings { on_screen: true, ..ScreenTextSettings::default() };
        let default = PrivacyRaw::default();
        assert_eq!(default.required_surfaces(&ScreenTextSettings::default()), REQUIRED_SURFACES);
        let with_pictures = [&REQUIRED_SURFACES[..], &[Surface::OnScreenText]].concat();
        assert_eq!(default.required_surfaces(&on), with_pictures);
        let of = |text: &str| toml::from_str::<PrivacyRaw>(text).unwrap();
        assert_eq!(
            of("surfaces = [\"name\", \"tags\"]").required_surfaces(&on),
            [Surface::Name, Surface::Tags]
        );
        of("surfaces = [\"on_screen_text\"]").validate(&on).unwrap();
        for (text, expected) in [
            ("surfaces = [\"speech\"]", "expected surfaces that can be analysed, found speech"),
            (
                "surfaces = [\"codes\"]",
                "expected media.screen_text.codes to be true, because codes is required",
            ),
        ] {
            let error = of(text).validate(&on).unwrap_err();
            assert_eq!(error, format!("privacy.surfaces: {expected}"));
        }
        assert!(toml::from_str::<PrivacyRaw>("surfaces = [\"smell\"]").is_err());
    }

    #[test]
    fn printed_definitions_can_be_loaded_again() {
        let text = r#"
            disabled = ["ADDRESS"]
            surfaces = ["name", "tags"]
            [[custom_identifiers]]
            name = "badge"
            regex = "B-[0-9]{4}"
            keywords = ["badge"]
            severity_levels = [{ occurrences_threshold = 2, severity = "HIGH" }]
            [[allow_lists]]
            words = ["B-0000"]
            [[allow_lists]]
            regex = "B-9.*"
        "#;
        let raw: PrivacyRaw = toml::from_str(text).unwrap();
        raw.validate(&ScreenTextSettings::default()).unwrap();
        assert_eq!(toml::from_str::<PrivacyRaw>(&toml::to_string(&raw).unwrap()).unwrap(), raw);
    }
}
