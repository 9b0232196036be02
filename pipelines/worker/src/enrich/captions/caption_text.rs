//! One caption text and the time during which it was on the screen.

/// Text that was on the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaptionText {
    /// `cc1` to `cc4`, or `service1` to `service63`.
    pub field: String,
    /// When it appeared, nanoseconds.
    pub start_ns: u64,
    /// When it disappeared, nanoseconds.
    pub end_ns: u64,
    /// Rows separated by `\n`.
    pub text: String,
}
