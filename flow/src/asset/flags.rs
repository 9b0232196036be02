//! Decisions of people and policy about an asset, independent of its phase.

use alloc::string::String;
use alloc::vec::Vec;

use super::words::{Exit, Response};

/// Decisions that outlive the phase in which they were made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// The strictest response of policy to its findings.
    pub response: Response,
    /// A security officer released it, so the findings known then do not quarantine it again.
    pub cleared: bool,
    /// It is under hold: its source and its outputs stay, byte for byte.
    pub held: bool,
    /// It is a caption file, which belongs to a film.
    pub attached: bool,
    /// Caption files beside it are published with it.
    pub captioned: bool,
    /// Its encodes leave out what was found; its source still contains it.
    pub redacted: bool,
}

impl Flags {
    /// The text for a row: words separated by spaces, the response first, such as `quarantine held`.
    pub fn text(&self) -> String {
        // `redacted` is the last word, because stores look for it at the end.
        let set = [
            (self.cleared, "cleared"),
            (self.held, "held"),
            (self.attached, "attached"),
            (self.captioned, "captioned"),
            (self.redacted, "redacted"),
        ];
        let mut words = Vec::from([self.response.as_str()]);
        words.extend(set.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| *word));
        words.join(" ")
    }

    /// Parses the text that [`Flags::text`] wrote; empty text means no decision.
    pub fn parse(text: &str) -> Option<Self> {
        let mut flags = Self::default();
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        if let Some(response) = words.next() {
            flags.response = Response::parse(response)?;
        }
        for word in words {
            match word {
                "cleared" => flags.cleared = true,
                "held" => flags.held = true,
                "attached" => flags.attached = true,
                "captioned" => flags.captioned = true,
                "redacted" => flags.redacted = true,
                _ => return None,
            }
        }
        Some(flags)
    }

    /// Whether a withdrawal through this exit keeps the outputs out of sight instead of removing them: after a quarantine for a
    /// release, and of an asset under hold because nothing of it may be removed.
    pub fn keeps_outputs(&self, exit: Exit) -> bool {
        exit == Exit::Quarantine || self.held
    }

    /// Whether policy quarantines the asset and nobody has released it.
    pub fn quarantines(&self) -> bool {
        self.response == Response::Quarantine && !self.cleared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_parsed_back_and_nothing_else_is_parsed() {
        for response in Response::ALL {
            for bits in 0..32 {
                let (cleared, held, redacted) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
                let (attached, captioned) = (bits & 8 > 0, bits & 16 > 0);
                let flags = Flags { response: *response, cleared, held, attached, captioned, redacted };
                assert!(!redacted || flags.text().ends_with(" redacted"));
                assert_eq!(Flags::parse(&flags.text()), Some(flags));
            }
        }
        assert_eq!(Flags::parse(""), Some(Flags::default()));
        assert_eq!(Flags::parse("quarantine open"), None);
        assert_eq!(Flags::parse("cleared"), None);
    }
}
