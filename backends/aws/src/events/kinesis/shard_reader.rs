//! Reads one shard from its checkpoint to its end into its slot in the shard buffer, by polling or by subscription.

use std::sync::Arc;

use reelgate_ports::events::EventBatch;
use reelgate_ports::shards::{Position, ShardLease};

use super::cursor::Cursor;
use super::rate_limit::RateLimit;
use super::reader::Reader;
use super::shard_buffer::Item;
use super::stream::{Listed, Page, Record, Refusal};
use crate::events::envelope::parse_message;
use crate::location::Area;

/// Whether reading a shard continues.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Continue,
    Ended,
}

/// Notifies the shard buffer when the task ends, however it ends.
struct EndGuard(Arc<Reader>, ShardLease);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.shard_buffer.reader_ended(&self.1);
    }
}

/// Reads a shard until the shard ends or its lease is gone.
pub(super) async fn read(reader: Arc<Reader>, lease: ShardLease, position: Position) {
    let _guard = EndGuard(Arc::clone(&reader), lease.clone());
    let mut cursor = Cursor::new(&position);
    let mut rate_limit = RateLimit::new(reader.settings.idle_max());
    let fan_out = reader.settings.fan_out.is_some();
    while reader.shard_buffer.room(&lease).await {
        let read = match fan_out {
            true => follow(&reader, &lease, &mut cursor, &mut rate_limit).await,
            false => poll(&reader, &lease, &mut cursor, &mut rate_limit).await,
        };
        match read {
            Ok(Course::Continue) => {}
            Ok(Course::Ended) => return,
            Err(Refusal::Expired) => {
                tracing::debug!(shard = lease.shard, "the shard iterator expired; requesting another")
            }
            Err(Refusal::Trimmed) => {
                reader.gap(&lease.shard);
                cursor.trimmed();
            }
            Err(Refusal::Gone) if gone(&reader, &lease).await => return,
            Err(Refusal::Gone) => rate_limit.refused().await,
            Err(Refusal::Other(error)) => {
                tracing::warn!(shard = lease.shard, %error, "reading a shard failed; retrying");
                rate_limit.refused().await;
            }
        }
    }
}

/// Polls with one chain of iterators until it breaks.
async fn poll(
    reader: &Arc<Reader>,
    lease: &ShardLease,
    cursor: &mut Cursor,
    rate_limit: &mut RateLimit,
) -> Result<Course, Refusal> {
    rate_limit.turn().await;
    let mut iterator = reader.stream.iterator(&lease.shard, &cursor.start()).await?;
    while reader.shard_buffer.room(lease).await {
        rate_limit.turn().await;
        let mut page = reader.stream.read(&iterator, reader.settings.records_max).await?;
        rate_limit.answered(!page.records.is_empty() || page.behind_ms > 0);
        let next = page.next.take();
        if deliver(reader, lease, cursor, page).await == Course::Ended {
            return Ok(Course::Ended);
        }
        let Some(next) = next else { return Ok(Course::Continue) };
        iterator = next;
    }
    Ok(Course::Continue)
}

/// Follows one subscription, which the service ends after five minutes.
async fn follow(
    reader: &Arc<Reader>,
    lease: &ShardLease,
    cursor: &mut Cursor,
    rate_limit: &mut RateLimit,
) -> Result<Course, Refusal> {
    rate_limit.turn().await;
    let mut subscription = reader.stream.subscribe(&lease.shard, &cursor.start()).await?;
    rate_limit.answered(true);
    while reader.shard_buffer.room(lease).await {
        let Some(page) = subscription.next().await? else { break };
        if deliver(reader, lease, cursor, page).await == Course::Ended {
            return Ok(Course::Ended);
        }
    }
    Ok(Course::Continue)
}

/// Adds a page to the slot. If the shard has ended, its children get their rows before the end becomes visible.
async fn deliver(reader: &Arc<Reader>, lease: &ShardLease, cursor: &mut Cursor, page: Page) -> Course {
    let (records, gap) = cursor.admit(page.records, page.ended);
    if gap {
        reader.gap(&lease.shard);
    }
    let items = parse_records(reader, lease, records).await;
    if !reader.shard_buffer.put(lease, items) {
        return Course::Ended;
    }
    if !page.ended {
        return Course::Continue;
    }
    let rows: Vec<_> = page.children.iter().map(Listed::row).collect();
    if !rows.is_empty()
        && let Err(error) = reader.shards.add_shards(&reader.settings.stream, &rows).await
    {
        tracing::debug!(%error, "adding the children of a shard failed; the next listing adds them");
    }
    reader.shard_buffer.end(lease);
    reader.list_soon();
    Course::Ended
}

/// Parses records on a blocking thread, because a page may have thousands.
async fn parse_records(reader: &Arc<Reader>, lease: &ShardLease, records: Vec<Record>) -> Vec<Item> {
    if records.is_empty() {
        return Vec::new();
    }
    let ingest = reader.settings.ingest.clone();
    let place = format!("stream {}, {}", reader.settings.stream, lease.shard);
    let read = tokio::task::spawn_blocking(move || {
        records.into_iter().map(|record| item(record, &ingest, &place)).collect()
    });
    read.await.expect("parsing a message never panics")
}

fn item(record: Record, ingest: &Area, place: &str) -> Item {
    let mut content = EventBatch::default();
    let place = format!("{place}, record {}", record.sequence);
    parse_message(&record.bytes).add_to(&mut content, ingest, &place, &record.bytes);
    Item { sequence: record.sequence, content }
}

/// Whether the stream exists without this shard, because all of the shard's records were trimmed. Then the shard has ended.
async fn gone(reader: &Arc<Reader>, lease: &ShardLease) -> bool {
    let listed = match reader.stream.list().await {
        Ok(listed) => listed,
        Err(error) => {
            tracing::warn!(shard = lease.shard, %error, "the shard was not found, and listing the stream failed; retrying");
            return false;
        }
    };
    let there = listed.is_empty() || listed.iter().any(|listed| listed.shard == lease.shard);
    if !there {
        reader.gap(&lease.shard);
        reader.shard_buffer.end(lease);
        reader.list_soon();
    }
    !there
}
