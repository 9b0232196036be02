//! The cost of orchestration: assets that fail validation at once, end to end through SQLite, outbox and notices.
//!
//! `orchestration [ASSETS]`; prints assets per second of `reelgate run` over a directory of that many tiny files.

use std::process::{Command, Stdio};
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let assets: usize = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(5_000);
    let dir = tempfile::tempdir().expect("create a temporary directory");
    let uploads = dir.path().join("uploads");
    std::fs::create_dir(&uploads).expect("create the ingest directory");
    for number in 0..assets {
        std::fs::write(uploads.join(format!("{number:06}.mp4")), format!("not a video, number {number}\n"))
            .expect("write an upload");
    }
    let mut reelgate = Command::new(env!("CARGO_BIN_EXE_reelgate"));
    reelgate
        .args(["run", "--json", "--home"])
        .arg(dir.path().join("home"))
        .arg(&uploads)
        .stdout(Stdio::null());
    let since = Instant::now();
    let status = reelgate.status().expect("start reelgate");
    let took_s = since.elapsed().as_secs_f64();
    assert_eq!(status.code(), Some(3), "every asset is rejected");
    let notices = std::fs::read_to_string(dir.path().join("home/notices.jsonl")).expect("read the notices");
    assert_eq!(notices.lines().count(), assets, "one notice each");
    println!(
        "{assets} assets refused end to end in {took_s:.2} s: {:.0} assets/s (bar: 300)",
        assets as f64 / took_s
    );
}
