//! `reelgate probe`: inspects one file with the code of the pipeline, and stores nothing. It refuses what `run` would refuse
//! before it encodes, and says what only `run` looks at.

use reelgate_flow::facts::MediaFacts;
use reelgate_flow::left_out::{LeftOut, left_out};
use reelgate_pipelines::recipes::plan::Plan;
use serde::Serialize;

use crate::cli::{GlobalArgs, ProbeArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::json::ReasonLine;
use crate::output::{stderr, table};
use crate::verbs::look::{look_at, profile};
use crate::verbs::{show, to_json};
use crate::wiring;

/// What `run` looks at and `probe` does not.
const NOT_LOOKED: [&str; 2] = ["decode", "screening"];

#[derive(Serialize)]
struct ProbeLine {
    size: u64,
    sha256: String,
    media: Option<MediaFacts>,
    left_out: Vec<LeftOut>,
    /// The renditions that `run` would make; absent where it would refuse the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    planned: Option<Vec<String>>,
    /// The format of a caption file, which `run` reads together with its film; absent for everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    caption_file: Option<&'static str>,
    /// What may still go wrong in `run`: `decode`, whether every picture and sound decodes; `screening`, personal data.
    not_looked: [&'static str; 2],
    reason: Option<ReasonLine>,
}

/// What is known of a file that `run` would take.
struct Accepted {
    media: MediaFacts,
    planned: Vec<String>,
}

/// Prints the facts, or why the file would be refused.
pub async fn probe(global: &GlobalArgs, args: ProbeArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let profile = profile(&config, args.profile.as_deref(), &args.file)?;
    let allowed = profile.map_or(&config.raw.media, |profile| &profile.settings);
    let worker = wiring::worker(&config)?;
    let (size, looked) = look_at(&worker, allowed, &args.file).await?;
    let (sha256, caption_file) = (looked.sha256, looked.caption_file);
    let accepted = looked
        .planned
        .map(|(inspection, plan)| Accepted { planned: renditions(&plan), media: inspection.facts });
    let exit = if accepted.is_ok() || caption_file.is_some() { ExitStatus::Done } else { ExitStatus::NotAll };
    if args.json {
        let (accepted, reason) = match accepted {
            Ok(accepted) => (Some(accepted), None),
            Err(_) if caption_file.is_some() => (None, None),
            Err(fault) => (None, Some(ReasonLine::new(&fault))),
        };
        let (media, planned) = accepted.map(|accepted| (accepted.media, accepted.planned)).unzip();
        let left_out = media.as_ref().map(|facts| left_out(facts, None)).unwrap_or_default();
        let not_looked = NOT_LOOKED;
        let line = ProbeLine { size, sha256, media, left_out, planned, caption_file, not_looked, reason };
        table::print(&to_json(&line)?)?;
        return Ok(exit);
    }
    match (accepted, caption_file) {
        (Ok(Accepted { media, planned }), _) => {
            table::print(&format!("size      {} bytes\nsha256    {sha256}", size))?;
            table::print(&show::describe(&media, &left_out(&media, None)))?;
            table::print(&format!("planned   {}", planned.join(" ")))?;
            table::print(
                "not looked  whether every picture and sound decodes, and for personal data: `reelgate run` does",
            )?;
        }
        (Err(_), Some(format)) => {
            table::print(&format!(
                "a caption file ({}): `reelgate run` reads it together with its film",
                format
            ))?;
        }
        (Err(fault), None) => {
            let (code, detail) = (fault.code, &fault.detail);
            stderr::say(&format!("refused   {}: {} ({detail})", code.as_str(), code.message()));
            stderr::say(&format!("advice    {}", code.advice()));
        }
    }
    Ok(exit)
}

/// The names of what a plan makes.
fn renditions(plan: &Plan) -> Vec<String> {
    let rungs = plan.video.first().into_iter().flat_map(|chunk| &chunk.job.rungs);
    let audio = plan.audio.as_ref().map(|_| "audio".to_owned());
    rungs.map(|rung| rung.name.clone()).chain(audio).collect()
}
