//! What is visible of a publication, read as it is.

use data_encoding::HEXLOWER;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::MeasuredOutput;
use sha2::{Digest, Sha256};

use super::bucket::cut_off;
use super::list::Marker;
use super::publish::prefix;
use super::staging::named;
use super::store_context::StoreContext;
use crate::error::ApiCall;
use crate::location::Location;

/// The names of all current objects below a publication, in order.
pub(super) async fn names(context: &StoreContext, location: &str) -> PortResult<Vec<String>> {
    let prefix = published(context, location)?;
    let mut names = Vec::new();
    let mut from = Some(Marker::default());
    while let Some(marker) = from {
        let page = context.bucket.page("list a publication", &prefix.bucket, &prefix.key, marker).await?;
        let current = page.found.into_iter().filter(|found| found.latest);
        names.extend(current.filter_map(|found| Some(found.key.strip_prefix(&prefix.key)?.to_owned())));
        from = page.next;
    }
    names.sort();
    Ok(names)
}

/// Size and hash of one object of a publication, which is read in one request; `None` if there is none.
pub(super) async fn measure(
    context: &StoreContext,
    location: &str,
    name: &str,
) -> PortResult<Option<MeasuredOutput>> {
    let operation = "read a visible output";
    let at = named(&published(context, location)?, name)?;
    let request = context.bucket.s3.get_object().bucket(&at.bucket).key(&at.key);
    let answer = request.set_expected_bucket_owner(context.bucket.owner(&at.bucket)).send().await;
    let answer = match answer.map_err(ApiCall::new(Port::Objects, operation, "s3:GetObject").failed()) {
        Err(error) if error.kind == ErrorKind::Missing => return Ok(None),
        answer => answer?,
    };
    let (mut body, mut hash, mut size_bytes) = (answer.body, Sha256::new(), 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| cut_off(operation))?;
        hash.update(&chunk);
        size_bytes += chunk.len() as u64;
    }
    Ok(Some(MeasuredOutput { size_bytes, sha256: HEXLOWER.encode(&hash.finalize()) }))
}

/// The prefix of a publication by where it is visible.
fn published(context: &StoreContext, location: &str) -> PortResult<Location> {
    let at = Location::parse(location)?;
    let path = context.areas.published.name_of(&at).ok_or_else(|| {
        let detail = "expected a publication in the published area, found another address";
        PortError::new(Port::Objects, ErrorKind::Invalid, "read a publication's location", detail)
    })?;
    prefix(&context.areas, path)
}
