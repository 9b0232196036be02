//! Notices as signed POST requests to one address.

use std::fmt;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reelgate_ports::clock::{Clock, SystemClock};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::notices::Notices;
use reelgate_ports::records::NoticeRecord;
use ureq::Agent;
use ureq::http::Uri;

use super::document::document;
use super::signature;
use crate::blocking::on_thread;

const POST: &str = "post a notice to the webhook";
const CHECK: &str = "reach the webhook";

/// For a whole delivery, from the look-up of the name to the status line.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A receiver of signed notices.
#[derive(Clone, Debug)]
pub struct WebhookNotices {
    receiver: Arc<Receiver>,
}

struct Receiver {
    agent: Agent,
    url: Uri,
    secret: String,
    timeout: Duration,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a token, and the secret is one.
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl WebhookNotices {
    /// Notices go to `url` (http or https), signed with `secret`, directly: proxies of the environment are not used and
    /// redirects not followed, so that nobody else gets them. `Invalid` where the address or the secret cannot be used.
    pub fn new(url: &str, secret: &str) -> PortResult<Self> {
        Self::with_timeout(url, secret, TIMEOUT)
    }

    fn with_timeout(url: &str, secret: &str, timeout: Duration) -> PortResult<Self> {
        let invalid = |detail: &str| {
            PortError::new(Port::Notices, ErrorKind::Invalid, "read the webhook's address", detail)
        };
        let url: Uri = url.parse().map_err(|_| invalid("expected http://host/path or https://host/path"))?;
        let is_http = matches!(url.scheme_str(), Some("http" | "https"));
        if !is_http || url.host().is_none_or(str::is_empty) {
            return Err(invalid("expected http://host/path or https://host/path"));
        }
        if secret.is_empty() {
            return Err(invalid("expected a secret to sign with, found none"));
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(concat!("reelgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { receiver: Arc::new(Receiver { agent, url, secret: secret.to_owned(), timeout }) })
    }
}

#[async_trait]
impl Notices for WebhookNotices {
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()> {
        let body = document(notice)?;
        let (receiver, id) = (Arc::clone(&self.receiver), notice.id.to_string());
        on_thread(Port::Notices, POST, move || receiver.post(&id, &body)).await
    }

    async fn check(&self) -> PortResult<String> {
        let receiver = Arc::clone(&self.receiver);
        on_thread(Port::Notices, CHECK, move || receiver.connect()).await
    }
}

impl Receiver {
    fn post(&self, id: &str, body: &[u8]) -> PortResult<()> {
        let at_s = SystemClock.now_ms() / 1_000;
        let answer = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/json")
            .header("Reelgate-Notice", id)
            .header("Reelgate-Signature", signature::header(self.secret.as_bytes(), at_s, body))
            .send(body)
            .map_err(|error| {
                PortError::new(Port::Notices, ErrorKind::Unavailable, POST, self.spoken(error))
            })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let detail = format!("expected status 2xx, found {}", status.as_u16());
        Err(PortError::new(Port::Notices, ErrorKind::Unavailable, POST, detail))
    }

    /// Some of the client's errors repeat the address, so only our own words and those of the system are passed on.
    fn spoken(&self, error: ureq::Error) -> String {
        match error {
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Timeout(_) => format!("no answer within {} ms", self.timeout.as_millis()),
            ureq::Error::HostNotFound => "the host's name is not known".to_owned(),
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
                "no TLS connection; check the certificate".to_owned()
            }
            ureq::Error::ConnectionFailed => "no connection".to_owned(),
            _ => "the answer is not understood as HTTP".to_owned(),
        }
    }

    /// Connects to the first of the host's addresses that answers, and disconnects.
    fn connect(&self) -> PortResult<String> {
        let host = self.url.host().unwrap_or_default().trim_matches(['[', ']']);
        let default = if self.url.scheme_str() == Some("https") { 443 } else { 80 };
        let port = self.url.port_u16().unwrap_or(default);
        let unavailable =
            |detail: String| PortError::new(Port::Notices, ErrorKind::Unavailable, CHECK, detail);
        let addresses = (host, port).to_socket_addrs().map_err(|error| unavailable(error.to_string()))?;
        let mut last = "the host's name has no address".to_owned();
        for address in addresses {
            match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(_) => return Ok("the webhook's host answers".to_owned()),
                Err(error) => last = error.to_string(),
            }
        }
        Err(unavailable(last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{self, BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::super::sample::notice;
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    struct Request {
        line: String,
        headers: BTreeMap<String, String>,
        body: Vec<u8>,
    }

    fn url(listener: &TcpListener) -> String {
        format!("http://{}/hook?token=hidden", listener.local_addr().unwrap())
    }

    /// Takes one request for each answer, and returns them.
    fn serve(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<Request>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = url(&listener);
        let serve_one = move |answer: &&str| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                lines.push(line.trim().to_owned());
            }
            let pair =
                |line: &String| line.split_once(": ").map(|(k, v)| (k.to_lowercase(), v.to_owned())).unwrap();
            let headers: BTreeMap<String, String> = lines[1..].iter().map(pair).collect();
            let mut body = vec![0; headers["content-length"].parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            Request { line: lines[0].clone(), headers, body }
        };
        (url, std::thread::spawn(move || answers.iter().map(serve_one).collect()))
    }

    fn says_nothing_secret(error: &PortError) {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hidden") && !shown.contains(SECRET) && !shown.contains("hook?"), "{shown}");
    }

    #[tokio::test]
    async fn a_notice_is_posted_with_its_id_and_a_signature_that_verifies() {
        let (url, server) = serve(&["204 No Content", "200 OK"]);
        let webhook = WebhookNotices::new(&url, SECRET).unwrap();
        webhook.deliver(&notice("n1")).await.unwrap();
        webhook.deliver(&NoticeRecord { tries: 3, ..notice("n1") }).await.unwrap();
        let requests = server.join().unwrap();
        assert_eq!(requests[0].body, requests[1].body, "a repeat is the same bytes");
        for request in requests {
            assert_eq!(request.line, "POST /hook?token=hidden HTTP/1.1");
            assert_eq!(request.headers["content-type"], "application/json");
            assert_eq!(request.headers["reelgate-notice"], "n1");
            assert_eq!(request.body, document(&notice("n1")).unwrap());
            let signed = &request.headers["reelgate-signature"];
            let at_s: u64 = signed.strip_prefix("t=").unwrap().split_once(',').unwrap().0.parse().unwrap();
            assert_eq!(*signed, signature::header(SECRET.as_bytes(), at_s, &request.body));
            assert_ne!(*signed, signature::header(b"another", at_s, &request.body));
        }
    }

    #[tokio::test]
    async fn an_answer_other_than_success_is_reported_by_its_status_alone() {
        let (url, server) = serve(&["500 Oops", "404 Gone", "101 Nothing"]);
        let webhook = WebhookNotices::new(&url, SECRET).unwrap();
        for status in ["500", "404"] {
            let error = webhook.deliver(&notice("n1")).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unavailable);
            assert_eq!(error.detail, format!("expected status 2xx, found {status}"));
            says_nothing_secret(&error);
        }
        says_nothing_secret(&webhook.deliver(&notice("n1")).await.unwrap_err());
        server.join().unwrap();
    }

    #[tokio::test]
    async fn a_redirect_is_refused_and_not_followed() {
        for status in ["302", "303", "307", "308"] {
            let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
            elsewhere.set_nonblocking(true).unwrap();
            let answer = format!("{status} Moved\r\nLocation: {}", url(&elsewhere));
            let answers: &'static [&'static str] = vec![&*answer.leak()].leak();
            let (url, server) = serve(answers);
            let error = WebhookNotices::new(&url, SECRET).unwrap().deliver(&notice("n1")).await.unwrap_err();
            assert_eq!(error.detail, format!("expected status 2xx, found {status}"));
            server.join().unwrap();
            assert_eq!(elsewhere.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
    }

    #[tokio::test]
    async fn a_receiver_that_does_not_answer_is_given_up_on() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let webhook = WebhookNotices::with_timeout(&url(&silent), SECRET, Duration::from_millis(50)).unwrap();
        let error = webhook.deliver(&notice("n1")).await.unwrap_err();
        assert_eq!((error.kind, error.detail.as_str()), (ErrorKind::Unavailable, "no answer within 50 ms"));
    }

    #[tokio::test]
    async fn checking_connects_and_sends_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let webhook = WebhookNotices::new(&url(&listener), SECRET).unwrap();
        assert_eq!(webhook.check().await.unwrap(), "the webhook's host answers");
        let (mut stream, _) = listener.accept().unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
        drop((stream, listener));
        for error in [webhook.check().await.unwrap_err(), webhook.deliver(&notice("n1")).await.unwrap_err()] {
            assert_eq!(error.kind, ErrorKind::Unavailable);
            says_nothing_secret(&error);
        }
    }

    #[test]
    fn an_address_or_secret_that_cannot_be_used_is_refused() {
        for (url, secret) in [
            ("", "s"),
            ("ftp://a/", "s"),
            ("/path", "s"),
            ("http://", "s"),
            ("http://a b/", "s"),
            ("http://a/", ""),
        ] {
            let error = WebhookNotices::new(url, secret).expect_err(url);
            assert_eq!(error.kind, ErrorKind::Invalid);
        }
        let debug = format!("{:?}", WebhookNotices::new("https://a/?token=hidden", SECRET).unwrap());
        assert!(!debug.contains("hidden") && !debug.contains(SECRET), "{debug}");
    }
}
