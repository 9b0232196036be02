//! A separate database for each test, on a server that all tests share.

use std::sync::Arc;

use async_trait::async_trait;
use reelgate_conformance::store::StoreHome;
use reelgate_flow::policy::Policy;
use reelgate_ports::clock::Clock;
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;
use reelgate_postgres::{PgStore, Settings, Time};
use reelgate_stand_ins::SharedPostgres;

/// An empty database that goes away with the test.
pub struct TempDatabase {
    server: SharedPostgres,
    name: String,
}

impl TempDatabase {
    pub fn new() -> Self {
        let server = SharedPostgres::join();
        let name = reelgate_stand_ins::fresh_name("store").replace('-', "_");
        server.execute("postgres", &format!("create database {name}"));
        Self { server, name }
    }

    pub fn settings(&self) -> Settings {
        Settings { connections_max: 3, ..Settings::new(self.server.url(&self.name)) }
    }

    /// A store on the database's own clock.
    pub async fn store(&self) -> PgStore {
        PgStore::migrate(&self.settings()).await.unwrap();
        PgStore::open(&self.settings(), Time::Database).await.unwrap()
    }

    pub fn execute(&self, statement: &str) -> String {
        self.server.execute(&self.name, statement)
    }

    async fn given(&self, clock: Arc<dyn Clock>) -> PgStore {
        PgStore::migrate(&self.settings()).await.unwrap();
        PgStore::open(&self.settings(), Time::Given(clock)).await.unwrap()
    }
}

impl Drop for TempDatabase {
    fn drop(&mut self) {
        self.server.execute("postgres", &format!("drop database {} with (force)", self.name));
    }
}

#[async_trait]
impl StoreHome for TempDatabase {
    async fn open_with(&self, clock: Arc<dyn Clock>, policy: Policy) -> Arc<dyn Store> {
        Arc::new(self.given(clock).await.with_policy(policy))
    }

    async fn dump(&self, _: Arc<dyn Clock>) -> String {
        self.execute("select database_to_xml(true, false, '')")
    }

    async fn shards(&self, clock: Arc<dyn Clock>) -> Arc<dyn Shards> {
        Arc::new(self.given(clock).await)
    }
}
