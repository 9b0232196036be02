//! What a dashboard is made of.

use crate::signal::Unit;

/// One dashboard.
pub struct Dashboard {
    /// Part of file names and addresses.
    pub id: &'static str,
    pub title: &'static str,
    /// The question that it answers.
    pub about: &'static str,
    pub panels: &'static [Panel],
}

/// How a panel shows its values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Lines over time.
    Lines,
    /// The last value as a number.
    Number,
}

/// One panel.
pub struct Panel {
    pub title: &'static str,
    pub shape: Shape,
    pub unit: Unit,
    pub queries: &'static [Query],
    /// What an operator sees on a good day.
    pub normal: &'static str,
    /// Whether anything but zero is wrong.
    pub is_zero: bool,
}

/// An expression and the name of each of its lines.
pub struct Query {
    pub expression: &'static str,
    pub legend: &'static str,
}

impl Query {
    /// The expression for these nodes and this window.
    pub fn text(&self, node: &str, window: &str) -> String {
        self.expression.replace("$node", node).replace("$window", window)
    }
}

pub(super) const fn lines(
    title: &'static str,
    unit: Unit,
    queries: &'static [Query],
    normal: &'static str,
) -> Panel {
    Panel { title, shape: Shape::Lines, unit, queries, normal, is_zero: false }
}

pub(super) const fn number(
    title: &'static str,
    unit: Unit,
    queries: &'static [Query],
    normal: &'static str,
) -> Panel {
    Panel { title, shape: Shape::Number, unit, queries, normal, is_zero: false }
}

/// A panel on which anything but zero is wrong.
pub(super) const fn zero(title: &'static str, queries: &'static [Query], normal: &'static str) -> Panel {
    Panel { title, shape: Shape::Lines, unit: Unit::Count, queries, normal, is_zero: true }
}

pub(super) const fn query(expression: &'static str, legend: &'static str) -> Query {
    Query { expression, legend }
}
