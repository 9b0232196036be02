//! The outputs of a task: each a staged file, or all of them parts of one.
//!
//! A store that asks for every request is paid once for each chunk and not once for each segment if its segments are published as ranges:
//! they are staged as parts of one file, in the order in which they arrive.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use reelgate_flow::reason::Fault;
use reelgate_pipelines::recipes::settings::Segments;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{OutputRange, StagedWriter};
use reelgate_ports::records::{Claim, StagedOutput};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine_context::EngineContext;
use crate::work::{SEGMENT_BYTES_MAX, ours};

/// Name of the staged file that holds all outputs of an attempt.
const FILE: &str = "parts";

/// One output of a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// Name, size and hash of the output, and where the file is that holds it.
    pub staged: StagedOutput,
    /// Where it begins in that file; `None` if it is the whole file.
    pub offset: Option<u64>,
}

/// An output that is a part of the one staged file of its attempt, as the document of its task lists it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub name: String,
    pub offset: u64,
    pub size_bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl Output {
    /// The outputs of an attempt that staged these files: the parts of the first one, or, without parts, the files.
    pub fn all(files: &[StagedOutput], parts: &[Part]) -> Vec<Self> {
        match files.first().filter(|_| !parts.is_empty()) {
            Some(file) => parts.iter().map(|part| Self::part_of(file, part)).collect(),
            None => files.iter().map(|file| Self { staged: file.clone(), offset: None }).collect(),
        }
    }

    fn part_of(file: &StagedOutput, part: &Part) -> Self {
        let Part { name, offset, size_bytes, sha256 } = part.clone();
        let staged = StagedOutput { name, location: file.location.clone(), size_bytes, sha256 };
        Self { staged, offset: Some(offset) }
    }

    /// As the document of its task lists it; `None` if it is a whole file.
    pub fn as_part(&self) -> Option<Part> {
        let StagedOutput { name, size_bytes, sha256, .. } = self.staged.clone();
        Some(Part { name, offset: self.offset?, size_bytes, sha256 })
    }

    /// Its bytes, verified.
    pub async fn read(&self, context: &EngineContext) -> Result<Vec<u8>, Fault> {
        let StagedOutput { location, size_bytes, sha256, .. } = self.staged.clone();
        let read = match self.offset {
            Some(offset) if size_bytes <= SEGMENT_BYTES_MAX => {
                context.objects.read_range(&OutputRange { location, offset, size_bytes, sha256 }).await
            }
            _ => context.objects.read_staged(&self.staged, SEGMENT_BYTES_MAX).await,
        };
        read.map_err(ours)
    }
}

/// The parts that were written so far.
#[derive(Clone, Default)]
pub struct Parts(Arc<Mutex<Vec<Part>>>);

impl Parts {
    /// All of them, in their order.
    pub fn take(&self) -> Vec<Part> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Part>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the staging area of an attempt whose segments are published so. The parts stay empty where each output is a file.
pub async fn stage(
    context: &EngineContext,
    claim: &Claim,
    segments: Segments,
) -> Result<(Box<dyn StagedWriter>, Parts), Fault> {
    let (writer, parts) = (context.objects.stage(&claim.fence).await.map_err(ours)?, Parts::default());
    let writer = match segments {
        Segments::Files => writer,
        Segments::ByteRanges => Box::new(OneFile::new(writer, parts.clone())),
    };
    Ok((writer, parts))
}

/// Writes every output into one staged file.
struct OneFile {
    writer: Box<dyn StagedWriter>,
    parts: Parts,
    /// The output that is open, and its hash so far.
    current: Option<(Part, Sha256)>,
    /// Bytes of the file; `None` before its first output.
    written: Option<u64>,
}

impl OneFile {
    fn new(writer: Box<dyn StagedWriter>, parts: Parts) -> Self {
        Self { writer, parts, current: None, written: None }
    }
}

impl StagedWriter for OneFile {
    fn open(&mut self, name: &str) -> PortResult<()> {
        if self.current.is_some() {
            return Err(misused("the previous output to be closed"));
        }
        if self.written.is_none() {
            self.writer.open(FILE)?;
        }
        let offset = *self.written.get_or_insert(0);
        let part = Part { name: name.to_owned(), offset, size_bytes: 0, sha256: String::new() };
        self.current = Some((part, Sha256::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> PortResult<()> {
        let (part, hash) = self.current.as_mut().ok_or_else(|| misused("an open output"))?;
        self.writer.write(bytes)?;
        hash.update(bytes);
        part.size_bytes += bytes.len() as u64;
        Ok(())
    }

    fn close(&mut self) -> PortResult<()> {
        let (mut part, hash) = self.current.take().ok_or_else(|| misused("an open output"))?;
        part.sha256 = HEXLOWER.encode(&hash.finalize());
        self.written = Some(part.offset + part.size_bytes);
        self.parts.lock().push(part);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> PortResult<Vec<StagedOutput>> {
        if self.current.is_some() {
            return Err(misused("every output to be closed"));
        }
        if self.written.is_some() {
            self.writer.close()?;
        }
        self.writer.finish()
    }
}

fn misused(expected: &str) -> PortError {
    PortError::new(Port::Objects, ErrorKind::Invalid, "stage a part", format!("expected {expected}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Name and bytes of each file.
    type Files = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

    /// What is staged, in memory.
    #[derive(Default)]
    struct Memory(Files);

    impl StagedWriter for Memory {
        fn open(&mut self, name: &str) -> PortResult<()> {
            self.0.lock().unwrap().push((name.to_owned(), Vec::new()));
            Ok(())
        }
        fn write(&mut self, bytes: &[u8]) -> PortResult<()> {
            self.0.lock().unwrap().last_mut().unwrap().1.extend_from_slice(bytes);
            Ok(())
        }
        fn close(&mut self) -> PortResult<()> {
            Ok(())
        }
        fn finish(self: Box<Self>) -> PortResult<Vec<StagedOutput>> {
            let staged = |(name, bytes): &(String, Vec<u8>)| StagedOutput {
                name: name.clone(),
                location: format!("work/{name}"),
                size_bytes: bytes.len() as u64,
                sha256: HEXLOWER.encode(&Sha256::digest(bytes)),
            };
            Ok(self.0.lock().unwrap().iter().map(staged).collect())
        }
    }

    #[test]
    fn outputs_become_parts_of_one_file_in_the_order_in_which_they_arrive() {
        let (memory, parts) = (Memory::default(), Parts::default());
        let files = Arc::clone(&memory.0);
        let mut writer: Box<dyn StagedWriter> = Box::new(OneFile::new(Box::new(memory), parts.clone()));
        for (name, pieces) in
            [("720p/init.mp4", &["in", "it"][..]), ("240p/0.m4s", &[]), ("720p/0.m4s", &["x"])]
        {
            writer.open(name).unwrap();
            assert_eq!(writer.open(name).unwrap_err().kind, ErrorKind::Invalid);
            pieces.iter().for_each(|piece| writer.write(piece.as_bytes()).unwrap());
            writer.close().unwrap();
            assert_eq!(writer.close().unwrap_err().kind, ErrorKind::Invalid);
        }
        assert_eq!(writer.write(b"x").unwrap_err().kind, ErrorKind::Invalid);
        let staged = writer.finish().unwrap();
        assert_eq!(*files.lock().unwrap(), [("parts".to_owned(), b"initx".to_vec())]);
        let outputs = Output::all(&staged, &parts.take());
        let found: Vec<_> = outputs
            .iter()
            .map(|one| {
                (one.staged.name.as_str(), one.offset, one.staged.size_bytes, one.staged.location.as_str())
            })
            .collect();
        let at = |name, offset, size| (name, Some(offset), size, "work/parts");
        assert_eq!(found, [at("720p/init.mp4", 0, 4), at("240p/0.m4s", 4, 0), at("720p/0.m4s", 4, 1)]);
        assert_eq!(outputs[2].staged.sha256, HEXLOWER.encode(&Sha256::digest(b"x")));
        assert_eq!(Output::all(&staged, &[])[0], Output { staged: staged[0].clone(), offset: None });
    }

    #[test]
    fn an_attempt_without_outputs_stages_no_file() {
        let writer = Box::new(OneFile::new(Box::new(Memory::default()), Parts::default()));
        assert_eq!(writer.finish().unwrap(), []);
    }

    #[test]
    fn an_output_that_is_open_ends_no_attempt() {
        let mut writer = Box::new(OneFile::new(Box::new(Memory::default()), Parts::default()));
        writer.open("a").unwrap();
        assert_eq!(writer.finish().unwrap_err().kind, ErrorKind::Invalid);
    }
}
