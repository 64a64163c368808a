//! The one writer. Commands that wait together share a transaction, each in a savepoint of its own, and are answered after
//! the commit: a commit costs a synced write, so many callers ride in one.

use std::{
    future::Future,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    pin::Pin,
    thread,
    time::Duration,
};

use sqlx::{Connection, SqliteConnection};
use tokio::{
    runtime,
    sync::{Mutex, mpsc, oneshot, watch},
    time::Instant,
};

use crate::{
    clock::meter::{Work, measure},
    store::{Error, Result},
};

/// Commands that wait at once before callers are told that the store is busy.
const QUEUE: usize = 1_024;
/// Commands that share a commit.
const TOGETHER: usize = 64;

pub(super) type Running<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;
type Answer = Box<dyn FnOnce(Result<()>) + Send>;
type Job = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> Pin<Box<dyn Future<Output = (bool, Answer)> + Send + 'c>> + Send>;

/// Hands commands to the writer.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    closing: watch::Sender<bool>,
    /// Told once the connection is closed.
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Writer {
    /// Starts the writer on a connection, in a thread of its own: everybody waits for it, and it is not to wait for a turn behind
    /// those who compose and sign.
    pub(super) fn start(connection: SqliteConnection, file: &Path) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (closing, closed) = watch::channel(false);
        let (end, ended) = oneshot::channel();
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        let working = measure(Work::Store, work(connection, queue, closed, Watched::new(file)));
        thread::Builder::new().name("writer".to_owned()).spawn(move || {
            runtime.block_on(working);
            // Nobody may be waiting for it.
            let _ = end.send(());
        })?;
        Ok(Self { jobs, closing, ended: Mutex::new(Some(ended)) })
    }

    /// Takes no more commands, finishes those that wait, and closes the connection.
    pub(super) async fn close(&self) {
        self.closing.send_replace(true);
        if let Some(ended) = self.ended.lock().await.take()
            && ended.await.is_err()
        {
            tracing::error!("the writer broke off");
        }
    }

    /// Runs a command inside a transaction and answers once it is committed. A command that fails leaves nothing behind.
    pub(super) async fn write<T, F>(&self, command: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Running<'c, T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            Box::pin(async move {
                let result = command(connection).await;
                let done = result.is_ok();
                let reply: Answer = Box::new(move |committed| {
                    // The caller may have gone; what it asked for is done all the same.
                    let _ = answer.send(committed.and(result));
                });
                (done, reply)
            })
        });
        self.jobs.try_send(job).map_err(|_| unavailable("too many commands are waiting"))?;
        answered.await.map_err(|_| unavailable("the store cannot be written now"))?
    }
}

fn unavailable(why: &'static str) -> Error {
    Error::Unavailable(why.into())
}

/// Works until nobody can ask any more, or until it is told to close and has done what waits.
async fn work(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Job>, mut closing: watch::Receiver<bool>, mut file: Watched) {
    let mut jobs = Vec::with_capacity(TOGETHER);
    loop {
        let taken = tokio::select! {
            biased;
            // Whoever could say so being gone ends the queue as well.
            _ = closing.wait_for(|closing| *closing), if !queue.is_closed() => {
                queue.close();
                continue;
            }
            taken = queue.recv_many(&mut jobs, TOGETHER) => taken,
        };
        if taken == 0 {
            break;
        }
        if !file.is_there() {
            // Dropped unanswered: their callers are told that nothing was kept.
            tracing::error!("the database file was removed or replaced; nothing is taken in until the gateway is started anew");
            jobs.clear();
            continue;
        }
        let mut answers = Vec::with_capacity(jobs.len());
        let result = together(&mut connection, &mut jobs, &mut answers).await;
        if result.is_err() {
            // Whatever state the transaction was left in; if there is none this fails, and that is fine.
            let _ = sqlx::query("ROLLBACK").execute(&mut connection).await;
        }
        let failure = result.err().map(|error| error.to_string());
        for answer in answers {
            answer(failure.as_ref().map_or(Ok(()), |text| Err(Error::Unavailable(text.clone().into()))));
        }
        jobs.clear();
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(error = %error, "the database was not closed cleanly");
    }
}

/// The database file, looked at now and then: SQLite goes on writing into one that was deleted, and all of it would be lost.
struct Watched {
    path: PathBuf,
    identity: Option<(u64, u64)>,
    looked: Instant,
    there: bool,
}

impl Watched {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: identity(path), looked: Instant::now(), there: true }
    }

    fn is_there(&mut self) -> bool {
        const EVERY: Duration = Duration::from_millis(500);
        if self.looked.elapsed() >= EVERY {
            self.looked = Instant::now();
            self.there = self.there && identity(&self.path) == self.identity;
        }
        self.there
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|file| (file.dev(), file.ino()))
}

/// What is said between two commands goes together: each way to the connection's thread and back takes as long as a small command.
async fn together(connection: &mut SqliteConnection, jobs: &mut Vec<Job>, answers: &mut Vec<Answer>) -> sqlx::Result<()> {
    const OPEN: &str = "BEGIN IMMEDIATE; SAVEPOINT command";
    const NEXT: &str = "RELEASE command; SAVEPOINT command";
    const CLOSE: &str = "RELEASE command; COMMIT";
    let mut left = jobs.len();
    sqlx::query(OPEN).execute(&mut *connection).await?;
    for job in jobs.drain(..) {
        let (done, answer) = job(connection).await;
        answers.push(answer);
        if !done {
            sqlx::query("ROLLBACK TO command").execute(&mut *connection).await?;
        }
        left -= 1;
        sqlx::query(if left == 0 { CLOSE } else { NEXT }).execute(&mut *connection).await?;
    }
    Ok(())
}
