//! Opening a database file: for writing, by one process, and for looking.

use std::{fs::File, path::Path, sync::Arc};

use sqlx::{
    SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{PATIENCE, ROWS_AHEAD, Sqlite, papers::Papers, writer::Writer};
use crate::{
    archive::Archives,
    store::{Error, Hints, Result, told_if_asked},
    vault::Vault,
};

const READERS: u32 = 4;

impl Sqlite {
    /// Opens the database file for looking only, and sees it as it was at the first look, whatever is written meanwhile. Works
    /// where it may not be written, too.
    ///
    /// # Errors
    /// The file is not there or cannot be read.
    pub async fn open_read_only(file: &Path) -> Result<Self> {
        let options = told_if_asked(SqliteConnectOptions::new()).filename(file).read_only(true).row_buffer_size(ROWS_AHEAD);
        // Where not even SQLite's shared-memory file can be made, nobody can be writing.
        let readers = match snapshot(options.clone()).await {
            Ok(readers) => readers,
            Err(_) => snapshot(options.immutable(true)).await?,
        };
        Ok(Self { writer: None, readers, hints: Hints::default(), papers: Arc::default(), vault: Vault::default(), _lock: None })
    }

    /// Encrypts what is kept raw from now on, and decrypts what was.
    #[must_use]
    pub fn with_vault(self, vault: Vault) -> Self {
        Self { vault, ..self }
    }

    /// Reads what was archived from archives that are at hand.
    #[must_use]
    pub fn with_archives(self, archives: Archives) -> Self {
        Self { papers: Arc::new(Papers::over(archives)), ..self }
    }

    pub(super) fn writer(&self) -> Result<&Writer> {
        self.writer.as_ref().ok_or_else(|| Error::Unavailable("the store was opened for reading only".into()))
    }
}

/// Makes sure that no other process writes the same file. The lock goes with the process, however it ends.
pub(super) fn lock(file: &Path) -> Result<File> {
    let beside = file.with_extension("lock");
    let lock = File::create(&beside).map_err(|error| Error::Unavailable(Box::new(error)))?;
    lock.try_lock().map_err(|error| {
        Error::Unavailable(format!("{} is locked: another gateway serves this store ({error})", beside.display()).into())
    })?;
    Ok(lock)
}

/// Marks an empty file as ours, and refuses one that another program made.
pub(super) async fn claim(connection: &mut SqliteConnection) -> Result<()> {
    /// `TGWY`, in SQLite's header of the file.
    const OURS: i64 = 0x5447_5759;
    let (found, tables): (i64, i64) =
        sqlx::query_as("SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)")
            .fetch_one(&mut *connection)
            .await?;
    if found != OURS && tables > 0 {
        return Err(Error::Schema("the file is the database of another program".to_owned()));
    }
    if found != OURS {
        sqlx::query("PRAGMA application_id = 1413961561").execute(connection).await?;
    }
    Ok(())
}

/// One connection that sees the file as it was at its first look.
pub(super) async fn snapshot(options: SqliteConnectOptions) -> Result<SqlitePool> {
    let one = SqlitePoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).idle_timeout(None).max_lifetime(None);
    let begin = one.after_connect(|connection, _| {
        Box::pin(async move {
            sqlx::query("BEGIN").execute(&mut *connection).await?;
            sqlx::query("SELECT count(*) FROM sqlite_schema").execute(connection).await.map(drop)
        })
    });
    Ok(begin.connect_with(options).await?)
}

pub(super) async fn pool(options: SqliteConnectOptions) -> Result<SqlitePool> {
    Ok(SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(PATIENCE).connect_with(options).await?)
}
