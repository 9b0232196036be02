//! Sums of ledger lines by asset, stage, prefix, profile and day. They add amounts that are already rounded, so the sums of every
//! dimension are the same.

use std::collections::BTreeMap;

use crate::charge::Method;
use crate::line::Line;
use crate::money::{MoneyError, NanoUsd};

/// What a report is divided by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dimension {
    /// By asset.
    Asset,
    /// By stage.
    Stage,
    /// By the part of a stage: a chunk, the audio.
    Part,
    /// By the first folder of the key.
    Prefix,
    /// By profile.
    Profile,
    /// By day.
    Day,
    /// By node type.
    NodeType,
    /// By resource.
    Resource,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 8] = [
        Self::Asset,
        Self::Stage,
        Self::Part,
        Self::Prefix,
        Self::Profile,
        Self::Day,
        Self::NodeType,
        Self::Resource,
    ];
}

/// The group of a line in one dimension.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Group {
    /// Lines with this label, which may be empty.
    Label(String),
    /// Lines of this day.
    Day(u32),
    /// Shared cost, which belongs to no asset, stage, prefix or profile.
    Shared,
}

/// A sum, and what of it was waste, shared or estimated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sum {
    /// All of it.
    pub total: NanoUsd,
    /// What of it was of no use.
    pub waste: NanoUsd,
    /// What of it nobody used alone, whether an asset has a share of it or not.
    pub shared: NanoUsd,
    /// Lines.
    pub lines: u64,
}

impl Sum {
    fn add(&mut self, line: &Line) -> Result<(), MoneyError> {
        let amount = line.charge.amount;
        self.total = self.total.plus(amount)?;
        if line.waste {
            self.waste = self.waste.plus(amount)?;
        }
        if line.owner.is_none() || line.charge.method == Method::Allocated {
            self.shared = self.shared.plus(amount)?;
        }
        self.lines += 1;
        Ok(())
    }
}

/// Sums of lines by the groups of one dimension.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sums {
    dimension: Dimension,
    groups: BTreeMap<Group, Sum>,
    total: Sum,
}

impl Sums {
    /// No lines yet.
    pub fn new(dimension: Dimension) -> Self {
        Self { dimension, groups: BTreeMap::new(), total: Sum::default() }
    }

    /// Adds a line. After an error the sums are not to be used: an amount had no room.
    pub fn add(&mut self, line: &Line) -> Result<(), MoneyError> {
        self.total.add(line)?;
        self.groups.entry(group(self.dimension, line)).or_default().add(line)
    }

    /// The sum of each group, in the order of groups.
    pub fn groups(&self) -> impl Iterator<Item = (&Group, &Sum)> {
        self.groups.iter()
    }

    /// The sum of all lines.
    pub fn total(&self) -> &Sum {
        &self.total
    }
}

fn group(dimension: Dimension, line: &Line) -> Group {
    let label = |text: &str| Group::Label(text.to_owned());
    match (dimension, &line.owner) {
        (Dimension::Day, _) => Group::Day(line.day),
        (Dimension::NodeType, _) => label(&line.node_type),
        (Dimension::Resource, _) => label(line.charge.resource.as_str()),
        (_, None) => Group::Shared,
        (Dimension::Asset, Some(owner)) => label(&owner.asset),
        (Dimension::Stage, Some(owner)) => label(&owner.stage),
        (Dimension::Part, Some(owner)) => label(&owner.part),
        (Dimension::Prefix, Some(owner)) => label(&owner.prefix),
        (Dimension::Profile, Some(owner)) => label(&owner.profile),
    }
}
