//! Which characters may stand in a line of a log, a table or a notice.

/// Whether a character shows itself and does nothing else: it is no control character, breaks no line, is not invisible, and
/// does not change the direction of the text around it (Unicode Technical Report 36, "Bidirectional Text Spoofing").
pub fn is_plain(c: char) -> bool {
    let is_format = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !is_format && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

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
