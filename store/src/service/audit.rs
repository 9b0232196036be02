//! Chains new lines of history to the audit log.

use reelgate_ports::audit::{Chain, is_audited};
use reelgate_ports::error::{ErrorKind, Port, PortError};
use reelgate_ports::records::AuditRecord;

use super::write_call::WriteCall;
use crate::session::{Answer, Session};

/// Chains up to this many waiting entries, in order; returns how many entries were read.
#[derive(Debug)]
pub struct Seal(pub u32);

impl WriteCall for Seal {
    type Output = u64;

    const OPERATION: &'static str = "chain the audit log";

    async fn run<S: Session>(&self, session: &mut S) -> Answer<u64, S> {
        let (taken, lines) = session.take_unsealed(self.0).await?;
        if taken == 0 {
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
        session.append_audit(&records).await?;
        Ok(taken)
    }
}
