//! The trace of an asset's work, as W3C trace context (<https://www.w3.org/TR/trace-context/>).
//!
//! The context is derived from the asset's id, so every node can compute it. Nothing is stored with the task, nothing can
//! get lost between nodes, and a claim after a crash continues the same trace.

use data_encoding::HEXLOWER;
use reelgate_flow::ids::AssetId;
use sha2::{Digest, Sha256};

/// Separates these digests from all other digests of the same id. Its number grows when the derivation changes.
const DOMAIN: &[u8] = b"reelgate trace 1\0";

/// The ids of a span and of its trace. Neither id is all zero, which the standard calls invalid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceContext {
    /// Id of the whole trace (section 3.2.2.3).
    pub trace_id: [u8; 16],
    /// Id of the parent span (section 3.2.2.4).
    pub span_id: [u8; 8],
}

impl TraceContext {
    /// The root of an asset's trace: the first 24 bytes of SHA-256 over the asset's id.
    pub fn of_asset(asset: &AssetId) -> Self {
        let digest: [u8; 32] =
            Sha256::new().chain_update(DOMAIN).chain_update(asset.as_str()).finalize().into();
        let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
        trace_id.copy_from_slice(&digest[..16]);
        span_id.copy_from_slice(&digest[16..24]);
        Self { trace_id: never_zero(trace_id), span_id: never_zero(span_id) }
    }

    /// The trace's id as logs and traces write it: 32 lower-case hexadecimal digits.
    pub fn trace_id_text(&self) -> String {
        HEXLOWER.encode(&self.trace_id)
    }

    /// The span's id as logs and traces write it: 16 lower-case hexadecimal digits.
    pub fn span_id_text(&self) -> String {
        HEXLOWER.encode(&self.span_id)
    }

    /// The value of the `traceparent` header, version 00 (section 3.2); `sampled` if spans of this trace are recorded.
    pub fn traceparent(&self, sampled: bool) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id_text(), self.span_id_text(), u8::from(sampled))
    }
}

fn never_zero<const N: usize>(mut id: [u8; N]) -> [u8; N] {
    if id.iter().all(|byte| *byte == 0) {
        id[N - 1] = 1;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_of_an_asset_is_pinned_because_nodes_of_two_versions_must_agree() {
        let context = TraceContext::of_asset(&AssetId::new("yqlryqpcysmiifymzqpkjf5zq6"));
        assert_eq!(context.traceparent(true), "00-441ed9af8b2116048a4f3bcc802b3e52-267904e3a6ce6049-01");
        assert_eq!(context, TraceContext::of_asset(&AssetId::new("yqlryqpcysmiifymzqpkjf5zq6")));
    }

    #[test]
    fn each_asset_has_its_own_trace() {
        let [one, other] = ["a", "b"].map(|id| TraceContext::of_asset(&AssetId::new(id)));
        assert!(one.trace_id != other.trace_id && one.span_id != other.span_id);
    }

    #[test]
    fn the_flag_says_whether_spans_are_recorded() {
        let context = TraceContext { trace_id: [0xab; 16], span_id: [1; 8] };
        let ids = "00-abababababababababababababababab-0101010101010101";
        assert_eq!(context.traceparent(true), format!("{ids}-01"));
        assert_eq!(context.traceparent(false), format!("{ids}-00"));
    }

    #[test]
    fn no_id_is_all_zero() {
        assert_eq!(never_zero([0; 8]), [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(never_zero([7, 0]), [7, 0]);
    }
}
