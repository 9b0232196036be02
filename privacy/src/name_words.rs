//! The words of an element's name. `creditCardNumber`, `CREDIT-CARD`, `credit.card2` and `ＣｒｅｄｉｔＣａｒｄ` all begin with
//! the words `credit` and `card`, so they are the same keyword.

use crate::folded_text::FoldedText;

/// The words of a name, in lower case, one after the other.
pub(crate) struct NameWords {
    letters: String,
    /// Where each word begins in `letters`, and the end of the last.
    bounds: Vec<usize>,
}

impl NameWords {
    /// Splits a name at signs, before capitals that begin a word, and between letters and digits.
    pub fn of(name: &str) -> NameWords {
        let folded = FoldedText::of(name);
        let name = folded.as_ref().map_or(name, FoldedText::as_str);
        let mut words = NameWords { letters: String::with_capacity(name.len()), bounds: Vec::new() };
        let mut previous: Option<char> = None;
        let mut chars = name.chars().peekable();
        while let Some(c) = chars.next() {
            let letter = c.is_alphanumeric().then_some(c);
            if let Some(c) = letter {
                if previous.is_none_or(|previous| parted(previous, c, chars.peek().copied())) {
                    words.bounds.push(words.letters.len());
                }
                words.letters.extend(c.to_lowercase());
            }
            previous = letter;
        }
        words.bounds.push(words.letters.len());
        words
    }

    /// The words without anything between them.
    pub fn letters(&self) -> &str {
        &self.letters
    }

    /// Whether these bytes of the letters are one or more whole words.
    pub fn are_whole(&self, start: usize, end: usize) -> bool {
        self.bounds.binary_search(&start).is_ok() && self.bounds.binary_search(&end).is_ok()
    }

    /// Whether the words of `other` are words of this name, one after the other.
    pub fn contain(&self, other: &NameWords) -> bool {
        let starts = self.bounds.iter().copied();
        !other.letters.is_empty()
            && starts
                .filter(|start| self.letters[*start..].starts_with(&other.letters))
                .any(|start| self.are_whole(start, start + other.letters.len()))
    }
}

/// Whether a word ends between two letters or digits: `card|2`, `home|Phone`, `SSN|Value`.
fn parted(left: char, right: char, next: Option<char>) -> bool {
    left.is_numeric() != right.is_numeric()
        || (right.is_uppercase() && (!left.is_uppercase() || next.is_some_and(char::is_lowercase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str) -> Vec<String> {
        let words = NameWords::of(name);
        words.bounds.windows(2).map(|pair| words.letters[pair[0]..pair[1]].to_owned()).collect()
    }

    #[test]
    fn a_name_is_split_as_people_read_it() {
        for name in [
            "creditCardNumber",
            "CREDIT_CARD-NUMBER",
            "credit.card/number",
            "Credit%20Card:Number",
            " credit  card number#",
        ] {
            assert_eq!(words(name), ["credit", "card", "number"], "{name}");
        }
        assert_eq!(words("userSSNValue2b"), ["user", "ssn", "value", "2", "b"]);
        assert_eq!(words("ｅＭａｉｌ"), ["e", "mail"]);
        assert_eq!(words("ÉtatCivil"), ["état", "civil"]);
        assert_eq!(words("§-_"), [""; 0]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn words_are_contained_only_as_a_whole() {
        let contains = |name: &str, keyword: &str| NameWords::of(name).contain(&NameWords::of(keyword));
        assert!(contains("E-Mail", "email") && contains("userEmail", "e-mail") && contains("card", "card"));
        assert!(!contains("discard", "card") && !contains("cardio", "card") && !contains("card", "#"));
    }
}
