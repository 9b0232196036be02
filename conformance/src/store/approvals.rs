//! A release or an erasure by two people: one proposes it, another one approves exactly that.

use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::policy::Policy;

use super::StoreHome;
use super::fixture::{StoreFixture, event, found};
use crate::samples::{decision, principal};
use reelgate_ports::audit::Entry;
use reelgate_ports::error::{ErrorKind, PortError};
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{
    Approval, Decided, Decision, DecisionOutcome, ExternalScanEvent, Principal, Proposal,
};
use serde_json::json;

const VALID_MS: u64 = 3_600_000;

fn two_people() -> Policy {
    Policy { approval_ms: Some(VALID_MS), ..Policy::default() }
}

/// An asset in quarantine under the rule of two people.
async fn quarantined(home: &dyn StoreHome) -> (StoreFixture, AssetId) {
    let fixture = StoreFixture::with_policy(home, two_people()).await;
    let asset = fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let outcome = fixture.store.decide(&asset, &decision(Decided::Quarantine)).await.unwrap();
    assert_eq!(outcome, DecisionOutcome::CarriedOut, "hiding something needs nobody else");
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined);
    (fixture, asset)
}

async fn propose(fixture: &StoreFixture, asset: &AssetId, decision: &Decision) -> Proposal {
    match fixture.store.decide(asset, decision).await.unwrap() {
        DecisionOutcome::Proposed(proposal) => *proposal,
        DecisionOutcome::CarriedOut => panic!("one person decided alone"),
    }
}

fn approval(proposal: &Proposal, by: Principal) -> Approval {
    Approval { proposal: proposal.id.clone(), by }
}

async fn refused(fixture: &StoreFixture, asset: &AssetId, approval: &Approval) -> PortError {
    let refused = fixture.store.approve(asset, approval).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict, "{refused}");
    refused
}

pub async fn a_release_waits_for_a_second_person_who_approves_it(home: &dyn StoreHome) {
    let (fixture, asset) = quarantined(home).await;
    let proposal = propose(&fixture, &asset, &decision(Decided::Release)).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined, "nothing happens before the approval");
    assert_eq!(fixture.store.proposal(&asset).await.unwrap().as_ref(), Some(&proposal));
    let carried_out = fixture.store.approve(&asset, &approval(&proposal, principal("bob"))).await.unwrap();
    assert_eq!(carried_out, decision(Decided::Release));
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    let proposed = format!("release by ann (account of ann on media-7), as {}, valid until", proposal.id);
    assert!(fixture.details(&asset, "proposed").await[0].starts_with(&proposed));
    let both =
        "release by ann (account of ann on media-7), approved by bob (account of bob on media-7): ticket 7";
    assert_eq!(fixture.details(&asset, "decided").await.last().unwrap(), both);
    assert_eq!(fixture.store.proposal(&asset).await.unwrap(), None);
    let again = refused(&fixture, &asset, &approval(&proposal, principal("bob"))).await;
    assert!(again.detail.ends_with("found one without"), "{again}");
}

pub async fn an_erasure_waits_for_a_second_person_too(home: &dyn StoreHome) {
    let (fixture, asset) = quarantined(home).await;
    let proposal = propose(&fixture, &asset, &decision(Decided::Erase)).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined);
    fixture.store.approve(&asset, &approval(&proposal, principal("bob"))).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Erased);
}

pub async fn nobody_approves_what_they_proposed_under_whatever_name(home: &dyn StoreHome) {
    let (fixture, asset) = quarantined(home).await;
    let proposal = propose(&fixture, &asset, &decision(Decided::Release)).await;
    let before = fixture.store.history(&asset).await.unwrap();
    let how = principal("ann").how;
    for by in [
        principal("ann"),
        Principal { name: " ANN. ".into(), how: "another account".into() },
        Principal { name: "bob".into(), how: how.clone() },
        Principal { name: "bob".into(), how: how.to_uppercase() },
    ] {
        let refused = refused(&fixture, &asset, &approval(&proposal, by)).await;
        assert!(refused.detail.starts_with("expected the approval of a second person"), "{refused}");
    }
    let nameless = Principal { name: "bob\u{202e}".into(), how: "account of bob".into() };
    refused(&fixture, &asset, &approval(&proposal, nameless)).await;
    assert_eq!(fixture.store.history(&asset).await.unwrap(), before);
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined);
}

pub async fn an_approval_is_of_one_proposal_and_of_no_other(home: &dyn StoreHome) {
    let (fixture, asset) = quarantined(home).await;
    let release = propose(&fixture, &asset, &decision(Decided::Release)).await;
    let erase = propose(&fixture, &asset, &decision(Decided::Erase)).await;
    assert_ne!(release.id, erase.id);
    let replaced = refused(&fixture, &asset, &approval(&release, principal("bob"))).await;
    assert!(replaced.detail.contains(&erase.id), "{replaced}");
    let other = fixture.upload("b", 1).await;
    fixture.run(Severity::None).await;
    refused(&fixture, &other, &approval(&erase, principal("bob"))).await;
    assert_eq!(fixture.phase(&other).await, Phase::Published);
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined);
}

pub async fn a_proposal_expires(home: &dyn StoreHome) {
    let (fixture, asset) = quarantined(home).await;
    let proposal = propose(&fixture, &asset, &decision(Decided::Release)).await;
    fixture.clock.advance_ms(VALID_MS);
    let late = refused(&fixture, &asset, &approval(&proposal, principal("bob"))).await;
    assert!(late.detail.contains("one that has expired; propose it again"), "{late}");
    let again = propose(&fixture, &asset, &decision(Decided::Release)).await;
    fixture.clock.advance_ms(VALID_MS - 1);
    fixture.store.approve(&asset, &approval(&again, principal("bob"))).await.unwrap();
}

pub async fn what_is_found_after_a_proposal_is_not_approved_with_it(home: &dyn StoreHome) {
    let (fixture, asset) = quarantined(home).await;
    let proposal = propose(&fixture, &asset, &decision(Decided::Release)).await;
    let scan = ExternalScanEvent {
        id: "1".into(),
        kind: "SensitiveData:S3Object/Personal".into(),
        severity: Severity::High,
        source: Some(event("a", 1).source),
        asset: None,
        findings: vec![found("VIN", Severity::High, "tag")],
        sample: false,
        summary: json!({"count": 1}),
    };
    let batch = EventBatch { scans: vec![scan], ..EventBatch::default() };
    fixture.store.ingest(&batch).await.unwrap();
    let outdated = refused(&fixture, &asset, &approval(&proposal, principal("bob"))).await;
    assert!(outdated.detail.contains("other findings"), "{outdated}");
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined);
    let again = propose(&fixture, &asset, &decision(Decided::Release)).await;
    fixture.store.approve(&asset, &approval(&again, principal("bob"))).await.unwrap();
}

pub async fn what_cannot_be_decided_cannot_be_proposed(home: &dyn StoreHome) {
    let fixture = StoreFixture::with_policy(home, two_people()).await;
    let asset = fixture.upload("a", 1).await;
    for what in [Decided::Release, Decided::Erase] {
        let refused = fixture.store.decide(&asset, &decision(what)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
    }
    assert_eq!(fixture.store.proposal(&asset).await.unwrap(), None);
}

pub async fn switching_the_rule_is_in_the_audit_log_before_what_it_allows(home: &dyn StoreHome) {
    let (fixture, asset) = quarantined(home).await;
    let lenient = home.open(fixture.clock.clone()).await;
    let outcome = lenient.decide(&asset, &decision(Decided::Release)).await.unwrap();
    assert_eq!(outcome, DecisionOutcome::CarriedOut, "without the rule one person decides");
    while lenient.seal(100).await.unwrap() > 0 {}
    let records = lenient.audit(0, 10_000).await.unwrap();
    let entries: Vec<Entry> =
        records.iter().map(|record| serde_json::from_str(&record.line).unwrap()).collect();
    let said: Vec<&str> = entries
        .iter()
        .filter(|entry| matches!(entry.what.as_str(), "rule_changed" | "decided"))
        .map(|entry| entry.detail.as_str())
        .collect();
    let rule = |state: &str| {
        format!(
            "the rule of two people (privacy.two_people) is {state}, found with a decision by ann (account of ann on media-7)"
        )
    };
    let by = "by ann (account of ann on media-7): ticket 7";
    assert_eq!(said, [rule("on"), format!("quarantine {by}"), rule("off"), format!("release {by}")]);
    assert!(entries.iter().filter(|entry| entry.what == "rule_changed").all(|entry| entry.asset.is_empty()));
}
