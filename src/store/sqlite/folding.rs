//! Folds the write-ahead log into the file beside the writer, so that no commit has to wait for it.
//!
//! The passive kind stops nobody. Where writing never pauses it never quite catches up and the log grows: at [`LIMIT`] pages the
//! writer folds the little that is left by itself, and begins the log anew.

use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
};

/// Pages at which the writer folds by itself (256 MiB).
pub(super) const LIMIT: &str = "65536";
const EVERY: Duration = Duration::from_millis(500);

/// The task that folds.
pub(super) struct Folding {
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Folding {
    /// Starts it on a connection of its own.
    pub(super) fn start(connection: SqliteConnection) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: Mutex::new(Some(tokio::spawn(fold(connection, stopped)))) }
    }

    /// Ends it and lets its connection go.
    pub(super) async fn end(&self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(error = %error, "folding broke off");
        }
    }
}

async fn fold(mut connection: SqliteConnection, mut stop: watch::Receiver<bool>) {
    // Over when it is told to end, and when nobody is left to say so.
    while tokio::time::timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut connection).await {
            // What is not folded now is folded next time, or by the writer.
            tracing::warn!(error = %error, "the write-ahead log was not folded");
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(error = %error, "the database was not closed cleanly");
    }
}
