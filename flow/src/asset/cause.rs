//! Causes of a quarantine other than the asset's own screening.

use crate::reason::{Code, Fault};

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
    /// Another look at the same content found something.
    FoundInContent,
    /// It was found after the release, which does not cover it.
    AfterRelease,
    /// Another asset with the same content is redacted, and this one cannot be.
    ContentRedacted,
    /// The film to which the caption file belongs was quarantined.
    Film,
    /// A caption file of the film was quarantined.
    CaptionFile,
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
            Self::FoundInContent => "found in another upload with the same content",
            Self::AfterRelease => "found after its release, which does not cover it",
            Self::ContentRedacted => {
                "another upload with the same content was redacted and this one could not be; upload it again to publish \
                 it redacted, or release it as it is"
            }
            Self::Film => "the film that it belongs to was quarantined",
            Self::CaptionFile => "a caption file of it was quarantined",
        }
    }

    /// Whether a person decided it, about this asset or about another one. Such a decision holds for the content, whatever
    /// policy says about another upload of it.
    pub fn is_decided(self) -> bool {
        matches!(self, Self::Person | Self::Expired | Self::SameContent | Self::NewerVersion)
    }

    /// Whether the reason of a quarantine is a decision of a person.
    pub(super) fn decides(reason: &Fault) -> bool {
        const ALL: [Cause; 10] = [
            Cause::Person,
            Cause::Scanner,
            Cause::Expired,
            Cause::SameContent,
            Cause::NewerVersion,
            Cause::FoundInContent,
            Cause::AfterRelease,
            Cause::ContentRedacted,
            Cause::Film,
            Cause::CaptionFile,
        ];
        let decided = ALL.iter().filter(|cause| cause.is_decided());
        reason.code == Code::PersonalData
            && decided.map(|cause| cause.as_str()).any(|text| text == reason.detail)
    }

    /// Whether the cause is another asset. Such a cause does not quarantine an asset that a person released.
    pub fn is_others(self) -> bool {
        matches!(self, Self::SameContent | Self::NewerVersion | Self::ContentRedacted)
    }
}
