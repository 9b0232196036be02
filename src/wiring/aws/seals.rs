//! The seal of the audit log in S3.

use std::sync::Arc;

use reelgate_aws::location::Location;
use reelgate_aws::seal_object::SealObject;
use reelgate_ports::seal_keeper::SealKeeper;

use super::clients::{Aws, transfer};
use crate::config::Config;
use crate::exit::Failure;

/// The object that `store.audit_seal` names.
pub async fn open(config: &Config, clients: &Aws<'_>) -> Result<Arc<dyn SealKeeper>, Failure> {
    let named = config.raw.store.audit_seal.reveal();
    let at = Location::parse(named).map_err(|_| {
        Failure::Usage("store.audit_seal: expected s3://BUCKET/KEY, found another form".into())
    })?;
    let transfer = transfer(config, [at.bucket.as_str()]);
    Ok(Arc::new(SealObject::new(clients.sdk().await, transfer, at)?))
}
