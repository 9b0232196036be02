//! Ids: each kind is its own type, so that one cannot be used in place of another.

use alloc::string::{String, ToString};
use core::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(String);

        impl $name {
            /// Wraps a text that is known to be an id of this kind.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// One upload: 26 characters of lower-case base32 (130 bits) derived from bucket, key and version, so that every node
    /// derives the same id from the same upload.
    AssetId
);
impl AssetId {
    /// Characters of every id; 130 bits cannot collide by chance.
    pub const CHARS: usize = 26;

    /// Whether an id can begin with this text.
    pub fn can_begin(text: &str) -> bool {
        text.len() <= Self::CHARS && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    }

    /// Whether a text has the form of an id.
    pub fn has_form(text: &str) -> bool {
        text.len() == Self::CHARS && Self::can_begin(text)
    }
}

text_id!(
    /// One running process that claims tasks.
    NodeId
);
text_id!(
    /// One notice: derived from the asset, what happened and its place in the asset's history, so a
    /// repeated delivery carries the same id.
    NoticeId
);
text_id!(
    /// One receiver of notices: a name that shows its kind, stays the same over restarts, and holds neither an address nor a
    /// secret.
    ReceiverName
);

/// Bucket, key and version of an upload; together they name one immutable sequence of bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SourceId {
    /// The bucket's name; `file` for a local path outside every bucket.
    pub bucket: String,
    /// The object's key, up to 1,024 bytes of UTF-8; possibly personal, so never logged.
    pub key: String,
    /// The version within the key.
    pub version: String,
}

/// S3's per-key order of events: a hexadecimal string, compared after right-padding with zeros.
///
/// Source: Amazon S3 User Guide, "Event message structure" (`sequencer`).
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct Sequencer(String);

impl Sequencer {
    /// Longest sequencer kept, in characters.
    pub const CHARS_MAX: usize = 64;

    /// Accepts 1 to 64 hexadecimal digits and normalises them to upper case without trailing zeros, so that equal sequencers
    /// are equal texts.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= Self::CHARS_MAX;
        let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
        (fits && hex).then(|| Self::normal(text))
    }

    /// Keeps the first digit, so that the text is never empty.
    fn normal(text: &str) -> Self {
        let digits = text.trim_end_matches('0').len().max(1);
        Self(text.chars().take(digits).collect::<String>().to_ascii_uppercase())
    }

    /// The sequencer of a local file: nanoseconds since 1970 of its last change.
    pub fn from_nanos(nanos: u64) -> Self {
        Self::normal(&alloc::format!("{nanos:016X}"))
    }

    /// Padded with zeros to its maximum length, so that databases can compare it as plain text.
    pub fn sort_key(&self) -> String {
        let mut padded = self.0.to_string();
        while padded.len() < Self::CHARS_MAX {
            padded.push('0');
        }
        padded
    }
}

impl From<Sequencer> for String {
    fn from(sequencer: Sequencer) -> Self {
        sequencer.0
    }
}

impl TryFrom<String> for Sequencer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("expected a sequencer of 1 to 64 hexadecimal digits")
    }
}

impl PartialOrd for Sequencer {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sequencer {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_sequencer_compares_as_if_padded_with_zeros_on_the_right() {
        let read = |text| Sequencer::parse(text).expect("hexadecimal");
        assert!(read("0055AED6DCD90281E5") < read("0055aed6dcd90281e6"));
        assert!(read("00") < read("0055"));
        assert!(read("0056") > read("0055AED6DCD90281E5"));
        assert!(Sequencer::from_nanos(9) < Sequencer::from_nanos(10));
        assert_eq!(read("0055"), read("00550"));
        assert_eq!(read("00").sort_key(), "0".repeat(Sequencer::CHARS_MAX));
    }

    #[test]
    fn what_is_not_1_to_64_hexadecimal_digits_is_no_sequencer() {
        for text in ["", "xyz", "12 ", &"0".repeat(65)] {
            assert_eq!(Sequencer::parse(text), None, "{text}");
        }
        assert!(Sequencer::parse(&"f".repeat(64)).is_some());
    }
}
