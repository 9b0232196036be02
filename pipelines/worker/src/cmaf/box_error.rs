//! The fault of a box that cannot be written.

use reelgate_flow::reason::{Code, Fault};

/// Only a number that does not fit into its field causes this error.
pub fn unwritable(error: mp4_atom::Error) -> Fault {
    Fault::new(Code::Internal, format!("write box: {error}"))
}
