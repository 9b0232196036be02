//! The conformance suite of event sources, with a stream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reelgate_aws::events::kinesis::KinesisEvents;
use reelgate_conformance::events::EventsHome;
use reelgate_ports::error::PortResult;
use reelgate_ports::events::{EventBatch, Events};

use super::stream::{Ledger, TestStream, reader};

struct StreamUnderTest {
    stream: TestStream,
    ledger: Ledger,
}

impl StreamUnderTest {
    async fn new() -> Self {
        Self { stream: TestStream::new(1).await, ledger: Ledger::default() }
    }
}

#[async_trait]
impl EventsHome for StreamUnderTest {
    fn events(&self) -> Arc<dyn Events> {
        Arc::new(WaitingEvents {
            events: reader(&self.stream, &self.ledger, "a"),
            ledger: self.ledger.clone(),
        })
    }

    async fn put(&self, key: &str, bytes: &[u8]) {
        self.stream.put(key, &format!("{}-{}", bytes.len(), bytes[0]), bytes.len()).await;
    }
}

/// Waits for events in a poll: the suite expects them at once, but a stream delivers them after a moment.
struct WaitingEvents {
    events: KinesisEvents,
    ledger: Ledger,
}

#[async_trait]
impl Events for WaitingEvents {
    async fn poll(&self, events_max: usize) -> PortResult<EventBatch> {
        let until = Instant::now() + Duration::from_secs(2);
        loop {
            let batch = self.events.poll(events_max).await?;
            if !batch.is_empty() || Instant::now() > until {
                return Ok(batch);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn acknowledge(&self, batch: &EventBatch) -> PortResult<()> {
        if batch.checkpoint.is_some() {
            self.ledger.commit(batch).await.unwrap();
        }
        self.events.acknowledge(batch).await
    }

    async fn abandon(&self, batch: &EventBatch) -> PortResult<()> {
        self.events.abandon(batch).await
    }

    async fn stop(&self) -> PortResult<()> {
        self.events.stop().await
    }

    async fn check(&self) -> PortResult<String> {
        self.events.check().await
    }
}

reelgate_conformance::events_suite!(StreamUnderTest::new().await);
