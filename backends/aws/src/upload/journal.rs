//! The journal of an unfinished upload: one line per sent part, so that a crash costs only the part being sent. It
//! contains no names; the journal's own name is a hash of path and target.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use reelgate_ports::error::{Port, PortError, PortResult};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::location::Location;
use crate::objects::multipart::Part;

const OPERATION: &str = "update the upload journal";
/// Largest journal, bytes: ten thousand parts of about a hundred bytes each, with a large margin.
const BYTES_MAX: u64 = 8 << 20;

/// The journal of one upload.
pub(super) struct Journal {
    path: PathBuf,
}

/// An upload that was begun.
pub(super) struct Begun {
    pub upload_id: String,
    pub nonce: String,
    pub part_bytes: u64,
    pub parts: Vec<Sent>,
}

/// The first line of a journal.
#[derive(Serialize, Deserialize)]
struct Header {
    upload_id: String,
    nonce: String,
    part_bytes: u64,
}

/// Every other line: one sent part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Sent {
    pub number: i32,
    pub etag: String,
    /// CRC-64/NVME.
    pub crc: u64,
}

impl Journal {
    /// The journal of a file and its target.
    pub(super) fn of(dir: &Path, file: &Path, to: &Location) -> PortResult<Self> {
        fs::create_dir_all(dir).map_err(|error| PortError::io(Port::Objects, OPERATION, &error))?;
        let name = Sha256::new().chain_update(file.as_os_str().as_bytes()).chain_update([0]);
        let name = HEXLOWER.encode(&name.chain_update(to.to_string()).finalize());
        Ok(Self { path: dir.join(format!("{name}.jsonl")) })
    }

    /// Reads the journal of an earlier attempt, up to the first line that a crash truncated.
    pub(super) fn read(&self) -> PortResult<Option<Begun>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(PortError::io(Port::Objects, OPERATION, &error)),
        };
        let mut lines = BufReader::new(file.take(BYTES_MAX)).lines().map_while(Result::ok);
        let header = lines.next().and_then(|line| serde_json::from_str::<Header>(&line).ok());
        let Some(Header { upload_id, nonce, part_bytes }) = header.filter(|header| header.part_bytes > 0)
        else {
            return Ok(None);
        };
        let parts = lines.map_while(|line| serde_json::from_str(&line).ok()).collect();
        Ok(Some(Begun { upload_id, nonce, part_bytes, parts }))
    }

    /// Starts the journal of a new upload.
    pub(super) fn begin(&mut self, upload_id: &str, nonce: &str, part_bytes: u64) -> PortResult<()> {
        self.end()?;
        self.append(&Header { upload_id: upload_id.to_owned(), nonce: nonce.to_owned(), part_bytes })
    }

    /// Records a part that S3 has.
    pub(super) fn sent(&mut self, part: &Part) -> PortResult<()> {
        self.append(&Sent { number: part.number, etag: part.etag.clone(), crc: part.crc })
    }

    /// Removes the journal.
    pub(super) fn end(&mut self) -> PortResult<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(PortError::io(Port::Objects, OPERATION, &error))
            }
            _ => Ok(()),
        }
    }

    fn append(&self, line: &impl Serialize) -> PortResult<()> {
        let mut line = serde_json::to_vec(line)
            .map_err(|error| PortError::io(Port::Objects, OPERATION, &error.into()))?;
        line.push(b'\n');
        let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path);
        opened
            .and_then(|mut file| file.write_all(&line))
            .map_err(|error| PortError::io(Port::Objects, OPERATION, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_up_to_a_truncated_line() {
        let dir = tempfile::tempdir().unwrap();
        let to = Location::new("bucket", "key");
        let mut journal = Journal::of(dir.path(), Path::new("/a"), &to).unwrap();
        assert!(journal.read().unwrap().is_none());
        journal.begin("id", "nonce", 5).unwrap();
        let part = |number| Part { number, etag: format!("e{number}"), size_bytes: 5, crc: u64::MAX };
        journal.sent(&part(2)).unwrap();
        journal.sent(&part(1)).unwrap();
        let mut file = OpenOptions::new().append(true).open(&journal.path).unwrap();
        file.write_all(b"{\"number\":3,").unwrap();
        let begun = journal.read().unwrap().unwrap();
        assert_eq!((begun.upload_id.as_str(), begun.nonce.as_str(), begun.part_bytes), ("id", "nonce", 5));
        let sent = |number| Sent { number, etag: format!("e{number}"), crc: u64::MAX };
        assert_eq!(begun.parts, [sent(2), sent(1)]);
        let other = Journal::of(dir.path(), Path::new("/b"), &to).unwrap();
        assert!(other.read().unwrap().is_none(), "the journal of another file");
        journal.end().unwrap();
        assert!(journal.read().unwrap().is_none());
    }
}
