//! Downloads of one large object from S3: this crate's reader compared with `curl`, which fetches the same ranges over as
//! many connections. Both run in turn and write to files on the same disk. The server is a Ceph gateway on this machine,
//! which uses the same cores.
//!
//! `cargo bench -p reelgate-aws --bench read [MEBIBYTES] [ROUNDS]` prints MB/s, the ratio, and the peak memory of
//! this process during the downloads.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::presigning::PresigningConfig;
use reelgate_aws::clients::https_client;
use reelgate_aws::location::{Area, Location};
use reelgate_aws::objects::{Areas, Checksums, ObjectsSettings, S3Objects};
use reelgate_aws::upload::Uploader;
use reelgate_flow::ids::{Sequencer, SourceId};
use reelgate_ports::objects::Objects;
use reelgate_ports::records::SourceRecord;
use reelgate_stand_ins::{REGION, Rgw, rgw};

const MEBIBYTES: u64 = 1_024;
const ROUNDS: u64 = 5;
const BUCKET: &str = "bench";
const KEY: &str = "in/object";

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds `--bench`.
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let size_bytes = numbers.first().copied().unwrap_or(MEBIBYTES) << 20;
    let rounds = numbers.get(1).copied().unwrap_or(ROUNDS);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(size_bytes, rounds))
}

async fn measure(size_bytes: u64, rounds: u64) -> Result<(), Box<dyn Error>> {
    let gateway = Rgw::start();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let config = config(gateway.endpoint());
    let settings = settings(dir.path())?;
    let s3 = Client::from_conf(aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build());
    s3.create_bucket().bucket(BUCKET).send().await?;
    let source = upload(&config, &settings, dir.path(), size_bytes).await?;
    let expiry = PresigningConfig::expires_in(Duration::from_secs(3_600))?;
    let link = s3.get_object().bucket(BUCKET).key(KEY).presigned(expiry).await?;
    // The memory of the upload does not count.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let (mut ours_s, mut curls_s) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        curls_s.push(curl(link.uri(), dir.path(), size_bytes, &settings)?);
        // A new store each time, so that every round reads from the server.
        let objects = S3Objects::new(&config, settings.clone())?;
        let begun = Instant::now();
        let opened = objects.open(&source).await?;
        ours_s.push(begun.elapsed().as_secs_f64());
        if opened.size_bytes != size_bytes {
            return Err("expected the whole object, found another size".into());
        }
    }
    let speed = |seconds: &mut Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        size_bytes as f64 / 1e6 / seconds[seconds.len() / 2]
    };
    let (ours, curls) = (speed(&mut ours_s), speed(&mut curls_s));
    println!("object           {:.0} MiB, median of {rounds} rounds", size_bytes as f64 / 1_048_576.0);
    println!("curl, parallel   {curls:.0} MB/s");
    println!("this reader      {ours:.0} MB/s");
    println!("ratio            {:.2}  (bar: at least 0.80)", ours / curls);
    println!("peak memory      {} MB", peak_memory_kb()? / 1_000);
    Ok(())
}

fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new(rgw::ACCESS_KEY, rgw::SECRET_KEY, None, None, "bench");
    SdkConfig::builder()
        .http_client(https_client())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn settings(dir: &Path) -> Result<ObjectsSettings, Box<dyn Error>> {
    let area = |name: &str| format!("s3://{BUCKET}/{name}").parse::<Area>();
    let areas = Areas {
        ingest: area("in")?,
        work: area("work")?,
        published: area("published")?,
        quarantine: area("quarantine")?,
        rejected: area("rejected")?,
    };
    let mut settings = ObjectsSettings::new(areas, dir.to_owned());
    settings.transfer.path_style = true;
    settings.transfer.checksums = Checksums::WhenRequired;
    Ok(settings)
}

async fn upload(
    config: &SdkConfig,
    settings: &ObjectsSettings,
    dir: &Path,
    size_bytes: u64,
) -> Result<SourceRecord, Box<dyn Error>> {
    let file = dir.join("object");
    std::fs::File::create(&file)?.set_len(size_bytes)?;
    let uploader = Uploader::new(config, settings.transfer.clone(), dir.join("journals"))?;
    let to = Location::new(BUCKET, KEY);
    let done = uploader.upload(&file, &to, &|_| {}).await?;
    std::fs::remove_file(&file)?;
    Ok(SourceRecord {
        id: SourceId { bucket: BUCKET.into(), key: KEY.into(), version: done.version },
        sequencer: Sequencer::from_nanos(1),
        size_bytes,
        location: to.to_string(),
    })
}

/// Seconds that `curl` needs for the same ranges over as many connections; each range is written to a file.
fn curl(link: &str, dir: &Path, size_bytes: u64, settings: &ObjectsSettings) -> Result<f64, Box<dyn Error>> {
    let parts = dir.join("parts");
    std::fs::create_dir_all(&parts)?;
    let each = settings.transfer.range_bytes;
    let ranges = (0..size_bytes.div_ceil(each)).map(|index| {
        let last = ((index + 1) * each).min(size_bytes) - 1;
        let to = parts.join(index.to_string());
        format!("url=\"{link}\"\nrange={}-{last}\noutput=\"{}\"\nfail\nsilent\n", index * each, to.display())
    });
    let order = dir.join("curl.conf");
    std::fs::write(&order, ranges.collect::<Vec<_>>().join("next\n"))?;
    let connections = settings.transfer.connections.to_string();
    let begun = Instant::now();
    let status = Command::new("curl")
        .args(["--no-progress-meter", "--parallel", "--parallel-immediate", "--parallel-max", &connections])
        .arg("--config")
        .arg(&order)
        .status()?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut fetched = 0;
    for part in std::fs::read_dir(&parts)? {
        fetched += part?.metadata()?.len();
    }
    std::fs::remove_dir_all(&parts)?;
    if status.success() && fetched == size_bytes { Ok(seconds) } else { Err("curl failed".into()) }
}

/// The peak of this process's resident memory, kilobytes.
fn peak_memory_kb() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("expected VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
