//! What work costs: prices as data, charges, sums that agree, allocation of shared cost, estimates, caps and anomalies.
//!
//! Nothing here does input or output, reads a clock or draws a random number. Money is a whole number of nano-dollars; every
//! operation on it is checked, and a charge is rounded once, half up. See `docs/design/cost.md`.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod allocation;
pub mod anomaly;
pub mod cap;
pub mod charge;
pub mod daily;
pub mod estimate;
pub mod idle;
pub mod line;
pub mod money;
pub mod node;
pub mod prices;
pub mod regression;
pub mod resource;
pub mod sums;
