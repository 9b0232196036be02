//! The queries of the guide are run as they stand there.

use std::path::Path;
use std::sync::Arc;

use reelgate_embedded::sqlite::SqliteStore;
use reelgate_ports::clock::SystemClock;
use reelgate_ports::store::Maintenance;
use sqlx::{AssertSqlSafe, Row};

use super::TempDatabase;
use super::damage::meddle;

/// The SQL blocks of `docs/reference/sql.md`, in order.
fn documented() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/sql.md");
    let text = std::fs::read_to_string(path).unwrap();
    text.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_documented_query_gives_what_the_guide_says() {
    let home = TempDatabase::new();
    SqliteStore::open(&home.file(), Arc::new(SystemClock)).await.unwrap().close().await;
    let mut connection = meddle(&home).await;
    for sql in [
        "INSERT INTO assets (id, bucket, key, version, key_sha256, sequencer, size_bytes, location, forced, phase,
                             verdict, severity, reason_code, redrives, received_at_ms, ended_at_ms, history_lines)
         VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaa', 'ingest', 'a', '1', '', '0', 10, 'x', 0, 'rejected', 'unscanned',
                 'none', 'not_media', 0, 1, 2, 0),
                ('bbbbbbbbbbbbbbbbbbbbbbbbbb', 'ingest', 'b', '1', '', '0', 20, 'x', 0, 'published', 'clean',
                 'none', NULL, 0, 1, 2, 0)",
        "INSERT INTO media VALUES (2, 'matroska', '', NULL, 61000000000, 1, 0)",
        "INSERT INTO video_tracks VALUES (2, 0, 0, 'hevc', '', '', 3840, 2160, 1, 1, 0, 0, 25, 1, 0, 0, 10, '4:2:0',
             'bt2020', 'smpte2084', 'bt2020nc', 'limited', '', 1525, 0, 61000000000, 1, 1, 1, '', 1)",
        "INSERT INTO tasks VALUES (2, 'video-00000', 'heavy', 'done', 2, 0, 0, 2, 0, NULL, NULL, 3000, 2500, 1, 4, 0),
                                  (2, 'video-00001', 'heavy', 'done', 1, 0, 0, 1, 0, NULL, NULL, 1000, 500, 1, 4, 0),
                                  (2, 'audio', 'heavy', 'done', 1, 0, 0, 1, 0, NULL, NULL, 500, 100, 1, 4, 0)",
        "INSERT INTO findings (asset, ordinal, kind, severity, count, locations)
         VALUES (1, 0, 'USA_SOCIAL_SECURITY_NUMBER', 'high', 1, '[]'),
                (1, 1, 'CREDIT_CARD_NUMBER', 'high', 1, '[]'),
                (2, 0, 'CREDIT_CARD_NUMBER', 'high', 2, '[]')",
        "INSERT INTO history (asset, sequence, at_ms, what, detail)
         VALUES (2, 1, 3, 'decided', 'false_positive of CREDIT_CARD_NUMBER by ana: a test number'),
                (1, 1, 3, 'decided', 'release by ana: false_positive of CREDIT_CARD_NUMBER by mistake')",
        "INSERT INTO decisions (asset, what, decided_by, approver, reason, at_ms)
         VALUES (1, 'release', 'ana', 'ben', 'why', 3), (2, 'release', 'ana', NULL, 'why', 3),
                (2, 'erase', 'ben', 'ana', 'why', 4)",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    let queries = documented();
    assert_eq!(queries.len(), 5);
    let mut found = Vec::new();
    for sql in queries {
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        found.push(rows);
    }
    let refused =
        (found[0][0].get::<String, _>(0), found[0][0].get::<i64, _>(1), found[0][0].get::<i64, _>(2));
    assert_eq!((found[0].len(), refused), (1, ("not_media".into(), 1, 10)));
    assert_eq!((found[1].len(), found[1][0].get::<i64, _>("seconds")), (1, 61));
    let stages: Vec<(String, i64, i64, f64)> =
        found[2].iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    assert_eq!(stages, [("video".into(), 2, 3, 4.0), ("audio".into(), 1, 1, 0.5)]);
    let wrong: Vec<(String, i64, i64)> =
        found[3].iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let expected = [("CREDIT_CARD_NUMBER".into(), 2, 1), ("USA_SOCIAL_SECURITY_NUMBER".into(), 1, 0)];
    assert_eq!(wrong, expected);
    let decided: Vec<(String, i64, i64, i64)> =
        found[4].iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    assert_eq!(decided, [("release".into(), 2, 1, 1), ("erase".into(), 1, 1, 1)]);
}
