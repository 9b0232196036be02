//! Where bytes are kept.

use std::path::PathBuf;
use std::sync::Arc;

use reelgate_embedded::directory::DirectoryObjects;
use reelgate_ports::objects::Objects;

use crate::config::Config;
use crate::exit::Failure;

/// Opens the object store.
pub async fn open(config: &Config) -> Result<Arc<dyn Objects>, Failure> {
    Ok(Arc::new(DirectoryObjects::open(&directory(config))?))
}

/// The directory that stands for all buckets.
pub fn directory(config: &Config) -> PathBuf {
    match config.raw.objects.url.as_str() {
        "" => config.home.clone(),
        path => PathBuf::from(path),
    }
}

/// The prefix of keys that an import's source names.
pub fn ingest_prefix(_config: &Config, source: &str) -> Result<String, Failure> {
    Ok(source.to_owned())
}
