//! The outputs of a job that arrived.

use std::collections::BTreeMap;

use super::content::Content;

/// Outputs by name.
pub type Outputs = BTreeMap<String, Output>;

/// One complete output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// Its size.
    pub bytes: u64,
    /// What its bytes say.
    pub content: Content,
}
