//! What was read and waits to be taken in: one slot for each shard that this process reads, with a bound. A slot hands
//! out one batch at a time and hands it out again until it is acknowledged, so the checkpoints of a shard form a chain.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use reelgate_ports::events::EventBatch;
use reelgate_ports::shards::{Checkpoint, Position, ShardLease};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Records that wait for one shard; the next page is not asked for while there are as many.
pub(super) const WAITING_MAX: usize = 2_000;

/// One record as it was understood.
pub(super) struct Item {
    /// Its sequence number.
    pub(super) sequence: String,
    /// What it says; no checkpoint, no receipts.
    pub(super) said: EventBatch,
}

impl Item {
    fn weight(&self) -> usize {
        self.said.events.len() + self.said.scans.len() + self.said.refused.len()
    }
}

/// What an acknowledged batch leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// The shard is read on.
    ReadOn,
    /// The lease is to be released: the shard has ended, or another reader waits for it.
    Release,
    /// The lease is not ours any more.
    Nothing,
}

struct Slot {
    lease: ShardLease,
    /// Up to where the store knows it.
    committed: Position,
    items: VecDeque<Item>,
    /// The stream has nothing more of this shard.
    ended: bool,
    /// Another reader waits for it: nothing new is handed out.
    leaving: bool,
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

/// The slots of all held shards.
#[derive(Default)]
pub(super) struct ShardBuffer {
    slots: Mutex<Slots>,
    /// Somebody took something, or a slot went away.
    room: Notify,
}

#[derive(Default)]
struct Slots {
    by_shard: BTreeMap<String, Slot>,
    /// The shard that was served last, so that each has its turn.
    last: String,
}

impl ShardBuffer {
    /// Every change of the slots is whole, so what a panic left behind is still good.
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a slot for a lease just taken.
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

    /// Names the task that fills a slot; it ends with the slot.
    pub(super) fn filled_by(&self, lease: &ShardLease, reader: AbortHandle) {
        match self.slots().of(lease) {
            Some(slot) => slot.reader = Some(reader),
            None => reader.abort(),
        }
    }

    /// The leases of all slots.
    pub(super) fn leases(&self) -> Vec<ShardLease> {
        self.slots().by_shard.values().map(|slot| slot.lease.clone()).collect()
    }

    /// Waits until a slot has room for a page; false where nothing more is to be read for this lease.
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

    /// Puts records down; false where the lease has gone.
    pub(super) fn put(&self, lease: &ShardLease, items: Vec<Item>) -> bool {
        let mut slots = self.slots();
        let Some(slot) = slots.of(lease).filter(|slot| !slot.leaving) else { return false };
        slot.items.extend(items);
        true
    }

    /// Nothing comes after what was put down.
    pub(super) fn end(&self, lease: &ShardLease) {
        if let Some(slot) = self.slots().of(lease) {
            slot.ended = true;
        }
    }

    /// A batch of the next shard that has something, or nothing. What a shard handed out comes again until it is
    /// acknowledged, in its turn: one that the store refuses does not keep the other shards waiting.
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

    /// The store has committed a batch.
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

    /// The lease is not ours any more, or never mind: drops what belongs to it.
    pub(super) fn forget(&self, lease: &ShardLease) {
        let mut slots = self.slots();
        if slots.of(lease).is_some() {
            slots.by_shard.remove(&lease.shard);
        }
        drop(slots);
        self.room.notify_waiters();
    }

    /// The task that fills a slot has ended; before its time, the lease is dropped with the slot and ends by itself.
    pub(super) fn unread(&self, lease: &ShardLease) {
        let unfinished = self.slots().of(lease).is_some_and(|slot| !slot.ended && !slot.leaving);
        if unfinished {
            tracing::error!(
                shard = lease.shard,
                "reading a shard ended before the shard; another try follows"
            );
            self.forget(lease);
        }
    }

    /// Another reader waits for a shard: what was not handed out is dropped. The lease, where it can be released at once;
    /// else [`ShardBuffer::committed`] says when.
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
    /// The slot of exactly this taking of the lease.
    fn of(&mut self, lease: &ShardLease) -> Option<&mut Slot> {
        self.by_shard.get_mut(&lease.shard).filter(|slot| slot.lease == *lease)
    }
}

impl Slot {
    /// The next records, at most so many events (one record alone may say more), with the move of the checkpoint.
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
            batch.events.extend(item.said.events);
            batch.scans.extend(item.said.scans);
            batch.refused.extend(item.said.refused);
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
            |place: u32| RefusedEvent { place: place.to_string(), sha256: "x".into(), why: "x".into() };
        let said = |place| EventBatch { refused: vec![refused(place)], ..EventBatch::default() };
        sequences.map(|sequence| Item { sequence: sequence.to_string(), said: said(sequence) }).collect()
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
    fn shards_have_their_turns() {
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
    fn a_batch_that_the_store_refuses_keeps_no_other_shard_waiting() {
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
    fn a_shard_whose_reader_died_is_dropped_and_one_whose_reader_was_done_is_not() {
        let shard_buffer = ShardBuffer::default();
        for shard in ["1", "2"] {
            shard_buffer.open(lease(shard, 1), Position::Oldest);
        }
        shard_buffer.end(&lease("2", 1));
        for shard in ["1", "2"] {
            shard_buffer.unread(&lease(shard, 1));
        }
        assert_eq!(shard_buffer.leases(), [lease("2", 1)]);
    }

    #[test]
    fn what_an_earlier_taking_of_the_lease_read_has_no_place() {
        let shard_buffer = ShardBuffer::default();
        shard_buffer.open(lease("1", 2), after(7));
        assert!(!shard_buffer.put(&lease("1", 1), items(0..1)));
        shard_buffer.end(&lease("1", 1));
        shard_buffer.forget(&lease("1", 1));
        assert!(shard_buffer.take(1).is_empty());
        assert_eq!(shard_buffer.leases(), [lease("1", 2)]);
    }

    #[test]
    fn a_shard_that_is_wanted_is_left_after_the_batch_that_is_out() {
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
    async fn a_full_slot_asks_for_no_more_until_some_is_taken() {
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
