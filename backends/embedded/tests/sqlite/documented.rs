//! The guide to the database holds on SQLite.

use async_trait::async_trait;
use reelgate_conformance::store::documented_queries::{self, SqlHome};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Column, Connection, Row, SqliteConnection, TypeInfo, ValueRef};

use super::TempDatabase;

#[async_trait]
impl SqlHome for TempDatabase {
    async fn rows(&self, query: &str) -> Vec<Value> {
        let options = SqliteConnectOptions::new().filename(self.file()).read_only(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(object).collect()
    }
}

fn object(row: &SqliteRow) -> Value {
    let cell = |at: usize| -> Value {
        let cell = row.try_get_raw(at).unwrap();
        match cell.type_info().name() {
            _ if cell.is_null() => Value::Null,
            "INTEGER" => row.get::<i64, _>(at).into(),
            "REAL" => row.get::<f64, _>(at).into(),
            _ => row.get::<String, _>(at).into(),
        }
    };
    row.columns().iter().map(|column| (column.name().to_owned(), cell(column.ordinal()))).collect()
}

#[tokio::test]
async fn every_documented_query_gives_the_same_rows() {
    documented_queries::every_documented_query_gives_the_same_rows(&TempDatabase::new()).await;
}

#[tokio::test]
async fn every_documented_column_is_there() {
    documented_queries::every_documented_column_is_there(&TempDatabase::new()).await;
}
