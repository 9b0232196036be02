//! What the colours of decoded pictures mean, and how they become those of the outputs.
//!
//! GStreamer 1.22's converter cannot be trusted with all of it: it ignores a change of the range if the matrix stays the
//! same, and it does not tone-map. So ranges are changed by [`range`], and wide gamuts and high dynamic range are mapped by
//! [`map`].

mod component;
mod described;
mod jfif;
mod map;
mod normaliser;
mod range;
mod tone;

pub use described::{ContainerColour, described};
pub use jfif::ToJfif;
pub use normaliser::Normaliser;
