//! A notice as the bytes that every receiver gets.

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::NoticeRecord;
use serde_json::Value;

/// A notice as one JSON object without line breaks. The record's own columns win over its body, and the number of
/// tries is left out, so that a repeat is the same bytes.
pub(super) fn document(notice: &NoticeRecord) -> PortResult<Vec<u8>> {
    let Value::Object(body) = &notice.body else {
        let detail = "expected the notice's body to be a JSON object, found something else";
        return Err(PortError::new(Port::Notices, ErrorKind::Corrupt, "write out a notice", detail));
    };
    let mut document = body.clone();
    for (name, value) in
        [("id", notice.id.as_str()), ("kind", notice.kind.as_str()), ("asset_id", notice.asset.as_str())]
    {
        document.insert(name.to_owned(), Value::from(value));
    }
    Ok(Value::Object(document).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::notice;
    use super::*;

    #[test]
    fn a_notice_is_one_line_and_the_same_at_every_try() {
        let first = document(&notice("n1")).unwrap();
        assert_eq!(first, document(&NoticeRecord { tries: 7, ..notice("n1") }).unwrap());
        assert!(!first.contains(&b'\n'));
        let read: Value = serde_json::from_slice(&first).unwrap();
        let expected = json!({
            "schema": 1, "id": "n1", "kind": "rejected", "asset_id": "asset1", "reason": {"detail": "two\nlines"},
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn a_body_that_is_no_object_is_corrupt() {
        let error = document(&NoticeRecord { body: json!([1]), ..notice("n1") }).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt);
    }
}
