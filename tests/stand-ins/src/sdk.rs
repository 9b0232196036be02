//! Calls of AWS services at a stand-in, by the Python SDK that ministack contains.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::home;

/// Access key of the account's root user.
pub const ROOT_KEY: &str = "test";
/// Secret of the account's root user.
pub const ROOT_SECRET: &str = "test";

/// Makes each call at a stand-in with these keys; returns each response, or the error's code.
pub(crate) fn call_at(
    endpoint: &str,
    keys: &Keys,
    calls: &[ServiceCall<'_>],
) -> Vec<Result<serde_json::Value, String>> {
    let calls: Vec<_> = calls
        .iter()
        .map(|call| {
            serde_json::json!({
                "service": call.service, "operation": call.operation, "parameters": call.parameters
            })
        })
        .collect();
    let answer = run_script(
        endpoint,
        (&keys.access, &keys.secret),
        &["call"],
        &serde_json::Value::from(calls).to_string(),
    );
    let outcome = |line: &str| match line.strip_prefix("ok ") {
        Some(answer) => Ok(serde_json::from_str(answer).expect("the script prints JSON")),
        None => Err(line.to_owned()),
    };
    answer.lines().map(outcome).collect()
}

/// Runs the Python script that makes calls as a user.
pub(crate) fn run_script(endpoint: &str, (key, secret): (&str, &str), order: &[&str], input: &str) -> String {
    let mut python = Command::new(home::of("ministack", "--with-tests").join("bin/python"));
    python.args(["-c", include_str!("ministack_iam.py"), endpoint, key, secret]).args(order);
    python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = python.spawn().expect("the environment of ministack has a Python");
    let written = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the script ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(written.is_ok() && output.status.success(), "expected {order:?} to succeed, found: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) const ROOT: (&str, &str) = (ROOT_KEY, ROOT_SECRET);

/// A user's credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    pub access: String,
    pub secret: String,
}

impl Keys {
    /// The keys of the account's root user.
    pub fn root() -> Self {
        Self { access: ROOT_KEY.to_owned(), secret: ROOT_SECRET.to_owned() }
    }
}

/// One call of a service, with the names of its API.
#[derive(Clone, PartialEq, Debug)]
pub struct ServiceCall<'a> {
    /// `s3`, `kinesis`, ….
    pub service: &'a str,
    /// `get_object`, ….
    pub operation: &'a str,
    /// `{"Bucket": …}`.
    pub parameters: serde_json::Value,
}
