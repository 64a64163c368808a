//! Connections, a bounded number of them, each to the host that takes writes. sqlx's own pool asks the server at every return whether
//! the connection is still good, a round trip as dear as a statement; here a connection is given back only by a command that went
//! well, and all are let go once one was lost.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, PgConnection, Row, postgres::PgConnectOptions};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{migrate, options::Setting, trying::Failed};
use crate::store::{Error, Result};

/// Commands that run or wait at once before callers are told that the store is busy.
const QUEUE: usize = 1_024;
/// How long a host may take at least until it has answered that it is there; where there is patience, longer.
const GREETING: Duration = Duration::from_secs(3);

/// What the connections of a pool are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading and writing, at the host that takes writes.
    Writing,
    /// Looking only, at any host, and always as it was at the first look: one connection in one snapshot.
    Looking,
}

/// The connections of a store.
pub(super) struct Pool {
    setting: Setting,
    purpose: Purpose,
    size: u32,
    /// Places for those who have a connection.
    places: Arc<Semaphore>,
    /// Places for those who have one or wait for one.
    waiting: Arc<Semaphore>,
    idle: Mutex<Vec<PgConnection>>,
    /// Counts losses: a connection made before the last one is not used again.
    losses: AtomicU64,
    /// The host that was right last.
    host: AtomicUsize,
    /// Nobody has looked yet whether the schema is one that this program knows: the first connection is to see.
    is_unseen: AtomicBool,
}

/// A connection in use. Dropped without being given back it is closed, and the server takes back what was not committed.
pub(super) struct Held {
    pub connection: PgConnection,
    /// Losses when it was made.
    losses: u64,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    /// A pool with its first connection.
    pub(super) async fn open(setting: Setting, purpose: Purpose, size: u32) -> Result<Arc<Self>> {
        let pool = Self::new(setting, purpose, size);
        let first = pool.connect().await.map_err(Failed::told)?;
        pool.idle().push(first);
        Ok(Arc::new(pool))
    }

    /// A pool for writing whose first connection, whenever it is made, sees whether the schema is known. It is tried now; the failure is
    /// told with the pool where waiting may help.
    pub(super) async fn open_patiently(setting: Setting, size: u32) -> Result<(Arc<Self>, Option<Error>)> {
        let pool = Self { is_unseen: AtomicBool::new(true), ..Self::new(setting, Purpose::Writing, size) };
        let failed = match pool.connect().await {
            Ok(first) => {
                pool.idle().push(first);
                None
            }
            Err(failed) if failed.may_pass() => Some(failed.told()),
            Err(failed) => return Err(failed.told()),
        };
        Ok((Arc::new(pool), failed))
    }

    fn new(setting: Setting, purpose: Purpose, size: u32) -> Self {
        let size = if purpose == Purpose::Looking { 1 } else { size };
        let places = usize::try_from(size).unwrap_or(1).clamp(1, QUEUE);
        Self {
            setting,
            purpose,
            size,
            places: Arc::new(Semaphore::new(places)),
            waiting: Arc::new(Semaphore::new(QUEUE)),
            idle: Mutex::default(),
            losses: AtomicU64::new(0),
            host: AtomicUsize::new(0),
            is_unseen: AtomicBool::new(false),
        }
    }

    pub(super) const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// How long a command may wait for a connection, and how long it may go on trying.
    pub(super) const fn patience(&self) -> Duration {
        self.setting.patience
    }

    /// How long all statements of one try may take together.
    pub(super) fn longest(&self) -> Duration {
        self.setting.statement.saturating_mul(4)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place among those who wait, for as long as a command goes on.
    pub(super) fn enter(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Error::Unavailable("too many commands are waiting".into()))
    }

    /// A connection: one that is idle, or a new one.
    pub(super) async fn take(&self) -> std::result::Result<Held, Failed> {
        let place = timeout(self.setting.patience, Arc::clone(&self.places).acquire_owned());
        let place = place.await.map_err(|_| Failed::Busy("no connection came free in time"))?;
        let place = place.map_err(|_| Failed::Busy("the store is closed"))?;
        let losses = self.losses.load(Ordering::Acquire);
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None if self.purpose == Purpose::Looking => return Err(Failed::Busy("the connection that held the snapshot was lost")),
            None => timeout(self.setting.patience, self.connect()).await.map_err(|_| Failed::Late)??,
        };
        Ok(Held { connection, losses, _place: place })
    }

    /// Takes back a connection that is in no transaction.
    pub(super) fn give_back(&self, held: Held) {
        let mut idle = self.idle();
        if held.losses == self.losses.load(Ordering::Acquire) {
            idle.push(held.connection);
        }
    }

    /// Lets go of every connection: one of them was lost, so that the server may have gone or takes writes no more.
    pub(super) fn lost(&self, held: &Held) {
        let mut idle = self.idle();
        if held.losses == self.losses.load(Ordering::Acquire) {
            self.losses.fetch_add(1, Ordering::AcqRel);
            idle.clear();
        }
    }

    /// Lets nobody in any more, and waits until all have left.
    pub(super) async fn close(&self) {
        self.waiting.close();
        // Nobody closes the places but this; those who wait stand before it.
        let all = self.places.acquire_many(self.size).await;
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(error = %error, "a connection was not closed cleanly");
            }
        }
    }

    /// Connects to the host that was right last, or else to the next that is.
    async fn connect(&self) -> std::result::Result<PgConnection, Failed> {
        let hosts = &self.setting.hosts;
        let first = self.host.load(Ordering::Relaxed);
        let mut failure = Failed::Nowhere;
        let share = self.setting.patience / u32::try_from(hosts.len()).unwrap_or(u32::MAX);
        let greeting = if share > GREETING { share } else { GREETING };
        for (place, host) in hosts.iter().enumerate().cycle().skip(first).take(hosts.len()) {
            match timeout(greeting, self.greet(host)).await {
                Ok(Ok(Some(mut connection))) => {
                    if self.is_unseen.load(Ordering::Acquire) {
                        migrate::look(&mut connection).await?;
                        self.is_unseen.store(false, Ordering::Release);
                    }
                    if self.host.swap(place, Ordering::Relaxed) != place {
                        tracing::info!(host.name = host.get_host(), host.port = host.get_port(), "another host of the database is used");
                    }
                    return Ok(connection);
                }
                Ok(Ok(None)) => tracing::debug!(host.name = host.get_host(), "host takes no writes"),
                Ok(Err(error)) => failure = Failed::Sql(error),
                Err(_) => failure = Failed::Late,
            }
        }
        Err(failure)
    }

    /// Connects to a host; nothing if it is not one for this purpose.
    async fn greet(&self, host: &PgConnectOptions) -> sqlx::Result<Option<PgConnection>> {
        let mut connection = host.connect().await?;
        // Every statement leads by an index from a handful of keys to their rows. What the statistics of a table say that has only just
        // begun, or of arrays whose length nobody knows, must not lead it through whole tables.
        let statement = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS read_only, \
             set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $2, false), \
             set_config('search_path', coalesce($3, current_setting('search_path')), false), \
             set_config('plan_cache_mode', 'force_generic_plan', false), set_config('jit', 'off', false), \
             set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false), \
             set_config('enable_mergejoin', 'off', false), set_config('enable_bitmapscan', 'off', false), set_config('enable_material', 'off', false), \
             CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END";
        let milliseconds = |time: Duration| time.as_millis().to_string();
        let idle = if self.purpose == Purpose::Looking { Duration::ZERO } else { self.longest() };
        let row = sqlx::query(statement)
            .bind(milliseconds(self.setting.statement))
            .bind(milliseconds(idle))
            .bind(self.setting.schema.as_deref())
            .persistent(false)
            .fetch_one(&mut connection)
            .await?;
        if self.purpose == Purpose::Looking {
            sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut connection).await?;
            return Ok(Some(connection));
        }
        if row.try_get("read_only")? {
            return Ok(None);
        }
        // Much faster than the usual one, where the server was built with it.
        let statement =
            "SELECT set_config(name, 'lz4', false) FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)";
        sqlx::query(statement).persistent(false).fetch_optional(&mut connection).await?;
        Ok(Some(connection))
    }
}
