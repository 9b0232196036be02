//! Delivery of notices to receivers outside Reelgate, after the commit.

use std::sync::Arc;

use async_trait::async_trait;
use reelgate_flow::ids::ReceiverName;
use serde_json::{Map, Value};

use crate::error::{ErrorKind, Port, PortError, PortResult};
use crate::records::NoticeRecord;

/// A receiver as the configuration names it.
#[derive(Clone)]
pub struct Receiver {
    /// Its name in the outbox, in metrics and in the log.
    pub name: ReceiverName,
    /// How it gets its notices.
    pub port: Arc<dyn Notices>,
}

/// One way to deliver notices. It delivers at least once, so receivers deduplicate by the notice's id.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Delivers one notice. The caller retries every error later, `Invalid` and `Denied` too.
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()>;

    /// Whether the receiver gets this notice at all. Asked once, when the notice is addressed.
    fn wants(&self, _: &NoticeRecord) -> bool {
        true
    }

    /// Proves that the receiver can be reached, without delivering anything.
    async fn check(&self) -> PortResult<String>;
}

/// What every receiver gets, as one JSON object; see `docs/reference/notices.md`. The record's own columns override the
/// members of its body, and a notice that concerns no asset has no `asset_id`. The number of tries is not in it, so that a repeat has the same bytes. `Corrupt` where the body is
/// not a JSON object.
pub fn document(notice: &NoticeRecord) -> PortResult<Map<String, Value>> {
    let Value::Object(body) = &notice.body else {
        let detail = "expected the notice's body to be a JSON object, found another value";
        return Err(PortError::new(Port::Notices, ErrorKind::Corrupt, "serialise a notice", detail));
    };
    let mut document = body.clone();
    for (name, value) in
        [("id", notice.id.as_str()), ("kind", notice.kind.as_str()), ("asset_id", notice.asset.as_str())]
    {
        document.insert(name.to_owned(), Value::from(value));
    }
    if notice.asset.as_str().is_empty() {
        document.remove("asset_id");
    }
    Ok(document)
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
    fn a_notice_is_the_same_at_every_try_and_its_columns_override_its_body() {
        let first = document(&notice(json!({"schema": 1, "id": "other"}))).unwrap();
        let expected = json!({"schema": 1, "id": "n1", "kind": "quarantined", "asset_id": "a1"});
        assert_eq!(Value::Object(first.clone()), expected);
        let later = NoticeRecord { tries: 9, ..notice(json!({"schema": 1})) };
        assert_eq!(document(&later).unwrap(), first);
    }

    #[test]
    fn a_notice_that_concerns_no_asset_names_none() {
        let sealed = NoticeRecord { asset: AssetId::new(""), ..notice(json!({"schema": 1})) };
        let expected = json!({"schema": 1, "id": "n1", "kind": "quarantined"});
        assert_eq!(Value::Object(document(&sealed).unwrap()), expected);
    }

    #[test]
    fn a_body_that_is_no_object_is_corrupt() {
        assert_eq!(document(&notice(json!([1]))).unwrap_err().kind, ErrorKind::Corrupt);
    }
}
