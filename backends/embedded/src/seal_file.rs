//! The last seal of the audit log in a file of its own, beside the database.

use std::fs::{self, File};
use std::io::{ErrorKind as IoKind, Read, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use reelgate_ports::audit::Seal;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::seal_keeper::{KEEP_SEAL, READ_SEAL, SEAL_BYTES_MAX, SealKeeper};

use crate::private_files;

/// A file that holds one seal. Processes that write at the same time leave the seal of one of them; each is one of the chain.
#[derive(Clone, Debug)]
pub struct SealFile {
    path: PathBuf,
}

impl SealFile {
    /// The file at this path; it is made with the first seal, for its owner only.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[expect(clippy::disallowed_methods, reason = "bounded by `take`")]
    fn read(&self) -> std::io::Result<Option<String>> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == IoKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut text = String::new();
        file.take(SEAL_BYTES_MAX).read_to_string(&mut text)?;
        Ok(Some(text))
    }

    /// A reader sees the seal before or this one, and never half of it.
    fn write(&self, line: &str) -> std::io::Result<()> {
        // A decision about assets in another machine's database may be the first thing that is kept here.
        if let Some(dir) = self.path.parent() {
            private_files::make_dirs(dir)?;
        }
        let new = self.path.with_extension(format!("new-{}", std::process::id()));
        // Left over by a process that was killed here.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != IoKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private_files::create(&new)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }

    fn error(&self, kind: ErrorKind, operation: &'static str, detail: &str) -> PortError {
        PortError::new(Port::Store, kind, operation, format!("{}: {detail}", self.path.display()))
    }
}

#[async_trait]
impl SealKeeper for SealFile {
    async fn kept(&self) -> PortResult<Option<Seal>> {
        let text =
            self.read().map_err(|error| self.error(ErrorKind::Unavailable, READ_SEAL, &error.to_string()))?;
        let Some(text) = text else { return Ok(None) };
        let seal = Seal::of_line(text.as_bytes());
        seal.map(Some).map_err(|expected| self.error(ErrorKind::Corrupt, READ_SEAL, expected))
    }

    async fn keep(&self, seal: &Seal) -> PortResult<()> {
        self.write(&seal.to_line())
            .map_err(|error| self.error(ErrorKind::Unavailable, KEEP_SEAL, &error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn seal(records: u64) -> Seal {
        Seal { records, head: "ab".repeat(32) }
    }

    #[tokio::test]
    async fn the_last_seal_is_kept_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let keeper = SealFile::new(home.join("audit-seal.json"));
        assert_eq!(keeper.kept().await.unwrap(), None, "there is no home yet");
        for records in [1, 7] {
            keeper.keep(&seal(records)).await.unwrap();
            assert_eq!(keeper.kept().await.unwrap(), Some(seal(records)));
        }
        let mode = fs::metadata(keeper.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(fs::read_dir(&home).unwrap().count(), 1, "nothing is left beside it");
    }

    #[tokio::test]
    async fn a_damaged_seal_is_no_missing_one() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = SealFile::new(dir.path().join("audit-seal.json"));
        for damaged in ["", "{}", "{\"records\":1", &"x".repeat(100_000)] {
            fs::write(keeper.path(), damaged).unwrap();
            let error = keeper.kept().await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Corrupt, "{damaged:.20}");
        }
    }
}
