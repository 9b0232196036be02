//! Connections as they are lent out: none comes back to its pool with a transaction open that nobody knows of.
//!
//! A call may be dropped between sending `BEGIN` and its answer. The driver counts the transaction only once it was
//! answered, so nothing would roll it back, and what the connection's next user writes would never be committed.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use crate::error::{DbError, DbResult, db};

/// A connection that is closed, and with it what it was in the middle of, unless it is given back.
pub(crate) struct PooledConnection(Option<PoolConnection<Postgres>>);

impl PooledConnection {
    /// Takes one out of the pool.
    pub(crate) async fn of(pool: &PgPool, what: &'static str) -> DbResult<Self> {
        Ok(Self(Some(pool.acquire().await.map_err(db(what))?)))
    }

    /// Gives it back, unless what it answered shows that it is of no more use: then the next one is made anew,
    /// wherever the writer is by then.
    pub(crate) fn keep_or_drop<T>(mut self, answer: DbResult<T>) -> DbResult<T> {
        if !answer.as_ref().is_err_and(DbError::spoils_connection) {
            drop(self.0.take());
        }
        answer
    }
}

impl Deref for PooledConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.as_deref().expect("it is held until it is given back")
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_deref_mut().expect("it is held until it is given back")
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            drop(conn.detach());
        }
    }
}

/// Begins a transaction in a task of its own: where the caller is dropped it is still answered, and rolled back.
pub(crate) async fn begin(
    pool: &PgPool,
    statement: &'static str,
    what: &'static str,
) -> DbResult<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }).await;
    match begun {
        Ok(begun) => begun.map_err(db(what)),
        Err(_) => Err(DbError::Sql(what, sqlx::Error::WorkerCrashed)),
    }
}
