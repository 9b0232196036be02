//! The scanner, with real calls of the SDK: Macie is a fake that keeps its contract, and the sidecars are in an emulator's
//! S3.

mod jobs;
mod sidecars;
mod sweep;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::SdkConfig;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use reelgate_aws::clients::macie;
use reelgate_aws::macie::{MacieScanner, MacieSettings};
use reelgate_flow::ids::AssetId;
use reelgate_flow::place::TextPlace;
use reelgate_ports::clock::Clock;
use reelgate_ports::external_scanner::{BatchId, ExternalScanLine, Sidecar};
use reelgate_stand_ins::ministack::Auth;
use reelgate_stand_ins::{ACCOUNT, Macie, Ministack};

use crate::peers::config;

const BUCKET: &str = "sidecars";
const MANAGED: [&str; 3] = ["CREDIT_CARD_NUMBER", "NAME", "PHONE_NUMBER"];

/// A clock that a test sets.
#[derive(Default)]
struct ManualClock(AtomicU64);

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Macie without a reachable bucket of sidecars.
struct MacieUnderTest {
    macie: Macie,
    clock: Arc<ManualClock>,
    settings: MacieSettings,
}

impl MacieUnderTest {
    fn new() -> Self {
        let mut settings = MacieSettings::new(ACCOUNT, format!("s3://{BUCKET}/text").parse().unwrap());
        settings.managed = MANAGED.map(str::to_owned).to_vec();
        settings.transfer.path_style = true;
        Self { macie: Macie::start(&MANAGED), clock: Arc::default(), settings }
    }

    /// The scanner of another process, with S3 configured by `s3`.
    async fn scanner_with(&self, s3: &SdkConfig) -> MacieScanner {
        let client = macie(&config(self.macie.endpoint()).await);
        MacieScanner::new(client, s3, self.settings.clone(), self.clock.clone()).unwrap()
    }

    async fn scanner(&self) -> MacieScanner {
        self.scanner_with(&config("http://127.0.0.1:9").await).await
    }

    fn wait_ms(&self, more_ms: u64) {
        self.clock.0.fetch_add(more_ms, Ordering::Relaxed);
    }
}

/// A bucket with versioning.
struct Bucket {
    _server: Ministack,
    config: SdkConfig,
    s3: aws_sdk_s3::Client,
}

impl Bucket {
    async fn new() -> Self {
        let server = Ministack::start(Auth::Open);
        let config = config(server.endpoint()).await;
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        s3.create_bucket().bucket(BUCKET).send().await.unwrap();
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let request = s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(versioning);
        request.send().await.unwrap();
        Self { _server: server, config, s3 }
    }

    /// Keys of all versions.
    async fn versions(&self) -> Vec<String> {
        let listed = self.s3.list_object_versions().bucket(BUCKET).send().await.unwrap();
        let mut keys: Vec<String> =
            listed.versions().iter().filter_map(|one| one.key()).map(str::to_owned).collect();
        keys.extend(listed.delete_markers().iter().filter_map(|one| one.key()).map(str::to_owned));
        keys.sort();
        keys
    }

    async fn text(&self, key: &str) -> String {
        let answer = self.s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        String::from_utf8(answer.body.collect().await.unwrap().to_vec()).unwrap()
    }
}

/// An asset's id of the right form; each letter gives another.
fn asset(letter: char) -> AssetId {
    AssetId::new(letter.to_string().repeat(26))
}

fn batch(since_ms: u64) -> BatchId {
    BatchId::of("text", since_ms, since_ms + 1)
}

fn sidecar(letter: char, texts: &[&str]) -> Sidecar {
    let line = |(at, text): (u64, &&str)| ExternalScanLine {
        place: TextPlace {
            start_ns: Some(at),
            end_ns: Some(at + 1),
            ..TextPlace::untimed("subtitle", "phone", Some(1))
        },
        text: (*text).to_owned(),
    };
    Sidecar { asset: asset(letter), lines: (0..).zip(texts).map(line).collect() }
}
