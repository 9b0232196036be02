//! The version of GStreamer in a media worker: which ones are known to be sound, and which an operator accepts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A release of GStreamer. A development version ends with a fourth number, which is not compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GstreamerVersion {
    major: u16,
    minor: u16,
    micro: u16,
}

/// From this release on, all weaknesses are mended that were known when this was written. A distribution may mend them in an
/// older release without a change of its number, so an older one is only warned about.
pub const RECOMMENDED: GstreamerVersion = GstreamerVersion { major: 1, minor: 28, micro: 5 };

impl GstreamerVersion {
    /// What to tell the operator about a worker that said this version; `None` if there is nothing to say.
    pub fn warning(said: &str) -> Option<String> {
        let found: Self = said.parse().ok()?;
        (found < RECOMMENDED).then(|| {
            format!(
                "GStreamer {found} is older than {RECOMMENDED}: unless your distribution mends it, files can use known weaknesses \
                 of its decoders, inside the jail; `media.gstreamer_min` refuses old ones"
            )
        })
    }
}

impl FromStr for GstreamerVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = text.split('.').map(str::parse::<u16>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(micro))) => Ok(Self { major, minor, micro }),
            _ => Err(format!("expected a version such as {RECOMMENDED}, found {text:?}")),
        }
    }
}

impl TryFrom<String> for GstreamerVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<GstreamerVersion> for String {
    fn from(version: GstreamerVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for GstreamerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number_and_not_by_text() {
        let version = |text: &str| text.parse::<GstreamerVersion>().unwrap();
        assert!(version("1.9.0") < version("1.22.0"));
        assert!(version("1.28.10") > RECOMMENDED);
        assert_eq!(version("1.29.1.2"), version("1.29.1"), "a development version");
    }

    #[test]
    fn only_old_versions_are_warned_about() {
        assert!(
            GstreamerVersion::warning("1.22.0")
                .unwrap()
                .starts_with("GStreamer 1.22.0 is older than 1.28.5: ")
        );
        assert_eq!(GstreamerVersion::warning("1.28.5"), None);
        assert_eq!(GstreamerVersion::warning("1.28.8"), None);
    }

    #[test]
    fn another_text_is_refused_with_what_was_expected() {
        for text in ["", "1.28", "new", "1.x.0", "-1.2.3"] {
            assert!(text.parse::<GstreamerVersion>().unwrap_err().contains("such as 1.28.5"), "{text}");
        }
    }
}
