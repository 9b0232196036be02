//! The services that Reelgate needs, as small traits. Backends implement them; this crate knows no concrete backend.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod audit;
pub mod caption_files;
pub mod clock;
pub mod error;
pub mod events;
pub mod external_scanner;
pub mod identity;
pub mod judgement;
pub mod machine;
pub mod meter;
pub mod notices;
pub mod objects;
pub mod order;
pub mod pause_flag;
pub mod plaintext;
pub mod records;
pub mod seal_keeper;
pub mod sha256;
pub mod shards;
pub mod store;
pub mod trace;
