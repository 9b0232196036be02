//! Why a definition of the operator's is refused: what was expected, what was found.

/// A definition outside the limits.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A name is empty or too long.
    #[error("the name of a custom identifier has 1 to 128 characters, this one has {chars}")]
    NameLength {
        /// Characters found.
        chars: usize,
    },
    /// Two custom identifiers share a name, or one has the id of a managed identifier.
    #[error("custom identifier {name:?} is defined twice or has the id of a built-in one; rename it")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Too many custom identifiers.
    #[error("at most 100 custom identifiers are read at once, there are {found}")]
    TooMany {
        /// Definitions found.
        found: usize,
    },
    /// An expression is empty or too long.
    #[error("the expression of {name:?} has 1 to 512 characters, this one has {chars}")]
    RegexLength {
        /// The identifier.
        name: String,
        /// Characters found.
        chars: usize,
    },
    /// An expression that cannot be read, or is too large compiled.
    #[error("the expression of {name:?} is not one that can be read (no look-around, no back-references)")]
    Regex {
        /// The identifier.
        name: String,
        /// Where and why.
        #[source]
        error: Box<regex::Error>,
    },
    /// An expression that matches an empty text.
    #[error(
        "the expression of {name:?} matches an empty text, so it would match everywhere; demand a character"
    )]
    RegexMatchesNothing {
        /// The identifier.
        name: String,
    },
    /// Keywords outside the limits.
    #[error("{name:?} may have 50 keywords of 3 to 90 characters; one list or word has {found}")]
    Keywords {
        /// The identifier.
        name: String,
        /// Words, or characters of one.
        found: usize,
    },
    /// Ignore words outside the limits.
    #[error("{name:?} may have 10 ignore words of 4 to 90 characters; one list or word has {found}")]
    IgnoreWords {
        /// The identifier.
        name: String,
        /// Words, or characters of one.
        found: usize,
    },
    /// A distance outside the limits.
    #[error("the maximum match distance of {name:?} is 1 to 300 characters, not {found}")]
    Distance {
        /// The identifier.
        name: String,
        /// Characters found.
        found: u16,
    },
    /// Thresholds that do not ascend from 1 or more.
    #[error("the severity levels of {name:?} need thresholds of 1 or more, each greater than the one before")]
    SeverityLevels {
        /// The identifier.
        name: String,
    },
    /// Words of an allow list outside the limits.
    #[error("an allow list may have 100,000 words of 1 to 90 characters; one list or word has {found}")]
    AllowedWords {
        /// Words, or characters of one.
        found: usize,
    },
    /// An expression of an allow list that is none.
    #[error("{error}")]
    AllowedRegex {
        /// What is wrong with it.
        error: Box<ConfigError>,
    },
    /// An id to switch off that no identifier has.
    #[error("there is no identifier {id:?} to switch off; docs/reference/identifiers.md lists them")]
    UnknownIdentifier {
        /// The id.
        id: String,
    },
    /// A key for fingerprints that is too short to be secret.
    #[error("a fingerprint key has 16 bytes or more, this one has {bytes}; make one at random")]
    FingerprintKey {
        /// Bytes found.
        bytes: usize,
    },
}
