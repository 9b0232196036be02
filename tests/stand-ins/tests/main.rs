//! Each server starts, answers a real call and is gone afterwards.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod http_proxy;
mod on_localstack;
mod policies;
mod postgres;
mod small_emulators;
mod tcp_proxy;
mod watchdog;

use std::path::PathBuf;

/// Other processes whose command line contains `word`.
fn processes_naming(word: &str) -> Vec<u32> {
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = numbers.filter_map(|one| one.file_name().to_str()?.parse::<u32>().ok());
    let names = |pid: &u32| {
        let line = std::fs::read(PathBuf::from(format!("/proc/{pid}/cmdline"))).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    };
    pids.filter(|pid| *pid != std::process::id()).filter(names).collect()
}

/// A call of a JSON service; the server does not check the signature.
fn json_call(endpoint: &str, service: &str, target: &str, body: &str) -> String {
    let scope = format!("Credential=123456789012/20260101/us-east-1/{service}/aws4_request");
    let mut answer = ureq::post(endpoint)
        .header("x-amz-target", target)
        .header("x-amz-date", "20260101T000000Z")
        .header("content-type", "application/x-amz-json-1.1")
        .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00"))
        .send(body)
        .unwrap();
    answer.body_mut().read_to_string().unwrap()
}
