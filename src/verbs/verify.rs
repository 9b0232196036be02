//! `reelgate verify`: compares outputs with the hashes of the proof manifest, offline.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use reelgate_actors::work::manifest::Manifest;
use reelgate_actors::work::sha256::hash_file;
use reelgate_flow::plain::counted;
use serde::Serialize;

use crate::cli::{GlobalArgs, VerifyArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::{find_asset, to_json};
use crate::wiring;

/// Largest manifest, bytes: some 100,000 entries of about 200 bytes.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// One difference between the manifest and what is there.
#[derive(Serialize, Debug, PartialEq, Eq)]
struct Problem {
    /// `missing`, `size`, `sha256`, `unreadable` or `unlisted`.
    problem: &'static str,
    name: String,
    expected: String,
    found: String,
}

/// Checks one publication.
pub async fn verify(global: &GlobalArgs, args: VerifyArgs) -> Result<ExitStatus, Failure> {
    let dir = target(global, &args.target).await?;
    let manifest = read_manifest(&dir)?;
    let problems = compare(&dir, &manifest)?;
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

async fn target(global: &GlobalArgs, typed: &str) -> Result<PathBuf, Failure> {
    let dir = Path::new(typed);
    if dir.is_dir() {
        return Ok(dir.to_path_buf());
    }
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    let asset = store.asset(&find_asset(&*store, typed).await?).await?.asset;
    let published =
        asset.published_location.filter(|_| asset.phase == reelgate_flow::asset::Phase::Published);
    published.map(PathBuf::from).ok_or_else(|| {
        let phase = asset.phase.as_str();
        Failure::Usage(format!(
            "{}: expected a published asset, found it {phase}; it has no outputs",
            asset.id
        ))
    })
}

#[expect(clippy::disallowed_methods, reason = "bounded by `take`")]
fn read_manifest(dir: &Path) -> Result<Manifest, Failure> {
    let path = dir.join("manifest.json");
    let open = |error: std::io::Error| {
        Failure::Usage(format!("{}: {error}; expected a publication", path.display()))
    };
    let mut text = Vec::new();
    File::open(&path).map_err(open)?.take(MANIFEST_BYTES_MAX).read_to_end(&mut text).map_err(open)?;
    serde_json::from_slice(&text).map_err(|error| {
        Failure::Usage(format!("{}: not a manifest of this version: {error}", path.display()))
    })
}

fn compare(dir: &Path, manifest: &Manifest) -> Result<Vec<Problem>, Failure> {
    let mut problems = Vec::new();
    let mut listed = BTreeSet::from(["manifest.json".to_owned(), wiring::OWNER_FILE.to_owned()]);
    for output in &manifest.outputs {
        listed.insert(output.name.clone());
        let name = output.name.clone();
        // A name in the manifest that leads out of the directory is reported and never opened.
        if Path::new(&name).components().any(|part| !matches!(part, Component::Normal(_))) {
            problems.push(Problem {
                problem: "unreadable",
                name,
                expected: "a relative name".into(),
                found: "another".into(),
            });
            continue;
        }
        let found =
            File::open(dir.join(&name)).and_then(|file| Ok((file.metadata()?.len(), hash_file(&file)?)));
        let (problem, expected, found) = match found {
            Err(error) => {
                let missing = error.kind() == std::io::ErrorKind::NotFound;
                (if missing { "missing" } else { "unreadable" }, "a file".into(), error.to_string())
            }
            Ok((size, _)) if size != output.size => ("size", output.size.to_string(), size.to_string()),
            Ok((_, hash)) if hash != output.sha256 => ("sha256", output.sha256.clone(), hash),
            Ok(_) => continue,
        };
        problems.push(Problem { problem, name, expected, found });
    }
    for name in files_below(dir, Path::new(""))? {
        if !listed.contains(&name) {
            problems.push(Problem {
                problem: "unlisted",
                name,
                expected: "no such file".into(),
                found: "a file".into(),
            });
        }
    }
    Ok(problems)
}

fn files_below(dir: &Path, below: &Path) -> Result<Vec<String>, Failure> {
    let failed =
        |error: std::io::Error| Failure::Internal(format!("list {}: {error}", dir.join(below).display()));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir.join(below)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = below.join(entry.file_name());
        if entry.file_type().map_err(failed)?.is_dir() {
            names.extend(files_below(dir, &name)?);
        } else {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
