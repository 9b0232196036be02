//! The throughput of a fleet on one PostgreSQL: assets without media work on four node processes, and one long video on two
//! `heavy` nodes with one processor each, compared with one such node.
//!
//! `fleet [refused|heavy] [ASSETS|SECONDS]`; each starts a PostgreSQL of its own and node processes over one directory.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reelgate_stand_ins::Postgres;
use reelgate_stand_ins::postgres::Durability;

/// Number of assets in the first part.
const ASSETS: usize = 20_000;
/// Time between checks whether all assets have ended; each check is a process of its own.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Seconds of video in the second part.
const SECONDS: usize = 600;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let which = arguments.next();
    let size = arguments.next().and_then(|count| count.parse().ok());
    if which.as_deref() != Some("heavy") {
        refused(size.unwrap_or(ASSETS));
    }
    if which.as_deref() != Some("refused") {
        heavy(size.unwrap_or(SECONDS));
    }
}

/// Uploads that are refused after their first bytes: four nodes, from the first ingested upload to the last delivered notice.
fn refused(assets: usize) {
    let fleet = Fleet::new();
    let ingest = fleet.home().join("ingest");
    std::fs::create_dir_all(&ingest).expect("create the ingest directory");
    for number in 0..assets {
        let text = format!("not a video, number {number}\n");
        std::fs::write(ingest.join(format!("{number:06}.mp4")), text).expect("write an upload");
    }
    let nodes: Vec<Node> =
        (0..4).map(|number| fleet.node(&format!("node-{number}"), r#"["light"]"#, None)).collect();
    fleet.until("select count(*) from nodes", "4");
    let since = Instant::now();
    fleet.reelgate(&["import", "", "--rate", "1000000/s", "--priority", "normal"]);
    let taken_s = since.elapsed().as_secs_f64();
    fleet.until("select count(*) from assets where phase = 'rejected'", &assets.to_string());
    fleet.until("select count(*) from outbox", "0");
    let took_s = since.elapsed().as_secs_f64();
    drop(nodes);
    println!(
        "{assets} assets refused end to end by four nodes in {took_s:.2} s (ingested within {taken_s:.2} s): \
         {:.0} assets/s (bar: 1,000)",
        assets as f64 / took_s
    );
}

/// One video in chunks: from its validation to its publication, by one heavy node and by two.
fn heavy(seconds: usize) {
    let video = tempfile::tempdir().expect("create a temporary directory");
    let file = video.path().join("long.mp4");
    let picture = format!("testsrc2=s=640x360:r=24:d={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &picture, "-c:v", "libx264", "-preset", "ultrafast"])
        .args(["-g", "48"])
        .arg(&file)
        .status();
    assert!(made.expect("run ffmpeg").success());
    let one_s = encode(&file, 1);
    let two_s = encode(&file, 2);
    println!(
        "{seconds} s of 360p: one heavy node {one_s:.1} s, two {two_s:.1} s: {:.2} times as fast (bar: 1.8)",
        one_s / two_s
    );
}

fn encode(file: &Path, heavy_nodes: usize) -> f64 {
    let fleet = Fleet::new();
    let ingest = fleet.home().join("ingest");
    std::fs::create_dir_all(&ingest).expect("create the ingest directory");
    std::fs::copy(file, ingest.join("long.mp4")).expect("copy the video");
    let _light = fleet.node("light", r#"["light"]"#, None);
    fleet.until("select count(*) from nodes", "1");
    fleet.reelgate(&["import", ""]);
    // Validation is not compared.
    fleet.until("select count(*) from assets where phase = 'processing'", "1");
    let since = Instant::now();
    // A node with one processor. Decoder, encoders and queues are still threads of their own.
    let _heavy: Vec<Node> = (0..heavy_nodes)
        .map(|number| fleet.node(&format!("heavy-{number}"), r#"["heavy"]"#, Some(number)))
        .collect();
    fleet.until("select count(*) from assets where phase = 'published'", "1");
    since.elapsed().as_secs_f64()
}

struct Fleet {
    dir: tempfile::TempDir,
    postgres: Postgres,
}

impl Fleet {
    fn new() -> Self {
        let postgres = Postgres::start(Durability::Durable);
        postgres.execute("postgres", "create database fleet");
        let fleet = Self { dir: tempfile::tempdir().expect("create a temporary directory"), postgres };
        fleet.reelgate(&["migrate"]);
        fleet
    }

    fn home(&self) -> std::path::PathBuf {
        self.dir.path().join("home")
    }

    /// `reelgate ARGUMENTS`, on this processor only if one is given.
    fn command(&self, arguments: &[&str], processor: Option<usize>) -> Command {
        let reelgate = env!("CARGO_BIN_EXE_reelgate");
        let mut command = match processor {
            Some(processor) => {
                let mut command = Command::new("taskset");
                command.arg("--cpu-list").arg(processor.to_string()).arg(reelgate);
                command
            }
            None => Command::new(reelgate),
        };
        command.args(arguments).arg("--home").arg(self.home()).stdout(Stdio::null());
        command.env("REELGATE__STORE__URL", self.postgres.url("fleet"));
        command
    }

    fn reelgate(&self, arguments: &[&str]) {
        let status = self.command(arguments, None).status().expect("start reelgate");
        assert!(status.success(), "{arguments:?}");
    }

    fn node(&self, name: &str, roles: &str, processor: Option<usize>) -> Node {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--log", "error"], processor);
        command.env("REELGATE__NODE__NAME", name).env("REELGATE__NODE__ROLES", roles);
        command.env("REELGATE__NODE__SELF_TEST", "false").env("REELGATE__ENGINE__HEAVY_TASKS", "1");
        // Uploads that are refused at once wait only for the disk and the database, so a node takes many of them.
        command.env("REELGATE__ENGINE__LIGHT_TASKS", "128");
        command.env("REELGATE__MEDIA__VIDEO__ENCODER_THREADS", "1");
        Node(command.stderr(Stdio::null()).spawn().expect("start reelgate"))
    }

    fn until(&self, count: &str, expected: &str) {
        let since = Instant::now();
        while self.postgres.execute("fleet", count) != expected {
            assert!(
                since.elapsed() < Duration::from_secs(1_800),
                "timed out waiting for {count} = {expected}"
            );
            std::thread::sleep(ASK_EVERY);
        }
    }
}

struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
