//! Opens the backends on AWS. `without_aws.rs` has the same functions for a build without the feature `aws`.

mod caller;
mod clients;
mod events;
mod external_scanner;
mod node;
mod notices;
mod objects;
mod parameters;
mod seals;

pub use caller::caller;
pub use clients::{Aws, sdk, transfer};
pub use events::{check_route, dead_letters, prove_ingest, queue, redrive_dead_letters, stream};
pub use external_scanner::{open as open_scanner, scan_batcher};
pub use node::machine;
pub use notices::{bus, topic};
pub use objects::{ingest_prefix, open as open_objects};
pub use parameters::{parameters, pause_flag};
pub use seals::open as open_seal;
