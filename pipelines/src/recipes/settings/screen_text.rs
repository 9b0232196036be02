//! Whether and how text and codes are read in pictures.

use serde::{Deserialize, Serialize};

use super::settings_error::{SettingsError, within, wrong};
use crate::messages::ScreenTextJob;

/// Most languages; each makes reading slower.
const LANGUAGES_MAX: usize = 8;

/// Text and codes that are read in pictures. Every asset records as not analysed what is switched off here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScreenTextSettings {
    /// Read on-screen text with Tesseract. Default false: reading costs about as much as decoding, and
    /// every node needs the packages of Tesseract and its languages.
    pub on_screen: bool,
    /// Languages by Tesseract's names, 1 to 8. Default `eng`: the language that Tesseract's
    /// Debian package contains.
    pub languages: Vec<String>,
    /// Decode QR codes. Default false: like text, it needs an extra pass over the pictures.
    pub codes: bool,
    /// Approximate milliseconds between pictures that are read, 500 to 60,000. Default 2,000: text that people shall
    /// read is on screen at least that long.
    pub interval_ms: u32,
}

impl Default for ScreenTextSettings {
    fn default() -> Self {
        Self { on_screen: false, languages: vec!["eng".into()], codes: false, interval_ms: 2_000 }
    }
}

impl ScreenTextSettings {
    /// The job with these settings, for a picture of this size as displayed.
    pub fn job(&self, keyframes_only: bool, (width, height): (u32, u32)) -> ScreenTextJob {
        ScreenTextJob {
            languages: if self.on_screen { self.languages.clone() } else { Vec::new() },
            codes: self.codes,
            interval_ns: self.interval_ns(),
            keyframes_only,
            width,
            height,
        }
    }

    /// Approximate nanoseconds between pictures that are read.
    pub fn interval_ns(&self) -> u64 {
        u64::from(self.interval_ms) * 1_000_000
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        within("screen_text.interval_ms", self.interval_ms, 500, 60_000)?;
        let are_names = self.languages.iter().all(|language| is_language(language));
        if self.languages.is_empty() || self.languages.len() > LANGUAGES_MAX || !are_names {
            let expected = format!("1 to {LANGUAGES_MAX} names such as eng or chi_sim");
            return Err(wrong("screen_text.languages", &expected, self.languages.join(", ")));
        }
        Ok(())
    }
}

/// Checks a language's name, because it becomes part of a file's name.
fn is_language(name: &str) -> bool {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_plain && (1..=32).contains(&name.len())
}
