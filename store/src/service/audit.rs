//! Chains new lines of history to the audit log, and owes receivers of notices the seal of its end.

use reelgate_flow::asset::NoticeKind;
use reelgate_flow::ids::AssetId;
use reelgate_ports::audit::{Chain, Entry, is_audited};
use reelgate_ports::error::{ErrorKind, Port, PortError};
use reelgate_ports::identity::seal_notice_id;
use reelgate_ports::records::{AuditRecord, NoticeRecord};

use super::write_call::WriteCall;
use crate::history_lines::seal_notice_body;
use crate::session::{Answer, Session};

/// How long the oldest record that no notice covers waits for the next notice, milliseconds. So there is at most one in an hour, none
/// while nothing happens, and no record is left out for much longer than that.
const ANNOUNCE_MS: u64 = 3_600_000;

/// Chains up to this many waiting entries, in order; returns how many entries were read. The call that leaves none waiting owes the
/// notice about the seal, if it is time for one.
#[derive(Debug)]
pub struct Seal(pub u32);

impl WriteCall for Seal {
    type Output = u64;

    const OPERATION: &'static str = "chain the audit log";

    async fn run<S: Session>(&self, session: &mut S) -> Answer<u64, S> {
        let (taken, lines) = session.take_unsealed(self.0).await?;
        let uncovered = session.first_unannounced().await?;
        if taken == 0 && uncovered.is_none() {
            return Ok(0);
        }
        let head = session.audit_head().await?;
        let mut chain = head.as_ref().map_or_else(Chain::default, Chain::after);
        let mut records: Vec<AuditRecord> = Vec::with_capacity(lines.len());
        for (asset, line) in lines.iter().filter(|(_, line)| is_audited(line)) {
            let record = chain.add(asset, line);
            records.push(record.map_err(|error| {
                PortError::new(Port::Store, ErrorKind::Invalid, Self::OPERATION, error.to_string())
            })?);
        }
        if taken > 0 {
            session.append_audit(&records).await?;
        }
        let now_ms = session.work().now_ms;
        let uncovered = uncovered.as_ref().or(records.first());
        if taken < u64::from(self.0) && uncovered.is_some_and(|record| is_overdue(record, now_ms)) {
            let seal = chain.seal();
            let id = seal_notice_id(&seal);
            let body = seal_notice_body(&id, now_ms, &seal);
            let (asset, kind) = (AssetId::new(""), NoticeKind::AuditSealed);
            let notice = NoticeRecord { id, asset, kind, body, tries: 0 };
            session.announce_seal(&seal, &notice).await?;
        }
        Ok(taken)
    }
}

/// Whether the record has waited long enough. One that is far in the future is due too: the clock was set back since it was written.
fn is_overdue(record: &AuditRecord, now_ms: u64) -> bool {
    let entry: Result<Entry, _> = serde_json::from_str(&record.line);
    entry.map_or(true, |entry| entry.at_ms.abs_diff(now_ms) >= ANNOUNCE_MS)
}
