//! Errors of reading the configuration, in our words: the key, what was expected, what kind of value was found, and where.
//! Never the value: a password may stand in the wrong place.

use figment::error::{Actual, Kind};
use figment::{Error, Figment, Metadata, Source};

/// One line for each error.
pub fn describe(error: &Error) -> String {
    let lines: Vec<String> = error.clone().into_iter().map(|one| line(&one)).collect();
    lines.join("\nreelgate: ")
}

/// The refusal of a value that has the right type and not the right range, `KEY: …`, with where the value stands.
pub fn out_of_range(what: &str, layers: &Figment) -> String {
    let key = what.split(':').next().unwrap_or_default();
    // Settings of media name their key without the table that they are in.
    let metadata = layers.find_metadata(key).or_else(|| layers.find_metadata(&format!("media.{key}")));
    let place = metadata.map(place).unwrap_or_default();
    format!("configuration: {what}{place}; see docs/reference/configuration.md")
}

/// Where a value stands.
fn place(from: &Metadata) -> String {
    match &from.source {
        Some(Source::File(path)) => format!(" (in {})", path.display()),
        _ => format!(" (in {})", from.name),
    }
}

fn line(error: &Error) -> String {
    let key = if error.path.is_empty() { String::new() } else { format!("{}: ", error.path.join(".")) };
    let place = error.metadata.as_ref().map(place).unwrap_or_default();
    format!("configuration: {key}{}{place}; see docs/reference/configuration.md", what(&error.kind))
}

fn what(kind: &Kind) -> String {
    match kind {
        Kind::Message(text) => without_quotes(text),
        Kind::InvalidType(actual, expected) => format!("expected {expected}, found {}", found(actual)),
        Kind::InvalidValue(actual, expected) => {
            format!("expected {expected}, found another {}", word(actual))
        }
        Kind::InvalidLength(length, expected) => format!("expected {expected}, found {length} values"),
        Kind::UnknownVariant(_, expected) => {
            format!("expected one of {}, found another word", expected.join(", "))
        }
        Kind::UnknownField(name, expected) => {
            format!("expected one of {}, found the unknown key `{name}`", expected.join(", "))
        }
        Kind::MissingField(name) => format!("expected the key `{name}`, found none"),
        Kind::DuplicateField(name) => format!("expected the key `{name}` once, found it twice"),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => {
            "expected a smaller number, found one out of range".to_owned()
        }
        Kind::Unsupported(actual) => format!("expected another type, found {}", found(actual)),
        Kind::UnsupportedKey(actual, expected) => {
            format!("expected {expected} as a key, found {}", found(actual))
        }
    }
}

fn word(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "boolean",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "number",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "text",
        Actual::Seq => "list",
        Actual::Map => "table",
        _ => "value",
    }
}

fn found(actual: &Actual) -> String {
    match word(actual) {
        "text" => "text".to_owned(),
        word => format!("a {word}"),
    }
}

/// A message of a parser. That of a TOML file quotes the line that it is about, after a margin with the line's number; the
/// messages of others quote values in backticks or quotes.
fn without_quotes(message: &str) -> String {
    let is_quoted = |line: &&str| {
        line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|')
    };
    let lines = message.lines().map(str::trim_end).filter(|line| !line.is_empty() && !is_quoted(line));
    let text = lines.collect::<Vec<_>>().join(", ");
    if message.starts_with("TOML parse error") {
        return text;
    }
    let (mut shown, mut quote) = (String::new(), None);
    for c in text.chars() {
        match quote {
            None if matches!(c, '`' | '"') => {
                quote = Some(c);
                shown.push('…');
            }
            None => shown.push(c),
            Some(begun) if begun == c => quote = None,
            Some(_) => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_words_and_loses_what_it_quotes() {
        for (message, shown) in [
            (
                "TOML parse error at line 2, column 18\n  |\n2 | webhook_secret = \"sesame\n  |                  ^\ninvalid basic string\n",
                "TOML parse error at line 2, column 18, invalid basic string",
            ),
            ("unknown word `sesame`, expected a code", "unknown word …, expected a code"),
            ("invalid value \"sesame", "invalid value …"),
        ] {
            assert_eq!(without_quotes(message), shown);
        }
    }

    #[test]
    fn no_kind_of_error_quotes_the_value() {
        let text = || Actual::Str("sesame".into());
        for kind in [
            Kind::InvalidType(text(), "u16".into()),
            Kind::InvalidValue(text(), "a severity".into()),
            Kind::UnknownVariant("sesame".into(), &["local", "macie"]),
            Kind::Unsupported(text()),
            Kind::UnsupportedKey(text(), "text".into()),
            Kind::Message("found \"sesame\"".into()),
        ] {
            assert!(!what(&kind).contains("sesame"), "{}", what(&kind));
        }
        assert_eq!(
            what(&Kind::InvalidType(Actual::Unsigned(4_711), "text".into())),
            "expected text, found a number"
        );
    }
}
