//! Reads one shard, from its checkpoint to its end, into its slot on the shard buffer; by polling or by subscription.

use std::sync::Arc;

use reelgate_ports::events::EventBatch;
use reelgate_ports::shards::{Position, ShardLease};

use super::Reader;
use super::cursor::Cursor;
use super::rate_limit::RateLimit;
use super::shard_buffer::Item;
use super::stream::{Listed, Page, Record, Refusal};
use crate::events::envelope::parse_message;
use crate::location::Area;

/// Whether a shard is read on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    On,
    Over,
}

/// Tells the shard buffer that nobody fills a slot any more, however the reading ended.
struct Ending(Arc<Reader>, ShardLease);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.shard_buffer.unread(&self.1);
    }
}

/// Reads a shard until it ends or its lease goes away.
pub(super) async fn read(reader: Arc<Reader>, lease: ShardLease, position: Position) {
    let _ending = Ending(Arc::clone(&reader), lease.clone());
    let mut cursor = Cursor::new(&position);
    let mut rate_limit = RateLimit::new(reader.settings.idle_max());
    let fan_out = reader.settings.fan_out.is_some();
    while reader.shard_buffer.room(&lease).await {
        let went = match fan_out {
            true => follow(&reader, &lease, &mut cursor, &mut rate_limit).await,
            false => poll(&reader, &lease, &mut cursor, &mut rate_limit).await,
        };
        match went {
            Ok(Course::On) => {}
            Ok(Course::Over) => return,
            Err(Refusal::Expired) => {
                tracing::debug!(shard = lease.shard, "the iterator expired; begin again")
            }
            Err(Refusal::Trimmed) => {
                reader.gap(&lease.shard);
                cursor.trimmed();
            }
            Err(Refusal::Gone) if gone(&reader, &lease).await => return,
            Err(Refusal::Gone) => rate_limit.refused().await,
            Err(Refusal::Other(error)) => {
                tracing::warn!(shard = lease.shard, %error, "reading a shard failed; it is tried again");
                rate_limit.refused().await;
            }
        }
    }
}

/// Polls with one chain of iterators, for as long as it holds.
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
        if deliver(reader, lease, cursor, page).await == Course::Over {
            return Ok(Course::Over);
        }
        let Some(next) = next else { return Ok(Course::On) };
        iterator = next;
    }
    Ok(Course::On)
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
        if deliver(reader, lease, cursor, page).await == Course::Over {
            return Ok(Course::Over);
        }
    }
    Ok(Course::On)
}

/// Puts a page down; its children get their rows before anybody can see that their parent has ended.
async fn deliver(reader: &Arc<Reader>, lease: &ShardLease, cursor: &mut Cursor, page: Page) -> Course {
    let (records, gap) = cursor.admit(page.records, page.ended);
    if gap {
        reader.gap(&lease.shard);
    }
    let items = understood(reader, lease, records).await;
    if !reader.shard_buffer.put(lease, items) {
        return Course::Over;
    }
    if !page.ended {
        return Course::On;
    }
    let rows: Vec<_> = page.children.iter().map(Listed::row).collect();
    if !rows.is_empty()
        && let Err(error) = reader.shards.add_shards(&reader.settings.stream, &rows).await
    {
        tracing::debug!(%error, "children of a shard are left to the next listing");
    }
    reader.shard_buffer.end(lease);
    reader.list_soon();
    Course::Over
}

/// Reads messages on a thread for such work: a page may hold thousands.
async fn understood(reader: &Arc<Reader>, lease: &ShardLease, records: Vec<Record>) -> Vec<Item> {
    if records.is_empty() {
        return Vec::new();
    }
    let ingest = reader.settings.ingest.clone();
    let place = format!("stream {}, {}", reader.settings.stream, lease.shard);
    let read = tokio::task::spawn_blocking(move || {
        records.into_iter().map(|record| item(record, &ingest, &place)).collect()
    });
    read.await.expect("reading a message answers to every input")
}

fn item(record: Record, ingest: &Area, place: &str) -> Item {
    let mut said = EventBatch::default();
    let place = format!("{place}, record {}", record.sequence);
    parse_message(&record.bytes).add_to(&mut said, ingest, &place, &record.bytes);
    Item { sequence: record.sequence, said }
}

/// Whether the stream lives on without this shard: all its records were trimmed. Then it is at its end.
async fn gone(reader: &Arc<Reader>, lease: &ShardLease) -> bool {
    let listed = match reader.stream.list().await {
        Ok(listed) => listed,
        Err(error) => {
            tracing::warn!(shard = lease.shard, %error, "a shard is not found, and the stream cannot be listed");
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
