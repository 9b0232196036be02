//! How to reach the database, with a time limit on everything that could wait for ever.

use std::str::FromStr;
use std::time::Duration;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::plaintext::PlaintextHosts;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `postgres://user:password@host:port/database`, with `sslmode` and `sslrootcert` among its parameters.
    pub url: String,
    /// Most connections of this process for work, 1 to 100; a few more answer questions.
    pub connections_max: u32,
    /// How long a call waits for a connection before it says that the database cannot be reached.
    pub acquire_timeout: Duration,
    /// Hosts on the network that may be reached without TLS, or whose certificate may stay unverified.
    pub plaintext_hosts: PlaintextHosts,
}

impl Settings {
    /// Settings that suit a node: 8 connections, 5 seconds.
    pub fn new(url: impl Into<String>) -> Self {
        let (url, acquire_timeout) = (url.into(), Duration::from_secs(5));
        Self { url, connections_max: 8, acquire_timeout, plaintext_hosts: PlaintextHosts::default() }
    }

    /// Every connection has the same limits, so that neither side waits for ever. No statement of this store takes half
    /// a minute; a transaction that is idle for half a minute belongs to a dead process.
    pub(crate) fn options(&self) -> PortResult<PgConnectOptions> {
        let refused = || {
            let expected = "expected postgres://user@host/database";
            PortError::new(Port::Store, ErrorKind::Invalid, "read the database's URL", expected)
        };
        let ours = ["postgres://", "postgresql://"].iter().any(|scheme| self.url.starts_with(scheme));
        // The driver's error quotes the URL, and the password in it.
        let options = PgConnectOptions::from_str(&self.url).ok().filter(|_| ours).ok_or_else(refused)?;
        Ok(self.verified(options)?.application_name("reelgate").options([
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
            ("jit", "off"),
        ]))
    }

    /// Makes a connection over the network go by TLS to a server whose certificate is verified. Sources: PostgreSQL
    /// documentation, "SSL Mode Descriptions": `prefer`, the driver's default, accepts plain text without a word.
    fn verified(&self, options: PgConnectOptions) -> PortResult<PgConnectOptions> {
        let host = options.get_host();
        // A socket is a file of this machine.
        if options.get_socket().is_some() || host.starts_with('/') || self.plaintext_hosts.contains(host) {
            return Ok(options);
        }
        match options.get_ssl_mode() {
            PgSslMode::VerifyFull | PgSslMode::VerifyCa => Ok(options),
            PgSslMode::Prefer => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
            PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Require => {
                let detail = "expected sslmode=verify-full or verify-ca for a database on the network, found a mode that verifies no \
                              certificate; to use it all the same, add the host to network.plaintext_hosts";
                Err(PortError::new(Port::Store, ErrorKind::Invalid, "read the database's URL", detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(settings: &Settings) -> Option<PgSslMode> {
        settings.options().ok().map(|options| options.get_ssl_mode())
    }

    fn is(found: Option<PgSslMode>, expected: &str) -> bool {
        format!("{found:?}") == expected
    }

    #[test]
    fn a_database_on_the_network_is_verified_unless_its_host_is_listed() {
        let url = |host: &str, mode: &str| format!("postgres://me@{host}:5432/reelgate{mode}");
        for host in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            let found = mode(&Settings::new(url(host, "?sslmode=disable")));
            assert!(is(found, "Some(Disable)"), "{host}: {found:?}");
        }
        for host in ["db.internal", "10.0.0.1", "localhost.example.com", "[fd00::7]"] {
            for (asked, expected) in [
                ("", "Some(VerifyFull)"),
                ("?sslmode=prefer", "Some(VerifyFull)"),
                ("?sslmode=verify-ca", "Some(VerifyCa)"),
                ("?sslmode=disable", "None"),
                ("?sslmode=allow", "None"),
                ("?sslmode=require", "None"),
            ] {
                let found = mode(&Settings::new(url(host, asked)));
                assert!(is(found, expected), "{host}{asked}: {found:?}");
            }
            let plaintext_hosts = PlaintextHosts::new(vec![host.trim_matches(['[', ']']).to_owned()]);
            let listed = Settings { plaintext_hosts, ..Settings::new(url(host, "?sslmode=disable")) };
            assert!(is(mode(&listed), "Some(Disable)"), "{host}");
        }
    }
}
