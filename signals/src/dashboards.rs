//! What is shown of the metrics: three dashboards, each panel with what is normal on it.
//!
//! In an expression `$node` stands for the labels that choose nodes, and `$window` for a time over which a rate can be read.

mod cost;
mod operations;
mod panel;
mod security;

pub use cost::COST;
pub use operations::OPERATIONS;
pub use panel::{Dashboard, Panel, Query, Shape};
pub use security::SECURITY;

/// All of them.
pub const ALL: [&Dashboard; 3] = [&SECURITY, &COST, &OPERATIONS];

/// Dashboards that show a metric, and on which panel.
pub fn that_show(signal: &crate::Signal) -> Vec<(&'static Dashboard, &'static Panel)> {
    let panels =
        ALL.into_iter().flat_map(|dashboard| dashboard.panels.iter().map(move |one| (dashboard, one)));
    panels
        .filter(|(_, panel)| panel.queries.iter().any(|query| signal.is_read_by(query.expression)))
        .collect()
}
