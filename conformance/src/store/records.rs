//! Queries: history, facts, products, renditions, findings, lists and counts.

use reelgate_flow::asset::{Phase, Screening, Severity};
use reelgate_flow::facts::{
    AudioFacts, Chapter, Colour, Container, MediaFacts, Rational, Rotation, SubtitleFacts, Tag, VideoFacts,
};
use reelgate_flow::ids::AssetId;
use reelgate_flow::left_out::{LeftOut, TrackKind, WhyLeftOut};
use reelgate_flow::place::TextPlace;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use serde_json::json;

use super::StoreHome;
use super::fixture::{LEASE_MS, StoreFixture, output, report, validated, well};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::records::{
    Ending, Finder, FindingLocation, FindingRecord, MaskedValue, ProducerMetadata, RenditionRecord, Retained,
    Success, TaskReport,
};
use reelgate_ports::store::{AssetFilter, ListFrom};

pub async fn the_history_is_numbered_without_gaps(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.fail(&claim, Code::StoreUnavailable).await;
    fixture.clock.advance_ms(LEASE_MS);
    fixture.run(Severity::None).await;
    let history = fixture.store.history(&asset).await.unwrap();
    let numbers: Vec<u64> = history.iter().map(|line| line.sequence).collect();
    assert_eq!(numbers, (1..=history.len() as u64).collect::<Vec<_>>());
    assert!(history.is_sorted_by_key(|line| line.at_ms));
    let begins: Vec<&str> = history.iter().take(5).map(|line| line.event.as_str()).collect();
    assert_eq!(begins, ["event", "entered", "due", "claimed", "retrying"]);
    assert_eq!(history[3].task, Some(TaskKey::Validate));
    assert_eq!(history[3].node, Some(super::fixture::node()));
    assert_eq!((history[4].attempt, history[4].wall_ms), (Some(1), Some(12)));
}

pub async fn facts_of_the_media_come_back_unchanged(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let mut report = validated(&claim, super::fixture::SHA256);
    report.facts = Some(Box::new(facts()));
    fixture.store.complete(&[report]).await.unwrap();
    assert_eq!(fixture.store.asset(&asset).await.unwrap().facts, Some(facts()));
}

pub(super) fn facts() -> MediaFacts {
    let video = VideoFacts {
        track: 0,
        codec: "h264".into(),
        profile: "high".into(),
        level: "4.1".into(),
        width: 1_920,
        height: 1_080,
        pixel_aspect: Rational { num: 4, den: 3 },
        rotation: Rotation { degrees: 90, mirrored: true },
        frame_rate: Rational::new(30_000, 1_001),
        variable_rate: true,
        interlaced: true,
        bit_depth: 10,
        chroma: "4:2:0".into(),
        colour: Colour {
            primaries: "bt2020".into(),
            transfer: "smpte2084".into(),
            matrix: "bt2020nc".into(),
            range: "limited".into(),
            mastering: "light 1000".into(),
        },
        frames: 300,
        start_ns: 1,
        end_ns: 10_010_000_000,
        bytes: 1_000_000,
        keyframes: 5,
        gop_frames_max: 60,
        language: "und".into(),
        decodable: true,
    };
    let audio = AudioFacts {
        track: 1,
        codec: "aac".into(),
        sample_rate: 48_000,
        channels: 6,
        start_ns: 2,
        end_ns: 10_000_000_000,
        bytes: 3,
        packets: 470,
        language: "de".into(),
        decodable: false,
    };
    MediaFacts {
        container: Container::Matroska,
        brand: "webm".into(),
        declared_duration_ns: Some(10_000_000_000),
        duration_ns: 10_009_999_999,
        bitrate_bps: 800_000,
        video: vec![VideoFacts { track: 3, frame_rate: None, ..video.clone() }, video],
        audio: vec![audio],
        subtitles: vec![SubtitleFacts { track: 2, codec: "text".into(), cues: 9, language: "fr".into() }],
        other_tracks: 1,
        tags: vec![
            Tag { track: None, name: "title".into(), value: "O'Neil \"🎬\"\n\u{0}end".into() },
            Tag { track: Some(1), name: "artist".into(), value: String::new() },
        ],
        chapters: vec![
            Chapter { start_ns: 0, end_ns: Some(5), title: "Eins".into() },
            Chapter { start_ns: 5, end_ns: None, title: String::new() },
        ],
    }
}

pub async fn products_of_finished_tasks_come_back_in_order(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.validate(&asset).await;
    let claims = fixture.claim(Lane::Heavy, 10).await;
    let files = vec![output("720p/2 ü.m4s"), output("720p/10.m4s"), output("init.mp4")];
    let result = json!({"frames": [1, 2.5, "\u{0}x"]});
    let success = Success::Produced { result: result.clone(), outputs: files.clone() };
    fixture.report(&claims[0], Ending::Success(success)).await;
    let products = fixture.store.products(&asset).await.unwrap();
    let tasks: Vec<TaskKey> = products.iter().map(|product| product.task).collect();
    assert_eq!(tasks, [TaskKey::Validate, TaskKey::Video { chunk: 0 }]);
    assert_eq!((&products[0].result, products[0].outputs.len()), (&json!({"chunks": 1}), 0));
    assert_eq!((&products[1].result, &products[1].outputs), (&result, &files));
}

pub async fn a_task_has_a_product_only_after_it_has_finished(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.validate(&asset).await;
    let video = TaskKey::Video { chunk: 0 };
    let claims = fixture.claim(Lane::Heavy, 10).await;
    assert_eq!(fixture.store.product(&asset, video).await.unwrap(), None);
    let files = vec![output("720p/2.m4s"), output("init.mp4")];
    let success = Success::Produced { result: json!({"frames": 9}), outputs: files.clone() };
    fixture.report(&claims[0], Ending::Success(success)).await;
    let left = fixture.store.product(&asset, video).await.unwrap().unwrap();
    assert_eq!((left.task, left.result, left.outputs), (video, json!({"frames": 9}), files));
    let plan = fixture.store.product(&asset, TaskKey::Validate).await.unwrap().unwrap();
    assert_eq!((plan.task, plan.result), (TaskKey::Validate, json!({"chunks": 1})));
    let unknown = AssetId::new("aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(fixture.store.product(&unknown, TaskKey::Validate).await.unwrap(), None);
}

pub async fn products_are_gone_after_the_asset_began_again(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.validate(&asset).await;
    let claims = fixture.claim(Lane::Heavy, 10).await;
    fixture.store.complete(&[well(&claims[1], Severity::None)]).await.unwrap();
    fixture.fail(&claims[0], Code::NoFrameDecodes).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Rejected);
    fixture.store.redrive(&asset).await.unwrap();
    assert_eq!(fixture.store.products(&asset).await.unwrap(), []);
}

pub async fn metadata_comes_back_and_is_searched_by_name_and_value(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (first, second) = (fixture.upload("a", 1).await, fixture.upload("b", 1).await);
    let said = |entries: &[(&str, &str)]| -> ProducerMetadata {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let of_first = said(&[("tag:case", "O'Neil \"🎬\""), ("unit", "7")]);
    let of_second = said(&[("tag:case", "other"), ("unit", "7")]);
    for claim in fixture.claim(Lane::Light, 10).await {
        let ending = Ending::Fault(Fault::new(Code::StoreUnavailable, ""));
        let metadata = Some(said(&[("gone", "x"), ("unit", "6")]));
        fixture.store.complete(&[TaskReport { metadata, ..report(&claim, ending) }]).await.unwrap();
    }
    assert_eq!(fixture.store.asset(&first).await.unwrap().metadata, said(&[("gone", "x"), ("unit", "6")]));
    fixture.clock.advance_ms(LEASE_MS);
    for claim in fixture.claim(Lane::Light, 10).await {
        let metadata = if claim.fence.asset == first { &of_first } else { &of_second };
        let whole = TaskReport { metadata: Some(metadata.clone()), ..well(&claim, Severity::None) };
        fixture.store.complete(&[whole]).await.unwrap();
    }
    assert_eq!(fixture.store.asset(&first).await.unwrap().metadata, of_first);
    let listed = async |pairs: &[(&str, &str)], from: ListFrom| {
        let metadata = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let filter = AssetFilter { metadata, limit: 10, from, ..AssetFilter::default() };
        let found = fixture.store.assets(&filter).await.unwrap();
        found.into_iter().map(|asset| asset.id).collect::<Vec<_>>()
    };
    let (oldest, newest) = (ListFrom::Oldest(None), ListFrom::Newest(None));
    let unit = ("unit", "7");
    let both = [first.clone(), second.clone()];
    assert_eq!(listed(&[], oldest.clone()).await, both);
    assert_eq!(listed(&[unit], oldest.clone()).await, both);
    assert_eq!(listed(&[unit, unit], newest.clone()).await, [second.clone(), first.clone()]);
    assert_eq!(listed(&[unit], ListFrom::Newest(Some(second.clone()))).await, std::slice::from_ref(&first));
    let case = ("tag:case", "O'Neil \"🎬\"");
    assert_eq!(listed(&[unit, case], oldest.clone()).await, std::slice::from_ref(&first));
    for none in [&[("unit", "6")][..], &[("gone", "x")], &[case, ("tag:case", "other")], &[("7", "unit")]] {
        assert_eq!(listed(none, newest.clone()).await, [], "{none:?}");
    }
}

pub async fn renditions_and_findings_come_back_in_order(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let mut report = validated(&claim, super::fixture::SHA256);
    report.facts = Some(Box::new(facts()));
    fixture.store.complete(&[report]).await.unwrap();
    for claim in fixture.claim(Lane::Heavy, 10).await {
        fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
    }
    let finding = |kind: &str| FindingRecord {
        source: Finder::Macie,
        kind: kind.into(),
        severity: Severity::Medium,
        count: 3,
        locations: vec![FindingLocation {
            place: TextPlace {
                surface: "tag".into(),
                field: "comment".into(),
                track: None,
                start_ns: None,
                end_ns: None,
                frame_box: None,
                line: None,
            },
            value: Some(MaskedValue { chars: (0, 4), masked: "****".into(), fingerprint: None }),
        }],
    };
    let findings = vec![finding("PHONE_NUMBER"), finding("EMAIL_ADDRESS")];
    let rendition = |name: &str| RenditionRecord {
        name: name.into(),
        codec: "avc1.640028".into(),
        width: 1_280,
        height: 720,
        bitrate_bps: 3_000_000,
        segments: 3,
        samples: 300,
        duration_ms: 10_010,
    };
    let renditions = vec![rendition("720p"), rendition("480p")];
    let failed = LeftOut {
        track: Some(1),
        file: None,
        kind: TrackKind::Audio,
        codec: "aac".into(),
        language: "de-DE".into(),
        why: WhyLeftOut::EncodeFailed,
        code: Some(Code::TimestampsBroken),
    };
    for claim in fixture.claim(Lane::Light, 10).await {
        let success = match claim.fence.task {
            TaskKey::Screen => Success::Screened {
                screening: Screening::of(Severity::Medium),
                findings: findings.clone(),
                redaction: None,
                shared: false,
                result: None,
            },
            _ => Success::Packaged {
                result: json!({}),
                renditions: renditions.clone(),
                left_out: vec![failed.clone()],
                outputs: vec![],
            },
        };
        fixture.report(&claim, Ending::Success(success)).await;
    }
    fixture.run(Severity::None).await;
    let detail = fixture.store.asset(&asset).await.unwrap();
    assert_eq!((&detail.renditions, &detail.findings), (&renditions, &findings));
    let body = &fixture.store.outbox(1, 0).await.unwrap()[0].body;
    assert_eq!(body["renditions"][1]["name"], "480p");
    assert_eq!(body["findings"][0], json!({"kind": "PHONE_NUMBER", "severity": "medium", "count": 3}));
    assert_eq!(
        body["left_out"],
        json!([
            {"track": 1, "file": null, "kind": "audio", "codec": "aac", "language": "de", "why": "encode_failed",
             "code": "timestamps_broken"},
        ])
    );
}

pub async fn assets_are_listed_in_order_of_arrival_filtered_and_paged(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let mut assets = Vec::new();
    for key in ["c", "a", "b"] {
        assets.push(fixture.upload(key, 1).await);
    }
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.fail(&claim, Code::NotMedia).await;
    let listed_from = async |phases: &[Phase], limit: u32, from: ListFrom| {
        let filter = AssetFilter { phases: phases.to_vec(), limit, from, ..AssetFilter::default() };
        let rows = fixture.store.assets(&filter).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let listed = async |phases: &[Phase], limit, after: Option<&AssetId>| {
        listed_from(phases, limit, ListFrom::Oldest(after.cloned())).await
    };
    let newest = async |phases: &[Phase], limit, before: Option<&AssetId>| {
        listed_from(phases, limit, ListFrom::Newest(before.cloned())).await
    };
    let turned: Vec<AssetId> = assets.iter().rev().cloned().collect();
    assert_eq!(newest(&[], 10, None).await, turned);
    assert_eq!(newest(&[], 2, None).await, turned[..2]);
    assert_eq!(newest(&[], 2, Some(&turned[1])).await, turned[2..]);
    assert_eq!(newest(&[], 2, Some(&turned[2])).await, []);
    assert_eq!(newest(&[Phase::Received, Phase::Failed], 1, None).await, turned[..1]);
    let unknown =
        AssetFilter { from: ListFrom::Newest(Some(AssetId::new("a"))), limit: 1, ..AssetFilter::default() };
    assert_eq!(fixture.store.assets(&unknown).await.unwrap_err().kind, ErrorKind::Missing);
    assert_eq!(listed(&[], 10, None).await, assets);
    assert_eq!(listed(&[], 2, None).await, assets[..2]);
    assert_eq!(listed(&[], 2, Some(&assets[1])).await, assets[2..]);
    assert_eq!(listed(&[Phase::Withdrawing], 10, None).await, assets[..1]);
    assert_eq!(listed(&[Phase::Received, Phase::Failed], 10, None).await, assets[1..]);
}

pub async fn ids_are_found_by_their_beginning(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    for key in 0..20 {
        fixture.upload(&format!("other-{key}"), 1).await;
    }
    assert_eq!(fixture.store.find(asset.as_str()).await.unwrap(), std::slice::from_ref(&asset));
    assert_eq!(fixture.store.find(&asset.as_str()[..20]).await.unwrap(), [asset]);
    assert_eq!(fixture.store.find("").await.unwrap().len(), 10, "at most ten");
    for nothing in ["0", "%", "A", "a' OR 1=1", "aaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        assert_eq!(fixture.store.find(nothing).await.unwrap(), [], "{nothing}");
    }
}

pub async fn unknown_assets_are_missing(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let unknown = AssetId::new("aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(fixture.store.asset(&unknown).await.unwrap_err().kind, ErrorKind::Missing);
    assert_eq!(fixture.store.history(&unknown).await.unwrap_err().kind, ErrorKind::Missing);
    assert_eq!(fixture.store.products(&unknown).await.unwrap(), []);
}

pub async fn the_backlog_counts_by_lane_and_phase(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("a", 1).await;
    fixture.upload("b", 1).await;
    fixture.upload("c", 1).await;
    fixture.validate(&first).await;
    fixture.claim_one(TaskKey::Validate).await;
    let backlog = fixture.store.backlog().await.unwrap();
    assert_eq!(backlog.ready, [(Lane::Light, 1), (Lane::Heavy, 2)]);
    assert_eq!(backlog.leased, [(Lane::Light, 1)]);
    assert_eq!(backlog.assets, [(Phase::Received, 2), (Phase::Processing, 1)]);
    assert_eq!(backlog.outbox, 0);
}

pub async fn the_next_due_time_is_the_earliest_of_tasks_leases_and_notices(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    assert_eq!(fixture.store.next_due_ms().await.unwrap(), None);
    fixture.upload("a", 1).await;
    assert_eq!(fixture.store.next_due_ms().await.unwrap(), Some(0));
    fixture.claim_one(TaskKey::Validate).await;
    fixture.clock.advance_ms(1_000);
    assert_eq!(fixture.store.next_due_ms().await.unwrap(), Some(LEASE_MS - 1_000));
    fixture.upload("b", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let fault = reelgate_flow::reason::Fault::new(Code::StoreUnavailable, "");
    fixture.store.complete(&[report(&claim, Ending::Fault(fault))]).await.unwrap();
    let wait = fixture.store.next_due_ms().await.unwrap().expect("a retry is due");
    assert!(wait > 0 && wait < 1_000, "{wait}");
}

pub async fn history_that_is_recent_or_of_an_active_asset_is_kept(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let ended = fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let going_on = fixture.upload("b", 1).await;
    let histories =
        [fixture.store.history(&ended).await.unwrap(), fixture.store.history(&going_on).await.unwrap()];
    let thrice = tokio::join!(
        fixture.store.retain(Some(1)),
        fixture.store.retain(Some(1)),
        fixture.store.retain(None)
    );
    for retained in [thrice.0, thrice.1, thrice.2] {
        assert_eq!(retained.unwrap(), Retained::default());
    }
    fixture.clock.advance_ms(2 * 24 * 3_600_000);
    fixture.store.retain(None).await.unwrap();
    assert_eq!(fixture.store.history(&ended).await.unwrap(), histories[0]);
    fixture.store.retain(Some(1)).await.unwrap();
    assert_eq!(fixture.store.history(&going_on).await.unwrap(), histories[1]);
    assert_eq!(fixture.phase(&ended).await, Phase::Published);
}

pub async fn checking_changes_nothing(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let before = (fixture.store.history(&asset).await.unwrap(), fixture.store.backlog().await.unwrap());
    assert!(!fixture.store.check().await.unwrap().is_empty());
    let after = (fixture.store.history(&asset).await.unwrap(), fixture.store.backlog().await.unwrap());
    assert_eq!(before, after);
}

pub async fn no_invariant_is_violated(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    for (key, severity) in [("a", Severity::None), ("b", Severity::High), ("c", Severity::Medium)] {
        fixture.upload(key, 1).await;
        fixture.upload(key, 3).await;
        fixture.run(severity).await;
        fixture.upload(key, 2).await;
        fixture.run(severity).await;
    }
    assert_eq!(fixture.store.violations(), []);
}
