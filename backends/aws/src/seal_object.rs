//! The last seal of the audit log as an object in S3, which every node of a fleet compares with its database. In a bucket with
//! versioning and Object Lock, each seal stays.

use async_trait::async_trait;
use aws_config::SdkConfig;
use reelgate_ports::audit::Seal;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::seal_keeper::{KEEP_SEAL, READ_SEAL, SEAL_BYTES_MAX, SealKeeper};

use crate::location::Location;
use crate::objects::TransferSettings;
use crate::objects::bucket::{Bucket, Head, Label, Only};

/// Times that another node may come between before this one tries no more.
const TRIES: u32 = 5;

/// An object that holds one seal.
pub struct SealObject {
    bucket: Bucket,
    at: Location,
}

impl SealObject {
    /// The object at this location; it is written with the first seal.
    pub fn new(config: &SdkConfig, transfer: TransferSettings, at: Location) -> PortResult<Self> {
        Ok(Self { bucket: Bucket::new(config, transfer)?, at })
    }

    async fn read(&self) -> PortResult<Option<(Head, Seal)>> {
        let mut tries = 0;
        let (head, line) = loop {
            let Some(head) = self.bucket.head(READ_SEAL, &self.at, None).await? else { return Ok(None) };
            match self.bucket.read(READ_SEAL, &self.at, &head, SEAL_BYTES_MAX).await {
                // Another node has kept a later seal since.
                Err(error) if error.kind == ErrorKind::Conflict && tries < TRIES => tries += 1,
                line => break (head, line?),
            }
        };
        let corrupt = |expected| PortError::new(Port::Objects, ErrorKind::Corrupt, READ_SEAL, expected);
        let seal = Seal::of_line(&line).map_err(corrupt)?;
        Ok(Some((head, seal)))
    }
}

#[async_trait]
impl SealKeeper for SealObject {
    async fn kept(&self) -> PortResult<Option<Seal>> {
        Ok(self.read().await?.map(|(_, seal)| seal))
    }

    /// Another node may have kept a later seal since: then that one stays.
    async fn keep(&self, seal: &Seal) -> PortResult<()> {
        let label = Label { content_type: Some("application/json"), ..Label::default() };
        let mut tries = 0;
        loop {
            let only = match self.read().await? {
                Some((_, kept)) if kept.records >= seal.records => return Ok(()),
                Some((head, _)) => Only::Over(head.etag),
                None => Only::Absent,
            };
            let line = seal.to_line().into_bytes();
            match self.bucket.put(KEEP_SEAL, &self.at, line, &label, only).await {
                Err(error) if error.kind == ErrorKind::Conflict && tries < TRIES => tries += 1,
                kept => return kept.map(drop),
            }
        }
    }
}
