//! A notice as the bytes that every receiver gets.

use reelgate_ports::error::PortResult;
use reelgate_ports::notices;
use reelgate_ports::records::NoticeRecord;
use serde_json::Value;

/// A notice as one JSON object without line breaks.
pub(super) fn document(notice: &NoticeRecord) -> PortResult<Vec<u8>> {
    Ok(Value::Object(notices::document(notice)?).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::notice;
    use super::*;

    #[test]
    fn a_notice_is_one_line() {
        let first = document(&notice("n1")).unwrap();
        assert!(!first.contains(&b'\n'));
        let read: Value = serde_json::from_slice(&first).unwrap();
        let expected = json!({
            "schema": 1, "id": "n1", "kind": "rejected", "asset_id": "asset1", "reason": {"detail": "two\nlines"},
        });
        assert_eq!(read, expected);
    }
}
