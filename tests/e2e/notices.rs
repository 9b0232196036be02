//! Notices: after the commit, under a deterministic id, signed, retried.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use crate::support::{TempHome, sample};

/// A receiver that refuses the first delivery and accepts the others; records (signature, body).
fn receiver() -> (String, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut signature, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let lower = line.to_ascii_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if lower.starts_with("reelgate-signature:") {
                    signature = line.split_once(':').unwrap().1.trim().to_owned();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = if number == 0 { "503 Service Unavailable" } else { "204 No Content" };
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            if sender.send((signature, String::from_utf8(body).unwrap())).is_err() {
                return;
            }
        }
    });
    (url, received)
}

#[test]
fn a_refused_webhook_is_delivered_again_under_the_same_id() {
    let home = TempHome::new();
    let (url, received) = receiver();
    let mut command = home.command(&["run", "--json"]);
    command.env("REELGATE__NOTICES__WEBHOOK_URL", url);
    command.env("REELGATE__NOTICES__WEBHOOK_SECRET", "a secret of this test alone");
    let output = command.arg(sample("playlist-in-disguise.mp4")).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let got: Vec<(String, String)> = received.try_iter().collect();
    assert_eq!(got.len(), 2, "refused once, then taken");
    assert_eq!(got[0].1, got[1].1, "the same notice");
    assert!(
        got.iter().all(|(signature, _)| signature.starts_with("t=") && signature.contains("v1=")),
        "{got:?}"
    );
    let body: serde_json::Value = serde_json::from_str(&got[0].1).unwrap();
    assert_eq!(body["kind"], "rejected");
    let file = std::fs::read_to_string(home.path().join("notices.jsonl")).unwrap();
    assert!(file.lines().all(|line| line.contains(body["id"].as_str().unwrap())), "{file}");
}
