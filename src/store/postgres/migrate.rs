//! Bringing a database to the present schema, by command only, and looking whether it is there.

use std::collections::BTreeMap;

use sqlx::{Connection, PgConnection, migrate::Migrator};

use super::{
    Options,
    pool::{Pool, Purpose},
    rows::inconsistent,
    trying::Failed,
};
use crate::store::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Brings the database to the present schema; makes the schema that its address names if it is not there. Nodes that run meanwhile
/// go on: a migration only adds, and what is no longer used goes with a later one. Two that migrate at once take turns.
///
/// # Errors
/// The database cannot be reached or written, or was made by a later version of this program.
pub async fn migrate(options: &Options) -> Result<()> {
    let setting = options.setting()?;
    let schema = setting.schema.clone();
    let unbound = Options { statement_ms: 0, ..options.clone() }.setting()?;
    let turns = Pool::open(unbound.clone(), Purpose::Writing, 1).await?;
    let mut held = turns.take().await.map_err(Failed::told)?;
    if let Some(schema) = &schema {
        ignore_race(
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"))).execute(&mut held.connection).await,
        )?;
    }
    // A row that is locked until all is done, so that no lock outlives this and none is needed that only PostgreSQL has.
    let statement = "CREATE TABLE IF NOT EXISTS migrating (one BOOLEAN NOT NULL PRIMARY KEY)";
    ignore_race(sqlx::raw_sql(statement).execute(&mut held.connection).await)?;
    sqlx::query("INSERT INTO migrating (one) VALUES (true) ON CONFLICT DO NOTHING").execute(&mut held.connection).await?;
    let mut turn = held.connection.begin().await?;
    sqlx::query("SELECT one FROM migrating FOR UPDATE").fetch_one(&mut *turn).await?;
    let working = Pool::open(unbound, Purpose::Writing, 1).await?;
    let mut worker = working.take().await.map_err(Failed::told)?;
    let mut migrator = Migrator { migrations: MIGRATIONS.migrations.clone(), ..Migrator::DEFAULT };
    migrator.set_locking(false);
    migrator.run(&mut worker.connection).await.map_err(|error| Error::Schema(error.to_string()))?;
    turn.commit().await?;
    Ok(())
}

/// Two may make the same thing at once: then it is there.
fn ignore_race<T>(made: sqlx::Result<T>) -> Result<()> {
    match made {
        Err(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("23505" | "42710" | "42P06" | "42P07")) => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

/// Looks whether the schema is the one that this program knows.
pub(super) async fn look(connection: &mut PgConnection) -> Result<()> {
    const COMMAND: &str = "tongguan migrate";
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !there {
        return Err(Error::Schema(format!("数据库为空，请先运行 `{COMMAND}` · the database is empty; run `{COMMAND}` first")));
    }
    let applied: Vec<(i64, bool, Vec<u8>)> =
        sqlx::query_as("SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version").fetch_all(connection).await?;
    let mut missing: BTreeMap<i64, _> = MIGRATIONS.iter().map(|migration| (migration.version, migration)).collect();
    for (version, success, checksum) in applied {
        let Some(known) = missing.remove(&version) else {
            return Err(Error::Schema(format!(
                "数据库结构为 {version} 版，本程序较旧，请升级程序 · the schema is at version {version}; a later version of this program made it, use that"
            )));
        };
        if !success || known.checksum != checksum {
            return Err(inconsistent("_sqlx_migrations", format!("migration {version} is not the one that this program knows")));
        }
    }
    match missing.keys().next() {
        None => Ok(()),
        Some(version) => Err(Error::Schema(format!(
            "数据库结构缺少 {version} 版，请先运行 `{COMMAND}` · the schema lacks version {version}; run `{COMMAND}` first"
        ))),
    }
}
