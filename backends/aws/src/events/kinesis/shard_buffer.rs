//! Records that were read and wait for ingest: one bounded slot for each shard that this process reads. A slot hands out
//! one batch at a time, and returns the same batch until it is acknowledged, so the checkpoints of a shard form a chain.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use reelgate_ports::events::EventBatch;
use reelgate_ports::shards::{Checkpoint, Position, ShardLease};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Most records that wait for one shard; the next page is not read while there are as many.
pub(super) const WAITING_MAX: usize = 2_000;

/// One parsed record.
pub(super) struct Item {
    pub(super) sequence: String,
    /// The record's content, without checkpoint and receipts.
    pub(super) content: EventBatch,
}

impl Item {
    fn weight(&self) -> usize {
        let EventBatch { events, scans, unarchived, refused, .. } = &self.content;
        events.len() + scans.len() + unarchived.len() + refused.len()
    }
}

/// What follows after a batch was acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Reading the shard continues.
    ReadOn,
    /// The lease must be released: the shard has ended, or another reader waits for it.
    Release,
    /// Nothing: this reader no longer owns the lease.
    Nothing,
}

struct Slot {
    lease: ShardLease,
    /// The position that the store has committed.
    committed: Position,
    items: VecDeque<Item>,
    /// The shard has no more records.
    ended: bool,
    /// Another reader waits for the shard: no new batch is handed out.
    leaving: bool,
    /// The batch that is handed out and not yet acknowledged.
    out: Option<EventBatch>,
    reader: Option<AbortHandle>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

/// The slots of all shards that this process reads.
#[derive(Default)]
pub(super) struct ShardBuffer {
    slots: Mutex<Slots>,
    /// Signals that a batch was taken or a slot was removed.
    room: Notify,
}

#[derive(Default)]
struct Slots {
    by_shard: BTreeMap<String, Slot>,
    /// The shard that was served last, so that shards are served in turn.
    last: String,
}

impl ShardBuffer {
    /// Every change of the slots is complete, so they are consistent even after a panic.
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a slot for a lease that was just taken.
    pub(super) fn open(&self, lease: ShardLease, committed: Position) {
        let slot = Slot {
            committed,
            items: VecDeque::new(),
            ended: false,
            leaving: false,
            out: None,
            reader: None,
            lease: lease.clone(),
        };
        self.slots().by_shard.insert(lease.shard, slot);
    }

    /// Sets the task that fills a slot. The task is aborted when the slot is removed.
    pub(super) fn filled_by(&self, lease: &ShardLease, reader: AbortHandle) {
        match self.slots().of(lease) {
            Some(slot) => slot.reader = Some(reader),
            None => reader.abort(),
        }
    }

    pub(super) fn leases(&self) -> Vec<ShardLease> {
        self.slots().by_shard.values().map(|slot| slot.lease.clone()).collect()
    }

    /// Waits until a slot has room for a page; false if nothing more must be read for this lease.
    pub(super) async fn room(&self, lease: &ShardLease) -> bool {
        loop {
            let changed = self.room.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.slots().of(lease) {
                Some(slot) if slot.ended || slot.leaving => return false,
                Some(slot) if slot.items.len() < WAITING_MAX => return true,
                Some(_) => {}
                None => return false,
            }
            changed.await;
        }
    }

    /// Adds records to a slot; false if the lease is gone.
    pub(super) fn put(&self, lease: &ShardLease, items: Vec<Item>) -> bool {
        let mut slots = self.slots();
        let Some(slot) = slots.of(lease).filter(|slot| !slot.leaving) else { return false };
        slot.items.extend(items);
        true
    }

    /// Marks the end of the shard: no more records follow.
    pub(super) fn end(&self, lease: &ShardLease) {
        if let Some(slot) = self.slots().of(lease) {
            slot.ended = true;
        }
    }

    /// A batch of the next shard that has records; empty if there is none. The same batch of a shard is returned in the
    /// shard's turn until it is acknowledged. A batch that the store refuses does not block the other shards.
    pub(super) fn take(&self, events_max: usize) -> EventBatch {
        let mut slots = self.slots();
        let last = slots.last.clone();
        let after = slots.by_shard.keys().filter(|shard| **shard > last);
        let before = slots.by_shard.keys().filter(|shard| **shard <= last);
        let turns: Vec<String> = after.chain(before).cloned().collect();
        for shard in turns {
            let Some(slot) = slots.by_shard.get_mut(&shard) else { continue };
            if let Some(batch) = slot.out.clone().or_else(|| slot.fill(events_max)) {
                slots.last = shard;
                drop(slots);
                self.room.notify_waiters();
                return batch;
            }
        }
        EventBatch::default()
    }

    /// Records that the store has committed a batch.
    pub(super) fn committed(&self, checkpoint: &Checkpoint) -> Next {
        let mut slots = self.slots();
        let Some(slot) = slots.of(&checkpoint.lease) else { return Next::Nothing };
        slot.committed = checkpoint.to.clone();
        slot.out = None;
        if slot.committed != Position::Ended && !slot.leaving {
            return Next::ReadOn;
        }
        slots.by_shard.remove(&checkpoint.lease.shard);
        drop(slots);
        self.room.notify_waiters();
        Next::Release
    }

    /// Drops the slot of a lease, because this reader lost the lease or gives it up.
    pub(super) fn forget(&self, lease: &ShardLease) {
        let mut slots = self.slots();
        if slots.of(lease).is_some() {
            slots.by_shard.remove(&lease.shard);
        }
        drop(slots);
        self.room.notify_waiters();
    }

    /// Records that the task which fills a slot has ended. If the shard has not ended, the slot is dropped and the lease
    /// expires.
    pub(super) fn reader_ended(&self, lease: &ShardLease) {
        let unfinished = self.slots().of(lease).is_some_and(|slot| !slot.ended && !slot.leaving);
        if unfinished {
            tracing::error!(
                shard = lease.shard,
                "the task that reads a shard ended early; the shard's lease will expire and be taken again"
            );
            self.forget(lease);
        }
    }

    /// Gives up a shard that another reader waits for: drops the records that were not handed out. Returns the lease if it
    /// can be released at once. Otherwise [`ShardBuffer::committed`] reports when.
    pub(super) fn leave(&self, shard: &str) -> Option<ShardLease> {
        let mut slots = self.slots();
        let slot = slots.by_shard.get_mut(shard)?;
        slot.leaving = true;
        slot.items.clear();
        let lease = slot.out.is_none().then(|| slot.lease.clone());
        if lease.is_some() {
            slots.by_shard.remove(shard);
        }
        drop(slots);
        self.room.notify_waiters();
        lease
    }
}

impl Slots {
    /// The slot of exactly this lease, including its epoch.
    fn of(&mut self, lease: &ShardLease) -> Option<&mut Slot> {
        self.by_shard.get_mut(&lease.shard).filter(|slot| slot.lease == *lease)
    }
}

impl Slot {
    /// The next records with the move of the checkpoint, at most `events_max` events. A single record may have more.
    fn fill(&mut self, events_max: usize) -> Option<EventBatch> {
        let nothing = self.items.is_empty() && !self.ended;
        if self.leaving || nothing {
            return None;
        }
        let mut batch = EventBatch::default();
        let (mut to, mut weight) = (self.committed.clone(), 0);
        while let Some(item) = self.items.front() {
            let full = weight > 0 && weight + item.weight() > events_max;
            if full {
                break;
            }
            weight += item.weight();
            let Some(item) = self.items.pop_front() else { break };
            to = Position::After(item.sequence);
            batch.events.extend(item.content.events);
            batch.scans.extend(item.content.scans);
            batch.unarchived.extend(item.content.unarchived);
            batch.refused.extend(item.content.refused);
        }
        if self.ended && self.items.is_empty() {
            to = Position::Ended;
        }
        batch.checkpoint = Some(Checkpoint { lease: self.lease.clone(), from: self.committed.clone(), to });
        self.out = Some(batch.clone());
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use reelgate_flow::ids::NodeId;
    use reelgate_ports::events::RefusedEvent;

    use super::*;

    fn lease(shard: &str, epoch: u64) -> ShardLease {
        ShardLease { stream: "s".into(), shard: shard.into(), owner: NodeId::new("a"), epoch }
    }

    fn items(sequences: std::ops::Range<u32>) -> Vec<Item> {
        let refused =
            |place: u32| RefusedEvent { location: place.to_string(), sha256: "x".into(), reason: "x".into() };
        let content = |place| EventBatch { refused: vec![refused(place)], ..EventBatch::default() };
        sequences
            .map(|sequence| Item { sequence: sequence.to_string(), content: content(sequence) })
            .collect()
    }

    fn checkpoint(batch: &EventBatch) -> (Position, Position) {
        let checkpoint = batch.checkpoint.clone().unwrap();
        (checkpoint.from, checkpoint.to)
    }

    fn after(sequence: u32) -> Position {
        Position::After(sequence.to_string())
    }

    fn commit(shard_buffer: &ShardBuffer, batch: &EventBatch) -> Next {
        shard_buffer.committed(batch.checkpoint.as_ref().unwrap())
    }

    #[test]
    fn the_checkpoints_of_a_shard_form_a_chain_to_its_end() {
        let shard_buffer = ShardBuffer::default();
        shard_buffer.open(lease("1", 1), Position::Oldest);
        assert!(shard_buffer.put(&lease("1", 1), items(0..5)));
        let first = shard_buffer.take(3);
        assert_eq!((first.refused.len(), checkpoint(&first)), (3, (Position::Oldest, after(2))));
        assert_eq!(shard_buffer.take(3), first, "not acknowledged yet");
        assert_eq!(commit(&shard_buffer, &first), Next::ReadOn);
        shard_buffer.end(&lease("1", 1));
        let last = shard_buffer.take(3);
        assert_eq!((last.refused.len(), checkpoint(&last)), (2, (after(2), Position::Ended)));
        assert_eq!(commit(&shard_buffer, &last), Next::Release);
        assert!(shard_buffer.take(3).is_empty() && shard_buffer.leases().is_empty());
    }

    #[test]
    fn shards_are_served_in_turn() {
        let shard_buffer = ShardBuffer::default();
        for shard in ["1", "2", "3"] {
            shard_buffer.open(lease(shard, 1), Position::Oldest);
            shard_buffer.put(&lease(shard, 1), items(0..9));
        }
        let turns: Vec<String> = (0..6)
            .map(|_| {
                let batch = shard_buffer.take(1);
                commit(&shard_buffer, &batch);
                batch.checkpoint.unwrap().lease.shard
            })
            .collect();
        assert_eq!(turns, ["1", "2", "3", "1", "2", "3"]);
    }

    #[test]
    fn a_batch_that_the_store_refuses_blocks_no_other_shard() {
        let shard_buffer = ShardBuffer::default();
        for shard in ["1", "2"] {
            shard_buffer.open(lease(shard, 1), Position::Oldest);
            shard_buffer.put(&lease(shard, 1), items(0..9));
        }
        let refused = shard_buffer.take(1);
        let other = shard_buffer.take(1);
        assert_eq!(other.checkpoint.as_ref().unwrap().lease.shard, "2");
        commit(&shard_buffer, &other);
        assert_eq!(shard_buffer.take(1), refused);
    }

    #[test]
    fn a_shard_whose_reader_died_is_dropped_and_one_whose_reader_finished_is_not() {
        let shard_buffer = ShardBuffer::default();
        for shard in ["1", "2"] {
            shard_buffer.open(lease(shard, 1), Position::Oldest);
        }
        shard_buffer.end(&lease("2", 1));
        for shard in ["1", "2"] {
            shard_buffer.reader_ended(&lease(shard, 1));
        }
        assert_eq!(shard_buffer.leases(), [lease("2", 1)]);
    }

    #[test]
    fn records_read_under_an_earlier_epoch_are_dropped() {
        let shard_buffer = ShardBuffer::default();
        shard_buffer.open(lease("1", 2), after(7));
        assert!(!shard_buffer.put(&lease("1", 1), items(0..1)));
        shard_buffer.end(&lease("1", 1));
        shard_buffer.forget(&lease("1", 1));
        assert!(shard_buffer.take(1).is_empty());
        assert_eq!(shard_buffer.leases(), [lease("1", 2)]);
    }

    #[test]
    fn a_requested_shard_is_released_after_its_outstanding_batch() {
        let shard_buffer = ShardBuffer::default();
        for shard in ["1", "2"] {
            shard_buffer.open(lease(shard, 1), Position::Oldest);
            shard_buffer.put(&lease(shard, 1), items(0..5));
        }
        let out = shard_buffer.take(1);
        assert_eq!(shard_buffer.leave("1"), None);
        assert_eq!(shard_buffer.leave("2"), Some(lease("2", 1)));
        assert_eq!(commit(&shard_buffer, &out), Next::Release);
        assert!(shard_buffer.take(1).is_empty());
    }

    #[tokio::test]
    async fn a_full_slot_reads_no_more_until_a_batch_is_taken() {
        let shard_buffer = ShardBuffer::default();
        shard_buffer.open(lease("1", 1), Position::Oldest);
        let lease = lease("1", 1);
        shard_buffer.put(&lease, items(0..u32::try_from(WAITING_MAX).unwrap()));
        let mut waiting = Box::pin(shard_buffer.room(&lease));
        assert!(futures_poll(&mut waiting).is_pending());
        shard_buffer.take(1);
        assert!(waiting.await);
    }

    fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::pin::Pin::new(future).poll(&mut context)
    }
}
