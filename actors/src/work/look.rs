//! What searched the content of an asset. Findings are worth as much as the look that made them: a duplicate shares them only where
//! nothing that is asked today was left out.

use reelgate_flow::ids::AssetId;
use reelgate_flow::policy::Policy;
use reelgate_flow::reason::Fault;
use reelgate_flow::surface::SurfaceReport;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::recipes::redact::Sighting;
use reelgate_pipelines::recipes::settings::ScreenTextSettings;
use reelgate_ports::external_scanner::Delivered;
use reelgate_ports::judgement::in_content;
use reelgate_ports::records::{FindingRecord, ProducerMetadata};
use serde::{Deserialize, Serialize};

use crate::engine_context::EngineContext;
use crate::work::ours;
use crate::work::products::{product, read_document};
use crate::work::surfaces::of_upload;

/// What a look searches with. Two equal looks at the same content find the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Look {
    /// The version of the classifier, with the operator's own identifiers.
    classifier: String,
    /// Text and codes that are read in pictures.
    screen_text: ScreenTextSettings,
    /// The area of the external scanner that got the text, and whether its answer is awaited; `None` if none did.
    external_scan: Option<(String, bool)>,
}

impl Look {
    /// A look by this node as it is configured now. `asked`: the external scanner got the text.
    pub fn now(context: &EngineContext, asked: bool) -> Self {
        let scanner = context.external_scan.as_ref().filter(|_| asked);
        Self {
            classifier: context.classifier.version().to_owned(),
            screen_text: context.settings.screen_text.clone(),
            external_scan: scanner.map(|it| (it.settings.area.clone(), it.settings.awaited)),
        }
    }
}

/// The document that a screening leaves.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ScreenResult {
    /// Where the text was delivered for the external scanner.
    #[serde(flatten)]
    pub delivered: Option<Delivered>,
    /// What searched the content; `None` in the documents of older versions.
    pub look: Option<Look>,
    /// Findings in the source that the outputs leave out, because they were redacted.
    #[serde(default)]
    pub removed: Vec<FindingRecord>,
    /// Where the classifier's findings are on screen; `None` in the documents of older versions.
    #[serde(default)]
    pub on_screen: Option<OnScreenPlaces>,
}

/// Every place on screen of an asset's findings. A finding lists only some of its places, but a redaction covers all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OnScreenPlaces {
    /// In the picture that was searched.
    pub places: Vec<Sighting>,
    /// How many more there are.
    pub more: u64,
}

/// What is known of the content of a linked asset.
pub struct SharedContent {
    /// Found in the outputs, or in the source where that was not redacted.
    pub findings: Vec<FindingRecord>,
    /// How far the surfaces were analysed; name and metadata are this upload's.
    pub surfaces: Vec<SurfaceReport>,
    /// What searched it.
    pub look: Look,
    /// Findings in the source that the outputs leave out.
    pub removed: Vec<FindingRecord>,
    /// Where the findings are on screen.
    pub on_screen: Option<OnScreenPlaces>,
}

/// What the original of a linked asset, which has its own metadata, knows of their content; `None` if it was searched less than is asked today.
pub async fn shared_content(
    context: &EngineContext,
    original: &AssetId,
    metadata: &ProducerMetadata,
) -> Result<Option<SharedContent>, Fault> {
    let Some(left) = product(&*context.store, original, TaskKey::Screen).await? else { return Ok(None) };
    let ScreenResult { look, removed, on_screen, .. } = read_document(TaskKey::Screen, Some(&left))?;
    let detail = context.store.asset(original).await.map_err(ours)?;
    let surfaces = of_upload(metadata, &detail.asset.surfaces);
    let asked = context.external_scan.is_some();
    let Some(look) =
        look.filter(|look| suffices(look, &Look::now(context, asked), &context.policy, &surfaces))
    else {
        return Ok(None);
    };
    Ok(Some(SharedContent { findings: in_content(&detail.findings), surfaces, look, removed, on_screen }))
}

fn suffices(look: &Look, today: &Look, policy: &Policy, surfaces: &[SurfaceReport]) -> bool {
    look == today && policy.incomplete(surfaces).is_empty()
}

#[cfg(test)]
mod tests {
    use reelgate_flow::surface::{NotSearched, Surface};

    use super::*;

    fn look() -> Look {
        Look {
            classifier: "1".into(),
            screen_text: ScreenTextSettings::default(),
            external_scan: Some(("s3://text".into(), true)),
        }
    }

    #[test]
    fn a_look_that_left_out_anything_that_is_asked_today_does_not_suffice() {
        let whole: Vec<SurfaceReport> =
            Surface::ALL.iter().map(|surface| SurfaceReport::analysed(*surface)).collect();
        let policy = Policy { surfaces: vec![Surface::Tags, Surface::OnScreenText], ..Policy::default() };
        assert!(suffices(&look(), &look(), &policy, &whole));
        let other_classifier = Look { classifier: "2".into(), ..look() };
        let on_screen = ScreenTextSettings { on_screen: true, ..ScreenTextSettings::default() };
        let unread = Look { screen_text: on_screen, ..look() };
        let unasked = Look { external_scan: None, ..look() };
        let not_awaited = Look { external_scan: Some(("s3://text".into(), false)), ..look() };
        for before in [other_classifier, unread, unasked, not_awaited] {
            assert!(!suffices(&before, &look(), &policy, &whole), "{before:?}");
        }
        let mut unread = whole.clone();
        unread.retain(|report| report.surface != Surface::OnScreenText);
        assert!(!suffices(&look(), &look(), &policy, &unread), "nothing is known of a required surface");
        unread.push(SurfaceReport::not_analysed(Surface::OnScreenText, NotSearched::SwitchedOff));
        assert!(!suffices(&look(), &look(), &policy, &unread));
    }

    #[test]
    fn the_document_is_read_with_and_without_a_delivery_and_from_older_versions() {
        for delivered in [None, Some(Delivered { batch: batch(), job_from_ms: 7 })] {
            let on_screen = Some(OnScreenPlaces { places: Vec::new(), more: 2 });
            let left = ScreenResult { delivered, look: Some(look()), removed: Vec::new(), on_screen };
            let document = serde_json::to_value(&left).unwrap();
            assert_eq!(serde_json::from_value::<ScreenResult>(document).unwrap(), left);
        }
        let delivered = Delivered { batch: batch(), job_from_ms: 7 };
        let older = serde_json::to_value(&delivered).unwrap();
        let read: ScreenResult = serde_json::from_value(older).unwrap();
        assert_eq!((read.delivered, read.look), (Some(delivered), None));
    }

    fn batch() -> reelgate_ports::external_scanner::BatchId {
        reelgate_ports::external_scanner::BatchId::of("text", 1, 2)
    }
}
