//! Telling other nodes that there is work, and hearing it. Only a hint: whoever misses it looks by itself, later.
//!
//! The database commits transactions that notify one after the other, so the hint is sent after the commit, by
//! itself, and many commits share one.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const CHANNEL: &str = "reelgate_work";
/// Commits within this time share one hint.
const GATHER: Duration = Duration::from_millis(20);
/// After a lost connection the next one is tried this much later.
const PAUSE: Duration = Duration::from_secs(1);

/// Rings where there is something new to claim.
#[derive(Debug)]
pub(crate) struct NotifyListener {
    /// Something was committed here.
    committed: Arc<Notify>,
    /// Something was committed here or elsewhere.
    heard: Arc<Notify>,
    threads: [JoinHandle<()>; 2],
}

impl NotifyListener {
    /// Starts to listen and to tell.
    pub(crate) fn hang(pool: PgPool) -> Self {
        let (committed, heard) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let telling = tokio::spawn(tell(pool.clone(), committed.clone()));
        let listening = tokio::spawn(listen(pool, heard.clone()));
        Self { committed, heard, threads: [telling, listening] }
    }

    /// Something new to claim was committed.
    pub(crate) fn ring(&self) {
        self.committed.notify_one();
        self.heard.notify_waiters();
    }

    /// Waits for a ring, at most that long.
    pub(crate) async fn wait(&self, most: Duration) {
        // Either way the caller looks.
        let _ = timeout(most, self.heard.notified()).await;
    }

    pub(crate) fn take_down(&self) {
        self.threads.iter().for_each(JoinHandle::abort);
    }
}

impl Drop for NotifyListener {
    fn drop(&mut self) {
        self.take_down();
    }
}

async fn tell(pool: PgPool, committed: Arc<Notify>) {
    loop {
        committed.notified().await;
        sleep(GATHER).await;
        if let Err(error) = sqlx::query!("SELECT pg_notify($1, '')", CHANNEL).execute(&pool).await {
            tracing::debug!(%error, "a hint of new work was not sent");
        }
    }
}

async fn listen(pool: PgPool, heard: Arc<Notify>) {
    loop {
        if let Err(error) = listen_once(&pool, &heard).await {
            tracing::debug!(%error, "hints of new work are not heard for now");
        }
        if pool.is_closed() {
            return;
        }
        sleep(PAUSE).await;
    }
}

async fn listen_once(pool: &PgPool, heard: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // `None` is a lost connection: the next call makes a new one, and what was missed meanwhile is looked for.
        listener.try_recv().await?;
        heard.notify_waiters();
    }
}
