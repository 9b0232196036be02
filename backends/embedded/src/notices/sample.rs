//! A notice for tests.

use reelgate_flow::asset::NoticeKind;
use reelgate_flow::ids::{AssetId, NoticeId};
use reelgate_ports::records::NoticeRecord;
use serde_json::json;

pub(super) fn notice(id: &str) -> NoticeRecord {
    NoticeRecord {
        id: NoticeId::new(id),
        asset: AssetId::new("asset1"),
        kind: NoticeKind::Rejected,
        body: json!({"schema": 1, "id": id, "reason": {"detail": "two\nlines"}}),
        tries: 0,
    }
}
