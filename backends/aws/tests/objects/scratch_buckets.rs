//! A private bucket that contains every area.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use reelgate_aws::clients::https_client;
use reelgate_aws::location::{Location, version_of};
use reelgate_aws::objects::{Areas, ObjectsSettings, S3Objects};
use reelgate_conformance::objects::ObjectsHome;
use reelgate_flow::ids::{Sequencer, SourceId};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::objects::Objects;
use reelgate_ports::records::SourceRecord;
use reelgate_stand_ins::{ACCOUNT, LocalStack, REGION, fresh_name};
use tempfile::TempDir;

pub struct ScratchBuckets {
    pub s3: Client,
    pub bucket: String,
    pub objects: Arc<S3Objects>,
    pub settings: ObjectsSettings,
    is_versioned: bool,
    _scratch: TempDir,
    peer: LocalStack,
}

impl ScratchBuckets {
    /// In a bucket with versioning.
    pub async fn versioned() -> Self {
        let home = Self { is_versioned: true, ..Self::unversioned().await };
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let request = home.s3.put_bucket_versioning().bucket(&home.bucket);
        request.versioning_configuration(versioning).send().await.unwrap();
        home
    }

    /// In a bucket without versioning.
    pub async fn unversioned() -> Self {
        let peer = LocalStack::shared();
        let scratch = tempfile::tempdir().unwrap();
        let bucket = fresh_name("objects");
        let area = |name: &str| format!("s3://{bucket}/{name}").parse().unwrap();
        let areas = Areas {
            ingest: area("in"),
            work: area("work"),
            published: area("published"),
            quarantine: area("quarantine"),
            rejected: area("rejected"),
        };
        let mut settings = ObjectsSettings::new(areas, scratch.path().to_owned());
        settings.transfer.path_style = true;
        settings.transfer.part_bytes = 5 << 20;
        settings.transfer.range_bytes = 1 << 20;
        let config = config(peer.endpoint());
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        let s3 = Client::from_conf(s3);
        s3.create_bucket().bucket(&bucket).send().await.unwrap();
        let objects = Arc::new(S3Objects::new(&config, settings.clone()).unwrap());
        Self { s3, bucket, objects, settings, is_versioned: false, _scratch: scratch, peer }
    }

    /// The same objects with other settings or another endpoint.
    pub fn with(&self, endpoint: Option<&str>, change: impl FnOnce(&mut ObjectsSettings)) -> S3Objects {
        let mut settings = self.settings.clone();
        change(&mut settings);
        S3Objects::new(&config(endpoint.unwrap_or(self.peer.endpoint())), settings).unwrap()
    }

    pub fn endpoint(&self) -> &str {
        self.peer.endpoint()
    }

    /// The source record of the current object under a key.
    pub async fn source(&self, key: &str) -> SourceRecord {
        static ORDER: AtomicU64 = AtomicU64::new(1);
        let head = self.s3.head_object().bucket(&self.bucket).key(key).send().await.unwrap();
        let version = version_of(head.version_id(), head.e_tag().unwrap());
        SourceRecord {
            id: SourceId { bucket: self.bucket.clone(), key: key.to_owned(), version },
            sequencer: Sequencer::from_nanos(ORDER.fetch_add(1, Ordering::SeqCst)),
            size_bytes: u64::try_from(head.content_length().unwrap()).unwrap(),
            location: Location::new(&self.bucket, key).to_string(),
        }
    }

    /// Keys below a prefix, once for each version and delete marker.
    pub async fn versions(&self, prefix: &str) -> Vec<String> {
        let request = self.s3.list_object_versions().bucket(&self.bucket).prefix(prefix);
        let listed = request.send().await.unwrap();
        let versions = listed.versions().iter().filter_map(|version| version.key());
        let markers = listed.delete_markers().iter().filter_map(|marker| marker.key());
        versions.chain(markers).map(str::to_owned).collect()
    }

    /// Number of multipart uploads that were begun and not completed.
    pub async fn unfinished(&self) -> usize {
        let listed = self.s3.list_multipart_uploads().bucket(&self.bucket).send().await.unwrap();
        listed.uploads().len()
    }

    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let answer = self.s3.get_object().bucket(&self.bucket).key(key).send().await;
        match answer {
            Ok(answer) => Some(answer.body.collect().await.unwrap().to_vec()),
            Err(error) => {
                assert!(error.into_service_error().is_no_such_key());
                None
            }
        }
    }
}

/// A client's configuration for a stand-in.
pub fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new(ACCOUNT, "test", None, None, "tests");
    SdkConfig::builder()
        .http_client(https_client())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

#[async_trait]
impl ObjectsHome for ScratchBuckets {
    fn objects(&self) -> Arc<dyn Objects> {
        self.objects.clone()
    }

    fn replaced(&self) -> ErrorKind {
        ErrorKind::Superseded
    }

    fn removed(&self) -> ErrorKind {
        if self.is_versioned { ErrorKind::Superseded } else { ErrorKind::Missing }
    }

    async fn put(&self, key: &str, bytes: &[u8]) -> SourceRecord {
        let key = format!("in/{key}");
        let body = ByteStream::from(bytes.to_vec());
        self.s3.put_object().bucket(&self.bucket).key(&key).body(body).send().await.unwrap();
        self.source(&key).await
    }

    async fn remove(&self, key: &str) {
        let key = format!("in/{key}");
        self.s3.delete_object().bucket(&self.bucket).key(key).send().await.unwrap();
    }

    async fn visible(&self) -> BTreeMap<String, Vec<u8>> {
        let request = self.s3.list_objects_v2().bucket(&self.bucket).prefix("published/");
        let listed = request.send().await.unwrap();
        let mut seen = BTreeMap::new();
        for key in listed.contents().iter().filter_map(|object| object.key()) {
            let name = key.strip_prefix("published/").unwrap().to_owned();
            seen.insert(name, self.get(key).await.expect("the object was just listed"));
        }
        seen
    }

    async fn moved_source(&self, location: &str) -> Option<Vec<u8>> {
        let at = Location::parse(location).unwrap();
        let known = ["quarantine/", "rejected/", "in/"].iter().any(|area| at.key.starts_with(area));
        assert!(known && at.bucket == self.bucket, "expected an area of sources, found {location}");
        self.get(&at.key).await
    }

    async fn is_uploaded(&self, key: &str) -> bool {
        self.get(&format!("in/{key}")).await.is_some()
    }
}
