//! Findings belong to the content, the verdict to the asset: each upload is judged by its own key, and a release covers only what
//! was known.

use reelgate_flow::asset::{Phase, Redo, Response, Screening, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::policy::{Policy, Rule};
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;
use serde_json::json;

use super::StoreHome;
use super::fixture::{SHA256, StoreFixture, event, found, report, validated, well};
use crate::samples::decision;
use reelgate_ports::events::EventBatch;
use reelgate_ports::judgement::{severity, strictest};
use reelgate_ports::records::{
    Claim, Decided, Ending, ExternalScanEvent, Finder, FindingRecord, MediaEvent, Success, TaskReport,
};

const CARD: &str = "CREDIT_CARD_NUMBER";
const NAME: &str = "NAME";

fn rule(prefix: &str, action: Response) -> Rule {
    Rule { severity: Severity::Low, kinds: Vec::new(), prefix: prefix.into(), action }
}

/// Everything found below `open/` is only recorded, below `hide/` it is redacted, below `shut/` it is quarantined.
fn policy() -> Policy {
    let rules = vec![
        rule("open/", Response::Log),
        rule("hide/", Response::RedactThenPublish),
        rule("shut/", Response::Quarantine),
    ];
    Policy { rules, ..Policy::default() }
}

fn card() -> FindingRecord {
    found(CARD, Severity::High, "tag")
}

async fn fixture(home: &dyn StoreHome) -> StoreFixture {
    StoreFixture::with_policy(home, policy()).await
}

async fn upload(fixture: &StoreFixture, key: &str, force: bool) -> AssetId {
    let upload = MediaEvent { force, ..event(key, 1) };
    fixture.store.ingest(&EventBatch::of([upload])).await.unwrap().remove(0).asset
}

/// A screening that found this, judged as a stage judges it.
fn screened(claim: &Claim, policy: &Policy, findings: &[FindingRecord], shared: bool) -> TaskReport {
    let response = strictest(policy, &claim.source.id.key, findings);
    let screening = Screening { response, ..Screening::of(severity(findings)) };
    let findings = findings.to_vec();
    let success = Success::Screened { screening, findings, redaction: None, shared, result: None };
    report(claim, Ending::Success(success))
}

/// Does all work that is due; a look finds `found` in the content, whichever upload it is for. A linked upload is screened with
/// what its original knows.
async fn work(fixture: &StoreFixture, policy: &Policy, found: &[FindingRecord]) {
    loop {
        let claims = fixture.claim_all().await;
        if claims.is_empty() {
            return;
        }
        for claim in claims {
            let done = match claim.fence.task {
                TaskKey::Validate => validated(&claim, SHA256),
                TaskKey::Screen if claim.linked && !looked(fixture, &claim).await => {
                    let row = fixture.store.asset(&claim.fence.asset).await.unwrap().asset;
                    let original = row.linked_to.expect("it is linked");
                    let known = fixture.store.asset(&original).await.unwrap().findings;
                    screened(&claim, policy, &known, true)
                }
                TaskKey::Screen => screened(&claim, policy, found, false),
                _ => well(&claim, Severity::None),
            };
            fixture.store.complete(&[done]).await.unwrap();
        }
    }
}

async fn looked(fixture: &StoreFixture, claim: &Claim) -> bool {
    fixture.attempts(&claim.fence.asset, TaskKey::Enrich).await > 0
}

/// Uploads the content and does all work; a look finds this in it.
async fn processed(fixture: &StoreFixture, key: &str, force: bool, found: &[FindingRecord]) -> AssetId {
    let asset = upload(fixture, key, force).await;
    work(fixture, &policy(), found).await;
    asset
}

async fn is(fixture: &StoreFixture, asset: &AssetId, phase: Phase) -> bool {
    fixture.phase(asset).await == phase
}

async fn decide(fixture: &StoreFixture, asset: &AssetId, what: Decided) {
    fixture.store.decide(asset, &decision(what)).await.unwrap();
}

async fn scanner_found(fixture: &StoreFixture, id: &str, key: &str, kind: &str) {
    let severity = Severity::High;
    let finding =
        FindingRecord { source: Finder::Macie, locations: Vec::new(), ..found(kind, severity, "tag") };
    let scan = ExternalScanEvent {
        id: id.into(),
        kind: "SensitiveData:S3Object/Personal".into(),
        severity,
        source: Some(event(key, 1).source),
        asset: None,
        findings: vec![finding],
        sample: false,
        summary: json!({}),
    };
    fixture.store.ingest(&EventBatch { scans: vec![scan], ..EventBatch::default() }).await.unwrap();
}

async fn reason(fixture: &StoreFixture, asset: &AssetId) -> (Code, String) {
    let reason = fixture.store.asset(asset).await.unwrap().asset.reason.expect("it was withdrawn");
    (reason.code, reason.detail)
}

async fn kinds(fixture: &StoreFixture, asset: &AssetId) -> Vec<String> {
    let findings = fixture.store.asset(asset).await.unwrap().findings;
    findings.into_iter().map(|finding| finding.kind).collect()
}

pub async fn a_duplicate_is_judged_by_its_own_rules_and_changes_nothing_of_its_original(
    home: &dyn StoreHome,
) {
    let fixture = fixture(home).await;
    let first = processed(&fixture, "open/a", false, &[card()]).await;
    let second = processed(&fixture, "shut/b", false, &[]).await;
    let third = processed(&fixture, "open/c", false, &[]).await;
    assert!(is(&fixture, &second, Phase::Quarantined).await);
    assert_eq!(reason(&fixture, &second).await, (Code::PersonalData, String::new()));
    for open in [&first, &third] {
        assert!(is(&fixture, open, Phase::Published).await);
        assert_eq!(kinds(&fixture, open).await, [CARD], "and they show what was found");
    }
    assert_eq!(fixture.attempts(&third, TaskKey::Enrich).await, 0, "nothing was searched twice");
}

pub async fn what_policy_decided_about_an_original_decides_nothing_about_a_duplicate(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let first = processed(&fixture, "shut/a", false, &[card()]).await;
    assert!(is(&fixture, &first, Phase::Quarantined).await);
    let (open, shut) = (upload(&fixture, "open/b", false).await, upload(&fixture, "shut/c", false).await);
    work(&fixture, &policy(), &[card()]).await;
    assert!(is(&fixture, &open, Phase::Published).await && is(&fixture, &shut, Phase::Quarantined).await);
}

pub async fn a_person_s_decision_about_an_original_quarantines_a_duplicate(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let first = processed(&fixture, "open/a", false, &[]).await;
    decide(&fixture, &first, Decided::Quarantine).await;
    work(&fixture, &policy(), &[]).await;
    let quarantined = processed(&fixture, "open/b", false, &[]).await;
    decide(&fixture, &first, Decided::Release).await;
    work(&fixture, &policy(), &[]).await;
    assert!(is(&fixture, &first, Phase::Published).await);
    let released = processed(&fixture, "open/c", false, &[]).await;
    for asset in [&quarantined, &released] {
        assert!(is(&fixture, asset, Phase::Quarantined).await);
    }
}

pub async fn content_that_was_searched_less_is_searched_again_and_not_encoded_again(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    processed(&fixture, "open/a", false, &[]).await;
    let shut = processed(&fixture, "shut/a", false, &[]).await;
    let second = upload(&fixture, "open/b", false).await;
    fixture.validate_content(&second, SHA256).await;
    let claim = fixture.claim_one(TaskKey::Screen).await;
    fixture.report(&claim, Ending::Success(Success::LooksAgain)).await;
    let searching = fixture.claim_one(TaskKey::Enrich).await;
    assert!(searching.job.is_some(), "the validation has planned it");
    fixture.store.complete(&[well(&searching, Severity::None)]).await.unwrap();
    work(&fixture, &policy(), &[card()]).await;
    assert!(is(&fixture, &second, Phase::Published).await);
    assert_eq!(fixture.attempts(&second, TaskKey::Video { chunk: 0 }).await, 0);
    assert!(fixture.details(&second, "linked").await.iter().any(|line| line.contains("searched again")));
    assert!(is(&fixture, &shut, Phase::Quarantined).await, "policy answers the new finding for it too");
}

pub async fn what_a_later_look_finds_is_answered_for_every_upload_of_the_content(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let shut = processed(&fixture, "shut/a", false, &[]).await;
    let open = processed(&fixture, "open/b", false, &[]).await;
    let hidden = processed(&fixture, "hide/c", false, &[]).await;
    for asset in [&shut, &open, &hidden] {
        assert!(is(&fixture, asset, Phase::Published).await);
    }
    let later = processed(&fixture, "open/later", true, &[card()]).await;
    assert!(is(&fixture, &later, Phase::Published).await && is(&fixture, &open, Phase::Published).await);
    for asset in [&shut, &hidden] {
        assert!(is(&fixture, asset, Phase::Quarantined).await);
        let detail = "found in another upload with the same content".to_owned();
        assert_eq!(reason(&fixture, asset).await, (Code::PersonalData, detail));
        let lines = fixture.details(asset, "scanned").await;
        assert_eq!(lines, [format!("{CARD} in another upload with the same content, severity high")]);
    }
    assert_eq!(kinds(&fixture, &open).await, [CARD], "it is recorded where policy only records it");
}

pub async fn a_later_look_is_answered_by_the_rules_of_today(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let first = processed(&fixture, "open/a", false, &[card()]).await;
    let tightened = Policy { rules: vec![rule("open/", Response::Quarantine)], ..Policy::default() };
    let store = home.open_with(fixture.clock.clone(), tightened.clone()).await;
    let fixture = StoreFixture { store, clock: fixture.clock.clone() };
    assert!(is(&fixture, &first, Phase::Published).await);
    let second = upload(&fixture, "open/b", false).await;
    work(&fixture, &tightened, &[]).await;
    assert!(is(&fixture, &second, Phase::Quarantined).await, "the findings are those of the original");
    let forced = upload(&fixture, "other", true).await;
    work(&fixture, &tightened, &[found(NAME, Severity::Medium, "tag")]).await;
    assert!(is(&fixture, &forced, Phase::Published).await);
    assert!(is(&fixture, &first, Phase::Quarantined).await, "by the rules at the time of the new look");
}

pub async fn what_is_in_a_name_stays_with_that_upload(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let shut = processed(&fixture, "shut/a", false, &[]).await;
    let named = [found(CARD, Severity::High, "file_name")];
    let forced = processed(&fixture, "open/card", true, &named).await;
    assert!(is(&fixture, &forced, Phase::Published).await && is(&fixture, &shut, Phase::Published).await);
    assert_eq!(kinds(&fixture, &shut).await, Vec::<String>::new());
}

pub async fn what_the_scanner_found_counts_for_every_later_look_at_the_content(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let first = processed(&fixture, "open/a", false, &[]).await;
    scanner_found(&fixture, "1", "open/a", NAME).await;
    assert!(is(&fixture, &first, Phase::Published).await);
    let forced = processed(&fixture, "shut/b", true, &[]).await;
    assert!(is(&fixture, &forced, Phase::Quarantined).await);
    assert_eq!(kinds(&fixture, &forced).await, [NAME]);
    let open = processed(&fixture, "open/c", true, &[]).await;
    assert!(is(&fixture, &open, Phase::Published).await);
    fixture.store.redo(&open, Redo::Screen).await.unwrap();
    work(&fixture, &policy(), &[]).await;
    assert_eq!(kinds(&fixture, &open).await, [NAME], "a new look does not forget it");
}

pub async fn a_finding_of_the_scanner_is_answered_by_the_rules_of_each_upload(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let open = processed(&fixture, "open/a", false, &[]).await;
    let shut = processed(&fixture, "shut/b", false, &[]).await;
    scanner_found(&fixture, "1", "open/a", NAME).await;
    work(&fixture, &policy(), &[]).await;
    assert!(is(&fixture, &open, Phase::Published).await && is(&fixture, &shut, Phase::Quarantined).await);
}

pub async fn a_redacted_upload_stays_where_policy_asks_for_redaction(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let first = processed(&fixture, "hide/a", false, &[]).await;
    let parts = reelgate_flow::asset::Parts { chunks: vec![0], audio: false };
    decide(&fixture, &first, Decided::Redact { parts, redaction: json!({}) }).await;
    work(&fixture, &policy(), &[]).await;
    let later = processed(&fixture, "open/b", true, &[card()]).await;
    assert!(is(&fixture, &later, Phase::Published).await && is(&fixture, &first, Phase::Published).await);
    assert_eq!(kinds(&fixture, &first).await, [CARD], "it is still in the content");
}

/// An asset that was quarantined for a card number and released.
async fn released(fixture: &StoreFixture, key: &str) -> AssetId {
    let asset = processed(fixture, key, true, &[card()]).await;
    assert!(is(fixture, &asset, Phase::Quarantined).await);
    decide(fixture, &asset, Decided::Release).await;
    work(fixture, &policy(), &[card()]).await;
    assert!(is(fixture, &asset, Phase::Published).await, "the release covers the card number");
    asset
}

pub async fn a_release_covers_what_was_known_and_nothing_else(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let asset = released(&fixture, "shut/a").await;
    // The same kind, but another finder.
    for (id, kind) in [("1", CARD), ("2", NAME)] {
        scanner_found(&fixture, id, "shut/a", kind).await;
        work(&fixture, &policy(), &[card()]).await;
        assert!(is(&fixture, &asset, Phase::Quarantined).await, "{kind}");
        assert_eq!(reason(&fixture, &asset).await.1, "found by an external scanner");
        decide(&fixture, &asset, Decided::Release).await;
        work(&fixture, &policy(), &[card()]).await;
        assert!(is(&fixture, &asset, Phase::Published).await);
        scanner_found(&fixture, &format!("{id} again"), "shut/a", kind).await;
        assert!(is(&fixture, &asset, Phase::Published).await, "the second release covers it");
    }
    assert_eq!(fixture.details(&asset, "scanned").await.len(), 4);
    assert_eq!(fixture.details(&asset, "quarantining").await.len(), 2);
}

pub async fn a_new_look_at_a_released_asset_counts_where_the_release_covers_it_not(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let asset = released(&fixture, "shut/a").await;
    fixture.store.redo(&asset, Redo::Screen).await.unwrap();
    work(&fixture, &policy(), &[card()]).await;
    assert!(is(&fixture, &asset, Phase::Published).await, "nothing new");
    fixture.store.redo(&asset, Redo::Screen).await.unwrap();
    work(&fixture, &policy(), &[card(), found(NAME, Severity::Medium, "subtitle")]).await;
    assert!(is(&fixture, &asset, Phase::Quarantined).await);
    assert_eq!(reason(&fixture, &asset).await.1, "found after its release, which does not cover it");
}

pub async fn what_policy_let_pass_after_a_release_is_not_covered_by_it(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    // A person quarantined and released it before anything was found.
    let asset = processed(&fixture, "open/a", true, &[]).await;
    decide(&fixture, &asset, Decided::Quarantine).await;
    work(&fixture, &policy(), &[]).await;
    decide(&fixture, &asset, Decided::Release).await;
    work(&fixture, &policy(), &[]).await;
    scanner_found(&fixture, "1", "open/a", NAME).await;
    assert!(is(&fixture, &asset, Phase::Published).await, "policy only records it");
    let tightened = Policy { rules: vec![rule("open/", Response::Quarantine)], ..Policy::default() };
    let store = home.open_with(fixture.clock.clone(), tightened.clone()).await;
    let fixture = StoreFixture { store, clock: fixture.clock.clone() };
    fixture.store.redo(&asset, Redo::Screen).await.unwrap();
    work(&fixture, &tightened, &[]).await;
    assert!(is(&fixture, &asset, Phase::Quarantined).await, "the release came before it");
}

pub async fn a_later_look_at_another_upload_ends_a_release_that_does_not_cover_it(home: &dyn StoreHome) {
    let fixture = fixture(home).await;
    let asset = released(&fixture, "shut/a").await;
    processed(&fixture, "open/b", true, &[card()]).await;
    assert!(is(&fixture, &asset, Phase::Published).await, "the release covers it");
    processed(&fixture, "open/c", true, &[card(), found(NAME, Severity::Low, "subtitle")]).await;
    assert!(is(&fixture, &asset, Phase::Quarantined).await);
}
