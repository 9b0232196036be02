//! What `docs/reference/sql.md` promises of the database, on a store with real rows. Two backends that both pass have the
//! same tables, columns and types, and give the same rows for every query of the page.

use async_trait::async_trait;
use reelgate_flow::asset::{Screening, Severity};
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::{AssetId, SourceId};
use reelgate_flow::policy::Policy;
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;
use serde_json::{Value, json};

use super::StoreHome;
use super::fixture::{LEASE_MS, StoreFixture, validated, well};
use super::records::facts;
use crate::samples::{decision, principal};
use reelgate_ports::identity::{asset_id, key_sha256};
use reelgate_ports::records::{
    Approval, Claim, Decided, DecisionOutcome, Ending, Finder, FindingRecord, RenditionRecord, Success,
    TaskReport,
};

const PAGE: &str = include_str!("../../../docs/reference/sql.md");

/// A store that can be asked in SQL.
#[async_trait]
pub trait SqlHome: StoreHome {
    /// The rows of a query in order, each an object with a value for each column.
    async fn rows(&self, query: &str) -> Vec<Value>;
}

/// Every query of the page gives the rows that are listed here.
pub async fn every_documented_query_gives_the_same_rows(home: &impl SqlHome) {
    fill(home).await;
    let queries: Vec<&str> =
        PAGE.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let expected = expected();
    assert_eq!(queries.len(), expected.len(), "every query of the page has its rows here");
    let mut wrong = Vec::new();
    for (query, expected) in queries.into_iter().zip(expected) {
        let found = Value::Array(home.rows(query.trim().trim_end_matches(';')).await);
        if found != expected {
            wrong.push(format!("{query}\nexpected {expected}\nfound    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every table of the page has the columns that are described there, of the types that are given there, and null only
/// where the page says so.
pub async fn every_documented_column_is_there(home: &impl SqlHome) {
    fill(home).await;
    let section = PAGE.split("## Tables for questions").nth(1).unwrap();
    let section = section.split("## Tables of the engine").next().unwrap();
    let tables: Vec<&str> = section.split("\n### `").skip(1).collect();
    assert!(tables.len() > 10, "{}", tables.len());
    for table in tables {
        let name = table.split('`').next().unwrap();
        let columns: Vec<Column<'_>> = table.lines().filter_map(documented).flatten().collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let rows = home.rows(&format!("SELECT {} FROM {name}", names.join(", "))).await;
        assert!(!rows.is_empty(), "{name} has rows to look at");
        for row in rows {
            for column in &columns {
                let value = &row[column.name];
                assert!(column.allows(value), "{name}.{}: found {value}", column.name);
            }
        }
    }
}

/// A column as the page describes it.
struct Column<'a> {
    name: &'a str,
    kind: &'a str,
    nullable: bool,
}

impl Column<'_> {
    fn allows(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (_, Value::Null) => self.nullable,
            ("text", Value::String(_)) | ("boolean", Value::Bool(_)) => true,
            ("integer", Value::Number(number)) => number.is_i64(),
            ("boolean", Value::Number(number)) => number.as_u64().is_some_and(|bit| bit <= 1),
            _ => false,
        }
    }
}

/// The columns of a line `| names | types | meaning |`; one type stands for all names.
fn documented(line: &str) -> Option<Vec<Column<'_>>> {
    let mut cells = line.strip_prefix("| `")?.split(" | ");
    let names = cells.next()?.trim_end_matches('`').split("`, `");
    let kinds: Vec<&str> = cells.next()?.split(", ").collect();
    let nullable = cells.next()?.contains("null");
    let columns = names.enumerate().map(|(at, name)| Column {
        name,
        kind: kinds.get(at).copied().unwrap_or(kinds[0]),
        nullable,
    });
    Some(columns.collect())
}

/// Two published videos, one of them after a release from quarantine, and two refused uploads.
async fn fill(home: &dyn StoreHome) {
    let policy = Policy { approval_ms: Some(3_600_000), ..Policy::default() };
    let fixture = StoreFixture::with_policy(home, policy).await;
    let film = fixture.upload("clips/film.mkv", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.store.complete(&[super::ledger::failed(&claim)]).await.unwrap();
    fixture.clock.advance_ms(LEASE_MS);
    let long = MediaFacts { duration_ns: 61_000_000_000, ..facts() };
    process(&fixture, &film, long).await;
    let wrong = Decided::FalsePositive { kind: "PHONE_NUMBER".into() };
    fixture.store.decide(&film, &decision(wrong)).await.unwrap();
    for key in ["clips/notes.txt", "other/notes.txt"] {
        fixture.upload(key, 1).await;
        let claim = fixture.claim_one(TaskKey::Validate).await;
        fixture.fail(&claim, Code::NotMedia).await;
        fixture.run(Severity::None).await;
    }
    let clip = fixture.upload("clip.mkv", 1).await;
    process(&fixture, &clip, facts()).await;
    fixture.store.decide(&clip, &decision(Decided::Quarantine)).await.unwrap();
    fixture.run(Severity::None).await;
    let proposed = fixture.store.decide(&clip, &decision(Decided::Release)).await.unwrap();
    let DecisionOutcome::Proposed(proposal) = proposed else { panic!("one person released the clip") };
    let approval = Approval { proposal: proposal.id, by: principal("bob") };
    fixture.store.approve(&clip, &approval).await.unwrap();
    fixture.run(Severity::None).await;
    super::cost_days::close_yesterday(&fixture, &clip).await;
}

async fn process(fixture: &StoreFixture, asset: &AssetId, facts: MediaFacts) {
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let report = validated(&claim, &key_sha256(asset.as_str()));
    fixture.store.complete(&[TaskReport { facts: Some(Box::new(facts)), ..report }]).await.unwrap();
    loop {
        let claims = fixture.claim_all().await;
        if claims.is_empty() {
            return;
        }
        for claim in claims {
            fixture.store.complete(&[finished(&claim)]).await.unwrap();
        }
    }
}

/// A report of a task that went well, with findings and a ladder.
fn finished(claim: &Claim) -> TaskReport {
    let finding = |kind: &str, source| FindingRecord {
        source,
        kind: kind.into(),
        severity: Severity::Medium,
        count: 3,
        locations: Vec::new(),
    };
    let rendition = |name: &str, height, bitrate_bps| RenditionRecord {
        name: name.into(),
        codec: "avc1.640028".into(),
        width: 1_280,
        height,
        bitrate_bps,
        segments: 3,
        samples: 300,
        duration_ms: 10_010,
    };
    let success = match claim.fence.task {
        TaskKey::Screen => Success::Screened {
            screening: Screening::of(Severity::Medium),
            findings: vec![finding("PHONE_NUMBER", Finder::Local), finding("NAME", Finder::Macie)],
            redaction: None,
            shared: false,
            result: None,
        },
        TaskKey::Package => Success::Packaged {
            result: json!({"ladder": 1}),
            renditions: vec![rendition("720p", 720, 600_000), rendition("480p", 480, 301_000)],
            left_out: Vec::new(),
            outputs: vec![super::fixture::output("main.m3u8")],
        },
        _ => return well(claim, Severity::None),
    };
    super::fixture::report(claim, Ending::Success(success))
}

/// The rows of each query of the page, in the page's order.
fn expected() -> Vec<Value> {
    let film = SourceId { bucket: "ingest".into(), key: "clips/film.mkv".into(), version: "1".into() };
    let hdr = json!({
        "id": asset_id(&film).as_str(), "container": "matroska", "codec": "h264", "width": 1920, "height": 1080,
        "seconds": 61,
    });
    let stage = |stage, tasks, attempts, seconds, cpu_seconds| json!({"stage": stage, "tasks": tasks, "attempts": attempts, "seconds": seconds, "cpu_seconds": cpu_seconds});
    let phase = |phase, assets, times| json!({"phase": phase, "assets": assets, "times": times});
    vec![
        json!([{"reason_code": "not_media", "uploads": 2, "bytes": 2002}]),
        json!([hdr, hdr]),
        json!([
            {"kind": "audio", "language": "de", "codec": "aac", "tracks": 2},
            {"kind": "subtitles", "language": "fr", "codec": "text", "tracks": 2},
        ]),
        json!([
            {"key": "clips/film.mkv", "chapters": 2, "tag": "title"},
            {"key": "clips/film.mkv", "chapters": 2, "tag": "artist"},
            {"key": "clip.mkv", "chapters": 2, "tag": "title"},
            {"key": "clip.mkv", "chapters": 2, "tag": "artist"},
        ]),
        json!([
            {"name": "720p", "assets": 2, "percent_of_source": 75.0},
            {"name": "480p", "assets": 2, "percent_of_source": 37.6},
        ]),
        json!([
            {"task": "enrich", "files": 2, "bytes": 10},
            {"task": "package", "files": 2, "bytes": 10},
            {"task": "video-00000", "files": 2, "bytes": 10},
        ]),
        json!([
            stage("validate", 4, 5, 0.06, 0.035),
            stage("withdraw", 3, 3, 0.036, 0.021),
            stage("enrich", 2, 2, 0.024, 0.014),
            stage("package", 2, 2, 0.024, 0.014),
            stage("publish", 2, 2, 0.024, 0.014),
            stage("screen", 2, 2, 0.024, 0.014),
            stage("video", 2, 2, 0.024, 0.014),
            stage("restore", 1, 1, 0.012, 0.007),
        ]),
        json!([{"node": "node-a", "task": "validate", "times": 3}]),
        json!([
            phase("received", 4, 4),
            phase("withdrawing", 3, 3),
            phase("processing", 2, 2),
            phase("published", 2, 3),
            phase("rejected", 2, 2),
            phase("screened", 2, 2),
            phase("quarantined", 1, 1),
            phase("releasing", 1, 1),
        ]),
        json!([
            {"kind": "PHONE_NUMBER", "assets": 2, "wrong": 1},
            {"kind": "NAME", "assets": 2, "wrong": 0},
        ]),
        json!([
            {"kind": "false_positive", "decisions": 1, "approved": 0, "people": 1},
            {"kind": "quarantine", "decisions": 1, "approved": 0, "people": 1},
            {"kind": "release", "decisions": 1, "approved": 1, "people": 1},
        ]),
    ]
}
