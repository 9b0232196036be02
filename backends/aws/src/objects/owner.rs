//! Whose a publication is: written into the metadata of its manifest, so that one write shows both.

use data_encoding::HEXLOWER;
use reelgate_flow::ids::{AssetId, Sequencer};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::Publication;
use sha2::{Digest, Sha256};

use super::bucket::{Head, Label};

/// Metadata of everything visible: the asset it belongs to.
pub(super) const ASSET: &str = "reelgate-asset";
const KEY: &str = "reelgate-key-sha256";
const SEQUENCER: &str = "reelgate-sequencer";
const MANIFEST: &str = "reelgate-manifest-sha256";

/// Whose a publication is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Owner {
    pub asset: AssetId,
    /// Of bucket and key: the key itself may be personal.
    pub key_sha256: String,
    pub sequencer: Sequencer,
    manifest_sha256: String,
}

impl Owner {
    pub(super) fn of(publication: &Publication) -> Self {
        let id = &publication.source.id;
        let key = Sha256::new().chain_update(&id.bucket).chain_update([0]).chain_update(&id.key);
        Self {
            asset: publication.asset.clone(),
            key_sha256: HEXLOWER.encode(&key.finalize()),
            sequencer: publication.source.sequencer.clone(),
            manifest_sha256: HEXLOWER.encode(&Sha256::digest(&publication.manifest)),
        }
    }

    /// Reads whose a manifest is; `None` where it is nobody's.
    pub(super) fn read(head: &Head) -> PortResult<Option<Self>> {
        let get = |name| head.metadata.get(name).cloned();
        let (Some(asset), Some(key_sha256)) = (get(ASSET), get(KEY)) else { return Ok(None) };
        let (sequencer, manifest_sha256) = (get(SEQUENCER), get(MANIFEST));
        let sequencer = sequencer.and_then(|text| Sequencer::parse(&text));
        let (Some(sequencer), Some(manifest_sha256)) = (sequencer, manifest_sha256) else {
            let detail = "expected a manifest with the metadata of this version";
            return Err(PortError::new(Port::Objects, ErrorKind::Corrupt, super::publish::WHAT, detail));
        };
        Ok(Some(Self { asset: AssetId::new(asset), key_sha256, sequencer, manifest_sha256 }))
    }

    /// As metadata of the manifest.
    pub(super) fn label(&self) -> Label {
        let metadata = [
            (ASSET, self.asset.to_string()),
            (KEY, self.key_sha256.clone()),
            (SEQUENCER, String::from(self.sequencer.clone())),
            (MANIFEST, self.manifest_sha256.clone()),
        ];
        Label { content_type: Some("application/json"), metadata: metadata.into() }
    }
}
