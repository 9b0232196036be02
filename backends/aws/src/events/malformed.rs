//! Describes JSON that could not be parsed.

use super::object_fields::RejectReason;

/// The reason to refuse a message. It has only the position of the error, because the parser's own text would quote the
/// message.
pub(super) fn malformed(expected: &str, error: &serde_json::Error) -> RejectReason {
    let found = match error.classify() {
        serde_json::error::Category::Data => "members of other kinds",
        serde_json::error::Category::Eof => "its end too early",
        _ => "no JSON",
    };
    format!("expected {expected}, found {found} at line {} column {}", error.line(), error.column())
}
