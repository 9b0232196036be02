//! Events of S3 from an SQS queue, for deployments without a stream. The queue keeps every message until it is deleted, so
//! there is no checkpoint. An acknowledged message is deleted, a kept one stays hidden, an abandoned one becomes visible at once, and a
//! lost one becomes visible after the queue's visibility timeout.

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry as Visibility, DeleteMessageBatchRequestEntry as Deletion,
    Message, QueueAttributeName,
};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::events::{EventBatch, Events};

use super::envelope::parse_message;
use crate::error::ApiCall;
use crate::location::Area;

const RECEIVE: ApiCall = ApiCall::new(Port::Events, "receive messages from the queue", "sqs:ReceiveMessage");
const DELETE: ApiCall = ApiCall::new(Port::Events, "delete messages from the queue", "sqs:DeleteMessage");
const RETURN: ApiCall =
    ApiCall::new(Port::Events, "return messages to the queue", "sqs:ChangeMessageVisibility");
const KEEP: ApiCall = ApiCall::new(Port::Events, "keep messages of the queue", "sqs:ChangeMessageVisibility");
const CHECK: ApiCall = ApiCall::new(Port::Events, "reach the queue", "sqs:GetQueueAttributes");

/// How long a kept message stays hidden, seconds: twice the longest time between two calls. Each delivery counts, and a queue with a
/// dead-letter queue moves a message there after a few.
const KEPT_S: i32 = 120;
/// Most messages of one call: SQS's own limit.
const CALL_MAX: usize = 10;

#[derive(Clone, Debug)]
pub struct SqsEvents {
    client: Client,
    queue_url: String,
    ingest: Area,
    wait_s: i32,
}

impl SqsEvents {
    /// Reads the queue's messages about uploads in `ingest`. A poll of an empty queue waits up to `wait_s` seconds, 0 to 20,
    /// for a message; 10 is a good choice.
    pub fn new(client: Client, queue_url: impl Into<String>, ingest: Area, wait_s: u8) -> Self {
        Self { client, queue_url: queue_url.into(), ingest, wait_s: i32::from(wait_s.min(20)) }
    }

    async fn receive(&self, messages_max: usize, wait_s: i32) -> PortResult<Vec<Message>> {
        let messages_max = i32::try_from(messages_max.clamp(1, CALL_MAX)).expect("at most ten");
        let call = self.client.receive_message().queue_url(&self.queue_url);
        let call = call.max_number_of_messages(messages_max).wait_time_seconds(wait_s);
        let received = call.send().await.map_err(RECEIVE.failed())?;
        Ok(received.messages.unwrap_or_default())
    }

    /// Makes messages visible to readers after this time, seconds, in place of the queue's own.
    async fn hide(&self, operation: ApiCall, batch: &EventBatch, for_s: i32) -> PortResult<()> {
        for receipts in batch.receipts.chunks(CALL_MAX) {
            let mut call = self.client.change_message_visibility_batch().queue_url(&self.queue_url);
            for (index, receipt) in receipts.iter().enumerate() {
                let entry = Visibility::builder().id(index.to_string()).receipt_handle(receipt);
                let entry = entry.visibility_timeout(for_s).build();
                call = call.entries(entry.map_err(|_| incomplete(operation))?);
            }
            // A message that the queue refuses here becomes visible after the time that it has.
            call.send().await.map_err(operation.failed())?;
        }
        Ok(())
    }

    fn add(&self, batch: &mut EventBatch, message: Message) {
        let (Some(receipt), body) = (message.receipt_handle, message.body.unwrap_or_default()) else {
            return;
        };
        let place = format!("queue message {}", message.message_id.unwrap_or_default());
        parse_message(body.as_bytes()).add_to(batch, &self.ingest, &place, body.as_bytes());
        batch.receipts.push(receipt);
    }
}

#[async_trait]
impl Events for SqsEvents {
    async fn poll(&self, events_max: usize) -> PortResult<EventBatch> {
        let mut batch = EventBatch::default();
        let mut wait_s = self.wait_s;
        // A message usually has one event. Messages of no interest count too, so that a batch is bounded.
        while batch.receipts.len() < events_max {
            let messages = match self.receive(events_max - batch.receipts.len(), wait_s).await {
                Ok(messages) => messages,
                // An error must not withhold the messages that were already received.
                Err(_) if !batch.is_empty() => return Ok(batch),
                Err(error) => return Err(error),
            };
            if messages.is_empty() {
                return Ok(batch);
            }
            for message in messages {
                self.add(&mut batch, message);
            }
            wait_s = 0;
        }
        Ok(batch)
    }

    async fn acknowledge(&self, batch: &EventBatch) -> PortResult<()> {
        let mut refused = 0;
        for receipts in batch.receipts.chunks(CALL_MAX) {
            let mut call = self.client.delete_message_batch().queue_url(&self.queue_url);
            for (index, receipt) in receipts.iter().enumerate() {
                let entry = Deletion::builder().id(index.to_string()).receipt_handle(receipt).build();
                call = call.entries(entry.map_err(|_| incomplete(DELETE))?);
            }
            refused += call.send().await.map_err(DELETE.failed())?.failed().len();
        }
        if refused > 0 {
            tracing::warn!(
                refused,
                "the queue did not delete some messages; they are delivered again and change nothing"
            );
        }
        Ok(())
    }

    async fn keep(&self, batch: &EventBatch) -> PortResult<()> {
        self.hide(KEEP, batch, KEPT_S).await
    }

    async fn abandon(&self, batch: &EventBatch) -> PortResult<()> {
        self.hide(RETURN, batch, 0).await
    }

    async fn stop(&self) -> PortResult<()> {
        Ok(())
    }

    async fn check(&self) -> PortResult<String> {
        let waiting = QueueAttributeName::ApproximateNumberOfMessages;
        let call = self.client.get_queue_attributes().queue_url(&self.queue_url);
        let found = call.attribute_names(waiting.clone()).send().await.map_err(CHECK.failed())?;
        let waiting = found.attributes().and_then(|all| all.get(&waiting)).map_or("?", String::as_str);
        Ok(format!("queue reached, about {waiting} messages"))
    }
}

fn incomplete(call: ApiCall) -> PortError {
    PortError::new(Port::Events, ErrorKind::Invalid, call.operation, "expected a receipt, found none")
}
