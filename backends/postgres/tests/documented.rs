//! The guide to the database holds on PostgreSQL, and what its views compute is what the core says.

use async_trait::async_trait;
use reelgate_conformance::store::documented_queries::{self, SqlHome};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::store::Maintenance;
use serde_json::Value;

use crate::temp_database::TempDatabase;

#[async_trait]
impl SqlHome for TempDatabase {
    async fn rows(&self, query: &str) -> Vec<Value> {
        let rows = self.execute(&format!("SELECT coalesce(json_agg(q), '[]') FROM ({query}) AS q"));
        serde_json::from_str(&rows).unwrap()
    }
}

#[tokio::test]
async fn every_documented_query_gives_the_same_rows() {
    documented_queries::every_documented_query_gives_the_same_rows(&TempDatabase::new()).await;
}

#[tokio::test]
async fn every_documented_column_is_there() {
    documented_queries::every_documented_column_is_there(&TempDatabase::new()).await;
}

#[tokio::test]
async fn the_view_of_tasks_knows_lane_and_urgency_of_every_task() {
    let home = TempDatabase::new();
    home.store().await.close().await;
    home.execute(
        "insert into assets (arrival, id, bucket, key, version, key_hash, sequencer, size_bytes, location, forced,
             priority, prefix, queue_position, received_at_ms, phase, verdict, severity, redrives, key_sha256)
         values (1, repeat('a', 26), '', '', '', 0, '', 0, '', false, 'normal', '', 0, 0, 'processing', 'unscanned',
             'none', 0, '')",
    );
    let tasks = [
        TaskKey::Withdraw,
        TaskKey::Publish,
        TaskKey::Restore,
        TaskKey::KeepSource,
        TaskKey::Package,
        TaskKey::Screen,
        TaskKey::ExternalScan,
        TaskKey::Validate,
        TaskKey::Video { chunk: 7 },
        TaskKey::Audio,
        TaskKey::Enrich,
    ];
    for task in tasks {
        let text = task.text();
        home.execute(&format!("insert into settled_tasks values (1, '{text}', 'done', 1, 0, 0, 1, 0, 0, 0)"));
        let found = home.rows(&format!("SELECT lane, urgency FROM tasks WHERE task = '{text}'")).await;
        let lane = if task.lane() == Lane::Heavy { "heavy" } else { "light" };
        assert_eq!(found, [serde_json::json!({"lane": lane, "urgency": task.urgency()})], "{text}");
    }
}
