//! `reelgate verify`: compares outputs with the hashes of the proof manifest. For a directory nothing else is needed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use reelgate_actors::work::manifest::{Manifest, ManifestOutput};
use reelgate_flow::plain::counted;
use reelgate_ports::error::PortResult;
use reelgate_ports::objects::{MANIFEST, MeasuredOutput, Objects};
use serde::Serialize;

use crate::cli::{GlobalArgs, VerifyArgs};
use crate::config::Config;
use crate::config::fleet::S3_SCHEME;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::{find_asset, to_json};
use crate::wiring;

/// Largest manifest, bytes: some 100,000 entries of about 200 bytes.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;
/// Outputs that are read at once. They are small, so that most of the time of one is spent waiting for its first byte.
const READS: usize = 8;

/// One difference between the manifest and what is there.
#[derive(Serialize, Debug, PartialEq, Eq)]
struct Problem {
    /// `missing`, `size`, `sha256`, `unreadable` or `unlisted`.
    problem: &'static str,
    name: String,
    expected: String,
    found: String,
}

/// A publication, and how it is read.
enum Published {
    /// Named by its directory, wherever that is.
    Directory(PathBuf),
    /// In the object store of the configuration.
    Stored(Arc<dyn Objects>, String),
}

/// Checks one publication.
pub async fn verify(global: &GlobalArgs, args: VerifyArgs) -> Result<ExitStatus, Failure> {
    let published = target(global, &args.target).await?;
    let manifest = published.manifest().await?;
    let problems = compare(&published, &manifest).await?;
    for problem in &problems {
        if args.json {
            table::print(&to_json(problem)?)?;
        } else {
            let Problem { problem, name, expected, found } = problem;
            table::print(&format!("{problem}: {}: expected {expected}, found {found}", table::clean(name)))?;
        }
    }
    if problems.is_empty() {
        stderr::say(&format!(
            "{} the manifest of asset {}",
            counted(manifest.outputs.len() as u64, "output matches", "outputs match"),
            manifest.asset_id
        ));
        return Ok(ExitStatus::Done);
    }
    stderr::say(&format!(
        "{}; publish again with `reelgate run --force` on the source",
        counted(problems.len() as u64, "problem", "problems")
    ));
    Ok(ExitStatus::NotAll)
}

async fn target(global: &GlobalArgs, typed: &str) -> Result<Published, Failure> {
    let dir = Path::new(typed);
    if dir.is_dir() {
        return Ok(Published::Directory(dir.to_path_buf()));
    }
    let config = Config::load(global).await?;
    if typed.starts_with(S3_SCHEME) {
        let location = typed.trim_end_matches('/').to_owned();
        return Ok(Published::Stored(wiring::objects(&config).await?, location));
    }
    let store = wiring::existing_store(&config).await?;
    let asset = store.asset(&find_asset(&*store, typed).await?).await?.asset;
    let published =
        asset.published_location.filter(|_| asset.phase == reelgate_flow::asset::Phase::Published);
    let location = published.ok_or_else(|| {
        let phase = asset.phase.as_str();
        Failure::Usage(format!(
            "{}: expected a published asset, found it {phase}; it has no outputs",
            asset.id
        ))
    })?;
    if Path::new(&location).is_dir() {
        return Ok(Published::Directory(PathBuf::from(location)));
    }
    Ok(Published::Stored(wiring::objects(&config).await?, location))
}

impl Published {
    #[expect(clippy::disallowed_methods, reason = "bounded by `take`")]
    async fn manifest(&self) -> Result<Manifest, Failure> {
        let (path, text) = match self {
            Self::Directory(dir) => {
                let path = dir.join(MANIFEST).display().to_string();
                let open = |error: std::io::Error| {
                    Failure::Usage(format!("{path}: {error}; expected a publication"))
                };
                let mut text = Vec::new();
                let file = File::open(dir.join(MANIFEST)).map_err(open)?;
                file.take(MANIFEST_BYTES_MAX).read_to_end(&mut text).map_err(open)?;
                (path, text)
            }
            Self::Stored(objects, location) => {
                let path = format!("{location}/{MANIFEST}");
                let text = objects.manifest(location, MANIFEST_BYTES_MAX).await?;
                let absent =
                    || Failure::Usage(format!("{path}: expected a publication, found no such object"));
                let text = text.ok_or_else(absent)?;
                (path, text)
            }
        };
        serde_json::from_slice(&text)
            .map_err(|error| Failure::Usage(format!("{path}: not a manifest of this version: {error}")))
    }

    async fn names(&self) -> PortResult<Vec<String>> {
        match self {
            Self::Directory(dir) => wiring::visible::names(dir),
            Self::Stored(objects, location) => objects.visible_names(location).await,
        }
    }

    async fn measure(&self, name: &str) -> PortResult<Option<MeasuredOutput>> {
        match self {
            Self::Directory(dir) => wiring::visible::measure(dir, name),
            Self::Stored(objects, location) => objects.measure(location, name).await,
        }
    }
}

async fn compare(published: &Published, manifest: &Manifest) -> Result<Vec<Problem>, Failure> {
    let names = published.names().await?;
    let looks = stream::iter(&manifest.outputs).map(|output| look(published, output)).buffered(READS);
    let mut problems: Vec<Problem> = looks.filter_map(std::future::ready).collect().await;
    let mut listed: BTreeSet<&str> = manifest.outputs.iter().map(|output| output.name.as_str()).collect();
    listed.insert(MANIFEST);
    for name in names.into_iter().filter(|name| !listed.contains(name.as_str())) {
        let (expected, found) = ("no such file".into(), "a file".into());
        problems.push(Problem { problem: "unlisted", name, expected, found });
    }
    Ok(problems)
}

/// What is wrong with one output.
async fn look(published: &Published, output: &ManifestOutput) -> Option<Problem> {
    let (problem, expected, found) = match published.measure(&output.name).await {
        Err(error) => ("unreadable", "a file".into(), error.to_string()),
        Ok(None) => ("missing", "a file".into(), "none".into()),
        Ok(Some(found)) if found.size_bytes != output.size => {
            ("size", output.size.to_string(), found.size_bytes.to_string())
        }
        Ok(Some(found)) if found.sha256 != output.sha256 => ("sha256", output.sha256.clone(), found.sha256),
        Ok(Some(_)) => return None,
    };
    Some(Problem { problem, name: output.name.clone(), expected, found })
}
