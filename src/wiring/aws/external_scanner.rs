//! Opens the external scanner.

use std::sync::Arc;

use reelgate_actors::scan_batcher::{ExternalScanSettings, ScanBatcher};
use reelgate_aws::location::Area;
use reelgate_aws::macie::{MacieScanner, MacieSettings};
use reelgate_ports::clock::SystemClock;
use reelgate_ports::external_scanner::ExternalScanner;

use super::clients::{Aws, transfer};
use crate::config::Config;
use crate::exit::Failure;

/// The scanner; `None` where none is configured. It is not contacted before its first call.
pub async fn open(config: &Config, clients: &Aws<'_>) -> Result<Option<Arc<dyn ExternalScanner>>, Failure> {
    let Some(area) = area(config)? else { return Ok(None) };
    let settings = MacieSettings {
        transfer: transfer(config, [area.bucket.as_str()]),
        buckets: super::objects::buckets(config)?,
        custom: config.raw.privacy.custom_identifiers.clone(),
        ..MacieSettings::new(config.raw.aws.macie.account.clone(), area)
    };
    let sdk = clients.sdk().await;
    let client = reelgate_aws::clients::macie(sdk);
    Ok(Some(Arc::new(MacieScanner::new(client, sdk, settings, Arc::new(SystemClock))?)))
}

/// The batcher of a node, in front of the scanner that was opened.
pub fn scan_batcher(
    config: &Config,
    scanner: Option<Arc<dyn ExternalScanner>>,
) -> Result<Option<ScanBatcher>, Failure> {
    let (Some(scanner), Some(area)) = (scanner, area(config)?) else { return Ok(None) };
    let settings = ExternalScanSettings {
        area: config.raw.aws.macie.area.reveal().to_owned(),
        bucket: area.bucket,
        window_ms: u64::from(config.raw.aws.macie.window_s) * 1_000,
        wait_ms: u64::from(config.raw.privacy.wait_s) * 1_000,
        awaited: config.raw.privacy.required.is_macies(),
    };
    Ok(Some(ScanBatcher::new(scanner, settings, Arc::new(SystemClock))))
}

fn area(config: &Config) -> Result<Option<Area>, Failure> {
    let text = config.raw.aws.macie.area.reveal();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| Failure::Usage(format!("configuration: aws.macie.area: {error}")))
}
