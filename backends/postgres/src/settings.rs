//! How to reach the database, with a time limit on everything that could wait for ever.

use std::str::FromStr;
use std::time::Duration;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use sqlx::postgres::PgConnectOptions;

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `postgres://user:password@host:port/database`, with `sslmode` and `sslrootcert` among its parameters.
    pub url: String,
    /// Most connections of this process for work, 1 to 100; a few more answer questions.
    pub connections_max: u32,
    /// How long a call waits for a connection before it says that the database cannot be reached.
    pub acquire_timeout: Duration,
}

impl Settings {
    /// Settings that suit a node: 8 connections, 5 seconds.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), connections_max: 8, acquire_timeout: Duration::from_secs(5) }
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
        Ok(options.application_name("reelgate").options([
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
}
