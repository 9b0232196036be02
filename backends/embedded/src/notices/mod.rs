//! Delivers notices: to a file of JSON lines and to a signed webhook. Both deliver the same bytes for a notice, every
//! time; `docs/reference/notices.md` describes them to receivers.

mod document;
mod file;
#[cfg(test)]
mod sample;
mod signature;
mod webhook;

pub use file::FileNotices;
pub use webhook::WebhookNotices;
