//! Coordinates the leases of this reader: renews them, takes free ones, requests and hands over shards, and lists the
//! stream's shards. Rounds run one at a time, each after a jittered pause.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reelgate_ports::error::PortResult;
use reelgate_ports::shards::{Position, ShardLease, ShardRow};
use tokio::time::{Instant, sleep};

use super::lease::{Plan, Planner, View};
use super::rate_limit::jittered;
use super::reader::Reader;
use super::shard_reader;

/// The stream is listed at least this often. Otherwise a split of a shard that nobody reads to its end is never discovered.
const LIST_EVERY: Duration = Duration::from_secs(60);
/// Rounds per lease time.
const ROUNDS: u32 = 6;
/// Renewals per lease time: two may fail.
const RENEWALS: u32 = 3;

struct LeaseCoordinator {
    reader: Arc<Reader>,
    planner: Planner,
    rng: fastrand::Rng,
    begun: Instant,
    listed: Option<BTreeSet<String>>,
    list_at: Instant,
    renew_at: Instant,
}

/// Coordinates the leases until the reader is stopped, then releases all of them.
pub(super) async fn run(reader: Arc<Reader>) {
    let now = Instant::now();
    let planner = Planner::new(reader.settings.node.clone(), reader.settings.lease_ms);
    let rng = fastrand::Rng::new();
    let mut lease_coordinator = LeaseCoordinator {
        planner,
        rng,
        begun: now,
        listed: None,
        list_at: now,
        renew_at: now,
        reader: Arc::clone(&reader),
    };
    let pause = Duration::from_millis(reader.settings.lease_ms) / ROUNDS;
    let mut failing = false;
    while !reader.stopping() {
        // A node that no longer polls must let others read, so it releases its leases.
        if reader.poll_timed_out() {
            lease_coordinator.release_all().await;
            lease_coordinator.planner.begin_anew();
        } else {
            let round = lease_coordinator.round().await;
            // An outage of the store lasts many rounds: it is logged at its beginning and at its end.
            match &round {
                Err(error) if !failing => {
                    tracing::warn!(%error, "updating the shard leases failed; retrying until it succeeds")
                }
                Ok(()) if failing => tracing::warn!("updating the shard leases succeeds again"),
                Ok(()) | Err(_) => {}
            }
            failing = round.is_err();
            if failing {
                lease_coordinator.planner.look_failed();
            }
        }
        tokio::select! {
            () = sleep(jittered(pause)) => {}
            () = reader.wake.notified() => {}
        }
    }
    lease_coordinator.release_all().await;
}

impl LeaseCoordinator {
    async fn round(&mut self) -> PortResult<()> {
        self.renew().await?;
        let (shards, stream) = (&self.reader.shards, &self.reader.settings.stream);
        let mut rows = shards.shards(stream).await?;
        if self.reader.asked_to_list() || Instant::now() >= self.list_at {
            self.list(&rows).await;
            rows = self.reader.shards.shards(&self.reader.settings.stream).await?;
        }
        let held = self.reader.shard_buffer.leases().into_iter().map(|lease| lease.shard).collect();
        let now_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let view = View { rows: &rows, listed: self.listed.as_ref(), held: &held, now_ms };
        let plan = self.planner.plan(&view, &mut self.rng);
        self.carry_out(plan).await
    }

    async fn renew(&mut self) -> PortResult<()> {
        let leases = self.reader.shard_buffer.leases();
        if Instant::now() < self.renew_at || leases.is_empty() {
            return Ok(());
        }
        for lost in self.reader.shards.renew_shards(&leases).await? {
            tracing::info!(shard = lost.shard, "another reader has taken this shard; reading it stops");
            self.reader.shard_buffer.forget(&lost);
        }
        self.renew_at = Instant::now() + Duration::from_millis(self.reader.settings.lease_ms) / RENEWALS;
        Ok(())
    }

    /// Adds rows for new shards, and removes the rows of shards that are read to their end and gone.
    async fn list(&mut self, rows: &[ShardRow]) {
        match self.listing(rows).await {
            Ok(listed) => {
                self.listed = Some(listed);
                self.list_at = Instant::now() + jittered(LIST_EVERY);
            }
            Err(error) => {
                self.reader.list_later();
                tracing::warn!(%error, "listing the stream's shards failed; retrying");
            }
        }
    }

    async fn listing(&self, rows: &[ShardRow]) -> PortResult<BTreeSet<String>> {
        let stream = &self.reader.settings.stream;
        let listed = self.reader.stream.list().await?;
        let known: BTreeSet<&str> = rows.iter().map(|row| row.shard.as_str()).collect();
        let new = listed.iter().filter(|listed| !known.contains(listed.shard.as_str()));
        let new: Vec<ShardRow> = new.map(super::stream::Listed::row).collect();
        if !new.is_empty() {
            self.reader.shards.add_shards(stream, &new).await?;
        }
        let listed: BTreeSet<String> = listed.into_iter().map(|listed| listed.shard).collect();
        let over = rows.iter().filter(|row| row.position == Position::Ended && !listed.contains(&row.shard));
        let over: Vec<String> = over.map(|row| row.shard.clone()).collect();
        if !over.is_empty() {
            self.reader.shards.forget_shards(stream, &over).await?;
        }
        Ok(listed)
    }

    async fn carry_out(&mut self, plan: Plan) -> PortResult<()> {
        let (stream, node) = (&self.reader.settings.stream, &self.reader.settings.node);
        if plan.list {
            self.reader.list_later();
        }
        for shard in &plan.hand_over {
            if let Some(lease) = self.reader.shard_buffer.leave(shard) {
                self.reader.shards.release_shard(&lease).await?;
            }
        }
        for (shard, seen_counter) in &plan.take {
            if self.reader.stopping() {
                return Ok(());
            }
            let taken = self.reader.shards.take_shard(stream, shard, node, *seen_counter).await?;
            let Some((lease, position)) = taken else { continue };
            if position == Position::Ended {
                self.reader.shards.release_shard(&lease).await?;
                continue;
            }
            self.reader.shard_buffer.open(lease.clone(), position.clone());
            let task = tokio::spawn(shard_reader::read(Arc::clone(&self.reader), lease.clone(), position));
            self.reader.shard_buffer.filled_by(&lease, task.abort_handle());
        }
        if let Some(shard) = &plan.want {
            self.reader.shards.want_shard(stream, shard, node).await?;
        }
        Ok(())
    }

    /// Releases all leases at the same time: a process that must end waits for this.
    async fn release_all(&mut self) {
        let shards = &self.reader.shards;
        let release = |lease: ShardLease| async move {
            if let Err(error) = shards.release_shard(&lease).await {
                tracing::warn!(shard = lease.shard, %error, "releasing a shard failed; its lease will expire");
            }
        };
        let leases = self.reader.shard_buffer.leases();
        leases.iter().for_each(|lease| self.reader.shard_buffer.forget(lease));
        join_all(leases.into_iter().map(release)).await;
    }
}
