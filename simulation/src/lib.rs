//! The fleet at scale in virtual time: the real life of an asset ([`reelgate_flow`]) and the real order of work
//! ([`reelgate_ports::order`]) on modelled nodes, media and database.
//!
//! A discrete-event simulation on one thread: everything follows from the settings and their seed. It answers what
//! no machine at hand can: how long uploads wait with ten thousand nodes, what a lost database costs, and where
//! the design stops scaling. What it leaves out is listed in `docs/guide/simulation.md`.

#![forbid(unsafe_code)]

mod agenda;
mod chance;
mod database;
mod fleet;
mod life;
mod measure;
mod media;
mod plot;
mod queue;
mod report;
mod run;
mod settings;
mod store;
mod sweep;
#[cfg(test)]
mod tests;
mod trouble;
mod turns;

pub use plot::{PlotFailed, plot};
pub use report::{Ages, Check, Load, Point, Rate, Report};
pub use run::run;
pub use settings::{Scenario, Settings, StoreRates};
pub use sweep::{Step, Sweep, sweep};
