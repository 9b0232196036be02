//! Turns: the right of one attempt to change what is visible of an asset, which a later attempt takes away from it.
//!
//! Each turn is a directory, `work/.turns/ASSET/NUMBER`. Everything that becomes visible or vanishes is moved out of that
//! directory or into it, by one rename. A later turn begins by moving the directories of earlier ones into its own. A process
//! that was frozen in an earlier turn then wakes with a path that leads nowhere: its next rename fails, whatever it had checked
//! before. What it had in its hands is put where it belongs by the turn that follows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::Turn;

use super::files;
use super::home_directory::HomeDirectory;
use super::location::{asset_name, kept_outputs};
use super::owner;

const TAKE: &str = "take the turn of an attempt";
/// Where an earlier turn's directory is in that of a later one, before its number.
const BEFORE: &str = "before-";
/// Outputs on their way between where they are visible and where they are kept.
const OUTPUTS: &str = "outputs";
/// A source on its way; its area follows.
const SOURCE: &str = "source.";

/// The directory of a turn.
pub(super) struct TurnDirectory {
    dir: PathBuf,
}

impl TurnDirectory {
    /// Takes a turn; `Conflict` if a later one was taken. The same turn may be taken again.
    pub(super) fn take(inner: &HomeDirectory, turn: &Turn) -> PortResult<Self> {
        let all = inner.home.join("work/.turns").join(asset_name(&turn.asset)?);
        let this = Self { dir: all.join(turn.number.to_string()) };
        let failed = |error: io::Error| this.error(TAKE, &error);
        files::make_dirs(&all).map_err(failed)?;
        this.check_latest(&all, turn.number)?;
        files::make_dirs(&this.dir).map_err(failed)?;
        for earlier in numbers(&all).map_err(failed)?.into_iter().filter(|number| *number < turn.number) {
            let moved = this.dir.join(format!("{BEFORE}{earlier}"));
            files::absent_is_fine(files::rename(&all.join(earlier.to_string()), &moved)).map_err(failed)?;
        }
        this.check_latest(&all, turn.number)?;
        this.finish_earlier(inner, turn).map_err(failed)?;
        Ok(this)
    }

    /// A path that exists only during this turn.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes a directory of this turn, but never the turn itself again.
    pub(super) fn make_dir(&self, name: &str) -> PortResult<PathBuf> {
        let path = self.path(name);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(|error| self.error(TAKE, &error))?,
        }
        Ok(path)
    }

    /// Where outputs are on their way.
    pub(super) fn outputs(&self) -> PathBuf {
        self.path(OUTPUTS)
    }

    /// Where a source is on its way to an area.
    pub(super) fn source(&self, area: &str) -> PathBuf {
        self.path(&format!("{SOURCE}{area}"))
    }

    /// Fails if a later turn was taken; before what no rename can protect and nobody sees.
    pub(super) fn check(&self) -> PortResult<()> {
        if self.dir.exists() { Ok(()) } else { Err(taken_over(TAKE)) }
    }

    /// The error of an operation; `Conflict` if it failed because a later turn was taken.
    pub(super) fn error(&self, what: &'static str, error: &io::Error) -> PortError {
        let gone = error.kind() == io::ErrorKind::NotFound && !self.dir.exists();
        if gone { taken_over(what) } else { PortError::io(Port::Objects, what, error) }
    }

    fn check_latest(&self, all: &Path, number: u64) -> PortResult<()> {
        let latest = numbers(all).map_err(|error| self.error(TAKE, &error))?.into_iter().max();
        if latest.is_some_and(|latest| latest > number) { Err(taken_over(TAKE)) } else { Ok(()) }
    }

    /// Puts what earlier turns had in their hands where it belongs, and removes everything else of theirs. This turn may have
    /// been taken before, too, and have ended early.
    fn finish_earlier(&self, inner: &HomeDirectory, turn: &Turn) -> io::Result<()> {
        finish(inner, turn, &self.dir)?;
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                files::remove_tree(&entry.path())?;
            } else {
                files::remove_file(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn finish(inner: &HomeDirectory, turn: &Turn, earlier: &Path) -> io::Result<()> {
    let lost = |error: PortError| io::Error::other(error.to_string());
    for entry in fs::read_dir(earlier)? {
        let entry = entry?;
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        if name.starts_with(BEFORE) {
            finish(inner, turn, &path)?;
        } else if name == OUTPUTS {
            let kept = kept_outputs(inner, &turn.asset).map_err(lost)?;
            let ours = owner::read(&path).map_err(lost)?.is_some_and(|owner| owner.asset == turn.asset);
            if ours && !kept.exists() {
                files::make_dirs(kept.parent().unwrap_or(&inner.home))?;
                files::rename(&path, &kept)?;
            }
        } else if let Some(area) = name.strip_prefix(SOURCE) {
            let place = inner.home.join(area).join(asset_name(&turn.asset).map_err(lost)?).join("source");
            if !place.exists() {
                files::make_dirs(place.parent().unwrap_or(&inner.home))?;
                files::rename(&path, &place)?;
            }
        }
    }
    Ok(())
}

/// The numbers of the turns that were taken and not moved into a later one.
fn numbers(all: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(all)? {
        found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    Ok(found)
}

fn taken_over(what: &'static str) -> PortError {
    let detail =
        "expected the latest attempt, found that a later one has taken over; this one changes nothing";
    PortError::new(Port::Objects, ErrorKind::Conflict, what, detail)
}
