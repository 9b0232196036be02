//! Translates SQLite's errors to port errors, and remembers when a file could only be read.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reelgate_ports::error::{ErrorKind, Port, PortError};

/// Classifies a database error; keeps SQLite's message, which names tables and columns, never values.
pub(super) fn db(what: &'static str) -> impl Fn(sqlx::Error) -> PortError {
    move |error| match &error {
        sqlx::Error::Database(cause) => {
            let code = cause.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or(0);
            if code & PRIMARY == READ_ONLY {
                *last_read_only() = Some(Instant::now());
            }
            PortError::new(
                Port::Store,
                error_kind(code),
                what,
                format!("{} (sqlite code {code})", cause.message()),
            )
        }
        sqlx::Error::Io(cause) => PortError::io(Port::Store, what, cause),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            PortError::new(
                Port::Store,
                ErrorKind::Corrupt,
                what,
                format!("expected a column of this schema: {error}"),
            )
        }
        sqlx::Error::RowNotFound => PortError::new(Port::Store, ErrorKind::Missing, what, "no such row"),
        _ => PortError::new(Port::Store, ErrorKind::Unavailable, what, error.to_string()),
    }
}

/// Classifies an error of a statement that fits every database of ours. If SQLite does not understand it, the file is of
/// another program; a full disk, say, is no fault of the file.
pub(super) fn in_ours(what: &'static str) -> impl Fn(sqlx::Error) -> PortError {
    move |error| {
        let found = db(what)(error);
        if found.kind != ErrorKind::Invalid {
            return found;
        }
        let detail = format!("expected a Reelgate database: {}", found.detail);
        PortError::new(Port::Store, ErrorKind::Corrupt, what, detail)
    }
}

/// A value in the database that this version cannot have written.
pub(super) fn corrupt(column: &'static str, expected: &str) -> PortError {
    PortError::new(
        Port::Store,
        ErrorKind::Corrupt,
        "read the database",
        format!("expected {expected} in {column}"),
    )
}

/// By result code: <https://www.sqlite.org/rescode.html>.
fn error_kind(code: u32) -> ErrorKind {
    match code {
        SHARED_MEMORY_SIZE => ErrorKind::Full,
        _ => match code & PRIMARY {
            3 | 23 => ErrorKind::Denied,            // PERM, AUTH
            13 => ErrorKind::Full,                  // FULL
            11 | 26 => ErrorKind::Corrupt,          // CORRUPT, NOTADB
            1 | 18 | 19 | 20 => ErrorKind::Invalid, // ERROR, TOOBIG, CONSTRAINT, MISMATCH
            _ => ErrorKind::Unavailable,            // BUSY, LOCKED, READONLY, IOERR, CANTOPEN and the rest
        },
    }
}

/// Whether a connection of this age may be one that can only read, although the file can be written by now. Where a file cannot be
/// opened for writing, SQLite opens it for reading, and such a connection never writes
/// (<https://www.sqlite.org/c3ref/open.html>, `SQLITE_OPEN_READWRITE`). So the first error of this kind dooms every connection
/// that is older than it.
pub(super) fn may_only_read(age: Duration) -> bool {
    last_read_only().is_some_and(|seen| seen.elapsed() <= age)
}

/// When SQLite refused to write for the last time in this process. One database too many is opened anew at worst.
fn last_read_only() -> std::sync::MutexGuard<'static, Option<Instant>> {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    // Each change is whole.
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of a result code that is the primary code.
const PRIMARY: u32 = 0xff;
/// `SQLITE_READONLY`.
const READ_ONLY: u32 = 8;

/// `SQLITE_IOERR_SHMSIZE`: the file of shared memory beside the database cannot grow.
const SHARED_MEMORY_SIZE: u32 = 4_874;
