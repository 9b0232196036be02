//! Removes delivered notices from the outbox.

use reelgate_flow::ids::{NoticeId, ReceiverName};
use reelgate_ports::records::HistoryEvent;

use super::write_call::WriteCall;
use crate::history_lines;
use crate::session::{Answer, Session};

/// Removes deliveries that one receiver has got, and adds a line to the history of their assets. A delivery that is already
/// removed is skipped. One that concerns no asset is about the audit log and adds nothing, as each line would ask for the next notice.
#[derive(Debug)]
pub struct RemoveDelivered<'a> {
    /// Who got them.
    pub receiver: &'a ReceiverName,
    /// The notices.
    pub ids: &'a [NoticeId],
}

impl WriteCall for RemoveDelivered<'_> {
    type Output = ();

    const OPERATION: &'static str = "remove delivered notices";

    async fn run<S: Session>(&self, session: &mut S) -> Answer<(), S> {
        let now_ms = session.work().now_ms;
        let mut lines = Vec::new();
        let removed = session.remove_notices(self.receiver, self.ids).await?;
        for notice in removed.into_iter().filter(|notice| !notice.asset.as_str().is_empty()) {
            let try_number = notice.tries.saturating_add(1);
            let detail = format!("{} {} to {}, try {try_number}", notice.kind, notice.id, self.receiver);
            lines.push((notice.asset, history_lines::line(now_ms, HistoryEvent::NoticeSent, detail)));
        }
        if lines.is_empty() {
            return Ok(());
        }
        session.add_history(lines).await
    }
}
