//! `serve` takes complete files only, reports its health, stops on SIGTERM, and continues after a restart.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{TempHome, by, lines, sample};

/// A running `serve`, stopped at the end of the test.
pub struct Service {
    child: Child,
    address: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Service {
    pub fn start(home: &TempHome) -> Self {
        Self::start_by(&[], home)
    }

    /// Starts `serve` by a program that runs it in its own place, such as `env`.
    pub fn start_by(program: &[&str], home: &TempHome) -> Self {
        let mut command = by(program, &home.command(&["serve", "--listen", "127.0.0.1:0"]));
        command.env("REELGATE__SERVE__POLL_MS", "100").env("REELGATE__SERVE__SETTLE_MS", "300");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        talk.read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("http://").unwrap_or_else(|| panic!("{line}")).1.to_owned();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            talk.lines().map_while(Result::ok).for_each(|line| written.lock().unwrap().push(line));
        });
        Self { child, address, log }
    }

    /// What it has written to standard error so far, after the line with its address.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The sum of a metric over all labels that hold each of these texts.
    pub fn counted(&self, metric: &str, labels: &[&str]) -> u64 {
        let (_, metrics) = self.get("/metrics");
        let of_metric = metrics.lines().filter_map(|line| line.strip_prefix(metric));
        let wanted = of_metric
            .filter(|line| line.starts_with(['{', ' ']) && labels.iter().all(|label| line.contains(label)));
        wanted.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Status and body of an answer.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.take(1 << 20).read_to_string(&mut answer).unwrap();
        let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    pub fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// SIGKILL, as a crash would end it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, then the exit status.
    pub fn stop(mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.log().iter().for_each(|line| eprintln!("serve: {line}"));
        }
        // The test may have stopped it already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a condition holds; otherwise fails with the last value.
pub fn until<T: std::fmt::Debug>(what: &str, mut look: impl FnMut() -> T, holds: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let seen = look();
        if holds(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}: last seen {seen:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn states(home: &TempHome) -> Vec<(String, String)> {
    let listed = home.reelgate(&["list", "--json"]);
    let lines = lines(&listed.stdout, "");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    lines.iter().map(|line| (text(&line["source"]["path"]), text(&line["state"]))).collect()
}

pub fn ended(states: &[(String, String)]) -> usize {
    states
        .iter()
        .filter(|(_, state)| ["published", "rejected", "quarantined", "failed"].contains(&state.as_str()))
        .count()
}

#[test]
fn a_file_is_taken_when_it_is_complete_and_not_before() {
    let home = TempHome::new();
    let service = Service::start(&home);
    let ingest = home.path().join("ingest");
    let bytes = std::fs::read(sample("big-buck-bunny-5s.mp4")).unwrap();
    // A copy that pauses for longer than the settle time while the file is open.
    let mut slow = File::create(ingest.join("slow.mp4")).unwrap();
    slow.write_all(&bytes[..bytes.len() / 2]).unwrap();
    slow.flush().unwrap();
    let whole = home.file("whole.mp4");
    std::fs::copy(sample("playlist-in-disguise.mp4"), &whole).unwrap();
    std::fs::rename(&whole, ingest.join("whole.mp4")).unwrap();
    until("the whole file ends", || states(&home), |states| ended(states) == 1);
    assert_eq!(
        states(&home),
        [("whole.mp4".to_owned(), "rejected".to_owned())],
        "the half-copied file was taken"
    );
    slow.write_all(&bytes[bytes.len() / 2..]).unwrap();
    drop(slow);
    let both = until("the slow copy ends", || states(&home), |states| ended(states) == 2);
    assert!(both.contains(&("slow.mp4".to_owned(), "published".to_owned())), "{both:?}");
    assert!(!ingest.join("whole.mp4").exists(), "a rejected upload is moved");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn health_readiness_and_metrics_are_served_on_loopback() {
    let home = TempHome::new();
    let service = Service::start(&home);
    assert!(service.address.starts_with("127.0.0.1:"));
    assert_eq!(service.get("/healthz"), (200, "ok\n".to_owned()));
    let (status, why) = service.get("/readyz");
    assert!(status == 200 || why.starts_with("unfit: "), "{status} {why}");
    until(
        "the self-test has passed",
        || service.get("/readyz"),
        |answer| *answer == (200, "ok\n".to_owned()),
    );
    std::fs::copy(sample("playlist-in-disguise.mp4"), home.path().join("ingest/4539578763621486.mp4"))
        .unwrap();
    until("the upload ends", || states(&home), |states| ended(states) == 1);
    // The notice goes out after the commit that ended the asset; counts of the store's rows are some seconds old.
    let delivered = |answer: &(u16, String)| {
        answer.1.contains("reelgate_outbox{state=\"owed\"} 0")
            && answer.1.contains("reelgate_assets{phase=\"rejected\"} 1")
    };
    let (status, metrics) = until("the notice is delivered", || service.get("/metrics"), delivered);
    assert_eq!(status, 200);
    for expected in [
        "reelgate_assets{phase=\"rejected\"} 1",
        "reelgate_assets_ended_total{phase=\"rejected\"} 1",
        "reelgate_faults_total{class=\"bad_media\",code=\"playlist_refused\"} 1",
        "reelgate_notices_total{receiver=\"file\",result=\"delivered\"} 1",
    ] {
        assert!(metrics.contains(expected), "{expected} not in\n{metrics}");
    }
    assert!(!metrics.contains("4539578763621486"), "a metric holds a name");
    assert_eq!(service.get("/nothing").0, 404);
    assert_eq!(service.stop(), Some(0));
    let nodes = home.reelgate(&["fleet", "status", "--json"]);
    assert_eq!(lines(&nodes.stdout, "")[0]["state"], "stopped", "its last report says so");
}

#[test]
fn a_stop_during_work_gives_it_back_and_a_restart_finishes_it() {
    let home = TempHome::encoding_quickly();
    let mut service = Service::start(&home);
    let ingest = home.path().join("ingest");
    copy_in(&sample("sintel-trailer-720p.mp4"), &ingest.join("long.mp4"));
    until(
        "the long video is in work",
        || states(&home),
        |states| states.iter().any(|(_, state)| state == "processing"),
    );
    // No grace: running work is given back at once.
    service = restart(service, &home);
    until("the long video ends", || states(&home), |states| ended(states) == 1);
    assert_eq!(states(&home), [("long.mp4".to_owned(), "published".to_owned())]);
    assert_eq!(service.stop(), Some(0));
    let notices = std::fs::read_to_string(home.path().join("notices.jsonl")).unwrap();
    assert_eq!(notices.lines().count(), 1);
}

pub fn copy_in(from: &Path, to: &Path) {
    let hidden = to.with_file_name(".copying");
    std::fs::copy(from, &hidden).unwrap();
    std::fs::rename(&hidden, to).unwrap();
}

fn restart(service: Service, home: &TempHome) -> Service {
    assert_eq!(service.stop(), Some(0));
    let (_, state) = states(home).into_iter().next().unwrap();
    assert!(
        !["published", "rejected", "failed"].contains(&state.as_str()),
        "it ended before the stop: {state}"
    );
    Service::start(home)
}
