//! Derived identities: the same upload and the same notice have the same id in every backend and on every node.
//! Nothing here is random, so a repeat never makes a second id.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use reelgate_cost::daily::Finding;
use reelgate_flow::asset::NoticeKind;
use reelgate_flow::ids::{AssetId, NoticeId, SourceId};
use sha2::{Digest, Sha256};

use crate::audit::Seal;

/// Characters of a derived id: 130 of SHA-256's 256 bits in base32 (RFC 4648).
pub const ID_CHARS: usize = AssetId::CHARS;

/// Prefix of the version of an object without a version id; the object's entity tag follows.
pub const ETAG_VERSION: &str = "etag-";

/// Whether an upload has no version id, so that the next such upload of its key replaces it.
pub fn is_null_version(version: &str) -> bool {
    version.starts_with(ETAG_VERSION)
}

/// The id of an upload: base32 of SHA-256 over bucket, key and version, separated by zero bytes.
pub fn asset_id(source: &SourceId) -> AssetId {
    AssetId::new(derive(&[&source.bucket, &source.key, &source.version]))
}

/// The id of a notice. An asset sends each kind of notice at most once for each number. For a reminder, the number is its
/// time. Otherwise it is derived from how often the asset was redriven, redone or released and, if it failed, withdrawn.
pub fn notice_id(asset: &AssetId, kind: NoticeKind, number: u64) -> NoticeId {
    NoticeId::new(derive(&[asset.as_str(), kind.as_str(), &number.to_string()]))
}

/// The id of the notice about a seal. Another log with as many records has another one.
pub fn seal_notice_id(seal: &Seal) -> NoticeId {
    NoticeId::new(derive(&["", NoticeKind::AuditSealed.as_str(), &seal.records.to_string(), &seal.head]))
}

/// The id of the notice about an unusual cost: one for each prefix or profile and day.
pub fn cost_notice_id(finding: &Finding) -> NoticeId {
    let (kind, scope, day) =
        (NoticeKind::CostAnomaly.as_str(), finding.scope.as_str(), finding.day.to_string());
    NoticeId::new(derive(&["", kind, scope, &finding.name, &day]))
}

/// SHA-256 of a key's bytes, lower-case hexadecimal: identifies an upload to its producer without showing the key.
pub fn key_sha256(key: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(key.as_bytes()))
}

/// Seeds an asset's retry jitter: FNV-1a (64 bit) of its id.
pub fn jitter_seed(asset: &AssetId) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    asset.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, fold)
}

fn derive(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hash.update([0]);
        }
        hash.update(part.as_bytes());
    }
    let mut text = BASE32_NOPAD.encode(&hash.finalize()).to_ascii_lowercase();
    text.truncate(ID_CHARS);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bucket: &str, key: &str, version: &str) -> SourceId {
        SourceId { bucket: bucket.into(), key: key.into(), version: version.into() }
    }

    #[test]
    fn an_asset_id_is_pinned_because_published_ids_must_not_change() {
        let id = asset_id(&source("ingest", "a b/ü.mp4", "7"));
        assert_eq!(id.as_str(), "yqlryqpcysmiifymzqpkjf5zq6");
    }

    #[test]
    fn moving_a_border_between_bucket_key_and_version_gives_another_id() {
        let ids =
            [source("a", "bc", "d"), source("ab", "c", "d"), source("a", "b", "cd")].map(|s| asset_id(&s));
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    }

    #[test]
    fn a_notice_id_changes_with_the_kind_and_with_a_redrive_only() {
        let asset = AssetId::new("a");
        let id = notice_id(&asset, NoticeKind::Failed, 0);
        assert_eq!(id, notice_id(&asset, NoticeKind::Failed, 0));
        assert_ne!(id, notice_id(&asset, NoticeKind::Rejected, 0));
        assert_ne!(id, notice_id(&asset, NoticeKind::Failed, 1));
    }
}
