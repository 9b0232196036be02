//! The store in a SQLite file.

mod age;
mod clock;
mod damage;
mod documented;
mod inspect;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use reelgate_conformance::store::StoreHome;
use reelgate_embedded::sqlite::SqliteStore;
use reelgate_flow::policy::Policy;
use reelgate_ports::clock::Clock;
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// A directory that holds one database and goes away with the test.
struct TempDatabase(TempDir);

impl TempDatabase {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("reelgate.db")
    }
}

#[async_trait]
impl StoreHome for TempDatabase {
    async fn open_with(&self, clock: Arc<dyn Clock>, policy: Policy) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.file(), clock).await.unwrap().with_policy(policy))
    }

    async fn dump(&self, _: Arc<dyn Clock>) -> String {
        everything(&self.file()).await
    }

    async fn shards(&self, clock: Arc<dyn Clock>) -> Arc<dyn Shards> {
        Arc::new(SqliteStore::open(&self.file(), clock).await.unwrap())
    }
}

reelgate_conformance::store_suite!(TempDatabase::new());

/// Every row of every table.
async fn everything(file: &Path) -> String {
    let options = SqliteConnectOptions::new().filename(file);
    let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    let mut all = String::new();
    for table in tables {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
            .bind(&table)
            .fetch_all(&mut conn)
            .await
            .unwrap();
        let columns = columns.iter().map(|column| format!("quote(\"{column}\")")).collect::<Vec<_>>();
        let rows = format!("SELECT {} FROM \"{table}\"", columns.join(" || ' ' || "));
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_all(&mut conn).await.unwrap();
        all.push_str(&rows.join("\n"));
    }
    all
}
