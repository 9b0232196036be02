//! Simulates large fleets in virtual time: the real life of an asset ([`reelgate_flow`]) and the real order of work
//! ([`reelgate_ports::order`]) on modelled nodes, media and database.
//!
//! It is a discrete-event simulation on one thread; everything follows from the settings and their seed. It shows how long
//! uploads wait with ten thousand nodes, what a database failure costs, and where the design stops scaling.
//! `docs/guide/simulation.md` lists what is not modelled.

#![forbid(unsafe_code)]

mod agenda;
mod chance;
mod database;
mod fleet;
mod incidents;
mod life;
mod measure;
mod media;
mod plot;
mod queue;
mod report;
mod run;
mod settings;
mod simulation;
mod store;
mod sweep;
#[cfg(test)]
mod tests;

mod turns;

pub use plot::{PlotFailed, plot};
pub use report::{Ages, Check, Load, Point, Rate, Report};
pub use run::run;
pub use settings::{Scenario, Settings, StoreRates};
pub use sweep::{Step, Sweep, sweep};
