//! Proving that every area can be reached and written.

use std::sync::Arc;

use aws_sdk_s3::types::BucketVersioningStatus;
use reelgate_ports::error::{Port, PortResult};

use super::Inner;
use super::bucket::Label;
use super::list::Marker;
use super::multipart::Multipart;
use crate::error::ApiCall;

/// An upload begun under this name and given up shows the right to write; no object ever has it.
const PROBE: &str = ".reelgate-check";

/// Lists every area and begins an upload, which it gives up, where outputs and sources are written.
pub(super) async fn check(inner: Arc<Inner>) -> PortResult<String> {
    let bucket = &inner.bucket;
    let areas = &inner.areas;
    for (name, area) in areas.all() {
        let what = "check an area of the object store";
        bucket.page(what, &area.bucket, &area.key(PROBE), Marker::default()).await?;
        if name != "ingest" {
            let upload = Multipart::begin(bucket.clone(), what, area.at(PROBE), Label::default()).await?;
            upload.abort().await?;
        }
    }
    inner.scratch.check()?;
    let call =
        ApiCall::new(Port::Objects, "ask whether the ingest bucket keeps versions", "s3:GetBucketVersioning");
    let request = bucket.s3.get_bucket_versioning().bucket(&areas.ingest.bucket);
    let answer = request.set_expected_bucket_owner(bucket.owner(&areas.ingest.bucket)).send().await;
    let status = answer.map_err(call.failed())?.status;
    let versions = if status == Some(BucketVersioningStatus::Enabled) { "keeps" } else { "does not keep" };
    Ok(format!(
        "{} areas reached, 4 of them written; the ingest bucket {versions} versions",
        areas.all().len()
    ))
}
