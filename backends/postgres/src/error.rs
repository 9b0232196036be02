//! Translates PostgreSQL's errors to port errors, and says which of them are worth another try.

use reelgate_ports::error::{ErrorKind, Port, PortError};

/// Result within this crate: the database error is kept until it is known whether to try again.
pub(crate) type DbResult<T> = Result<T, DbError>;

/// An error within a call.
#[derive(Debug)]
pub(crate) enum DbError {
    /// An error that this program decided on.
    Port(PortError),
    /// Reported by the database or the connection.
    Sql(&'static str, sqlx::Error),
}

impl From<PortError> for DbError {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl From<DbError> for PortError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Port(error) => error,
            DbError::Sql(what, error) => classify(what, &error),
        }
    }
}

/// Names the operation that failed.
pub(crate) fn db(what: &'static str) -> impl Fn(sqlx::Error) -> DbError {
    move |error| DbError::Sql(what, error)
}

/// A value in the database that this version cannot have written.
pub(crate) fn corrupt(column: &'static str, expected: &str) -> PortError {
    PortError::new(
        Port::Store,
        ErrorKind::Corrupt,
        "read the database",
        format!("expected {expected} in {column}"),
    )
}

impl DbError {
    /// Nothing was committed, and the same call may succeed now: it lost against another one, or its connection.
    pub(crate) fn is_passing(&self) -> bool {
        let Self::Sql(_, error) = self else { return false };
        // 40001 serialization_failure, 40P01 deadlock_detected, 55P03 lock_not_available
        matches!(code(error).as_deref(), Some("40001" | "40P01" | "55P03")) || is_connection(error)
    }

    /// The connection cannot be used again: it broke, or its server may not write any more.
    pub(crate) fn spoils_connection(&self) -> bool {
        let Self::Sql(_, error) = self else { return false };
        is_connection(error) || code(error).as_deref() == Some("25006")
    }
}

/// The connection or the server went away.
pub(crate) fn is_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::BeginFailed => true,
        // Class 08, and 57P01 admin_shutdown, 57P02 crash_shutdown, 57P03 cannot_connect_now, 57P05 idle_session_timeout,
        // 25P03 idle_in_transaction_session_timeout.
        _ => code(error).is_some_and(|code| {
            code.starts_with("08") || matches!(&*code, "57P01" | "57P02" | "57P03" | "57P05" | "25P03")
        }),
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|cause| cause.code()).map(|code| code.into_owned())
}

/// SQLSTATE classes: PostgreSQL documentation, appendix A. The engine's message names tables and columns; its
/// detail, which may hold values, is left out.
fn classify(what: &'static str, error: &sqlx::Error) -> PortError {
    match error {
        sqlx::Error::Database(cause) => {
            let code = cause.code().unwrap_or_default().into_owned();
            PortError::new(
                Port::Store,
                error_kind(&code),
                what,
                format!("{} (sqlstate {code})", cause.message()),
            )
        }
        sqlx::Error::Io(cause) => PortError::new(
            Port::Store,
            ErrorKind::Unavailable,
            what,
            format!("the connection broke: {cause}"),
        ),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            PortError::new(
                Port::Store,
                ErrorKind::Corrupt,
                what,
                format!("expected a column of this schema: {error}"),
            )
        }
        sqlx::Error::Encode(_) | sqlx::Error::Configuration(_) => {
            PortError::new(Port::Store, ErrorKind::Invalid, what, error.to_string())
        }
        sqlx::Error::RowNotFound => PortError::new(Port::Store, ErrorKind::Missing, what, "no such row"),
        sqlx::Error::PoolTimedOut => PortError::new(
            Port::Store,
            ErrorKind::Unavailable,
            what,
            "expected a connection to a server that accepts writes, found none in time",
        ),
        _ => PortError::new(Port::Store, ErrorKind::Unavailable, what, error.to_string()),
    }
}

fn error_kind(code: &str) -> ErrorKind {
    match code {
        // read_only_sql_transaction: a failover is in progress, and this connection still goes to the old writer.
        "25006" => ErrorKind::Unavailable,
        "42501" => ErrorKind::Denied,
        // undefined_table, undefined_column: not this schema.
        "42P01" | "42703" => ErrorKind::Corrupt,
        "53100" => ErrorKind::Full,
        _ => match code.get(..2) {
            Some("28") => ErrorKind::Denied,
            Some("3D") => ErrorKind::Missing,
            Some("XX") => ErrorKind::Corrupt,
            Some("22" | "23" | "42") => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_is_retried_and_a_refused_write_is_not_but_neither_connection_is_reused() {
        let broken = db("commit")(sqlx::Error::Io(std::io::Error::other("reset")));
        assert!(broken.is_passing() && broken.spoils_connection());
        let ours = DbError::Port(PortError::new(Port::Store, ErrorKind::Conflict, "redrive asset", ""));
        assert!(!ours.is_passing() && !ours.spoils_connection());
    }

    #[test]
    fn sqlstates_map_to_the_error_kinds_that_decide_about_retries() {
        let cases = [
            ("25006", ErrorKind::Unavailable),
            ("28P01", ErrorKind::Denied),
            ("53100", ErrorKind::Full),
            ("57014", ErrorKind::Unavailable),
            ("42P01", ErrorKind::Corrupt),
            ("23505", ErrorKind::Invalid),
            ("", ErrorKind::Unavailable),
        ];
        for (code, expected) in cases {
            assert_eq!(error_kind(code), expected, "{code}");
        }
    }
}
