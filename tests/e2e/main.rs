//! End to end: the real binary on real files, as a user, a script or a player sees it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "reads are bounded by `take`")]

#[path = "../common/random.rs"]
mod random;

mod audio_tracks;
mod audit;
mod byte_ranges;
mod caption_files;
mod captions;
mod chunks;
mod cli;
mod corpus;
mod cost;
mod decisions;
mod disk;
mod examples;
mod home;
mod hostile;
mod incomplete;
mod intake;
mod job_file;
mod judgement;
mod linkage;
mod macie;
mod mutations;
mod notices;
mod panics;
mod privacy;
mod profiles;
mod progress;
mod published;
mod redaction;
mod redo;
mod repeated;
mod scan;
mod service;
mod signals;
mod support;
mod surfaces;
mod swapped;
mod traces;
mod why;
