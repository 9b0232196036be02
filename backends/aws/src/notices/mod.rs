//! Notices through AWS: to an SNS topic or an EventBridge bus. Both deliver the document that
//! `docs/reference/notices.md` describes, with the same bytes at every attempt.

mod document;
mod eventbridge;
mod sns;

pub use eventbridge::EventBridgeNotices;
pub use sns::SnsNotices;
