//! What must not be seen or heard of an asset. Policy or a person requests it, the store keeps the request, the encodes
//! obey it, and a sampling of their result instead of the source proves it.

use std::fs::File;
use std::io::{Seek, Write};

use reelgate_flow::asset::{Parts, Response};
use reelgate_flow::ids::AssetId;
use reelgate_flow::place::TextPlace;
use reelgate_flow::policy::Policy;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface::Surface;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::{EnrichJob, RedactionStyle, Span};
use reelgate_pipelines::recipes::captions::Withheld;
use reelgate_pipelines::recipes::plan::Plan;
use reelgate_pipelines::recipes::redact::{
    Request, Sighting, Widening, enrich_job, top_rung, touched_chunks,
};
use reelgate_ports::external_scanner::findings::join;
use reelgate_ports::judgement::{in_content, response};
use reelgate_ports::records::{AssetDetail, Claim, Finder, FindingRecord};
use reelgate_ports::store::Store;
use reelgate_privacy::{ON_SCREEN_MAX, OnScreen, Scan};

use crate::engine_context::EngineContext;
use crate::work::look::{OnScreenPlaces, ScreenResult};
use crate::work::package::packaged;
use crate::work::products::{Planned, Products, document, product, read_document, to_document};
use crate::work::publication::Current;
use crate::work::stored_redaction::{self, Redaction};
use crate::work::{joined as done, ours};

/// The parts that are encoded again for a request.
pub fn parts(plan: &Plan, request: &Request) -> Result<Parts, Fault> {
    Ok(Parts { chunks: touched_chunks(plan, request)?, audio: !request.mutes.is_empty() })
}

/// The redaction that policy asks for: every finding on screen whose response is to redact. `None` where encoding again
/// would not remove all of them (one is in the upload's own name, or there are more than can be listed), or where there is no
/// picture.
pub fn by_policy(
    plan: &Plan,
    policy: &Policy,
    key: &str,
    scan: &Scan,
    findings: &[FindingRecord],
) -> Result<Option<(Parts, serde_json::Value)>, Fault> {
    if plan.video.is_empty() {
        return Ok(None);
    }
    let Some(places) = places_of_policy(policy, key, scan, findings) else { return Ok(None) };
    let wanted = findings.iter().filter(|one| response(policy, key, one) == Response::RedactThenPublish);
    let request = Request { places, withheld: withheld(wanted), ..empty(plan) };
    let parts = parts(plan, &request)?;
    let removed = in_content(findings);
    Ok(Some((parts, to_document(&Redaction { request, removed })?)))
}

/// Every place on screen of the findings that policy wants redacted; `None` where that would leave one of them.
fn places_of_policy(
    policy: &Policy,
    key: &str,
    scan: &Scan,
    findings: &[FindingRecord],
) -> Option<Vec<Sighting>> {
    let is_wanted = |finding: &&FindingRecord| response(policy, key, finding) == Response::RedactThenPublish;
    let wanted: Vec<&FindingRecord> = findings.iter().filter(is_wanted).collect();
    let mut named = wanted.iter().flat_map(|finding| &finding.locations).map(|found| &found.place);
    if named.any(|place| Surface::of_line(&place.surface).stays_when_redacted()) || scan.more_on_screen > 0 {
        return None;
    }
    let is_of_wanted = |seen: &&OnScreen| wanted.iter().any(|finding| finding.kind == seen.kind.id);
    Some(scan.on_screen.iter().filter(is_of_wanted).map(sighting).collect())
}

/// What a person asks to redact.
#[derive(Debug, Default)]
pub struct HandRequest {
    /// Areas to cover; without any area or time, the asset's findings on screen are covered.
    pub places: Vec<Sighting>,
    /// What covers them.
    pub style: RedactionStyle,
    /// Times to silence.
    pub mutes: Vec<Span>,
}

/// Why a redaction by hand is not made.
#[derive(Debug)]
pub enum NotRedacted {
    /// It could leave something uncovered, or uncover something; says what was expected and what to do.
    Refused(String),
    /// Something it needs cannot be read, or the request is malformed.
    Failed(Fault),
}

impl From<Fault> for NotRedacted {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

/// The redaction that a person asks for, added to an earlier one: what was covered stays covered.
pub async fn by_hand(
    store: &dyn Store,
    asset: &AssetId,
    asked: HandRequest,
) -> Result<(Parts, serde_json::Value), NotRedacted> {
    let Planned { plan, .. } = document(store, asset, TaskKey::Validate).await?;
    let AssetDetail { asset: row, findings, .. } = store.asset(asset).await.map_err(ours)?;
    let mut earlier = stored_redaction::read(store, asset).await?;
    // Copies that older versions published have no redaction of their own.
    if let (None, Some(original)) = (&earlier, &row.linked_to) {
        earlier = stored_redaction::read(store, original).await?;
    }
    let HandRequest { places, style, mutes } = asked;
    let mut request = Request { style, ..empty(&plan) };
    if places.is_empty() && mutes.is_empty() {
        if earlier.is_some() {
            let expected = "expected areas to cover (--box) or times to silence (--mute) for an asset that is redacted \
                            already, found none; its findings name places in the redacted picture";
            return Err(NotRedacted::Refused(expected.to_owned()));
        }
        let left = product(store, asset, TaskKey::Screen).await?;
        let left = left.map(|left| read_document::<ScreenResult>(TaskKey::Screen, Some(&left)));
        let known = left.transpose()?.and_then(|left| left.on_screen);
        request.places = places_of_findings(asset, known, &findings)?;
        request.withheld = withheld(findings.iter());
    } else {
        // The person gave exact times, so they are not widened.
        request = Request { places, mutes, widening: Widening::Interval(0), ..request };
    }
    let parts = parts(&plan, &request)?;
    let mut removed = in_content(&findings);
    if let Some(earlier) = earlier {
        let track_end_ns = plan.video.first().map_or(u64::MAX, |chunk| chunk.job.track_end_ns);
        request = request.with_earlier(&earlier.request, track_end_ns);
        removed = join(&earlier.removed, &removed);
    }
    Ok((parts, to_document(&Redaction { request, removed })?))
}

/// Every place on screen of an asset's findings; `known` are those that its screening has left. Refuses where not all of them
/// are known.
fn places_of_findings(
    asset: &AssetId,
    known: Option<OnScreenPlaces>,
    findings: &[FindingRecord],
) -> Result<Vec<Sighting>, NotRedacted> {
    if known.as_ref().is_some_and(|known| known.more > 0) {
        return Err(NotRedacted::Refused(format!(
            "expected at most {ON_SCREEN_MAX} places on screen, found more; give the areas to cover with --box"
        )));
    }
    // The classifier's places are listed whole by its screening; others are only those that their findings name.
    let is_listed = |finding: &&FindingRecord| known.is_some() && finding.source == Finder::Local;
    let mut places = Vec::new();
    for finding in findings.iter().filter(|finding| !is_listed(finding)) {
        let named = finding.locations.len();
        if finding.count > named as u64 {
            return Err(NotRedacted::Refused(format!(
                "expected every place of {}, found {named} of {}; give the areas to cover with --box, or screen the asset \
                 again with `reelgate redo {asset} --stage screen`",
                finding.kind, finding.count
            )));
        }
        places.extend(finding.locations.iter().filter_map(|found| seen(&found.place)));
    }
    places.extend(known.map(|known| known.places).unwrap_or_default());
    Ok(places)
}

/// The places on screen that a screening leaves for a redaction by hand.
pub fn on_screen(scan: &Scan) -> OnScreenPlaces {
    OnScreenPlaces { places: scan.on_screen.iter().map(sighting).collect(), more: scan.more_on_screen }
}

fn sighting(seen: &OnScreen) -> Sighting {
    let OnScreen { start_ns, end_ns, frame_box, .. } = *seen;
    Sighting { start_ns, end_ns, area: Some(frame_box), thing: 0 }
}

/// The redacted video as one unnamed file, with the job that samples it; `None` where there is only audio.
pub async fn sampled(context: &EngineContext, claim: &Claim) -> Result<Option<(EnrichJob, File)>, Fault> {
    let products = Products::read(context, &claim.fence.asset).await?;
    let planned: Planned = products.document(TaskKey::Validate)?;
    let packaged = packaged(&products, &planned, &[])?;
    let Some((top, files)) = top_rung(&packaged) else { return Ok(None) };
    let asset = context.store.asset(&claim.fence.asset).await.map_err(ours)?.asset;
    let mut outputs = files.into_iter().map(|file| products.output(file)).collect::<Result<Vec<_>, _>>()?;
    if let Some(current) = Current::of(context, &asset).await? {
        current.find_kept(context, outputs.iter_mut().map(|(task, output)| (*task, output)))?;
    }
    let unwritten = |error: std::io::Error| {
        Fault::new(Code::QuotaDisk, format!("join the redacted video in a temporary file: {error}"))
    };
    let mut file = tempfile::tempfile().map_err(unwritten)?;
    let mut size_bytes = 0;
    for (_, output) in &outputs {
        let bytes = output.read(context).await?;
        size_bytes += bytes.len() as u64;
        let writing = tokio::task::spawn_blocking(move || file.write_all(&bytes).map(|()| file));
        file = done(writing.await)?.map_err(unwritten)?;
    }
    file.rewind().map_err(unwritten)?;
    Ok(enrich_job(&planned.plan, top, size_bytes).map(|job| (job, file)))
}

/// The tracks of text in which something was found. A finding lists only some of its places, and what is not listed may be in any
/// track.
fn withheld<'a>(findings: impl Iterator<Item = &'a FindingRecord>) -> Withheld {
    let mut withheld = Withheld::default();
    for finding in findings {
        withheld.all |= finding.count > finding.locations.len() as u64;
        for place in finding.locations.iter().map(|found| &found.place) {
            match (Surface::of_line(&place.surface), place.track) {
                (Surface::Subtitles | Surface::Captions, Some(track)) => {
                    withheld.tracks.insert(track);
                }
                (Surface::Subtitles | Surface::Captions, None) => withheld.all = true,
                // Its field is the asset of the file.
                (Surface::CaptionFiles, _) => {
                    withheld.files.insert(AssetId::new(place.field.clone()));
                }
                _ => {}
            }
        }
    }
    withheld
}

/// A request for filled areas, widened by the interval between samples: what is between two samples was not analysed.
fn empty(plan: &Plan) -> Request {
    let interval_ns = plan.enrich.screen_text.interval_ns;
    Request {
        places: Vec::new(),
        style: RedactionStyle::Fill,
        widening: Widening::Interval(interval_ns),
        mutes: Vec::new(),
        withheld: Withheld::default(),
    }
}

/// The area and time of a finding's place, if it is on screen.
fn seen(place: &TextPlace) -> Option<Sighting> {
    let start_ns = place.start_ns?;
    let end_ns = place.end_ns.unwrap_or(start_ns).max(start_ns + 1);
    Some(Sighting { start_ns, end_ns, area: Some(place.frame_box?), thing: 0 })
}

#[cfg(test)]
mod tests {
    use reelgate_flow::asset::Severity;
    use reelgate_flow::place::FrameBox;
    use reelgate_flow::policy::Rule;
    use reelgate_ports::records::FindingLocation;
    use reelgate_privacy::{Classifier, Line};

    use super::*;
    use crate::work::findings::record;

    /// As many different numbers on screen as asked, a second each, and a card number in a tag.
    fn scan(numbers: u32) -> Scan {
        let shown: Vec<(String, TextPlace)> = (0..numbers)
            .map(|n| {
                let mut place = TextPlace::untimed("on_screen_text", "text", Some(0));
                let start_ns = u64::from(n) * 1_000_000_000;
                (place.start_ns, place.end_ns) = (Some(start_ns), Some(start_ns + 500_000_000));
                place.frame_box = Some(FrameBox { x: n, y: 7, width: 90, height: 20 });
                (format!("ssn 536-90-{:04}", 1_000 + n), place)
            })
            .collect();
        let lines = shown.iter().map(|(text, place)| Line { text, address: place.clone() });
        let tag =
            Line { text: "card 4539 5787 6362 1486", address: TextPlace::untimed("tag", "comment", None) };
        Classifier::new().scan_whole(lines.chain([tag]))
    }

    fn findings(scan: &Scan) -> Vec<FindingRecord> {
        scan.findings.iter().map(record).collect()
    }

    fn policy() -> Policy {
        let action = Response::RedactThenPublish;
        let rule = Rule { severity: Severity::Low, kinds: Vec::new(), prefix: String::new(), action };
        Policy { rules: vec![rule], ..Policy::default() }
    }

    #[test]
    fn policy_covers_every_place_of_a_kind_and_not_only_those_that_its_finding_lists() {
        let scan = scan(40);
        let findings = findings(&scan);
        assert_eq!(findings.iter().map(|one| one.locations.len()).max(), Some(15), "what a finding lists");
        let places = places_of_policy(&policy(), "a", &scan, &findings).unwrap();
        let covered: Vec<u32> = places.iter().filter_map(|place| place.area).map(|area| area.x).collect();
        assert_eq!(covered, (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn policy_redacts_nothing_where_it_would_leave_something() {
        let whole = scan(2);
        let cut = Scan { more_on_screen: 1, ..whole.clone() };
        assert_eq!(places_of_policy(&policy(), "a", &cut, &findings(&whole)), None);
        let mut named = findings(&whole);
        let place = TextPlace::untimed(reelgate_privacy::text::FILE_NAME, "name", None);
        named[0].locations.push(FindingLocation { place, value: None });
        assert_eq!(places_of_policy(&policy(), "a", &whole, &named), None);
    }

    #[test]
    fn a_person_covers_every_place_that_the_screening_has_seen() {
        let scan = scan(40);
        let asset = AssetId::new("a");
        let places =
            |known, findings: &[FindingRecord]| places_of_findings(&asset, known, findings).map(|p| p.len());
        assert_eq!(places(Some(on_screen(&scan)), &findings(&scan)).unwrap(), 40);
        let cut = OnScreenPlaces { more: 1, ..on_screen(&scan) };
        assert!(
            matches!(places(Some(cut), &findings(&scan)), Err(NotRedacted::Refused(why)) if why.contains("--box"))
        );
        // A screening by an older version has listed nothing.
        let refused = places(None, &findings(&scan));
        assert!(matches!(refused, Err(NotRedacted::Refused(why)) if why.contains("15 of 40")));
        let few: Vec<FindingRecord> = findings(&self::scan(3));
        assert_eq!(places(None, &few).unwrap(), 3, "none is left out");
        // Macie lists only some of what it finds.
        let macie = FindingRecord { source: Finder::Macie, ..findings(&scan)[1].clone() };
        assert!(places(Some(on_screen(&scan)), &[macie]).is_err());
    }
}
