//! The check that every area can be reached and written.

use std::sync::Arc;

use aws_sdk_s3::types::BucketVersioningStatus;
use reelgate_ports::error::{Port, PortResult};

use super::bucket::Label;
use super::list::Marker;
use super::multipart::Multipart;
use super::store_context::StoreContext;
use crate::error::ApiCall;

/// The check begins an upload under this name and aborts it to prove write access. No object ever has this name.
const PROBE: &str = ".reelgate-check";

/// Lists every area, and begins and aborts an upload in every area to which the engine writes.
pub(super) async fn check(context: Arc<StoreContext>) -> PortResult<String> {
    let bucket = &context.bucket;
    let areas = &context.areas;
    for (name, area) in areas.all() {
        let operation = "check an area of the object store";
        bucket.page(operation, &area.bucket, &area.key(PROBE), Marker::default()).await?;
        if name != "ingest" {
            let upload =
                Multipart::begin(bucket.clone(), operation, area.at(PROBE), Label::default()).await?;
            upload.abort().await?;
        }
    }
    let scratch = context.scratch.check()?;
    let call =
        ApiCall::new(Port::Objects, "read the versioning of the ingest bucket", "s3:GetBucketVersioning");
    let request = bucket.s3.get_bucket_versioning().bucket(&areas.ingest.bucket);
    let answer = request.set_expected_bucket_owner(bucket.owner(&areas.ingest.bucket)).send().await;
    let status = answer.map_err(call.failed())?.status;
    let versioning = if status == Some(BucketVersioningStatus::Enabled) { "has" } else { "does not have" };
    Ok(format!(
        "{} areas reached, 4 of them writable; the ingest bucket {versioning} versioning; {scratch}",
        areas.all().len()
    ))
}
