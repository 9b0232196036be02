//! `reelgate probe`: inspects one file with the code of the pipeline, and stores nothing. It refuses what `run` would refuse
//! before it encodes, and says what only `run` looks at.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use reelgate_actors::profiles::Profile;
use reelgate_actors::work::given_checksums::{self, GivenChecksum};
use reelgate_actors::work::job_file::{self, JobFile};
use reelgate_actors::work::validate::inspect_file;
use reelgate_flow::caption_file::CaptionFormat;
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::left_out::{LeftOut, left_out};
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::recipes::plan::{Plan, plan};
use reelgate_pipelines::recipes::settings::Settings;
use serde::Serialize;

use crate::cli::{GlobalArgs, ProbeArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::json::ReasonLine;
use crate::output::{stderr, table};
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
    let unusable = |error: std::io::Error| {
        Failure::Usage(format!("{}: expected a readable file: {error}", args.file.display()))
    };
    let metadata = std::fs::metadata(&args.file).map_err(unusable)?;
    if !metadata.is_file() {
        return Err(Failure::Usage(format!("{}: expected an ordinary file", args.file.display())));
    }
    let file = File::open(&args.file).map_err(unusable)?;
    let profile = match &args.profile {
        Some(name) => Some(named(&config, name)?),
        None => {
            let key = std::fs::canonicalize(&args.file).map_err(unusable)?;
            config.profiles.of_key(&key.to_string_lossy())
        }
    };
    let allowed = profile.map_or(&config.raw.media, |profile| &profile.settings);
    let asked = asked(&args.file, allowed);
    let settings = asked.as_ref().map_or(allowed, |settings| settings);
    let worker = wiring::worker(&config)?;
    let (inspected, sha256) =
        inspect_file(&worker, settings, file, metadata.len(), CancelFlag::default()).await;
    let sha256 = sha256.map_err(|fault| Failure::Internal(fault.to_string()))?;
    let is_media = !matches!(&inspected, Err(fault) if fault.code == Code::NotMedia);
    let caption_file = CaptionFormat::of_key(&args.file.to_string_lossy()).filter(|_| !is_media);
    let caption_file = caption_file.map(CaptionFormat::as_str);
    let accepted = asked.and_then(|settings| {
        given_checksums::check(&given(&args.file)?, &sha256)?;
        let (inspection, _) = inspected?;
        let planned = renditions(&plan(&inspection, &settings, metadata.len())?);
        Ok(Accepted { media: inspection.facts, planned })
    });
    let exit = if accepted.is_ok() || caption_file.is_some() { ExitStatus::Done } else { ExitStatus::NotAll };
    if args.json {
        let (accepted, reason) = match accepted {
            Ok(accepted) => (Some(accepted), None),
            Err(_) if caption_file.is_some() => (None, None),
            Err(fault) => (None, Some(ReasonLine::new(&fault))),
        };
        let (media, planned) = accepted.map(|accepted| (accepted.media, accepted.planned)).unzip();
        let left_out = media.as_ref().map(|facts| left_out(facts, None)).unwrap_or_default();
        let size = metadata.len();
        let not_looked = NOT_LOOKED;
        let line = ProbeLine { size, sha256, media, left_out, planned, caption_file, not_looked, reason };
        table::print(&to_json(&line)?)?;
        return Ok(exit);
    }
    match (accepted, caption_file) {
        (Ok(Accepted { media, planned }), _) => {
            table::print(&format!("size      {} bytes\nsha256    {sha256}", metadata.len()))?;
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

/// The settings with what the job file beside the file asks for.
fn asked(file: &Path, allowed: &Settings) -> Result<Settings, Fault> {
    match beside(file, job_file::SUFFIX, job_file::BYTES_MAX)? {
        Some(bytes) if bytes.len() as u64 > job_file::BYTES_MAX => Err(job_file::too_large()),
        Some(bytes) => JobFile::parse(&bytes)?.settings(allowed),
        None => Ok(allowed.clone()),
    }
}

/// The checksums that are given with the file.
fn given(file: &Path) -> Result<Vec<GivenChecksum>, Fault> {
    let bytes = beside(file, given_checksums::SUFFIX, given_checksums::FILE_BYTES_MAX)?;
    Ok(bytes.iter().map(|bytes| given_checksums::of_file(bytes)).collect())
}

/// A small file beside another, at most one byte more than `bytes_max`; `None` if there is none.
fn beside(file: &Path, suffix: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, Fault> {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    let unreadable = |error: std::io::Error| {
        Fault::new(Code::ObjectUnavailable, format!("read the file with {suffix} beside it: {error}"))
    };
    let opened = match File::open(&name) {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "bounded by `take`")]
    opened.take(bytes_max + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Some(bytes))
}

fn named<'a>(config: &'a Config, name: &str) -> Result<&'a Profile, Failure> {
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
