//! Producers: uploads that resume, and links that allow one upload.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use reelgate_aws::location::Location;
use reelgate_aws::presign::{PresignOrder, presign};
use reelgate_aws::upload::{Progress, Uploader};
use reelgate_ports::error::ErrorKind;
use reelgate_stand_ins::{Fault, FaultProxy};
use tempfile::TempDir;

use super::details::noise;
use super::scratch_buckets::{ScratchBuckets, config};

/// Not a multiple of the part size.
const FILE_BYTES: usize = (16 << 20) + 333;

struct Producer {
    home: ScratchBuckets,
    dir: TempDir,
}

impl Producer {
    async fn new() -> Self {
        Self { home: ScratchBuckets::versioned().await, dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join("movie.mp4");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn uploader(&self, endpoint: &str) -> Uploader {
        let mut settings = self.home.settings.transfer.clone();
        settings.connections = 2;
        Uploader::new(&config(endpoint), settings, self.dir.path().join("journals")).unwrap()
    }

    fn to(&self) -> Location {
        Location::new(&self.home.bucket, "in/movie.mp4")
    }

    fn journals(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("journals")).map_or(0, Iterator::count)
    }

    /// Sends some parts and fails at the rest, as if the connection were lost.
    async fn interrupted(&self, file: &Path) {
        let proxy = FaultProxy::before(self.home.endpoint());
        proxy.on(|asked| {
            let late = asked.query.contains("partNumber=3") || asked.query.contains("partNumber=4");
            if late { Fault::s3(403, "AccessDenied", "") } else { Fault::None }
        });
        let cut = self.uploader(proxy.endpoint()).upload(file, &self.to(), &|_| {}).await.unwrap_err();
        assert_eq!(cut.kind, ErrorKind::Denied, "{cut}");
        assert_eq!(self.journals(), 1);
    }
}

#[tokio::test]
async fn files_of_any_size_arrive_unchanged() {
    let producer = Producer::new().await;
    for bytes in [0, 1, 5 << 20, (5 << 20) + 1, FILE_BYTES] {
        let bytes = noise(bytes);
        let seen = Mutex::new(Vec::new());
        let observe = |progress: Progress| seen.lock().unwrap().push(progress.sent_bytes);
        let uploader = producer.uploader(producer.home.endpoint());
        let done = uploader.upload(&producer.file(&bytes), &producer.to(), &observe).await.unwrap();
        assert_eq!(done.size_bytes, bytes.len() as u64);
        assert!(producer.home.get("in/movie.mp4").await.unwrap() == bytes);
        let seen = seen.into_inner().unwrap();
        assert!(seen.is_sorted() && seen.last() == Some(&(bytes.len() as u64)), "{seen:?}");
    }
    assert_eq!((producer.journals(), producer.home.unfinished().await), (0, 0));
}

#[tokio::test]
async fn an_interrupted_upload_resumes_with_the_missing_parts() {
    let producer = Producer::new().await;
    let bytes = noise(FILE_BYTES);
    let file = producer.file(&bytes);
    producer.interrupted(&file).await;
    let uploader = producer.uploader(producer.home.endpoint());
    let done = uploader.upload(&file, &producer.to(), &|_| {}).await.unwrap();
    assert_eq!(done.resumed_bytes, 10 << 20);
    assert!(producer.home.get("in/movie.mp4").await.unwrap() == bytes);
    assert_eq!((producer.journals(), producer.home.unfinished().await), (0, 0));
}

#[tokio::test]
async fn parts_of_a_file_that_changed_are_sent_again() {
    let producer = Producer::new().await;
    let mut bytes = noise(FILE_BYTES);
    producer.interrupted(&producer.file(&bytes)).await;
    bytes[6 << 20] ^= 1;
    let file = producer.file(&bytes);
    let uploader = producer.uploader(producer.home.endpoint());
    let done = uploader.upload(&file, &producer.to(), &|_| {}).await.unwrap();
    assert_eq!(done.resumed_bytes, 5 << 20, "the second part belongs to the old content");
    assert!(producer.home.get("in/movie.mp4").await.unwrap() == bytes);
}

#[tokio::test]
async fn an_upload_whose_parts_were_removed_starts_again() {
    let producer = Producer::new().await;
    let bytes = noise(FILE_BYTES);
    let file = producer.file(&bytes);
    producer.interrupted(&file).await;
    let listed =
        producer.home.s3.list_multipart_uploads().bucket(&producer.home.bucket).send().await.unwrap();
    let id = listed.uploads()[0].upload_id().unwrap();
    let request = producer.home.s3.abort_multipart_upload().bucket(&producer.home.bucket);
    request.key("in/movie.mp4").upload_id(id).send().await.unwrap();
    let uploader = producer.uploader(producer.home.endpoint());
    let done = uploader.upload(&file, &producer.to(), &|_| {}).await.unwrap();
    assert_eq!(done.resumed_bytes, 0);
    assert!(producer.home.get("in/movie.mp4").await.unwrap() == bytes);
}

#[tokio::test]
async fn a_link_allows_exactly_its_upload() {
    let home = ScratchBuckets::unversioned().await;
    let order = PresignOrder {
        to: Location::new(&home.bucket, "in/a b+ü.mp4"),
        expires: Duration::from_secs(60),
        size_bytes: Some(7),
        content_type: Some("video/mp4".into()),
        new_only: true,
        owner: None,
        path_style: true,
    };
    let link = presign(&config(home.endpoint()), &order).await.unwrap();
    assert!(link.url.contains("X-Amz-Expires=60"));
    let signed: Vec<&str> = link.headers.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["content-length", "content-type", "if-none-match"] {
        assert!(signed.contains(&name) && link.url.contains(name), "{name} is signed: {signed:?}");
    }
    let expiries = [Duration::ZERO, Duration::from_secs(7 * 86_400 + 1)];
    for expires in expiries {
        let wrong = PresignOrder { expires, ..order.clone() };
        let refused = presign(&config(home.endpoint()), &wrong).await.err().map(|error| error.kind);
        assert_eq!(refused, Some(ErrorKind::Invalid));
    }
}
