//! Sources on the local disk while tasks read them: files without a name, so that nothing remains however the process
//! ends. Tasks of one source on one node share one download.
//!
//! What a task reads is never evicted: each descriptor that is handed out has a shared lock (flock(2)), which the kernel
//! keeps until the last copy of the descriptor is closed, that of a media worker included. The bound counts only what
//! nobody reads, so several sources that are worked on by turns do not evict each other.

use std::fs::File;
use std::future::Future;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock, fstatvfs};
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

impl Entry {
    /// Whether nobody fetches or reads it.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.file) == 1 && self.file.get().is_none_or(|file| !is_read(file))
    }
}

/// A source on the local disk.
#[derive(Debug)]
pub(super) struct ScratchFile {
    pub file: File,
    /// Bytes that were transferred for this call; 0 where the file was there, or another call fetched it.
    pub fetched_bytes: u64,
}

/// The stored files, least recently used first.
pub(super) struct Scratch {
    dir: PathBuf,
    /// Most bytes of sources that nobody reads.
    bytes_max: u64,
    entries: Mutex<Vec<Entry>>,
}

impl Scratch {
    pub(super) fn new(dir: PathBuf, bytes_max: u64) -> Self {
        Self { dir, bytes_max, entries: Mutex::new(Vec::new()) }
    }

    /// Whether a source of this size can stay while nobody reads it.
    pub(super) fn keeps(&self, size_bytes: u64) -> bool {
        size_bytes <= self.bytes_max
    }

    /// A new read-only descriptor of a file with this version; `fetch` fills the file if it is not stored yet, and returns
    /// how many bytes it transferred. One of several callers fetches while the others wait. If it gives up, the next one
    /// fetches.
    pub(super) async fn file<F>(
        &self,
        of: SourceVersion,
        fetch: impl FnOnce(Arc<File>) -> F,
    ) -> PortResult<ScratchFile>
    where
        F: Future<Output = PortResult<u64>>,
    {
        let cell = self.entry(&of);
        let size_bytes = of.size_bytes;
        let fetched = AtomicU64::new(0);
        let filled = cell
            .get_or_try_init(|| async {
                let file = Arc::new(self.make_room(size_bytes)?);
                fetched.store(fetch(file.clone()).await?, Ordering::Relaxed);
                Ok(file)
            })
            .await;
        let opened = filled.and_then(|file| reopen(file));
        // From here on the lock of the descriptor keeps the entry, not this reference.
        drop(cell);
        self.evict(opened.is_err().then_some(&of), self.bytes_max);
        Ok(ScratchFile { file: opened?, fetched_bytes: fetched.into_inner() })
    }

    /// Forgets an object. Open descriptors stay valid.
    pub(super) fn forget(&self, at: &Location) {
        self.lock().retain(|entry| entry.of.at != *at);
    }

    /// Proves that files can be created on the disk; returns what an operator should know about its size.
    pub(super) fn check(&self) -> PortResult<String> {
        let file = self.make(0)?;
        let space =
            fstatvfs(&file).map_err(|error| PortError::io(Port::Objects, OPERATION, &error.into()))?;
        let free_bytes = space.f_bavail.saturating_mul(space.f_frsize);
        let mb = |bytes: u64| bytes / 1_000_000;
        let advice = if free_bytes < self.bytes_max {
            "; that is less than objects.scratch_bytes_max: lower it or free space"
        } else {
            ""
        };
        Ok(format!(
            "scratch keeps sources up to {} MB between their tasks and fetches larger ones more than once, {} MB free{advice}",
            mb(self.bytes_max),
            mb(free_bytes)
        ))
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

    /// Evicts what nobody uses: a failed download, and the least recently used files until at most `bytes_max` are left.
    fn evict(&self, failed: Option<&SourceVersion>, bytes_max: u64) {
        let mut entries = self.lock();
        entries.retain(|entry| {
            let is_failed = Some(&entry.of) == failed && !entry.file.initialized();
            !(is_failed && entry.is_idle())
        });
        let size = |entry: &Entry| if entry.is_idle() { entry.of.size_bytes } else { 0 };
        let mut unread: u64 = entries.iter().map(size).fold(0, u64::saturating_add);
        entries.retain(|entry| {
            let is_evicted = unread > bytes_max && entry.is_idle();
            if is_evicted {
                unread = unread.saturating_sub(entry.of.size_bytes);
            }
            !is_evicted
        });
    }

    /// A new file of this size. On a full disk, everything that nobody reads makes room for it.
    fn make_room(&self, size_bytes: u64) -> PortResult<File> {
        match self.make(size_bytes) {
            Err(error) if error.kind == ErrorKind::Full => {
                self.evict(None, 0);
                self.make(size_bytes)
            }
            made => made,
        }
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

/// Another read-only file description of the same file, with its own position and a shared lock.
fn reopen(file: &File) -> PortResult<File> {
    let failed = |error: &std::io::Error| PortError::io(Port::Objects, OPERATION, error);
    let reader = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(|error| failed(&error))?;
    match flock(&reader, FlockOperation::LockShared) {
        // A file system without locks cannot tell who reads: then the least recently used file is evicted, read or not.
        Ok(()) | Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(reader),
        Err(error) => Err(failed(&error.into())),
    }
}

/// Whether a descriptor that was handed out is still open somewhere.
fn is_read(file: &File) -> bool {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            // It can only fail on a file system that gave no lock.
            let _ = flock(file, FlockOperation::Unlock);
            false
        }
        Err(error) => error == Errno::WOULDBLOCK,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::fs::FileExt;
    use std::sync::atomic::{AtomicUsize, Ordering};

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
                Ok(5)
            };
            self.scratch.file(version(key, 5), fetch).await.unwrap().file
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
    async fn of_what_nobody_reads_the_least_recently_used_is_evicted_first() {
        let fixture = ScratchFixture::new(10);
        for key in ["a", "b", "a", "c"] {
            fixture.read(key).await;
        }
        assert_eq!(fixture.fetched(), 3);
        // With this one open, b, a and c are more than may be kept.
        let open = fixture.read("d").await;
        fixture.read("a").await;
        assert_eq!(fixture.fetched(), 4, "a was used after b");
        fixture.read("b").await;
        assert_eq!(fixture.fetched(), 5, "b was evicted");
        drop(open);
    }

    #[tokio::test]
    async fn what_a_task_reads_is_never_evicted_whatever_its_size() {
        let fixture = ScratchFixture::new(4);
        let a = fixture.read("a").await;
        // A media worker has a copy of the descriptor; the caller's own may be closed.
        let copy = a.try_clone().unwrap();
        drop(a);
        for _ in 0..3 {
            fixture.read("b").await;
            fixture.read("a").await;
        }
        assert_eq!(
            fixture.fetched(),
            4,
            "a is fetched once, and b each time: nobody reads it when a is opened"
        );
        let mut last = [0];
        copy.read_at(&mut last, 4).unwrap();
        assert_eq!(&last, b"5");
        drop(copy);
        fixture.read("b").await;
        fixture.read("a").await;
        assert_eq!(fixture.fetched(), 6, "a is evicted once nobody reads it");
    }

    #[tokio::test]
    async fn two_sources_that_together_exceed_the_bound_are_worked_on_by_turns_without_another_fetch() {
        let fixture = ScratchFixture::new(8);
        for _ in 0..3 {
            let _a = fixture.read("a").await;
            let _b = fixture.read("b").await;
        }
        for _ in 0..3 {
            fixture.read("a").await;
        }
        assert_eq!(fixture.fetched(), 2);
    }

    #[tokio::test]
    async fn only_the_call_that_fetches_reports_transferred_bytes() {
        let fixture = ScratchFixture::new(100);
        let fetch = async |file: Arc<File>| {
            file.write_all_at(b"12345", 0).unwrap();
            Ok(7)
        };
        let first = fixture.scratch.file(version("a", 5), fetch).await.unwrap();
        let second = fixture.scratch.file(version("a", 5), fetch).await.unwrap();
        assert_eq!((first.fetched_bytes, second.fetched_bytes), (7, 0));
    }

    #[tokio::test]
    async fn the_check_names_the_largest_source_that_is_kept_and_the_free_space() {
        let small = ScratchFixture::new(3_000_000).scratch.check().unwrap();
        assert!(small.contains("up to 3 MB") && small.contains("MB free"), "{small}");
        assert!(!small.contains("lower it"), "{small}");
        let huge = ScratchFixture::new(u64::MAX).scratch.check().unwrap();
        assert!(huge.contains("lower it or free space"), "{huge}");
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
