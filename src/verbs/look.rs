//! Inspects and plans one file as its validation would, and stores nothing.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use reelgate_actors::profiles::Profile;
use reelgate_actors::work::given_checksums::{self, GivenChecksum};
use reelgate_actors::work::job_file::{self, JobFile};
use reelgate_actors::work::validate::inspect_file;
use reelgate_flow::caption_file::CaptionFormat;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::{CancelFlag, WorkerProgram};
use reelgate_pipelines::messages::Inspection;
use reelgate_pipelines::recipes::plan::{Plan, plan};
use reelgate_pipelines::recipes::settings::Settings;

use crate::config::Config;
use crate::exit::Failure;

/// A file, and what lies beside it.
pub struct Upload<'a> {
    pub file: File,
    pub size: u64,
    pub name: &'a str,
    /// The job file, if there is one.
    pub job_file: Result<Option<Vec<u8>>, Fault>,
    pub given: Result<Vec<GivenChecksum>, Fault>,
}

/// What its validation would find.
pub struct Looked {
    pub sha256: String,
    /// What `run` would make of it, or why it would refuse it.
    pub planned: Result<(Inspection, Plan), Fault>,
    /// The format of a caption file, which `run` reads together with its film.
    pub caption_file: Option<&'static str>,
}

/// Inspects a file in the jail and plans it within these settings.
pub async fn look(worker: &WorkerProgram, allowed: &Settings, upload: Upload<'_>) -> Result<Looked, Failure> {
    let Upload { file, size, name, job_file, given } = upload;
    let asked = job_file.and_then(|bytes| asked(bytes, allowed));
    let settings = asked.as_ref().map_or(allowed, |settings| settings);
    let (inspected, sha256) = inspect_file(worker, settings, file, size, CancelFlag::default()).await;
    let sha256 = sha256.map_err(|fault| Failure::Internal(fault.to_string()))?;
    let is_media = !matches!(&inspected, Err(fault) if fault.code == Code::NotMedia);
    let caption_file = CaptionFormat::of_key(name).filter(|_| !is_media).map(CaptionFormat::as_str);
    let planned = asked.and_then(|settings| {
        given_checksums::check(&given?, &sha256)?;
        let (inspection, _) = inspected?;
        let plan = plan(&inspection, &settings, size)?;
        Ok((inspection, plan))
    });
    Ok(Looked { sha256, planned, caption_file })
}

/// Inspects a local file.
pub async fn look_at(
    worker: &WorkerProgram,
    allowed: &Settings,
    path: &Path,
) -> Result<(u64, Looked), Failure> {
    let unusable = |error| unusable(path, &error);
    let metadata = std::fs::metadata(path).map_err(unusable)?;
    if !metadata.is_file() {
        return Err(Failure::Usage(format!("{}: expected an ordinary file", path.display())));
    }
    let upload = Upload {
        file: File::open(path).map_err(unusable)?,
        size: metadata.len(),
        name: &path.to_string_lossy(),
        job_file: beside(path, job_file::SUFFIX, job_file::BYTES_MAX),
        given: given(path),
    };
    Ok((metadata.len(), look(worker, allowed, upload).await?))
}

/// The failure of a path that names no readable file.
pub fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Usage(format!("{}: expected a readable file: {error}", path.display()))
}

/// The profile that is named, or that of a local file's path.
pub fn profile<'a>(
    config: &'a Config,
    name: Option<&str>,
    path: &Path,
) -> Result<Option<&'a Profile>, Failure> {
    match name {
        Some(name) => named(config, name).map(Some),
        None => {
            let key = std::fs::canonicalize(path).map_err(|error| unusable(path, &error))?;
            Ok(config.profiles.of_key(&key.to_string_lossy()))
        }
    }
}

/// The profile of this name.
pub fn named<'a>(config: &'a Config, name: &str) -> Result<&'a Profile, Failure> {
    config.profiles.named(name).ok_or_else(|| {
        let known = match config.profiles.names()[..] {
            [] => "the configuration has no profile".to_owned(),
            ref names => format!("expected one of {}", names.join(", ")),
        };
        Failure::Usage(format!("--profile: {known}, found `{name}`"))
    })
}

/// The settings with what a job file asks for.
fn asked(job_file: Option<Vec<u8>>, allowed: &Settings) -> Result<Settings, Fault> {
    match job_file {
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
