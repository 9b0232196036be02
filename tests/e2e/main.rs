//! End to end: the real binary on real files, seen from outside as a user, a script or a player sees it.

mod chunks;
mod cli;
mod corpus;
mod hostile;
mod intake;
mod notices;
mod panics;
mod privacy;
mod published;
mod service;
mod support;
