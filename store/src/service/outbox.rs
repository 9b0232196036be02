//! Removes delivered notices from the outbox.

use reelgate_flow::ids::NoticeId;
use reelgate_ports::records::HistoryEvent;

use super::write_call::WriteCall;
use crate::history_lines;
use crate::session::{Answer, Session};

/// Removes delivered notices and adds a line to the history of their assets. A notice that is already removed is skipped.
#[derive(Debug)]
pub struct RemoveDelivered<'a>(pub &'a [NoticeId]);

impl WriteCall for RemoveDelivered<'_> {
    type Output = ();

    const OPERATION: &'static str = "remove delivered notices";

    async fn run<S: Session>(&self, session: &mut S) -> Answer<(), S> {
        let now_ms = session.work().now_ms;
        let mut lines = Vec::new();
        for notice in session.remove_notices(self.0).await? {
            let detail = format!("{} {}, try {}", notice.kind, notice.id, notice.tries.saturating_add(1));
            lines.push((notice.asset, history_lines::line(now_ms, HistoryEvent::NoticeSent, detail)));
        }
        if lines.is_empty() {
            return Ok(());
        }
        session.add_history(lines).await
    }
}
