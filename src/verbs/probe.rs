//! `reelgate probe`: inspects one file with the code of the pipeline, and stores nothing.

use std::fs::File;

use reelgate_actors::profiles::Profile;
use reelgate_actors::work::validate::inspect_file;
use reelgate_flow::left_out::{LeftOut, left_out};
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::recipes::plan::{Plan, plan};
use serde::Serialize;

use crate::cli::{GlobalArgs, ProbeArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::{show, to_json};
use crate::wiring;

#[derive(Serialize)]
struct ProbeLine {
    size: u64,
    sha256: String,
    media: Option<reelgate_flow::facts::MediaFacts>,
    left_out: Vec<LeftOut>,
    /// The renditions that the profile would make; absent where none was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    planned: Option<Vec<String>>,
    reason: Option<crate::output::json::ReasonLine>,
}

/// Prints the facts, or why the file would be refused.
pub async fn probe(global: &GlobalArgs, args: ProbeArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let settings = match &args.profile {
        Some(name) => &profile(&config, name)?.settings,
        None => &config.raw.media,
    };
    let unusable = |error: std::io::Error| {
        Failure::Usage(format!("{}: expected a readable file: {error}", args.file.display()))
    };
    let metadata = std::fs::metadata(&args.file).map_err(unusable)?;
    if !metadata.is_file() {
        return Err(Failure::Usage(format!("{}: expected an ordinary file", args.file.display())));
    }
    let file = File::open(&args.file).map_err(unusable)?;
    let worker = wiring::worker(&config)?;
    let (inspected, sha256) =
        inspect_file(&worker, settings, file, metadata.len(), CancelFlag::default()).await;
    let mut planned = None;
    let inspected = inspected.and_then(|(inspection, _)| {
        if args.profile.is_some() {
            planned = Some(renditions(&plan(&inspection, settings, metadata.len())?));
        }
        Ok(inspection)
    });
    let sha256 = sha256.map_err(|fault| Failure::Internal(fault.to_string()))?;
    let exit = if inspected.is_ok() { ExitStatus::Done } else { ExitStatus::NotAll };
    if args.json {
        let (media, reason) = match inspected {
            Ok(inspection) => (Some(inspection.facts), None),
            Err(fault) => (None, Some(crate::output::json::ReasonLine::new(&fault))),
        };
        let left_out = media.as_ref().map(|facts| left_out(facts, None)).unwrap_or_default();
        table::print(&to_json(&ProbeLine {
            size: metadata.len(),
            sha256,
            media,
            left_out,
            planned,
            reason,
        })?)?;
        return Ok(exit);
    }
    match inspected {
        Ok(inspection) => {
            table::print(&format!("size      {} bytes\nsha256    {sha256}", metadata.len()))?;
            table::print(&show::describe(&inspection.facts, &left_out(&inspection.facts, None)))?;
            if let Some(planned) = planned {
                table::print(&format!("planned   {}", planned.join(" ")))?;
            }
        }
        Err(fault) => {
            stderr::say(&format!(
                "refused   {}: {} ({})",
                fault.code.as_str(),
                fault.code.message(),
                fault.detail
            ));
            stderr::say(&format!("advice    {}", fault.code.advice()));
        }
    }
    Ok(exit)
}

fn profile<'a>(config: &'a Config, name: &str) -> Result<&'a Profile, Failure> {
    config.profiles.named(name).ok_or_else(|| {
        let known = match config.profiles.names()[..] {
            [] => "the configuration has no profile".to_owned(),
            ref names => format!("expected one of {}", names.join(", ")),
        };
        Failure::Usage(format!("--profile: {known}, found `{name}`"))
    })
}

/// The names of what a plan makes.
fn renditions(plan: &Plan) -> Vec<String> {
    let rungs = plan.video.first().into_iter().flat_map(|chunk| &chunk.job.rungs);
    let audio = plan.audio.as_ref().map(|_| "audio".to_owned());
    rungs.map(|rung| rung.name.clone()).chain(audio).collect()
}
