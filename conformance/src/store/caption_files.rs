//! Films and the caption files beside them.

use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::order::Priority;
use reelgate_ports::records::{Decided, Ending, Success, TaskReport};

use super::StoreHome;
use super::fixture::{SHA256, StoreFixture, validated, well};
use crate::samples::decision;

const WAIT_MS: u64 = 1_000_000;

/// Claims everything that is due and reports success until nothing is; caption files look for their films.
async fn run(fixture: &StoreFixture) {
    loop {
        let claims = fixture.claim_all().await;
        if claims.is_empty() {
            return;
        }
        for claim in claims {
            let is_file = claim.source.id.key.ends_with(".srt") && claim.fence.task == TaskKey::Validate;
            let report = match is_file {
                true => {
                    super::fixture::report(&claim, Ending::Success(Success::Attached { delay_ms: WAIT_MS }))
                }
                false => well(&claim, Severity::None),
            };
            fixture.store.complete(&[report]).await.unwrap();
        }
    }
}

async fn family(fixture: &StoreFixture, asset: &AssetId) -> Vec<AssetId> {
    fixture.store.family(asset).await.unwrap().into_iter().map(|record| record.id).collect()
}

pub async fn a_caption_file_waits_for_its_film_and_is_attached_when_that_arrives(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let file = fixture.upload("a/film.de.srt", 1).await;
    let other = fixture.upload("a/film2.mp4", 1).await;
    run(&fixture).await;
    assert_eq!(
        (fixture.phase(&file).await, fixture.phase(&other).await),
        (Phase::Received, Phase::Published)
    );
    let film = fixture.upload("a/film.mp4", 1).await;
    run(&fixture).await;
    assert_eq!((fixture.phase(&file).await, fixture.phase(&film).await), (Phase::Attached, Phase::Published));
    let flags = fixture.store.asset(&film).await.unwrap().asset.flags;
    assert!(flags.captioned && fixture.attempts(&film, TaskKey::Captions).await > 0);
    assert_eq!((family(&fixture, &film).await, family(&fixture, &file).await), (vec![file], vec![film]));
    assert!(!fixture.store.asset(&other).await.unwrap().asset.flags.captioned);
}

pub async fn a_late_caption_file_is_read_and_screened_without_new_encodes(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let film = fixture.upload("a/film.mp4", 1).await;
    run(&fixture).await;
    let file = fixture.upload("a/film.srt", 1).await;
    run(&fixture).await;
    assert_eq!((fixture.phase(&file).await, fixture.phase(&film).await), (Phase::Attached, Phase::Published));
    for (task, attempts) in [
        (TaskKey::Video { chunk: 0 }, 1),
        (TaskKey::Captions, 1),
        (TaskKey::Enrich, 2),
        (TaskKey::Screen, 2),
        (TaskKey::Package, 2),
    ] {
        assert_eq!(fixture.attempts(&film, task).await, attempts, "{task}");
    }
    // Another version of the file replaces the first.
    let newer = fixture.upload("a/film.srt", 2).await;
    run(&fixture).await;
    let phases = (fixture.phase(&file).await, fixture.phase(&newer).await);
    assert_eq!(phases, (Phase::Superseded, Phase::Attached));
    assert_eq!(fixture.attempts(&film, TaskKey::Captions).await, 2);
}

pub async fn a_caption_file_leaves_and_comes_back_with_its_film(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (film, file) = (fixture.upload("film.mp4", 1).await, fixture.upload("film.srt", 1).await);
    run(&fixture).await;
    let decide = async |asset: &AssetId, what: Decided| fixture.store.decide(asset, &decision(what)).await;
    let refused = decide(&file, Decided::Erase).await.unwrap_err();
    assert!(refused.kind == ErrorKind::Conflict && refused.detail.contains(film.as_str()), "{refused}");
    for (what, expected) in [
        (Decided::Quarantine, (Phase::Quarantined, Phase::Quarantined)),
        (Decided::Release, (Phase::Received, Phase::Attached)),
    ] {
        decide(&film, what.clone()).await.unwrap();
        run(&fixture).await;
        let now = (fixture.phase(&film).await, fixture.phase(&file).await);
        // The outputs of a film in this suite are not kept, so it begins again after its release.
        let published = (Phase::Published, expected.1);
        assert!(now == expected || now == published, "{what:?}: {now:?}");
    }
    decide(&file, Decided::Quarantine).await.unwrap();
    run(&fixture).await;
    assert_eq!(fixture.phase(&film).await, Phase::Quarantined, "what it shows of the file must go too");
    decide(&film, Decided::Erase).await.unwrap();
    run(&fixture).await;
    assert_eq!((fixture.phase(&film).await, fixture.phase(&file).await), (Phase::Erased, Phase::Erased));
}

pub async fn a_priority_that_a_producer_asks_for_counts_where_nobody_else_has_decided(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("a.mp4", 1).await;
    let second = fixture.upload("b.mp4", 1).await;
    for _ in 0..2 {
        let claim = fixture.claim_one(TaskKey::Validate).await;
        let asked = (claim.fence.asset == second).then_some(Priority::High);
        let sha256 = if asked.is_some() { SHA256.replace('e', "f") } else { SHA256.to_owned() };
        let report = validated(&claim, &sha256);
        let Ending::Success(Success::Validated { video_chunks, audio, captions, plan, jobs, .. }) =
            report.ending
        else {
            panic!("a validation");
        };
        let success = Success::Validated { video_chunks, audio, captions, priority: asked, plan, jobs };
        let report = TaskReport { ending: Ending::Success(success), ..report };
        fixture.store.complete(&[report]).await.unwrap();
    }
    let rows = fixture.store.queue(100).await.unwrap();
    assert!(rows.iter().any(|row| row.priority == Priority::High), "{rows:?}");
    let order: Vec<AssetId> = fixture.claim_all().await.into_iter().map(|claim| claim.fence.asset).collect();
    assert_eq!(order, [second.clone(), second, first.clone(), first], "the later one comes first");
}
