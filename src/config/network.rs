//! Which connections may be readable on the network: those within this machine, and those to hosts that the configuration lists.

use reelgate_ports::plaintext::PlaintextHosts;
use serde::{Deserialize, Serialize};

/// The network between Reelgate and the services it uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkRaw {
    /// Hosts that may be reached without TLS, or whose certificate may stay unverified. Default none: what leaves the machine is
    /// encrypted to a server that has proved its name. This machine itself (`localhost`, 127.0.0.0/8, ::1) needs no entry.
    pub plaintext_hosts: Vec<String>,
}

impl NetworkRaw {
    pub fn hosts(&self) -> PlaintextHosts {
        PlaintextHosts::new(self.plaintext_hosts.clone())
    }

    /// Checks an address that may begin with `http://`. The error never quotes the address, which may hold a secret.
    pub fn check(&self, key: &str, url: &str) -> Result<(), String> {
        let Some(rest) = url.strip_prefix("http://") else { return Ok(()) };
        let host = host(rest);
        if self.hosts().contains(host) {
            return Ok(());
        }
        Err(format!(
            "{key}: expected https:// for a host on the network, found http://; \
             to send it unencrypted all the same, add the host to network.plaintext_hosts"
        ))
    }
}

/// The host of an address without its scheme (RFC 3986, 3.2).
fn host(rest: &str) -> &str {
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    match place.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unencrypted_web_addresses_are_accepted_on_this_machine_and_where_listed() {
        let network = NetworkRaw { plaintext_hosts: vec!["Collector.internal".into(), "fd00::7".into()] };
        for url in [
            "",
            "https://example.com/hook",
            "http://127.0.0.1:9/x",
            "http://127.8.8.8",
            "http://[::1]:80/",
            "http://LOCALHOST:4318",
            "http://otel.localhost/",
            "http://user:word@collector.internal:4318/v1",
            "http://[fd00::7]:80",
        ] {
            assert_eq!(network.check("telemetry.otlp", url), Ok(()), "{url}");
        }
        for url in [
            "http://example.com/hook",
            "http://10.0.0.1",
            "http://127.0.0.1@example.com/",
            "http://example.com/@127.0.0.1",
            "http://example.com?@localhost",
            "http://localhost.example.com",
            "http://[fd00::8]",
            "http://",
        ] {
            let refused = network.check("telemetry.otlp", url).unwrap_err();
            assert!(refused.starts_with("telemetry.otlp: expected https://"), "{refused}");
            assert!(!refused.contains("example.com"), "{refused}");
        }
    }
}
