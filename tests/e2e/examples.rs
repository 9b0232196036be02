//! The examples do what their page says, with the real program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::support::{TempHome, lines, sample, talk, tool};

const SECRET: &str = "a secret of this test alone";

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

#[test]
fn every_configuration_among_the_examples_is_valid() {
    let files = std::fs::read_dir(example("")).unwrap().map(|entry| entry.unwrap().path());
    let configurations: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "toml")).collect();
    assert!(configurations.len() >= 2, "{configurations:?}");
    for file in configurations {
        let home = TempHome::new();
        let output = home.command(&["check"]).arg("--config").arg(&file).output().unwrap();
        let printed = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(output.status.code(), Some(0), "{}: {printed}{}", file.display(), talk(&output));
        assert!(printed.contains("✓ configuration: valid"), "{}: {printed}", file.display());
    }
}

/// The output of `scan --json` over the subtitles, with more arguments.
fn scanned(arguments: &[&Path]) -> (Option<i32>, Value) {
    let home = TempHome::new();
    let mut command = home.command(&["scan", "--json"]);
    let output = command.arg(example("interview.srt")).args(arguments).output().unwrap();
    let line = lines(&output.stdout, &talk(&output)).remove(0);
    (output.status.code(), line)
}

fn kinds(line: &Value) -> Vec<&str> {
    line["findings"].as_array().unwrap().iter().map(|finding| finding["type"].as_str().unwrap()).collect()
}

#[test]
fn the_policy_finds_staff_numbers_and_leaves_the_known_address_alone() {
    let (status, plain) = scanned(&[]);
    assert_eq!((status, kinds(&plain)), (Some(3), vec!["EMAIL_ADDRESS"]), "without the policy: {plain}");
    assert_eq!(plain["policy"], "publish_tagged");
    let (status, line) = scanned(&[Path::new("--config"), &example("policy.toml")]);
    assert_eq!((status, kinds(&line)), (Some(3), vec!["STAFF_NUMBER"]), "{line}");
    assert_eq!(line["policy"], "quarantine", "Medium would be published, but the rule answers first");
}

/// The example as a process, killed at the end of the test.
struct Receiver {
    process: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Receiver {
    fn start(file: &Path) -> Self {
        let mut command = Command::new("python3");
        command.arg(example("webhook_receiver.py")).arg(file).env("REELGATE_WEBHOOK_SECRET", SECRET);
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("python3 starts");
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut receiver = Self { process, output, address: String::new() };
        let line = receiver.line();
        let url = line.strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}"));
        receiver.address = url.trim_end_matches('/').to_owned();
        receiver
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The status line of the answer to a notice under this signature.
    fn post(&self, signature: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST / HTTP/1.0\r\nReelgate-Signature: {signature}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.take(1 << 16).read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The header for this body and the present time, computed independently of the example.
fn signed(body: &str) -> String {
    let sign = "import hmac, sys, time\n\
                now = str(int(time.time()))\n\
                made = hmac.digest(sys.argv[1].encode(), (now + '.' + sys.argv[2]).encode(), 'sha256')\n\
                print('t=' + now + ',v1=' + made.hex())";
    tool("python3", &["-c", sign, SECRET, body]).trim_end().to_owned()
}

#[test]
fn the_receiver_stores_signed_notices_and_the_query_lists_refusals() {
    let home = TempHome::new();
    let received = home.file("received.jsonl");
    let mut receiver = Receiver::start(&received);
    let mut command = home.command(&["run", "--json"]);
    command.env("REELGATE__NOTICES__WEBHOOK_URL", format!("http://{}/", receiver.address));
    command.env("REELGATE__NOTICES__WEBHOOK_SECRET", SECRET);
    let output = command.arg(sample("playlist-in-disguise.mp4")).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", talk(&output));
    let said = receiver.line();
    let id = said.strip_prefix("stored ").unwrap_or_else(|| panic!("{said:?}")).to_owned();

    // The example of docs/reference/notices.md has a valid signature but is too old; the other one is forged.
    let old = "t=1700000000,v1=d690c561c07b474aa5a712ea75ccb79f105798d963c831ce893b1e722de878f0";
    for (signature, body) in [(old, r#"{"id":"n1"}"#), ("t=1,v1=ü", "{}"), ("", "{}")] {
        let answer = receiver.post(signature, body);
        assert!(answer.contains(" 403 "), "{signature}: {answer}");
    }
    // A repeated delivery is accepted and not stored.
    let body = std::fs::read_to_string(&received).unwrap();
    let again = receiver.post(&signed(body.trim_end()), body.trim_end());
    assert!(again.contains(" 204 "), "{again}");
    assert_eq!(receiver.line(), "seen before None");
    let stored = std::fs::read_to_string(&received).unwrap();
    let notices = lines(stored.as_bytes(), "");
    assert_eq!(notices.len(), 1, "{stored}");
    assert_eq!((&notices[0]["id"], &notices[0]["kind"]), (&id.into(), &"rejected".into()));

    let query = "import sqlite3, sys\n\
                 base = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)\n\
                 for row in base.execute(open(sys.argv[2]).read()): print(*row[1:3])";
    let base = home.path().join("reelgate.sqlite");
    let sql = example("refused.sql");
    let printed = tool("python3", &["-c", query, base.to_str().unwrap(), sql.to_str().unwrap()]);
    assert_eq!(printed, "playlist_refused 1\n");
}
