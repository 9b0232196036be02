//! Objects in S3.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reelgate_aws::location::{Area, Location};
use reelgate_aws::objects::{Areas, ObjectsSettings, S3Objects};
use reelgate_ports::objects::Objects;

use super::clients::{Aws, transfer};
use crate::config::Config;
use crate::config::fleet::S3_SCHEME;
use crate::config::secret::SecretUrlOrPath;
use crate::exit::Failure;
use crate::wiring::access::{Access, make_dirs};

/// Opens the areas that the configuration names; creates the scratch directory, unless it only inspects.
pub async fn open(config: &Config, clients: &Aws<'_>, access: Access) -> Result<Arc<dyn Objects>, Failure> {
    let areas = areas(config)?;
    let scratch = &config.raw.objects.scratch;
    let scratch = if scratch.is_empty() { config.home.join("scratch") } else { PathBuf::from(scratch) };
    let scratch = match access {
        Access::Work => {
            make_dirs("objects.scratch", &scratch)?;
            scratch
        }
        // Where it would be made.
        Access::Inspect => {
            scratch.ancestors().find(|above| above.exists()).unwrap_or(Path::new(".")).to_owned()
        }
    };
    let transfer = transfer(config, areas.all().map(|(_, area)| area.bucket.as_str()));
    let sdk = clients.sdk().await;
    let viewer = match config.raw.aws.viewer_role.as_str() {
        "" => None,
        role => Some(reelgate_aws::clients::as_role(sdk, role).await),
    };
    let scratch_bytes_max = config.raw.objects.scratch_bytes_max;
    let settings = ObjectsSettings { areas, transfer, scratch_dir: scratch, scratch_bytes_max, viewer };
    Ok(Arc::new(S3Objects::new(sdk, settings)?))
}

fn areas(config: &Config) -> Result<Areas, Failure> {
    let raw = &config.raw.objects;
    let area = |name: &str, own: &SecretUrlOrPath| {
        let text = match own.reveal() {
            "" => format!("{}/{name}", raw.url.reveal().trim_end_matches('/')),
            own => own.to_owned(),
        };
        text.parse::<Area>().map_err(|error| Failure::Usage(format!("objects.{name}: {error}")))
    };
    Ok(Areas {
        ingest: area("ingest", &raw.ingest)?,
        work: area("work", &raw.work)?,
        published: area("published", &raw.published)?,
        quarantine: area("quarantine", &raw.quarantine)?,
        rejected: area("rejected", &raw.rejected)?,
    })
}

/// The buckets of all areas; none where the areas are directories.
pub fn buckets(config: &Config) -> Result<BTreeSet<String>, Failure> {
    if !config.raw.objects.url.reveal().starts_with(S3_SCHEME) {
        return Ok(BTreeSet::new());
    }
    Ok(areas(config)?.all().map(|(_, area)| area.bucket.clone()).into())
}

/// The ingest area.
pub fn ingest(config: &Config) -> Result<Area, Failure> {
    if config.raw.objects.url.reveal().starts_with(S3_SCHEME) {
        return Ok(areas(config)?.ingest);
    }
    Err(Failure::Usage(
        "events.url: a stream or queue carries events of uploads to S3: set objects.url to `s3://BUCKET/PREFIX` too".into(),
    ))
}

/// The prefix of keys in the ingest area that the source of an import names.
pub fn ingest_prefix(config: &Config, source: &str) -> Result<String, Failure> {
    let ingest = ingest(config)?;
    let bucket = format!("{S3_SCHEME}{}", ingest.bucket);
    if source.trim_end_matches('/') == bucket {
        return Ok(String::new());
    }
    let outside = || {
        Failure::Usage(format!(
            "import: expected an address below {bucket}/{}, the ingest area",
            ingest.prefix
        ))
    };
    let location = Location::parse(source).map_err(|_| outside())?;
    let below = location.bucket == ingest.bucket && location.key.starts_with(&ingest.prefix);
    if below { Ok(location.key) } else { Err(outside()) }
}
