//! Notices as JSON lines in a file, for receivers on the same machine and as the record of what was delivered.
//!
//! A line is written by one call and synced before it counts as delivered. A crash can leave half a line, which is
//! cut off before the next is written; or a whole line whose notice is still owed, which is then not written again.
//! Nothing is opened or repaired before the first delivery: only the process that works in a home delivers, and other
//! processes that only read it must not touch an unfinished line.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::notices::Notices;
use reelgate_ports::records::NoticeRecord;
use rustix::fs::{Access, FlockOperation, access, flock};
use serde::Deserialize;

use super::document::document;
use crate::blocking::on_thread;
use crate::private_files;

const WRITE: &str = "write to the notices file";
const CHECK: &str = "reach the notices file";

/// How much of the file's end is read for ids after a start: hundreds of notices, and those owed twice are among the
/// last few that were being delivered.
const TAIL_BYTES_MAX: u64 = 1 << 20;
/// Ids remembered, the newest.
const RECENT_IDS_MAX: usize = 4_096;

/// A file of notices.
#[derive(Clone, Debug)]
pub struct FileNotices {
    path: Arc<PathBuf>,
    /// `None` until the file's end is known to be whole.
    recent_ids: Arc<Mutex<Option<RecentIds>>>,
}

impl FileNotices {
    /// Notices go to the file at `path`, which is made, for the owner only, by the first delivery. `Missing` where its
    /// directory does not exist, `Invalid` where something other than a file is in its place.
    pub fn open(path: &Path) -> PortResult<Self> {
        existing(path)?;
        Ok(Self { path: Arc::new(path.to_owned()), recent_ids: Arc::default() })
    }

    fn append(&self, notice: &NoticeRecord) -> PortResult<()> {
        let mut line = document(notice)?;
        line.push(b'\n');
        // The lock keeps lines whole. After a panic or an error this is `None`, and the end of the file is checked again.
        let mut known = self.recent_ids.lock().unwrap_or_else(PoisonError::into_inner);
        // Opened for each line, so that the file may be moved away at any time.
        let mut file = self.writable()?;
        let mut recent_ids = match known.take() {
            Some(recent_ids) => recent_ids,
            None => repair(&file)?,
        };
        if !recent_ids.contains(notice.id.as_str()) {
            let written = file.write(&line).map_err(io)?;
            if written != line.len() {
                let detail = format!("expected room for {} bytes, found {written}", line.len());
                return Err(PortError::new(Port::Notices, ErrorKind::Full, WRITE, detail));
            }
            file.sync_data().map_err(io)?;
            recent_ids.remember(notice.id.as_str().to_owned());
        }
        *known = Some(recent_ids);
        Ok(())
    }

    fn writable(&self) -> PortResult<File> {
        let open = || OpenOptions::new().read(true).append(true).open(&*self.path);
        let opened = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match private_files::create(&self.path) {
                    // Another node of this machine was faster.
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                    _ => open(),
                }
            }
            opened => opened,
        };
        let file = opened.map_err(io)?;
        // Other nodes of this machine may write to the same file; closing it releases the lock.
        flock(&file, FlockOperation::LockExclusive).map_err(|error| io(error.into()))?;
        let metadata = regular(file.metadata().map_err(io)?)?;
        if metadata.len() == 0 {
            // A new file survives a power cut only once its directory is synced.
            File::open(directory(&self.path)).and_then(|directory| directory.sync_all()).map_err(io)?;
        }
        Ok(file)
    }
}

#[async_trait]
impl Notices for FileNotices {
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()> {
        let (own, notice) = (self.clone(), notice.clone());
        on_thread(Port::Notices, WRITE, move || own.append(&notice)).await
    }

    async fn check(&self) -> PortResult<String> {
        let path = Arc::clone(&self.path);
        on_thread(Port::Notices, CHECK, move || {
            let (target, found) = match existing(&path)? {
                Some(_) => (&**path, "the notices file can be written"),
                None => (directory(&path), "the notices file can be made"),
            };
            access(target, Access::WRITE_OK)
                .map_err(|error| PortError::io(Port::Notices, CHECK, &error.into()))?;
            Ok(found.to_owned())
        })
        .await
    }
}

/// Ids that were written recently.
#[derive(Debug, Default)]
struct RecentIds {
    ids: BTreeSet<String>,
    order: VecDeque<String>,
}

impl RecentIds {
    fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    fn remember(&mut self, id: String) {
        if self.ids.insert(id.clone()) {
            self.order.push_back(id);
        }
        if self.order.len() > RECENT_IDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

/// Cuts half a line off the file's end, and reads which notices its last lines hold.
fn repair(mut file: &File) -> PortResult<RecentIds> {
    let size_bytes = file.metadata().map_err(io)?.len();
    let tail_bytes = size_bytes.min(TAIL_BYTES_MAX);
    let start = size_bytes - tail_bytes;
    let mut tail = vec![0; usize::try_from(tail_bytes).expect("a MiB fits")];
    file.read_exact_at(&mut tail, start).map_err(io)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    if whole < tail.len() {
        if whole == 0 && start > 0 {
            // Nothing we wrote is that long: kept, and ended so that the next notice begins a line.
            file.write_all(b"\n").map_err(io)?;
        } else {
            file.set_len(start + whole as u64).map_err(io)?;
        }
    }
    // What the last process wrote may not have reached the disk, and is about to count as delivered.
    file.sync_data().map_err(io)?;
    let mut recent_ids = RecentIds::default();
    for line in tail[..whole].split(|byte| *byte == b'\n') {
        // The first may be cut by the window, and others may write here too.
        if let Ok(Line { id }) = serde_json::from_slice(line) {
            recent_ids.remember(id);
        }
    }
    Ok(recent_ids)
}

#[derive(Deserialize)]
struct Line {
    id: String,
}

/// The file's metadata, or `None` where only its directory exists.
fn existing(path: &Path) -> PortResult<Option<Metadata>> {
    let io = |error: std::io::Error| PortError::io(Port::Notices, CHECK, &error);
    match path.metadata() {
        Ok(metadata) => regular(metadata).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            directory(path).metadata().map_err(io)?;
            Ok(None)
        }
        Err(error) => Err(io(error)),
    }
}

fn regular(metadata: Metadata) -> PortResult<Metadata> {
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(PortError::new(
        Port::Notices,
        ErrorKind::Invalid,
        CHECK,
        "expected a regular file, found something else; move it away",
    ))
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn io(error: std::io::Error) -> PortError {
    PortError::io(Port::Notices, WRITE, &error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use serde_json::Value;

    use super::super::sample::notice;
    use super::*;

    struct NoticesFixture {
        _dir: tempfile::TempDir,
        path: PathBuf,
    }

    impl NoticesFixture {
        fn new(held: &[u8]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("notices.jsonl");
            if !held.is_empty() {
                std::fs::write(&path, held).unwrap();
            }
            Self { _dir: dir, path }
        }

        /// Delivers as one process would that starts now.
        async fn deliver(&self, ids: &[&str]) {
            let notices = FileNotices::open(&self.path).unwrap();
            for id in ids {
                notices.deliver(&notice(id)).await.unwrap();
            }
        }

        fn ids(&self) -> Vec<String> {
            let text = std::fs::read_to_string(&self.path).unwrap();
            assert!(text.ends_with('\n'));
            let id =
                |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
            text.lines().map(id).collect()
        }
    }

    #[tokio::test]
    async fn each_notice_is_a_line_in_a_file_for_the_owner_only() {
        let fixture = NoticesFixture::new(b"");
        fixture.deliver(&["n1", "n2"]).await;
        assert_eq!(fixture.ids(), ["n1", "n2"]);
        assert_eq!(fixture.path.metadata().unwrap().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_notice_that_is_in_the_file_already_is_not_written_again() {
        let fixture = NoticesFixture::new(b"");
        fixture.deliver(&["n1", "n2", "n1"]).await;
        fixture.deliver(&["n2", "n1", "n3"]).await;
        assert_eq!(fixture.ids(), ["n1", "n2", "n3"]);
    }

    #[tokio::test]
    async fn half_a_line_is_cut_off_and_its_notice_is_written_again() {
        for torn in [
            &b"{\"id\":\"n1\"}\n{\"id\":\"n2\",\"ki"[..],
            b"{\"id\":\"n1\"}\n{\"id\":\"n2\"}",
            b"{\"id\":\"n1\"}\n\x00\xff",
        ] {
            let fixture = NoticesFixture::new(torn);
            fixture.deliver(&["n2"]).await;
            assert_eq!(fixture.ids(), ["n1", "n2"]);
        }
        let fixture = NoticesFixture::new(b"{\"i");
        fixture.deliver(&["n1"]).await;
        assert_eq!(fixture.ids(), ["n1"]);
    }

    #[tokio::test]
    async fn ids_are_remembered_from_the_end_of_a_long_file() {
        let line = |id: &str| format!("{{\"id\":\"{id}\",\"pad\":\"{}\"}}\n", "x".repeat(1_000));
        let held: String = (0..2_000).map(|number| line(&format!("n{number}"))).collect();
        let fixture = NoticesFixture::new(held.as_bytes());
        fixture.deliver(&["n1999", "n1200", "new"]).await;
        let ids = fixture.ids();
        assert_eq!((ids.len(), ids.last().map(String::as_str)), (2_001, Some("new")));
    }

    #[tokio::test]
    async fn foreign_text_without_a_line_end_is_kept_and_gets_one() {
        let held = vec![b'x'; usize::try_from(TAIL_BYTES_MAX).unwrap() + 10];
        let fixture = NoticesFixture::new(&held);
        fixture.deliver(&["n1"]).await;
        let text = std::fs::read_to_string(&fixture.path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0].len()), (2, held.len()));
    }

    #[tokio::test]
    async fn a_file_that_was_moved_away_is_created_again() {
        let fixture = NoticesFixture::new(b"");
        let notices = FileNotices::open(&fixture.path).unwrap();
        notices.deliver(&notice("n1")).await.unwrap();
        std::fs::rename(&fixture.path, fixture.path.with_extension("1")).unwrap();
        notices.deliver(&notice("n2")).await.unwrap();
        assert_eq!(fixture.ids(), ["n2"]);
    }

    #[tokio::test]
    async fn checking_changes_nothing() {
        let fixture = NoticesFixture::new(b"");
        let notices = FileNotices::open(&fixture.path).unwrap();
        assert_eq!(notices.check().await.unwrap(), "the notices file can be made");
        assert!(!fixture.path.exists());
        std::fs::write(&fixture.path, b"torn").unwrap();
        assert_eq!(notices.check().await.unwrap(), "the notices file can be written");
        assert_eq!(std::fs::read(&fixture.path).unwrap(), b"torn");
    }

    #[test]
    fn a_path_that_cannot_hold_notices_is_refused() {
        let fixture = NoticesFixture::new(b"");
        let dir = fixture.path.parent().unwrap();
        assert_eq!(FileNotices::open(dir).unwrap_err().kind, ErrorKind::Invalid);
        assert_eq!(FileNotices::open(&dir.join("none/notices.jsonl")).unwrap_err().kind, ErrorKind::Missing);
    }

    #[test]
    fn no_more_ids_are_remembered_than_the_limit() {
        let mut recent_ids = RecentIds::default();
        for number in 0..=RECENT_IDS_MAX {
            recent_ids.remember(number.to_string());
        }
        assert_eq!((recent_ids.ids.len(), recent_ids.order.len()), (RECENT_IDS_MAX, RECENT_IDS_MAX));
        assert!(!recent_ids.contains("0") && recent_ids.contains("1"));
    }
}
