//! Opens the object store.

use std::path::PathBuf;
use std::sync::Arc;

use reelgate_embedded::directory::DirectoryObjects;
use reelgate_ports::objects::Objects;

use super::access::Access;
use super::aws::{self, Aws};
use crate::config::Config;
use crate::config::fleet::S3_SCHEME;
use crate::exit::Failure;

/// Whether objects lie in S3, where each request costs something.
pub fn is_on_s3(config: &Config) -> bool {
    config.raw.objects.url.reveal().starts_with(S3_SCHEME)
}

pub async fn open(config: &Config, clients: &Aws<'_>, access: Access) -> Result<Arc<dyn Objects>, Failure> {
    if is_on_s3(config) {
        return aws::open_objects(config, clients, access).await;
    }
    let home = directory(config);
    let objects = match access {
        Access::Work => DirectoryObjects::open(&home),
        Access::Inspect => DirectoryObjects::inspect(&home),
    };
    Ok(Arc::new(objects?))
}

/// The directory that takes the place of all buckets.
pub fn directory(config: &Config) -> PathBuf {
    match config.raw.objects.url.reveal() {
        url if url.is_empty() || url.starts_with(S3_SCHEME) => config.home.clone(),
        path => PathBuf::from(path),
    }
}

/// The prefix of keys in the ingest area that the source of an import names.
pub fn ingest_prefix(config: &Config, source: &str) -> Result<String, Failure> {
    if source.starts_with(S3_SCHEME) {
        return aws::ingest_prefix(config, source);
    }
    Ok(source.to_owned())
}
