//! The queue of events that EventBridge or SQS could not deliver. A message there is the event as it was sent, so it goes back to the
//! stream or queue that the fleet reads, and ends as any other event.
//!
//! Sources: Amazon EventBridge User Guide, "Using dead-letter queues to process undelivered events" (the body is the event); Amazon
//! SQS Developer Guide, "Using dead-letter queues in Amazon SQS".

use async_trait::async_trait;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use data_encoding::HEXLOWER;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::events::DeadLetters;
use sha2::{Digest, Sha256};

use super::route::Target;
use crate::clients::{self, SdkConfig};
use crate::error::ApiCall;

const COUNT: ApiCall = ApiCall::new(Port::Events, "count the dead letters", "sqs:GetQueueAttributes");
const RECEIVE: ApiCall = ApiCall::new(Port::Events, "receive dead letters", "sqs:ReceiveMessage");
const DELETE: ApiCall = ApiCall::new(Port::Events, "delete a dead letter", "sqs:DeleteMessage");
const TO_STREAM: ApiCall =
    ApiCall::new(Port::Events, "put a dead letter into the stream", "kinesis:PutRecord");
const TO_QUEUE: ApiCall = ApiCall::new(Port::Events, "send a dead letter to the queue", "sqs:SendMessage");

/// How long the last look for messages waits, seconds: a queue of few messages may answer a shorter one with none.
const WAIT_S: i32 = 5;
/// Messages of one call: SQS's own limit.
const CALL_MAX: i32 = 10;

/// A dead-letter queue.
#[derive(Clone, Debug)]
pub struct DeadLetterQueue {
    client: Client,
    url: String,
}

impl DeadLetterQueue {
    pub fn new(config: &SdkConfig, url: impl Into<String>) -> Self {
        Self { client: clients::sqs(config), url: url.into() }
    }

    /// Moves every message back to the stream or queue that the fleet reads; returns how many. A message is deleted only after it
    /// has arrived there, so an interrupted call may repeat some, which changes nothing.
    pub async fn redrive(&self, config: &SdkConfig, target: Target<'_>) -> PortResult<u64> {
        let (kinesis, sqs) = (clients::kinesis(config), clients::sqs(config));
        let mut moved = 0;
        loop {
            let receive = self.client.receive_message().queue_url(&self.url).wait_time_seconds(WAIT_S);
            let received = receive.max_number_of_messages(CALL_MAX).send().await.map_err(RECEIVE.failed())?;
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(moved);
            }
            for message in messages {
                let body = message.body.unwrap_or_default();
                match target {
                    Target::Stream(name) => put_record(&kinesis, name, body).await?,
                    Target::Queue(url) => {
                        let send = sqs.send_message().queue_url(url).message_body(body);
                        send.send().await.map_err(TO_QUEUE.failed())?;
                    }
                }
                self.delete(message.receipt_handle).await?;
                moved += 1;
            }
        }
    }

    async fn delete(&self, receipt: Option<String>) -> PortResult<()> {
        let receipt = receipt.ok_or_else(|| {
            PortError::new(
                Port::Events,
                ErrorKind::Invalid,
                DELETE.operation,
                "expected a receipt, found none",
            )
        })?;
        let delete = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
        delete.send().await.map(drop).map_err(DELETE.failed())
    }
}

async fn put_record(kinesis: &aws_sdk_kinesis::Client, stream: &str, body: String) -> PortResult<()> {
    let key = HEXLOWER.encode(&Sha256::digest(body.as_bytes()));
    let put = kinesis.put_record().stream_name(stream).partition_key(key).data(Blob::new(body));
    put.send().await.map(drop).map_err(TO_STREAM.failed())
}

#[async_trait]
impl DeadLetters for DeadLetterQueue {
    async fn waiting(&self) -> PortResult<u64> {
        let waiting = QueueAttributeName::ApproximateNumberOfMessages;
        let call = self.client.get_queue_attributes().queue_url(&self.url);
        let found = call.attribute_names(waiting.clone()).send().await.map_err(COUNT.failed())?;
        let count = found.attributes().and_then(|all| all.get(&waiting)?.parse().ok());
        count.ok_or_else(|| {
            PortError::new(
                Port::Events,
                ErrorKind::Unavailable,
                COUNT.operation,
                "expected a number, found none",
            )
        })
    }
}
