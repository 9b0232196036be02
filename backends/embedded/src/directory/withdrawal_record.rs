//! The record of a withdrawal: the plan of what it removes, written before the first step, and the proof afterwards that
//! nothing of it can be read.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{SourceRecord, Taken, WithdrawalRecord};

use super::files;
use super::home_directory::HomeDirectory;
use super::location::{SourceLocation, asset_name, kept_outputs, names};
use super::owner;
use super::source::{is_recorded, open_plain};
use super::turn::TurnDirectory;
use crate::paths::FILE_BUCKET;

const PLAN: &str = "plan a withdrawal";
const PROVE: &str = "prove a withdrawal";
/// Largest plan read, bytes: an entry is about 60, and 24 h in three rungs have some 65,000.
const PLAN_BYTES_MAX: u64 = 64 << 20;

/// What a withdrawal is about.
pub(super) struct Scene<'a> {
    pub inner: &'a HomeDirectory,
    pub asset: &'a AssetId,
    /// Where its outputs are visible, if they are.
    pub path: Option<&'a str>,
    pub source: &'a SourceRecord,
    /// Where its source was when the withdrawal began.
    pub place: &'a SourceLocation,
    /// Where it was uploaded, unless it was read in place.
    pub upload: Option<&'a SourceLocation>,
}

impl Scene<'_> {
    fn published(&self) -> PortResult<Option<PathBuf>> {
        let path = self.path.map(names).transpose()?;
        Ok(path.map(|path| self.inner.home.join("published").join(path)))
    }

    /// Next to the quarantined files, and without keys, because it stays there.
    fn plan(&self, exit: Exit) -> PortResult<PathBuf> {
        let dir = self.inner.home.join("quarantine").join(asset_name(self.asset)?);
        Ok(dir.join(format!("{}.json", exit.as_str())))
    }
}

/// What is to be removed: the plan that the first try of this withdrawal wrote, or a new one.
pub(super) fn planned(scene: &Scene<'_>, turn: &TurnDirectory, exit: Exit) -> PortResult<WithdrawalRecord> {
    let lasting = matches!(exit, Exit::Quarantine | Exit::Erase);
    let file = scene.plan(exit)?;
    if lasting && let Some(known) = read(&file)? {
        return Ok(known);
    }
    let withdrawal_record = survey(scene, exit)?;
    if lasting {
        write(turn, &file, &withdrawal_record)?;
    }
    Ok(withdrawal_record)
}

/// Removes the plan of a quarantine that was released: the next withdrawal makes a new plan.
pub(super) fn forget(inner: &HomeDirectory, turn: &TurnDirectory, asset: &AssetId) -> PortResult<()> {
    let dir = inner.home.join("quarantine").join(asset_name(asset)?);
    let file = dir.join(format!("{}.json", Exit::Quarantine.as_str()));
    if file.exists() {
        let forgotten = turn.path("plan");
        files::rename(&file, &forgotten).map_err(|e| turn.error(PLAN, &e))?;
        files::remove_file(&forgotten).map_err(|e| turn.error(PLAN, &e))?;
    }
    // Where nothing else is in it.
    let _ = fs::remove_dir(dir);
    Ok(())
}

/// Tries to read every path that the plan names; `Unavailable` if one of them can be read. Returns the number of paths.
pub(super) fn prove(scene: &Scene<'_>, exit: Exit, withdrawal_record: &WithdrawalRecord) -> PortResult<u64> {
    let mut readable = 0_u64;
    if let Some(published) = scene.published()? {
        let ours = owner::read(&published)?.is_some_and(|owner| owner.asset == *scene.asset);
        readable += u64::from(ours);
    }
    let staged = scene.inner.home.join("work").join(asset_name(scene.asset)?);
    readable += u64::from(staged.exists());
    let moved = matches!(exit, Exit::Quarantine | Exit::Erase | Exit::Reject);
    if let Some(upload) = scene.upload.filter(|_| moved) {
        readable += u64::from(is_readable(scene, upload)?);
    }
    if exit == Exit::Erase {
        let name = asset_name(scene.asset)?;
        for left in ["quarantine", "rejected", "released"] {
            readable += u64::from(scene.inner.home.join(left).join(name).join("source").exists());
        }
        readable += u64::from(kept_outputs(scene.inner, scene.asset)?.exists());
    }
    if readable > 0 {
        let detail = format!(
            "expected no readable file at any planned path, found {readable}; the withdrawal is tried again"
        );
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, PROVE, detail));
    }
    Ok(withdrawal_record.taken.len() as u64)
}

/// Whether the source is at this place, in the recorded version.
pub(super) fn is_readable(scene: &Scene<'_>, place: &SourceLocation) -> PortResult<bool> {
    match open_plain(scene.inner, place, PROVE) {
        Ok((_, meta)) => Ok(is_recorded(scene.source, place, &meta)),
        Err(error) if matches!(error.kind, ErrorKind::Missing | ErrorKind::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}

fn survey(scene: &Scene<'_>, exit: Exit) -> PortResult<WithdrawalRecord> {
    let mut withdrawal_record = WithdrawalRecord::default();
    let failed = |error: io::Error| PortError::io(Port::Objects, PLAN, &error);
    if let Some(published) = scene.published()? {
        let ours = owner::read(&published)?.is_some_and(|owner| owner.asset == *scene.asset);
        if ours {
            gather(&published, &published, "published", &mut withdrawal_record.taken).map_err(failed)?;
        }
    }
    let staged = scene.inner.home.join("work").join(asset_name(scene.asset)?);
    gather(&staged, &staged, "work", &mut withdrawal_record.taken).map_err(failed)?;
    if exit == Exit::Erase {
        let kept = kept_outputs(scene.inner, scene.asset)?;
        gather(&kept, &kept, "quarantine", &mut withdrawal_record.taken).map_err(failed)?;
    }
    // Also where a copy of it was moved in the home since.
    if scene.source.id.bucket == FILE_BUCKET {
        withdrawal_record.left.push("the file outside of the home that was read in place".to_owned());
    }
    if let SourceLocation::Home { area, .. } = scene.place
        && let Ok((_, meta)) = open_plain(scene.inner, scene.place, PLAN)
    {
        withdrawal_record.taken.push(Taken {
            area: (*area).into(),
            name: "source".into(),
            size_bytes: meta.len(),
        });
    }
    withdrawal_record.taken.sort_by(|a, b| (&a.area, &a.name).cmp(&(&b.area, &b.name)));
    Ok(withdrawal_record)
}

/// Every file below a directory, by its name there; none where there is no directory.
fn gather(root: &Path, dir: &Path, area: &str, taken: &mut Vec<Taken>) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            gather(root, &entry.path(), area, taken)?;
            continue;
        }
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        taken.push(Taken { area: area.into(), name, size_bytes: entry.metadata()?.len() });
    }
    Ok(())
}

fn read(file: &Path) -> PortResult<Option<WithdrawalRecord>> {
    let opened = match fs::File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|e| PortError::io(Port::Objects, PLAN, &e))?,
    };
    let corrupt = |_| {
        PortError::new(
            Port::Objects,
            ErrorKind::Corrupt,
            PLAN,
            "expected a plan of this version next to the source",
        )
    };
    serde_json::from_reader(io::BufReader::new(opened.take(PLAN_BYTES_MAX))).map(Some).map_err(corrupt)
}

/// Writes all of it or nothing: a truncated plan would be taken for a whole one.
fn write(turn: &TurnDirectory, file: &Path, withdrawal_record: &WithdrawalRecord) -> PortResult<()> {
    let text = serde_json::to_vec(withdrawal_record)
        .map_err(|error| PortError::new(Port::Objects, ErrorKind::Invalid, PLAN, error.to_string()))?;
    let durable = || -> io::Result<()> {
        let dir = file.parent().unwrap_or(file);
        files::make_dirs(dir)?;
        let part = turn.path("plan.part");
        files::remove_file(&part)?;
        let mut written = files::create(&part)?;
        written.write_all(&text)?;
        written.sync_all()?;
        files::rename(&part, file)?;
        files::sync_dir(dir)
    };
    durable().map_err(|e| turn.error(PLAN, &e))
}
