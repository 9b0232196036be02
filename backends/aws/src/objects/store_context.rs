//! What all operations of the object store share: areas, clients, local files and transfer threads.

use std::sync::Arc;

use super::bucket::Bucket;
use super::engine::Engine;
use super::scratch::Scratch;
use super::settings::Areas;

/// The shared state of the object store.
pub(super) struct StoreContext {
    pub areas: Areas,
    pub bucket: Arc<Bucket>,
    /// S3 with the viewers' rights, to prove what viewers cannot read.
    pub viewer: Option<Arc<Bucket>>,
    pub scratch: Scratch,
    pub engine: Engine,
}
