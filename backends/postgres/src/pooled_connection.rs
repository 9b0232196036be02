//! Connections from the pool: none returns to the pool with a transaction that is open without anybody knowing.
//!
//! A call may be dropped between sending `BEGIN` and its answer. The driver counts the transaction only once it was
//! answered, so nothing would roll it back, and what the connection's next user writes would never be committed.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use crate::error::{DbError, DbResult, db};

/// A connection that is closed on drop, with any open transaction, unless it was returned to the pool.
pub(crate) struct PooledConnection(Option<PoolConnection<Postgres>>);

impl PooledConnection {
    /// Takes a connection out of the pool.
    pub(crate) async fn of(pool: &PgPool, what: &'static str) -> DbResult<Self> {
        Ok(Self(Some(pool.acquire().await.map_err(db(what))?)))
    }

    /// Returns it to the pool, unless the answer shows that it is broken: then the next call opens a new connection, to
    /// the server that is the writer then.
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
        self.0.as_deref().expect("the connection is there until it is returned")
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_deref_mut().expect("the connection is there until it is returned")
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            drop(conn.detach());
        }
    }
}

/// Begins a transaction in a separate tokio task: if the caller is dropped, the answer is still read and the transaction
/// rolled back.
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
