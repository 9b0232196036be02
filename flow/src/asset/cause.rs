//! Causes of a quarantine other than the asset's own screening.

/// The cause of a quarantine that its own screening did not ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A security officer asked for it.
    Person,
    /// An external scanner found something after the asset was screened.
    Scanner,
    /// Its release has expired.
    Expired,
    /// Another asset with the same content was quarantined.
    SameContent,
    /// A newer version of its key was quarantined.
    NewerVersion,
}

impl Cause {
    /// The detail of the asset's reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "by decision of a security officer",
            Self::Scanner => "found by an external scanner",
            Self::Expired => "its release has expired",
            Self::SameContent => "another upload with the same content was quarantined",
            Self::NewerVersion => "a newer version of its key was quarantined",
        }
    }

    /// Whether the cause is another asset. Such a cause does not quarantine an asset that a person released.
    pub fn is_others(self) -> bool {
        matches!(self, Self::SameContent | Self::NewerVersion)
    }
}
