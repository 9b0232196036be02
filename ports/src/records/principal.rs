//! Who decides, and whether two who decide are two people.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Who acts: the name that was given, and what the system knows of the caller whatever name was given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Principal {
    /// The person's name.
    pub name: String,
    /// How the caller is known: `uid 1000 on media-7`, or the ARN that AWS has for the caller's credentials.
    pub how: String,
}

impl Principal {
    /// Whether the two may be one person: by the name in any spelling, or by how the system knows them. One match is enough, because
    /// a person can give any name, and can have several accounts under one name.
    pub fn may_be(&self, other: &Self) -> bool {
        letters(&self.name) == letters(&other.name) || folded(&self.how) == folded(&other.how)
    }
}

/// A text without differences of case, width and composition.
fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// The letters and digits of a name, so that spaces, dots and hyphens make no other person.
fn letters(name: &str) -> String {
    folded(name).chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(name: &str, how: &str) -> Principal {
        Principal { name: name.into(), how: how.into() }
    }

    #[test]
    fn another_spelling_of_a_name_is_the_same_person() {
        let ana = principal("Ana Müller", "uid 1 on a");
        for name in ["ana müller", " ANA  MÜLLER ", "Ana Mu\u{308}ller", "ana.müller", "Ａｎａ Müller"]
        {
            assert!(ana.may_be(&principal(name, "uid 2 on a")), "{name}");
        }
        assert!(!ana.may_be(&principal("Ben Müller", "uid 2 on a")));
    }

    #[test]
    fn another_name_of_the_same_caller_is_the_same_person() {
        let ana = principal("ana", "uid 1 on media-7");
        assert!(ana.may_be(&principal("ben", "uid 1 on media-7")));
        assert!(ana.may_be(&principal("ben", "UID 1 on Media-7")));
        for how in ["uid 1 on media-8", "uid 11 on media-7", "arn:aws:iam::1:user/ana"] {
            assert!(!ana.may_be(&principal("ben", how)), "{how}");
        }
    }

    #[test]
    fn names_without_letters_are_never_two_people() {
        assert!(principal("!", "uid 1 on a").may_be(&principal("?", "uid 2 on a")));
    }
}
