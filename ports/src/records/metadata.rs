//! What producers say about their uploads.

use std::collections::BTreeMap;

/// What a producer says about an upload, beside its bytes: values by name. The tags of an object are named `tag:NAME`.
pub type ProducerMetadata = BTreeMap<String, String>;
