//! Runs a simulation until every upload has ended.

use crate::report::Report;
use crate::settings::Settings;
use crate::simulation::Simulation;

/// Runs a simulation until every upload has ended.
///
/// # Errors
///
/// A setting out of range: its name, what was expected and what was found.
pub fn run(settings: &Settings) -> Result<Report, String> {
    settings.validate()?;
    let mut simulation = Simulation::new(settings);
    simulation.begin();
    while simulation.store.counts.ended < u64::from(simulation.uploads) {
        let Some((at, event)) = simulation.agenda.next() else { break };
        simulation.now = at;
        simulation.happen(event);
    }
    Ok(Report::new(&mut simulation))
}
