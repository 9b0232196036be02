//! The redaction of an asset as the store keeps it.

use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::recipes::redact::Request;
use reelgate_ports::records::FindingRecord;
use reelgate_ports::store::Store;
use serde::{Deserialize, Serialize};

use crate::engine_context::EngineContext;
use crate::work::ours;

/// The document of a redaction.
#[derive(Serialize, Deserialize)]
pub struct Redaction {
    /// What the encodes obey.
    #[serde(flatten)]
    pub request: Request,
    /// What was found in the source before. The outputs leave it out; other uploads of the content still have it.
    #[serde(default)]
    pub removed: Vec<FindingRecord>,
}

/// The redaction that the encodes of an asset obey; `None` where it is not redacted.
pub async fn request(context: &EngineContext, asset: &AssetId) -> Result<Option<Request>, Fault> {
    Ok(read(&*context.store, asset).await?.map(|redaction| redaction.request))
}

/// What was found in the source of an asset before its outputs were redacted.
pub async fn removed(store: &dyn Store, asset: &AssetId) -> Result<Vec<FindingRecord>, Fault> {
    Ok(read(store, asset).await?.map(|redaction| redaction.removed).unwrap_or_default())
}

/// The whole document; `None` where the asset is not redacted.
pub async fn read(store: &dyn Store, asset: &AssetId) -> Result<Option<Redaction>, Fault> {
    let Some(document) = store.redaction(asset).await.map_err(ours)? else { return Ok(None) };
    serde_json::from_value(document)
        .map(Some)
        .map_err(|error| Fault::new(Code::Internal, format!("a redaction cannot be read: {error}")))
}
