//! Staged files: what attempts write before anything is visible.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind as IoErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{OutputRange, StagedWriter};
use reelgate_ports::records::{Fence, StagedOutput};
use sha2::{Digest, Sha256};

use super::files;
use super::home_directory::HomeDirectory;
use super::location::{asset_name, names, output};
use super::source::read_at_most;

/// Size of the write buffer, bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Creates the empty staging directory of an attempt.
pub(super) fn stage(inner: &HomeDirectory, fence: &Fence) -> PortResult<Box<dyn StagedWriter>> {
    let what = "make a staging directory";
    let attempt = format!("{}-{}", fence.task, fence.attempt);
    let relative = format!("work/{}/{attempt}", asset_name(&fence.asset)?);
    let dir = inner.home.join(&relative);
    files::remove_tree(&dir).map_err(|e| PortError::io(Port::Objects, what, &e))?;
    files::make_dirs(&dir).map_err(|e| PortError::io(Port::Objects, what, &e))?;
    Ok(Box::new(Writer { dir, relative, current: None, staged: Vec::new(), finished: false }))
}

struct Writer {
    dir: PathBuf,
    relative: String,
    current: Option<Output>,
    staged: Vec<StagedOutput>,
    finished: bool,
}

struct Output {
    name: String,
    file: BufWriter<File>,
    hash: Sha256,
    size_bytes: u64,
}

impl StagedWriter for Writer {
    fn open(&mut self, name: &str) -> PortResult<()> {
        let what = "open a staged output";
        if self.current.is_some() {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Invalid,
                what,
                "expected the previous output to be closed",
            ));
        }
        let path = self.dir.join(names(name)?);
        if let Some(parent) = path.parent() {
            files::make_dirs(parent).map_err(|e| PortError::io(Port::Objects, what, &e))?;
        }
        let file = files::create(&path).map_err(|e| PortError::io(Port::Objects, what, &e))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        self.current = Some(Output { name: name.to_owned(), file, hash: Sha256::new(), size_bytes: 0 });
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> PortResult<()> {
        let what = "write a staged output";
        let output = self.current.as_mut().ok_or_else(|| none_open(what))?;
        output.file.write_all(bytes).map_err(|e| PortError::io(Port::Objects, what, &e))?;
        output.hash.update(bytes);
        output.size_bytes += bytes.len() as u64;
        Ok(())
    }

    fn close(&mut self) -> PortResult<()> {
        let what = "close a staged output";
        let output = self.current.take().ok_or_else(|| none_open(what))?;
        let file = output.file.into_inner().map_err(|e| PortError::io(Port::Objects, what, e.error()))?;
        // The store will say that this output exists; a power cut must not make it lie.
        file.sync_data().map_err(|e| PortError::io(Port::Objects, what, &e))?;
        self.staged.push(StagedOutput {
            location: format!("{}/{}", self.relative, output.name),
            name: output.name,
            size_bytes: output.size_bytes,
            sha256: HEXLOWER.encode(&output.hash.finalize()),
        });
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> PortResult<Vec<StagedOutput>> {
        let what = "finish staging";
        if self.current.is_some() {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Invalid,
                what,
                "expected every output to be closed",
            ));
        }
        files::sync_dir(&self.dir).map_err(|e| PortError::io(Port::Objects, what, &e))?;
        self.finished = true;
        Ok(std::mem::take(&mut self.staged))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        self.current = None;
        if let Err(error) = files::remove_tree(&self.dir) {
            // The sweep of staging areas finds it again.
            tracing::warn!(error = %error.kind(), "an unfinished staging directory was not removed");
        }
    }
}

fn none_open(what: &'static str) -> PortError {
    PortError::new(Port::Objects, ErrorKind::Invalid, what, "expected an open output")
}

/// Reads an output back and verifies it.
pub(super) fn read(inner: &HomeDirectory, staged: &StagedOutput, bytes_max: u64) -> PortResult<Vec<u8>> {
    let what = "read an output";
    let path = output(inner, &staged.location)?;
    let file = File::open(path).map_err(|e| PortError::io(Port::Objects, what, &e))?;
    let size_bytes = file.metadata().map_err(|e| PortError::io(Port::Objects, what, &e))?.len();
    let bytes = read_at_most(file, size_bytes, bytes_max, what)?;
    let found = HEXLOWER.encode(&Sha256::digest(&bytes));
    if found != staged.sha256 {
        let detail = format!(
            "expected {} bytes with the recorded SHA-256, found {size_bytes} others",
            staged.size_bytes
        );
        return Err(PortError::new(Port::Objects, ErrorKind::Corrupt, what, detail));
    }
    Ok(bytes)
}

/// Reads a part of an output back and verifies it.
pub(super) fn read_range(inner: &HomeDirectory, range: &OutputRange) -> PortResult<Vec<u8>> {
    let what = "read a part of an output";
    let file =
        File::open(output(inner, &range.location)?).map_err(|e| PortError::io(Port::Objects, what, &e))?;
    let corrupt = |found: &str| {
        let detail = format!("expected {} bytes with the recorded SHA-256, found {found}", range.size_bytes);
        PortError::new(Port::Objects, ErrorKind::Corrupt, what, detail)
    };
    let file_bytes = file.metadata().map_err(|e| PortError::io(Port::Objects, what, &e))?.len();
    let end = range.offset.checked_add(range.size_bytes);
    if end.is_none_or(|end| end > file_bytes) {
        return Err(corrupt("the end of the file"));
    }
    let mut bytes = vec![0; usize::try_from(range.size_bytes).map_err(|_| corrupt("less memory"))?];
    file.read_exact_at(&mut bytes, range.offset).map_err(|error| match error.kind() {
        IoErrorKind::UnexpectedEof => corrupt("the end of the file"),
        _ => PortError::io(Port::Objects, what, &error),
    })?;
    let is_it = HEXLOWER.encode(&Sha256::digest(&bytes)) == range.sha256;
    if is_it { Ok(bytes) } else { Err(corrupt("others")) }
}

/// Removes all staging areas of an asset.
pub(super) fn discard(inner: &HomeDirectory, asset: &AssetId) -> PortResult<()> {
    let dir = inner.home.join("work").join(asset_name(asset)?);
    files::remove_tree(&dir).map_err(|e| PortError::io(Port::Objects, "remove staging directories", &e))
}

/// Assets with staging areas.
pub(super) fn assets(inner: &HomeDirectory) -> PortResult<Vec<AssetId>> {
    let what = "list staging directories";
    let mut found = Vec::new();
    for entry in fs::read_dir(inner.home.join("work")).map_err(|e| PortError::io(Port::Objects, what, &e))? {
        let name = entry.map_err(|e| PortError::io(Port::Objects, what, &e))?.file_name();
        let asset = AssetId::new(name.to_string_lossy());
        if asset_name(&asset).is_ok() {
            found.push(asset);
        }
    }
    found.sort();
    Ok(found)
}
