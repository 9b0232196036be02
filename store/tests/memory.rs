//! The memory store passes the suite of every store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use async_trait::async_trait;
use reelgate_conformance::store::StoreHome;
use reelgate_flow::policy::Policy;
use reelgate_ports::clock::Clock;
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;
use reelgate_store::memory::MemoryStore;
use tokio::sync::OnceCell;

/// A store that exists as long as the test.
#[derive(Default)]
struct MemoryFixture(OnceCell<MemoryStore>);

impl MemoryFixture {
    async fn store(&self, clock: Arc<dyn Clock>) -> Arc<MemoryStore> {
        Arc::new(self.0.get_or_init(async || MemoryStore::new(clock)).await.clone())
    }
}

#[async_trait]
impl StoreHome for MemoryFixture {
    async fn open_with(&self, clock: Arc<dyn Clock>, policy: Policy) -> Arc<dyn Store> {
        let store = MemoryStore::clone(&*self.store(clock).await);
        Arc::new(store.with_policy(policy))
    }

    async fn dump(&self, clock: Arc<dyn Clock>) -> String {
        self.store(clock).await.dump().unwrap()
    }

    async fn shards(&self, clock: Arc<dyn Clock>) -> Arc<dyn Shards> {
        self.store(clock).await
    }
}

reelgate_conformance::store_suite!(MemoryFixture::default());
