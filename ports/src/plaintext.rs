//! Which hosts may be reached in a form that others on the network can read.

use std::net::IpAddr;

/// Hosts that may be reached without TLS, or whose certificate may stay unverified: this machine, and those that the configuration
/// lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaintextHosts(Vec<String>);

impl PlaintextHosts {
    /// This machine and these hosts: names, or addresses without brackets.
    pub fn new(listed: Vec<String>) -> Self {
        Self(listed)
    }

    /// Whether a host is one of them; upper and lower case are the same (RFC 4343).
    pub fn contains(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        // No resolver may send names below `localhost` elsewhere (RFC 6761, 6.3).
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            || self.0.iter().any(|listed| listed.eq_ignore_ascii_case(&host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_listed_hosts_are_plaintext_hosts_and_no_other() {
        let hosts = PlaintextHosts::new(vec!["DB.internal".into(), "fd00::7".into()]);
        for host in
            ["localhost", "LOCALHOST", "a.localhost", "127.8.8.8", "::1", "[::1]", "db.Internal", "fd00::7"]
        {
            assert!(hosts.contains(host), "{host}");
        }
        for host in
            ["", "example.com", "10.0.0.1", "0.0.0.0", "localhost.example.com", "127.0.0.1.nip.io", "fd00::8"]
        {
            assert!(!hosts.contains(host), "{host}");
        }
    }
}
