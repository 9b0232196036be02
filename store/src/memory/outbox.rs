//! The outbox: notices that wait to be addressed, and deliveries that wait for their receiver.

use std::collections::BTreeMap;

use reelgate_flow::ids::{NoticeId, ReceiverName};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::NoticeRecord;
use reelgate_ports::store::DeliveriesOwed;

use super::state::{Owed, State};

/// Due rows of one receiver, or those without a receiver, oldest first. With `hold_ms` above 0 they are not due again for so
/// long.
pub(super) fn due(
    state: &mut State,
    now_ms: u64,
    receiver: Option<&ReceiverName>,
    notices_max: u16,
    hold_ms: u64,
) -> Vec<NoticeRecord> {
    let is_due = |owed: &&mut Owed| owed.receiver.as_ref() == receiver && owed.due_ms <= now_ms;
    let due = state.outbox.values_mut().filter(is_due).take(usize::from(notices_max));
    due.map(|owed| {
        if hold_ms > 0 {
            owed.due_ms = now_ms.saturating_add(hold_ms);
        }
        owed.notice.clone()
    })
    .collect()
}

/// Replaces notices by one row for each of their receivers.
pub(super) fn address(state: &mut State, now_ms: u64, notices: &[(NoticeId, Vec<ReceiverName>)]) {
    for (id, receivers) in notices {
        let found = state.outbox.iter().find(|(_, owed)| owed.receiver.is_none() && owed.notice.id == *id);
        let Some((number, owed)) = found.map(|(number, owed)| (*number, owed.clone())) else { continue };
        state.outbox.remove(&number);
        for receiver in receivers {
            state.notices += 1;
            let row = Owed { receiver: Some(receiver.clone()), due_ms: now_ms, ..owed.clone() };
            state.outbox.insert(state.notices, row);
        }
    }
}

/// Puts a delivery back and counts the try.
pub(super) fn defer(
    state: &mut State,
    receiver: &ReceiverName,
    id: &NoticeId,
    due_ms: u64,
) -> PortResult<()> {
    let missing = || {
        let detail = format!("expected notice {id} for {receiver} in the outbox, found none");
        PortError::new(Port::Store, ErrorKind::Missing, "defer a notice", detail)
    };
    let owed = state.outbox.values_mut().find(|owed| owed.is(receiver, id)).ok_or_else(missing)?;
    owed.notice.tries += 1;
    owed.due_ms = due_ms;
    Ok(())
}

/// Removes deliveries to other receivers that have been due since `until_ms` or before; returns how many, by receiver.
pub(super) fn end_unserved(
    state: &mut State,
    receivers: &[ReceiverName],
    until_ms: u64,
) -> Vec<(ReceiverName, u64)> {
    let mut ended = BTreeMap::new();
    state.outbox.retain(|_, owed| {
        let Some(receiver) = &owed.receiver else { return true };
        let ends = owed.due_ms <= until_ms && !receivers.contains(receiver);
        if ends {
            *ended.entry(receiver.clone()).or_default() += 1;
        }
        !ends
    });
    ended.into_iter().collect()
}

/// What each receiver has not got yet.
pub(super) fn deliveries_owed(state: &State, now_ms: u64) -> Vec<DeliveriesOwed> {
    let mut owed_to: BTreeMap<&ReceiverName, (u64, u64)> = BTreeMap::new();
    for owed in state.outbox.values() {
        let Some(receiver) = &owed.receiver else { continue };
        let (notices, oldest_ms) = owed_to.entry(receiver).or_default();
        *notices += 1;
        *oldest_ms = (*oldest_ms).max(now_ms.saturating_sub(owed.owed_ms));
    }
    let owed = |(receiver, (notices, oldest_ms)): (&ReceiverName, (u64, u64))| DeliveriesOwed {
        receiver: receiver.clone(),
        notices,
        oldest_ms,
    };
    owed_to.into_iter().map(owed).collect()
}
