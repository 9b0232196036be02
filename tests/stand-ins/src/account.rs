//! The AWS account and region of every stand-in.

/// The account of every stand-in. LocalStack takes the account from a twelve-digit access key.
pub const ACCOUNT: &str = "123456789012";
/// The region of every stand-in.
pub const REGION: &str = "us-east-1";
