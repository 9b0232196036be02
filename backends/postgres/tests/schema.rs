//! The schema is migrated to this version and refused in any other; history is kept as long as it is needed.

use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::Retained;
use reelgate_ports::store::{Intake, Maintenance, Queries};
use reelgate_postgres::{PgStore, Settings, Time};
use sqlx::{AssertSqlSafe, Column, Connection, Executor, PgConnection, SqlSafeStr, TypeInfo};

use crate::moves::{event, uploads};
use crate::temp_database::TempDatabase;

#[tokio::test]
async fn opening_a_database_without_a_schema_asks_to_migrate() {
    let home = TempDatabase::new();
    let error = PgStore::open(&home.settings(), Time::Database).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.detail.ends_with("run `reelgate migrate`"), "{error}");
}

#[tokio::test]
async fn migrating_twice_at_the_same_time_applies_each_migration_once() {
    let home = TempDatabase::new();
    let settings = home.settings();
    let (first, second) = tokio::join!(PgStore::migrate(&settings), PgStore::migrate(&settings));
    assert_eq!(first.unwrap(), second.unwrap());
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!(home.execute("select count(*) from _sqlx_migrations").trim(), files.to_string());
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_refused() {
    let home = TempDatabase::new();
    home.store().await.close().await;
    home.execute(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'later', true, '', 0)",
    );
    for error in [
        PgStore::open(&home.settings(), Time::Database).await.map(|_| ()).unwrap_err(),
        PgStore::migrate(&home.settings()).await.map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(error.detail.contains("9999") && error.detail.contains("newer Reelgate"), "{error}");
    }
}

#[tokio::test]
async fn an_error_about_a_malformed_url_does_not_show_its_password() {
    let settings = Settings::new("mysql://me:secret@host/db");
    let error = PgStore::open(&settings, Time::Database).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn history_goes_to_this_months_table() {
    let home = TempDatabase::new();
    let store = home.store().await;
    store.ingest(&uploads(1)).await.unwrap();
    assert_eq!(home.execute("select count(*) from history_other").trim(), "0");
    assert_eq!(home.execute("select count(*) from history_commits").trim(), "1");
}

#[tokio::test]
async fn coming_months_are_prepared_even_if_all_history_is_kept() {
    let home = TempDatabase::new();
    let store = home.store().await;
    let months = "select count(*) from pg_inherits where inhparent = 'history_commits'::regclass";
    let before = home.execute(months);
    home.execute(
        "do $$ declare month text; begin
        select max(c.relname::text) into month from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'history_commits'::regclass and c.relname ~ '^history_[0-9]';
        execute format('drop table %I', month); end $$",
    );
    assert_ne!(home.execute(months), before);
    store.retain(None).await.unwrap();
    assert_eq!(home.execute(months), before);
}

#[tokio::test]
async fn an_old_month_of_history_is_removed_once_its_assets_have_ended() {
    let home = TempDatabase::new();
    let store = home.store().await;
    let taken = store.ingest(&EventBatch::of([event("a", 1)])).await.unwrap();
    home.execute(
        "create table history_2020_01 partition of history_commits for values from ('2020-01-01') to ('2020-02-01')",
    );
    home.execute("insert into history_commits (asset, written_at, lines) values (1, '2020-01-15', '[]')");
    home.execute("update assets set received_at_ms = 1579046400000");
    assert_eq!(store.retain(Some(30)).await.unwrap(), Retained { removed: 0, kept: 1 });
    home.execute("update assets set ended_at_ms = 1579046400000, flags = 'log held'");
    assert_eq!(store.retain(Some(30)).await.unwrap(), Retained { removed: 0, kept: 1 }, "under hold");
    home.execute("update assets set flags = 'log'");
    assert_eq!(store.retain(None).await.unwrap(), Retained::default());
    let all = tokio::join!(store.retain(Some(30)), store.retain(Some(30)), store.retain(Some(30)));
    let all = [all.0.unwrap(), all.1.unwrap(), all.2.unwrap()];
    assert_eq!(all.iter().map(|retained| retained.removed).sum::<u64>(), 1, "one of three does it");
    assert_eq!(store.history(&taken[0].asset).await.unwrap().len(), 3, "what is younger stays");
}

/// The descriptions that the build uses match those of the server, and each belongs to a statement of the source.
#[tokio::test]
async fn stored_descriptions_of_the_statements_are_current() {
    let home = TempDatabase::new();
    home.store().await.close().await;
    let mut conn = PgConnection::connect(&home.settings().url).await.unwrap();
    let crate_dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&crate_dir.join("src"));
    let mut statements = 0;
    for entry in std::fs::read_dir(crate_dir.join(".sqlx")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
        let query = kept["query"].as_str().unwrap();
        let tail = query.split_once("FROM assets AS a ").map_or(query, |(_, tail)| tail);
        assert!(sources.contains(query) || sources.contains(tail), "asked nowhere: {query}");
        let described = conn.describe(AssertSqlSafe(query).into_sql_str()).await.unwrap();
        let found: Vec<_> = described
            .columns()
            .iter()
            .map(|c| (c.name().to_owned(), c.type_info().name().replace("[]", "ARRAY")))
            .collect();
        let columns = kept["describe"]["columns"].as_array().unwrap().iter();
        let expected: Vec<_> = columns
            .map(|c| {
                (c["name"].as_str().unwrap().to_owned(), c["type_info"].as_str().unwrap().to_uppercase())
            })
            .collect();
        assert_eq!(found, expected, "run prepare.sh: {query}");
        statements += 1;
    }
    assert!(statements > 30, "{statements}");
}

fn sources(dir: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    text
}
