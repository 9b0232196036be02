//! Languages that a source states.

/// A language for a playlist. It comes from the file, so only a short code passes.
pub(super) fn language(text: &str) -> Option<String> {
    let mut parts = text.split('-');
    let is_code = parts
        .next()
        .is_some_and(|code| matches!(code.len(), 2..=3) && code.chars().all(|c| c.is_ascii_alphabetic()))
        && parts.all(|part| matches!(part.len(), 1..=8) && part.chars().all(|c| c.is_ascii_alphanumeric()));
    (is_code && text.len() <= 35 && text != "und").then(|| text.to_owned())
}
