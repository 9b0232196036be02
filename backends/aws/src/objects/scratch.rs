//! Sources on the local disk while tasks read them: files without a name, so that nothing remains however the process
//! ends. Tasks of one asset on one node share one download.

use std::fs::File;
use std::future::Future;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use reelgate_ports::error::{Port, PortError, PortResult};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use tokio::sync::OnceCell;

use crate::location::Location;

const OPERATION: &str = "store the source on the local disk";

/// An exact version of an object.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SourceVersion {
    pub at: Location,
    pub version: String,
    pub size_bytes: u64,
}

struct Entry {
    of: SourceVersion,
    /// Set once the file is complete.
    file: Arc<OnceCell<Arc<File>>>,
}

/// The stored files, least recently used first.
pub(super) struct Scratch {
    dir: PathBuf,
    bytes_max: u64,
    entries: Mutex<Vec<Entry>>,
}

impl Scratch {
    pub(super) fn new(dir: PathBuf, bytes_max: u64) -> Self {
        Self { dir, bytes_max, entries: Mutex::new(Vec::new()) }
    }

    /// A new read-only descriptor of a file with this version; `fetch` fills the file if it is not stored yet. One of several
    /// callers fetches while the others wait. If it gives up, the next one fetches.
    pub(super) async fn file<F>(
        &self,
        of: SourceVersion,
        fetch: impl FnOnce(Arc<File>) -> F,
    ) -> PortResult<File>
    where
        F: Future<Output = PortResult<()>>,
    {
        let cell = self.entry(&of);
        let size_bytes = of.size_bytes;
        let filled = cell
            .get_or_try_init(|| async {
                let file = Arc::new(self.make(size_bytes)?);
                fetch(file.clone()).await?;
                Ok(file)
            })
            .await;
        let opened = filled.and_then(|file| reopen(file));
        drop(cell);
        self.evict(opened.is_err().then_some(&of));
        opened
    }

    /// Forgets an object. Open descriptors stay valid.
    pub(super) fn forget(&self, at: &Location) {
        self.lock().retain(|entry| entry.of.at != *at);
    }

    /// Proves that files can be created on the disk.
    pub(super) fn check(&self) -> PortResult<()> {
        self.make(0).map(|_| ())
    }

    /// The entry of this version, moved to the end.
    fn entry(&self, of: &SourceVersion) -> Arc<OnceCell<Arc<File>>> {
        let mut entries = self.lock();
        let entry = match entries.iter().position(|entry| entry.of == *of) {
            Some(index) => entries.remove(index),
            None => Entry { of: of.clone(), file: Arc::default() },
        };
        let cell = entry.file.clone();
        entries.push(entry);
        cell
    }

    /// Evicts unused entries: failed downloads, and the least recently used files above the limit.
    fn evict(&self, failed: Option<&SourceVersion>) {
        let mut entries = self.lock();
        let idle = |entry: &Entry| Arc::strong_count(&entry.file) == 1;
        entries.retain(|entry| !(Some(&entry.of) == failed && idle(entry) && !entry.file.initialized()));
        let mut kept: u64 = entries.iter().map(|entry| entry.of.size_bytes).fold(0, u64::saturating_add);
        entries.retain(|entry| {
            let evicted = kept > self.bytes_max && idle(entry);
            if evicted {
                kept = kept.saturating_sub(entry.of.size_bytes);
            }
            !evicted
        });
    }

    /// A file of this size without a name; `Full` if the disk has no space, before any byte is transferred.
    fn make(&self, size_bytes: u64) -> PortResult<File> {
        let file = tempfile::tempfile_in(&self.dir)
            .map_err(|error| PortError::io(Port::Objects, OPERATION, &error))?;
        if size_bytes == 0 {
            return Ok(file);
        }
        match fallocate(&file, FallocateFlags::empty(), 0, size_bytes) {
            // A file system that cannot reserve space reports a full disk during the writes.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(file),
            Err(error) => Err(PortError::io(Port::Objects, OPERATION, &error.into())),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Another read-only file description of the same file, with its own position.
fn reopen(file: &File) -> PortResult<File> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
        .map_err(|error| PortError::io(Port::Objects, OPERATION, &error))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::fs::FileExt;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use reelgate_ports::error::ErrorKind;

    use super::*;

    fn version(key: &str, size_bytes: u64) -> SourceVersion {
        SourceVersion { at: Location::new("bucket", key), version: "1".into(), size_bytes }
    }

    struct ScratchFixture {
        dir: tempfile::TempDir,
        scratch: Scratch,
        fetched: AtomicUsize,
    }

    impl ScratchFixture {
        fn new(bytes_max: u64) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let scratch = Scratch::new(dir.path().to_owned(), bytes_max);
            Self { dir, scratch, fetched: AtomicUsize::new(0) }
        }

        async fn read(&self, key: &str) -> File {
            let fetch = async |file: Arc<File>| {
                self.fetched.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                file.write_all_at(b"12345", 0).unwrap();
                Ok(())
            };
            self.scratch.file(version(key, 5), fetch).await.unwrap()
        }

        fn fetched(&self) -> usize {
            self.fetched.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn several_readers_share_one_download_and_each_has_its_own_position() {
        let fixture = ScratchFixture::new(100);
        let (first, second) = tokio::join!(fixture.read("a"), fixture.read("a"));
        for mut file in [first, second, fixture.read("a").await] {
            let text = std::io::read_to_string(Read::by_ref(&mut file).take(10)).unwrap();
            assert_eq!(text, "12345");
            assert!(file.write_all(b"x").is_err(), "a source is read-only");
        }
        assert_eq!(fixture.fetched(), 1);
        assert_eq!(std::fs::read_dir(fixture.dir.path()).unwrap().count(), 0, "no names on the disk");
    }

    #[tokio::test]
    async fn the_least_recently_used_file_is_evicted_first_and_open_files_stay_readable() {
        let fixture = ScratchFixture::new(10);
        let a = fixture.read("a").await;
        fixture.read("b").await;
        fixture.read("a").await;
        fixture.read("c").await;
        assert_eq!(fixture.fetched(), 3);
        fixture.read("a").await;
        assert_eq!(fixture.fetched(), 3, "a was used after b");
        fixture.read("b").await;
        assert_eq!(fixture.fetched(), 4, "b was evicted");
        let mut last = [0];
        a.read_at(&mut last, 4).unwrap();
        assert_eq!(&last, b"5");
    }

    #[tokio::test]
    async fn a_failed_or_cancelled_download_is_started_again() {
        let fixture = ScratchFixture::new(100);
        let unavailable = PortError::new(Port::Objects, ErrorKind::Unavailable, "read", "later");
        let failed = fixture.scratch.file(version("a", 5), async |_| Err(unavailable.clone())).await;
        assert_eq!(failed.unwrap_err(), unavailable);
        let endless = fixture.scratch.file(version("a", 5), async |_| std::future::pending().await);
        tokio::select! {
            biased;
            _ = endless => panic!("expected a download that never ends"),
            () = tokio::task::yield_now() => {}
        }
        fixture.read("a").await;
        assert_eq!(fixture.fetched(), 1);
    }

    #[tokio::test]
    async fn a_forgotten_object_is_fetched_again() {
        let fixture = ScratchFixture::new(100);
        fixture.read("a").await;
        fixture.scratch.forget(&Location::new("bucket", "a"));
        fixture.read("a").await;
        assert_eq!(fixture.fetched(), 2);
    }

    #[tokio::test]
    async fn a_source_larger_than_the_disk_is_refused_before_it_is_fetched() {
        let fixture = ScratchFixture::new(100);
        let fetch = async |_| panic!("expected no download");
        let refused = fixture.scratch.file(version("a", 1 << 50), fetch).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Full, "{refused}");
    }
}
