//! The life of an asset: [`Asset::step`] alone knows what comes after what.
//!
//! `step` holds the way from arrival to publishing. `tasks` starts, fences and retries tasks, `duplicates` follows an earlier
//! asset with the same content, `exits` leads out and back in, `redo` makes part of a published asset again, and `decisions`
//! is what people decide about personal data. `caption_files` keeps a film and the caption files beside it together.

mod caption_files;
mod cause;
mod decisions;
mod duplicates;
mod exits;
mod flags;
mod messages;
mod parts;
mod redo;
mod state;
mod step;
mod task_record;
mod tasks;
#[cfg(test)]
mod tests;
pub(crate) mod words;

pub use cause::Cause;
pub use flags::Flags;
pub use messages::{Effect, Input, Note, Original, OriginalEnd, Outcome, Screening, Stale, WithFilm};
pub use parts::Parts;
pub use state::Asset;
pub use task_record::TaskRecord;
pub use words::{Exit, NoticeKind, Phase, Redo, Response, Severity, TaskState, Verdict};
