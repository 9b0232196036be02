//! The owner of a publication, stored in the metadata of its manifest, so that one write publishes both.

use reelgate_flow::ids::{AssetId, Sequencer};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::Owner;

use super::bucket::{Head, Label};

/// Metadata of every visible file: the asset that it belongs to.
pub(super) const ASSET: &str = "reelgate-asset";
/// Metadata of every visible file: the turn in which it became visible.
pub(super) const TURN: &str = "reelgate-turn";
const KEY: &str = "reelgate-key-sha256";
const SEQUENCER: &str = "reelgate-sequencer";
const MANIFEST: &str = "reelgate-manifest-sha256";

/// Reads the owner from the metadata of a manifest; `None` if there is none.
pub(super) fn read(operation: &'static str, head: &Head) -> PortResult<Option<Owner>> {
    let get = |name| head.metadata.get(name).cloned();
    let (Some(asset), Some(key_sha256)) = (get(ASSET), get(KEY)) else { return Ok(None) };
    let (sequencer, manifest_sha256) = (get(SEQUENCER), get(MANIFEST));
    let sequencer = sequencer.and_then(|text| Sequencer::parse(&text));
    let (Some(sequencer), Some(manifest_sha256)) = (sequencer, manifest_sha256) else {
        let detail = "expected a manifest with the metadata of this version";
        return Err(PortError::new(Port::Objects, ErrorKind::Corrupt, operation, detail));
    };
    Ok(Some(Owner { asset: AssetId::new(asset), key_sha256, sequencer, manifest_sha256 }))
}

/// The label of the manifest, with the owner as metadata.
pub(super) fn label(owner: &Owner, stamp: String) -> Label {
    let metadata = [
        (ASSET, owner.asset.to_string()),
        (KEY, owner.key_sha256.clone()),
        (SEQUENCER, String::from(owner.sequencer.clone())),
        (MANIFEST, owner.manifest_sha256.clone()),
        (TURN, stamp),
    ];
    Label { content_type: Some("application/json"), metadata: metadata.into() }
}
