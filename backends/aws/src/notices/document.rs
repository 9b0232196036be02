//! A notice as the JSON document that receivers get; see `docs/reference/notices.md`.

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::notices;
use reelgate_ports::records::NoticeRecord;
use serde_json::{Map, Value};

/// Longest document, bytes: SNS and EventBridge allow 256 KiB, including attributes and envelope.
const DOCUMENT_BYTES_MAX: usize = 240 * 1024;
/// Lists that a document may omit; `reelgate show` has them.
const LISTS: [&str; 3] = ["findings", "renditions", "left_out"];

/// A notice as one JSON object. If it is too long for the receiver, its lists are left empty and `shortened` is set,
/// because a long notice could not be delivered.
pub(super) fn document(notice: &NoticeRecord) -> PortResult<Map<String, Value>> {
    let mut document = notices::document(notice)?;
    if size(&document) <= DOCUMENT_BYTES_MAX {
        return Ok(document);
    }
    for list in LISTS {
        document.insert(list.to_owned(), Value::Array(Vec::new()));
    }
    document.insert("shortened".to_owned(), Value::Bool(true));
    if size(&document) > DOCUMENT_BYTES_MAX {
        let detail = "expected a notice of at most 240 KiB without its lists, found a longer one";
        return Err(PortError::new(Port::Notices, ErrorKind::Corrupt, "serialise a notice", detail));
    }
    Ok(document)
}

fn size(document: &Map<String, Value>) -> usize {
    text(document).len()
}

/// The document as it is delivered.
pub(super) fn text(document: &Map<String, Value>) -> String {
    serde_json::to_string(document).expect("a JSON object with text keys always serialises")
}

#[cfg(test)]
mod tests {
    use reelgate_flow::asset::NoticeKind;
    use reelgate_flow::ids::{AssetId, NoticeId};
    use serde_json::json;

    use super::*;

    fn notice(body: Value) -> NoticeRecord {
        let (id, asset) = (NoticeId::new("n1"), AssetId::new("a1"));
        NoticeRecord { id, asset, kind: NoticeKind::Quarantined, body, tries: 0 }
    }

    #[test]
    fn a_notice_too_long_for_its_receiver_has_empty_lists_and_is_marked_as_shortened() {
        let long = json!({"schema": 1, "findings": vec!["x".repeat(1024); 300], "renditions": [1]});
        let document = document(&notice(long)).unwrap();
        assert_eq!(document["shortened"], true);
        assert_eq!((&document["findings"], &document["renditions"]), (&json!([]), &json!([])));
        assert!(text(&document).len() < 1024);
    }
}
