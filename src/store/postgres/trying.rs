//! One command, tried until its outcome is known or nobody has patience any more: what lost a race, met a deadlock or lost its
//! connection is begun anew, a bounded number of times.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, error::Elapsed, sleep, timeout},
};

use super::pool::{Held, Pool, Purpose};
use crate::store::{Error, Result};

/// Tries of a command that lost a race each time: somebody else got through each time.
const RACES: u32 = 16;
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Why a try failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// The database said so, or it is gone.
    Sql(sqlx::Error),
    /// What is kept makes no sense, or what was asked.
    Store(Error),
    /// Somebody else was faster: what this try saw is no longer so.
    Raced(&'static str),
    /// The server did not answer in time.
    Late,
    /// No host of the database takes writes.
    Nowhere,
    /// There is no room.
    Busy(&'static str),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// What is to be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// Begin anew: the connection is good.
    Anew,
    /// Begin anew on another connection, perhaps at another host.
    Elsewhere,
    /// Nothing.
    Nothing,
}

impl Failed {
    /// As callers are told.
    pub(super) fn told(self) -> Error {
        match self {
            Self::Sql(error) => error.into(),
            Self::Store(error) => error,
            Self::Raced(what) => Error::Unavailable(format!("others were faster every time: {what}").into()),
            Self::Late => Error::Unavailable("the database did not answer in time".into()),
            Self::Nowhere => Error::Unavailable("no host of the database takes writes".into()),
            Self::Busy(why) => Error::Unavailable(why.into()),
        }
    }

    /// Whether waiting may help, be it at another host.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Store(Error::Unavailable(_))) || self.remedy() == Remedy::Elsewhere
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => of_code(error.code().as_deref().unwrap_or_default()),
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed) | Self::Late | Self::Nowhere => {
                Remedy::Elsewhere
            }
            Self::Raced(_) => Remedy::Anew,
            Self::Sql(_) | Self::Store(_) | Self::Busy(_) => Remedy::Nothing,
        }
    }

    /// Whether the connection can be used again after a rollback.
    const fn spares_connection(&self) -> bool {
        matches!(
            self,
            Self::Sql(sqlx::Error::Database(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound)
                | Self::Store(_)
                | Self::Raced(_)
        )
    }
}

/// By SQLSTATE (PostgreSQL documentation, appendix A).
fn of_code(code: &str) -> Remedy {
    match code {
        // serialization_failure, deadlock_detected, unique_violation: another's commit came between a look and a write.
        "40001" | "40P01" | "23505" => Remedy::Anew,
        // admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections, read_only_sql_transaction: no longer the host for it.
        "57P01" | "57P02" | "57P03" | "53300" | "25006" => Remedy::Elsewhere,
        // idle_in_transaction_session_timeout: this try was slow.
        "25P03" => Remedy::Elsewhere,
        code if code.starts_with("08") => Remedy::Elsewhere,
        _ => Remedy::Nothing,
    }
}

/// How a command stands to transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// One statement, a transaction of its own.
    Single,
    /// All statements commit together.
    Together,
    /// All statements see one moment, and write nothing.
    Snapshot,
}

/// A command that is being tried.
pub(super) struct Trying<'p> {
    pool: &'p Arc<Pool>,
    manner: Manner,
    since: Instant,
    tries: u32,
    unsure: bool,
    _waiting: OwnedSemaphorePermit,
}

impl<'p> Trying<'p> {
    pub(super) fn new(pool: &'p Arc<Pool>, manner: Manner) -> Result<Self> {
        let waiting = pool.enter()?;
        Ok(Self { pool, manner, since: Instant::now(), tries: 0, unsure: false, _waiting: waiting })
    }

    /// Whether an earlier try may have been committed although nobody was told.
    pub(super) const fn unsure(&self) -> bool {
        self.unsure
    }

    pub(super) fn longest(&self) -> Duration {
        self.pool.longest()
    }

    /// A connection, in a transaction if need be.
    pub(super) async fn begin(&mut self) -> std::result::Result<Held, Failed> {
        let mut held = self.pool.take().await?;
        let begin = match self.manner {
            _ if self.pool.purpose() == Purpose::Looking => return Ok(held),
            Manner::Single => return Ok(held),
            Manner::Together => "BEGIN",
            Manner::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        // A server that stands still answers not even this.
        match timeout(self.pool.longest(), sqlx::raw_sql(begin).execute(&mut held.connection)).await {
            Ok(Ok(_)) => Ok(held),
            Ok(Err(error)) => Err(self.drop_lost(held, Failed::Sql(error))),
            Err(_) => Err(self.drop_lost(held, Failed::Late)),
        }
    }

    /// Commits a try that went well, and takes back one that did not.
    pub(super) async fn end<T>(
        &mut self,
        mut held: Held,
        done: std::result::Result<std::result::Result<T, Failed>, Elapsed>,
    ) -> std::result::Result<T, Failed> {
        let is_open = self.manner != Manner::Single && self.pool.purpose() == Purpose::Writing;
        match done {
            Ok(Ok(answer)) => {
                if is_open && let Err(failed) = self.commit(&mut held).await {
                    // Whether it was kept will be seen by the next try.
                    self.unsure |= self.manner == Manner::Together && failed.remedy() == Remedy::Elsewhere;
                    return Err(self.drop_lost(held, failed));
                }
                self.pool.give_back(held);
                Ok(answer)
            }
            Ok(Err(failed)) if failed.spares_connection() && failed.remedy() != Remedy::Elsewhere => {
                if !is_open || self.roll_back(&mut held).await {
                    self.pool.give_back(held);
                }
                Err(failed)
            }
            Ok(Err(failed)) => {
                // A single statement commits by itself.
                self.unsure |= self.manner == Manner::Single && failed.remedy() == Remedy::Elsewhere;
                Err(self.drop_lost(held, failed))
            }
            Err(_) => {
                self.unsure |= self.manner == Manner::Single;
                Err(self.drop_lost(held, Failed::Late))
            }
        }
    }

    async fn roll_back(&self, held: &mut Held) -> bool {
        let done = timeout(self.pool.longest(), sqlx::raw_sql("ROLLBACK").execute(&mut held.connection)).await;
        done.is_ok_and(|done| done.is_ok())
    }

    async fn commit(&self, held: &mut Held) -> std::result::Result<(), Failed> {
        let committing = sqlx::raw_sql("COMMIT").execute(&mut held.connection);
        match timeout(self.pool.longest(), committing).await {
            Ok(done) => done.map(drop).map_err(Failed::Sql),
            Err(_) => Err(Failed::Late),
        }
    }

    fn drop_lost(&self, held: Held, failed: Failed) -> Failed {
        if failed.remedy() == Remedy::Elsewhere {
            self.pool.lost(&held);
        }
        failed
    }

    /// Waits for the next try, if there is to be one.
    pub(super) async fn after(&mut self, failed: Failed) -> Result<()> {
        self.tries = self.tries.saturating_add(1);
        let goes_on = self.pool.purpose() == Purpose::Writing
            && match failed.remedy() {
                Remedy::Anew => self.tries < RACES,
                Remedy::Elsewhere => self.since.elapsed() < self.pool.patience(),
                Remedy::Nothing => false,
            };
        if !goes_on {
            return Err(failed.told());
        }
        tracing::debug!(store.tries = self.tries, error = ?failed, "a command is begun anew");
        sleep(wait(self.tries)).await;
        Ok(())
    }
}

/// Doubling, capped, and never the same for two, so that those who collided do not meet again.
fn wait(tries: u32) -> Duration {
    static TURN: AtomicU64 = AtomicU64::new(0);
    const STEPS: u64 = 8;
    // A multiple of the golden ratio: neighbours come far apart.
    let spread = TURN.fetch_add(5, Ordering::Relaxed) % STEPS;
    let full = FIRST_WAIT.saturating_mul(1 << tries.saturating_sub(1).clamp(0, 7)).clamp(FIRST_WAIT, LONGEST_WAIT);
    let step = full / 16;
    full / 2 + step.saturating_mul(u32::try_from(spread).unwrap_or(0))
}

/// Tries a command: `tried!(pool, Together, |connection, unsure| command(connection, …))`.
macro_rules! tried {
    ($pool:expr, $manner:ident, |$connection:ident $(, $unsure:ident)?| $command:expr) => {{
        let mut trying = $crate::store::postgres::trying::Trying::new($pool, $crate::store::postgres::trying::Manner::$manner)?;
        loop {
            let failed = match trying.begin().await {
                Ok(mut held) => {
                    let longest = trying.longest();
                    $(let $unsure = trying.unsure();)?
                    let $connection = &mut held.connection;
                    let done = tokio::time::timeout(longest, $command).await;
                    match trying.end(held, done).await {
                        Ok(answer) => break $crate::store::Result::Ok(answer),
                        Err(failed) => failed,
                    }
                }
                Err(failed) => failed,
            };
            trying.after(failed).await?;
        }
    }};
}

pub(super) use tried;
