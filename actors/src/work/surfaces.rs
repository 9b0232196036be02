//! How far the surfaces of an asset were analysed, as the verdict needs it.

use reelgate_flow::policy::Policy;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface::{self, Surface, SurfaceReport, SurfaceState};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::{Enrichment, TextLine};
use reelgate_ports::records::{Claim, ProducerMetadata};

use crate::engine_context::EngineContext;
use crate::work::producer_metadata;
use crate::work::products::document;

/// Every surface: the upload's name and metadata, which are always classified, the caption files beside it, of which it has none yet, and
/// what a media worker reports about the content.
pub fn of_upload(metadata: &ProducerMetadata, content: &[SurfaceReport]) -> Vec<SurfaceReport> {
    let name = SurfaceReport { lines: 1, ..SurfaceReport::analysed(Surface::Name) };
    let content = content.iter().filter(|report| !report.surface.is_of_upload()).cloned();
    let files = SurfaceReport::absent(Surface::CaptionFiles);
    [name, producer_metadata::report(metadata), files].into_iter().chain(content).collect()
}

/// Replaces the report on a surface.
pub fn replace(surfaces: &mut [SurfaceReport], report: SurfaceReport) {
    surfaces.iter_mut().filter(|one| one.surface == report.surface).for_each(|one| *one = report.clone());
}

/// The surfaces of a claim's asset, whose content was searched for itself.
pub async fn of_claim(
    context: &EngineContext,
    claim: &Claim,
    metadata: &ProducerMetadata,
) -> Result<Vec<SurfaceReport>, Fault> {
    let enrichment: Enrichment = document(&*context.store, &claim.fence.asset, TaskKey::Enrich).await?;
    Ok(of_upload(metadata, &enrichment.surfaces))
}

/// The surfaces with lines that are searched beside those of a worker.
pub fn with_lines(mut surfaces: Vec<SurfaceReport>, lines: &[TextLine]) -> Vec<SurfaceReport> {
    for report in &mut surfaces {
        let more = lines.iter().filter(|line| Surface::of_line(&line.surface) == report.surface).count();
        if more > 0 {
            report.lines += more as u64;
            report.state = match report.state {
                SurfaceState::Absent | SurfaceState::Analysed => SurfaceState::Analysed,
                SurfaceState::Partly | SurfaceState::NotAnalysed => SurfaceState::Partly,
            };
        }
    }
    surfaces
}

/// Refuses the work of a node that cannot analyse what policy requires. A retry there would not help, and nothing is wrong
/// with the file.
pub fn check_installation(policy: &Policy, reports: &[SurfaceReport]) -> Result<(), Fault> {
    let mut missing = policy.incomplete(&of_upload(&ProducerMetadata::new(), reports));
    missing.retain(|report| report.gaps.iter().any(|gap| gap.why.is_ours()));
    if missing.is_empty() {
        return Ok(());
    }
    let found = surface::label(&missing);
    Err(Fault::new(
        Code::ConfigInvalid,
        format!("expected an analysis that privacy.surfaces requires, found {found}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reelgate_flow::surface::NotSearched;

    #[test]
    fn only_what_is_missing_here_and_required_fails_the_work() {
        let fault = |why: NotSearched, required: &[Surface]| {
            let policy = Policy { surfaces: required.to_vec(), ..Policy::default() };
            let reports = [SurfaceReport::not_analysed(Surface::OnScreenText, why)];
            check_installation(&policy, &reports).err()
        };
        let missing = fault(NotSearched::NotInstalled, &[Surface::OnScreenText]).unwrap();
        assert_eq!((missing.code, missing.code.attempts_max()), (Code::ConfigInvalid, 1));
        assert!(missing.detail.contains("on-screen text not analysed"), "{missing}");
        assert_eq!(fault(NotSearched::NotInstalled, &[Surface::Tags]), None);
        assert_eq!(fault(NotSearched::Encrypted, &[Surface::OnScreenText]), None);
    }
}
