//! Notifies other nodes of new work, and listens for their notifications. A notification is only a hint: a node that
//! misses one looks for work by itself later.
//!
//! PostgreSQL commits transactions that notify one after the other. So the notification is sent by itself after the
//! commit, and many commits share one.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const CHANNEL: &str = "reelgate_work";
/// Commits within this time share one notification.
const GATHER: Duration = Duration::from_millis(20);
/// Wait before the next connection after one was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Wakes whoever waits when there is something new to claim.
#[derive(Debug)]
pub(crate) struct NotifyListener {
    /// Something was committed here.
    committed: Arc<Notify>,
    /// Something was committed here or elsewhere.
    received: Arc<Notify>,
    threads: [JoinHandle<()>; 2],
}

impl NotifyListener {
    /// Starts to listen and to notify.
    pub(crate) fn start(pool: PgPool) -> Self {
        let (committed, received) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let notifying = tokio::spawn(notify(pool.clone(), committed.clone()));
        let listening = tokio::spawn(listen(pool, received.clone()));
        Self { committed, received, threads: [notifying, listening] }
    }

    /// Something new to claim was committed.
    pub(crate) fn notify(&self) {
        self.committed.notify_one();
        self.received.notify_waiters();
    }

    /// Waits until there may be something new, at most that long.
    pub(crate) async fn wait(&self, most: Duration) {
        // The caller looks for work in either case.
        let _ = timeout(most, self.received.notified()).await;
    }

    pub(crate) fn stop(&self) {
        self.threads.iter().for_each(JoinHandle::abort);
    }
}

impl Drop for NotifyListener {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn notify(pool: PgPool, committed: Arc<Notify>) {
    loop {
        committed.notified().await;
        sleep(GATHER).await;
        if let Err(error) = sqlx::query!("SELECT pg_notify($1, '')", CHANNEL).execute(&pool).await {
            tracing::debug!(%error, "notifying other nodes of new work failed; they find the work by polling");
        }
    }
}

async fn listen(pool: PgPool, received: Arc<Notify>) {
    loop {
        if let Err(error) = listen_once(&pool, &received).await {
            tracing::debug!(%error, "listening for new work failed; this node finds work by polling until the connection is back");
        }
        if pool.is_closed() {
            return;
        }
        sleep(PAUSE).await;
    }
}

async fn listen_once(pool: &PgPool, received: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // `None` is a lost connection: the next call opens a new one, and the caller looks for work that it missed.
        listener.try_recv().await?;
        received.notify_waiters();
    }
}
