//! The instance's metadata service (IMDSv2): the instance's id, and whether EC2 is about to interrupt it.
//!
//! Source: Amazon EC2 User Guide, "Spot Instance interruption notices" and "EC2 instance rebalance recommendations".
//! A notice comes two minutes ahead, best effort. The guide recommends polling every five seconds.

use std::time::Duration;

use aws_config::imds::Client;
use aws_config::imds::client::error::ImdsError;
use aws_config::provider_config::ProviderConfig;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::machine::MachineKind;
use serde::Deserialize;

use crate::clients::https_client;

const READ: &str = "read the instance's metadata";
const INSTANCE_ID: &str = "/latest/meta-data/instance-id";
const INSTANCE_TYPE: &str = "/latest/meta-data/instance-type";
/// `on-demand`, `spot`, `scheduled` or `capacity-block`.
const LIFE_CYCLE: &str = "/latest/meta-data/instance-life-cycle";
const INTERRUPTION: &str = "/latest/meta-data/spot/instance-action";
const REBALANCE: &str = "/latest/meta-data/events/recommendations/rebalance";

/// The service is on the local host, so a machine that is no instance detects this quickly.
const TIMEOUT: Duration = Duration::from_secs(1);

/// An announced interruption of the instance.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Interruption {
    /// `terminate`, `stop` or `hibernate`.
    pub action: String,
    /// When, in UTC, in the format of RFC 3339; for people only, no decision depends on it.
    pub time: String,
}

/// The instance that this process runs on.
#[derive(Clone, Debug)]
pub struct Instance {
    client: Client,
}

impl Instance {
    /// Uses the default address of the metadata service, or another one; `Invalid` if that is no address.
    pub fn new(endpoint: Option<&str>) -> PortResult<Self> {
        let provider = ProviderConfig::default().with_http_client(https_client());
        let mut builder = Client::builder()
            .configure(&provider)
            .max_attempts(2)
            .connect_timeout(TIMEOUT)
            .read_timeout(TIMEOUT);
        if let Some(endpoint) = endpoint {
            let invalid = |_| {
                PortError::new(
                    Port::Node,
                    ErrorKind::Invalid,
                    READ,
                    "expected an address like http://127.0.0.1:1338",
                )
            };
            builder = builder.endpoint(endpoint).map_err(invalid)?;
        }
        Ok(Self { client: builder.build() })
    }

    /// The instance's id; `Unavailable` if this machine is no instance.
    pub async fn id(&self) -> PortResult<String> {
        self.text(INSTANCE_ID, "an instance's id").await
    }

    /// The instance's type, and whether it is a spot instance; `Unavailable` if this machine is no instance.
    pub async fn kind(&self) -> PortResult<MachineKind> {
        let machine_type = self.text(INSTANCE_TYPE, "an instance's type").await?;
        let is_spot = self.text(LIFE_CYCLE, "an instance's life cycle").await? == "spot";
        Ok(MachineKind { machine_type, is_spot })
    }

    /// What every instance has.
    async fn text(&self, path: &str, what: &str) -> PortResult<String> {
        let missing =
            || PortError::new(Port::Node, ErrorKind::Missing, READ, format!("expected {what}, found none"));
        self.get(path).await?.ok_or_else(missing)
    }

    /// The announced interruption; EC2 announces it two minutes ahead.
    pub async fn interruption(&self) -> PortResult<Option<Interruption>> {
        let Some(text) = self.get(INTERRUPTION).await? else { return Ok(None) };
        let read = serde_json::from_str(&text);
        // A notice that cannot be parsed is still a notice.
        Ok(Some(read.unwrap_or_else(|_| Interruption { action: "unknown".into(), time: "unknown".into() })))
    }

    /// Whether the instance has an elevated risk of interruption.
    pub async fn rebalance_recommended(&self) -> PortResult<bool> {
        Ok(self.get(REBALANCE).await?.is_some())
    }

    /// Reads a path; `None` if the service answers that it does not exist now.
    async fn get(&self, path: &str) -> PortResult<Option<String>> {
        match self.client.get(path).await {
            Ok(text) => Ok(Some(text.into())),
            Err(ImdsError::ErrorResponse(error)) if error.response().status().as_u16() == 404 => Ok(None),
            Err(ImdsError::ErrorResponse(error)) => {
                let detail = format!("expected status 200, found {}", error.response().status().as_u16());
                Err(PortError::new(Port::Node, ErrorKind::Unavailable, READ, detail))
            }
            Err(_) => {
                let detail = "no answer; this is no EC2 instance, or its metadata service is off";
                Err(PortError::new(Port::Node, ErrorKind::Unavailable, READ, detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A metadata service with these paths; like IMDSv2, it requires a token.
    fn service(known: &'static [(&'static str, &'static str)]) -> Instance {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                answer(connection.unwrap(), known);
            }
        });
        Instance::new(Some(&address)).unwrap()
    }

    fn answer(mut connection: TcpStream, known: &[(&str, &str)]) {
        let lines: Vec<String> = BufReader::new(connection.try_clone().unwrap())
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        let path = lines[0].split(' ').nth(1).unwrap();
        let has_token = lines.iter().any(|line| line.to_lowercase() == "x-aws-ec2-metadata-token: t0ken");
        let found = known.iter().find(|(name, _)| *name == path);
        let (status, body) = match (path, found) {
            ("/latest/api/token", _) => ("200 OK", "t0ken"),
            _ if !has_token => ("401 Unauthorized", ""),
            (_, Some((_, body))) => ("200 OK", *body),
            (_, None) => ("404 Not Found", ""),
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\n");
        write!(connection, "{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
    }

    #[tokio::test]
    async fn an_instance_without_notices_has_an_id_and_no_interruption() {
        let instance = service(&[(INSTANCE_ID, "i-0123456789abcdef0")]);
        assert_eq!(instance.id().await.unwrap(), "i-0123456789abcdef0");
        assert_eq!(instance.interruption().await.unwrap(), None);
        assert!(!instance.rebalance_recommended().await.unwrap());
    }

    #[tokio::test]
    async fn an_instance_says_its_type_and_whether_it_is_spare_capacity() {
        for (life_cycle, is_spot) in [("spot", true), ("on-demand", false)] {
            let known = [(INSTANCE_TYPE, "c6a.xlarge"), (LIFE_CYCLE, life_cycle)];
            let kind = service(Box::leak(Box::new(known))).kind().await.unwrap();
            assert_eq!(kind, MachineKind { machine_type: "c6a.xlarge".into(), is_spot });
        }
        let error = service(&[(INSTANCE_TYPE, "c6a.xlarge")]).kind().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Missing);
    }

    #[tokio::test]
    async fn a_notice_of_interruption_counts_even_if_it_cannot_be_parsed() {
        let notice = r#"{"action": "terminate", "time": "2026-11-21T08:22:00Z"}"#;
        let notified = service(Box::leak(Box::new([(INTERRUPTION, notice), (REBALANCE, "{}")])));
        let expected = Interruption { action: "terminate".into(), time: "2026-11-21T08:22:00Z".into() };
        assert_eq!(notified.interruption().await.unwrap(), Some(expected));
        assert!(notified.rebalance_recommended().await.unwrap());
        let odd = service(&[(INTERRUPTION, "soon")]);
        assert_eq!(odd.interruption().await.unwrap().unwrap().action, "unknown");
    }

    #[tokio::test]
    async fn a_machine_without_metadata_is_reported() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = Instance::new(Some(&address)).unwrap().id().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.detail.starts_with("no answer"));
    }
}
