//! The store on PostgreSQL 14 or later (Amazon Aurora too), shared by any number of nodes.
//!
//! What is decided is decided in [`reelgate_store::work`], as in every store; here is how rows are locked, loaded
//! and written when many do so at once:
//!
//! - A writing call takes the locks on what spans assets (a key's versions, a content), then locks its assets in
//!   order of arrival, then their tasks; so what it decides on cannot change before it commits. A deadlock or a
//!   lost connection before the commit makes it start over; if the answer to a commit is lost, its outcome is
//!   looked up in the database.
//! - Claiming is one statement on an index of a small table and never waits for another (`cursor` keeps it
//!   fast while a long transaction elsewhere keeps dead rows alive).
//! - Every time is the database's, so that nodes need not agree on one.
//! - Only connections that may write are ever used: nothing is decided on a reader.

#![forbid(unsafe_code)]

mod again;
mod audit;
mod budgets;
mod claim;
mod connect;
mod cursor;
mod decisions;
mod documents;
mod error;
mod ingest;
mod jobs;
mod lane_pauses;
mod late_events;
mod leases;
mod ledger;
mod listen;
mod load;
mod locks;
mod maintenance;
mod metadata;
mod migrate;
mod nodes;
mod outbox;
mod outbox_position;
mod pg_store;
mod pooled_connection;
mod products;
mod proposals;
mod queries;
mod rate_limit;
mod rows;
mod scans_and_refused_events;
mod session;
mod settings;
mod shards;
mod shares;
mod store;
mod time;
mod transact;
mod unit;
mod write;

pub use pg_store::PgStore;
pub use settings::Settings;
pub use time::Time;
