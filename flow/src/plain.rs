//! Text for people: which characters may stand in a line of a log, a table or a notice, and numbers with their nouns.

use alloc::format;
use alloc::string::String;

/// Whether a character shows itself and does nothing else: it is no control character, breaks no line, is not invisible, and
/// does not change the direction of the text around it (Unicode Technical Report 36, "Bidirectional Text Spoofing").
pub fn is_plain(c: char) -> bool {
    let is_format = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !is_format && !c.is_control()
}

/// A number with its noun in the right form: `1 record`, `2 records`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_has_the_form_of_its_number() {
        let addresses = [0, 1, 2].map(|count| counted(count, "address", "addresses"));
        assert_eq!(addresses, ["0 addresses", "1 address", "2 addresses"]);
    }

    #[test]
    fn letters_of_every_script_are_plain_and_what_steers_a_terminal_or_hides_is_not() {
        for c in ['a', ' ', 'ä', 'ש', '漢', '…', '🎬'] {
            assert!(is_plain(c), "{c:?}");
        }
        for c in [
            '\0', '\x1b', '\n', '\u{7f}', '\u{85}', '\u{200e}', '\u{202e}', '\u{2066}', '\u{2029}',
            '\u{feff}',
        ] {
            assert!(!is_plain(c), "{c:?}");
        }
    }
}
