//! One writing call as one transaction. A call that loses against another one is retried. If the answer to a commit is
//! lost, the outcome is looked up in the database.

use std::time::Duration;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_store::service::{Transact, WriteCall};
use sqlx::{PgConnection, Postgres, Transaction};
use tokio::time::{Instant, sleep, timeout};

use crate::again::{PAUSE_MAX, TRIES_MAX};
use crate::error::{DbError, DbResult, db, is_connection};
use crate::locks::Locks;
use crate::pg_store::PgStore;
use crate::pooled_connection::PooledConnection;
use crate::session::PgSession;
use crate::time::count;
use crate::unit::Unit;
use crate::write::Written;

/// How long to look for the outcome of a commit whose answer was lost.
const LOOK_UP_MAX: Duration = Duration::from_secs(10);
/// A call that takes longer than the limit of a statement gets no answer any more: the network drops its packets.
const CALL_MAX: Duration = Duration::from_secs(60);

/// A call that reached its commit.
struct CommittedCall<T> {
    output: T,
    written: Written,
    /// The server has answered the commit.
    known: bool,
}

impl Transact for PgStore {
    async fn transact<C: WriteCall>(&self, call: &C) -> PortResult<C::Output> {
        let mut tries = 1;
        loop {
            let lost = match self.once(call).await {
                Ok(ended) => {
                    if ended.known || self.is_committed::<C>(ended.written.xid.as_deref()).await? {
                        return Ok(self.committed(ended));
                    }
                    None
                }
                Err(error) if error.is_passing() => Some(error),
                Err(error) => return Err(error.into()),
            };
            if tries == TRIES_MAX {
                let gave_up = || {
                    PortError::new(
                        Port::Store,
                        ErrorKind::Unavailable,
                        C::OPERATION,
                        "the connection broke too often",
                    )
                };
                return Err(lost.map_or_else(gave_up, PortError::from));
            }
            sleep(self.pause(tries)).await;
            tries += 1;
        }
    }
}

impl PgStore {
    async fn once<C: WriteCall>(&self, call: &C) -> DbResult<CommittedCall<C::Output>> {
        let within = timeout(CALL_MAX, self.try_once(call)).await;
        within.unwrap_or_else(|_| Err(silent(C::OPERATION).into()))
    }

    async fn try_once<C: WriteCall>(&self, call: &C) -> DbResult<CommittedCall<C::Output>> {
        let mut conn = PooledConnection::of(&self.writers, C::OPERATION).await?;
        let tried = self.in_transaction(&mut conn, call).await;
        if tried.as_ref().is_ok_and(|ended| !ended.known) {
            return tried;
        }
        conn.keep_or_drop(tried)
    }

    async fn in_transaction<C: WriteCall>(
        &self,
        conn: &mut PgConnection,
        call: &C,
    ) -> DbResult<CommittedCall<C::Output>> {
        let mut tx = sqlx::Connection::begin(conn).await.map_err(db(C::OPERATION))?;
        let now_ms = match call.locks() {
            Some(locks) => self.lock(&mut tx, &Locks::of(&locks), C::OPERATION).await?,
            // It loads assets first, which reads the time too.
            None => 0,
        };
        let unit = Unit::new(self.time.given().map(count), now_ms, self.policy.clone());
        let mut session = PgSession { conn: &mut tx, unit };
        let worked = match call.run(&mut session).await {
            Ok(output) => session.write().await.map(|written| (output, written)),
            Err(error) => Err(error),
        };
        let (output, written) = match worked {
            Ok(done) => done,
            Err(error) => {
                // A dropped transaction keeps its locks until the pool checks the connection, and claims skip what is
                // locked. A broken connection loses its locks by itself.
                let _ = tx.rollback().await;
                return Err(error);
            }
        };
        let known = match tx.commit().await {
            Ok(()) => true,
            Err(error) if is_connection(&error) => false,
            Err(error) => return Err(DbError::Sql(C::OPERATION, error)),
        };
        Ok(CommittedCall { output, written, known })
    }

    fn committed<T>(&self, ended: CommittedCall<T>) -> T {
        self.violations.count(ended.written.violations);
        if ended.written.claimable {
            self.notify_listener.notify();
        }
        ended.output
    }

    /// Takes the locks, then reads the time: it is no earlier than the time that the previous holder read.
    async fn lock(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        locks: &Locks,
        what: &'static str,
    ) -> DbResult<u64> {
        let locked = sqlx::query!(
            r#"SELECT (SELECT count(pg_advisory_xact_lock(k)) FROM unnest($1::bigint[]) AS k) AS "locked!",
                      (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS "now_ms!""#,
            &locks.sorted(),
        )
        .fetch_one(&mut **tx)
        .await
        .map_err(db(what))?;
        Ok(count(locked.now_ms))
    }

    /// Whether a transaction was committed although the answer was lost.
    async fn is_committed<C: WriteCall>(&self, xid: Option<&str>) -> PortResult<bool> {
        // It wrote nothing, so there is nothing to look up.
        let Some(xid) = xid else { return Ok(true) };
        let until = Instant::now() + LOOK_UP_MAX;
        let mut wait = Duration::from_millis(10);
        while Instant::now() < until {
            let looked = timeout(LOOK_UP_MAX, self.status(xid)).await;
            match looked.unwrap_or_else(|_| Err(silent(C::OPERATION).into())) {
                Ok(Some(status)) if status == "committed" => return Ok(true),
                Ok(Some(status)) if status == "aborted" => return Ok(false),
                // In progress, or the server cannot be reached now.
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) if error.is_passing() => {}
                Err(DbError::Sql(_, sqlx::Error::PoolTimedOut)) => {}
                Err(error) => return Err(error.into()),
            }
            sleep(self.jitter.spread(wait)).await;
            wait = PAUSE_MAX.min(wait * 2);
        }
        let detail = "the connection broke during the commit and its outcome cannot be determined; try again";
        Err(PortError::new(Port::Store, ErrorKind::Unavailable, C::OPERATION, detail))
    }

    async fn status(&self, xid: &str) -> DbResult<Option<String>> {
        sqlx::query_scalar!("SELECT pg_xact_status($1::text::xid8)", xid)
            .fetch_one(&self.readers)
            .await
            .map_err(db("look up a commit"))
    }
}

fn silent(what: &'static str) -> PortError {
    PortError::new(
        Port::Store,
        ErrorKind::Unavailable,
        what,
        "expected an answer within a minute, found none",
    )
}
