//! Closes days of the ledger, and owes receivers of notices what was unusual on them.

use reelgate_flow::asset::NoticeKind;
use reelgate_flow::ids::AssetId;
use reelgate_ports::identity::cost_notice_id;
use reelgate_ports::records::{CostDays, DayClosing, NoticeRecord};

use super::write_call::WriteCall;
use crate::history_lines::cost_notice_body;
use crate::session::{Answer, Session};

/// Closes a day once, after it is over; returns whether this call did.
#[derive(Debug)]
pub struct CloseDay<'a>(pub &'a DayClosing);

impl WriteCall for CloseDay<'_> {
    type Output = bool;

    const OPERATION: &'static str = "close a day of the ledger";

    async fn run<S: Session>(&self, session: &mut S) -> Answer<bool, S> {
        let Self(closing) = self;
        let now_ms = session.work().now_ms;
        if closing.day > CostDays::finished_at(now_ms) || !session.keep_closed(closing.day).await? {
            return Ok(false);
        }
        let notices: Vec<NoticeRecord> = closing
            .findings
            .iter()
            .map(|finding| {
                let id = cost_notice_id(finding);
                let body = cost_notice_body(&id, now_ms, finding);
                let (asset, kind) = (AssetId::new(""), NoticeKind::CostAnomaly);
                NoticeRecord { id, asset, kind, body, tries: 0 }
            })
            .collect();
        session.keep_shares(&closing.shares).await?;
        session.put_notices(&notices).await?;
        Ok(true)
    }
}
