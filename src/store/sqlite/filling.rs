//! Fills a database file for a measurement; see [`crate::store::filling`].

use std::path::Path;

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::store::{
    Result,
    filling::{Becomes, Filling, TABLES},
};

/// Copies in a transaction.
const TOGETHER: u32 = 20;

/// Writes the copies. Nobody else has the file open, and should it fail the file is of no use.
pub(crate) async fn fill(file: &Path, filling: &Filling) -> Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-524288")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    let mut statements = Vec::new();
    for table in TABLES {
        let make = format!("CREATE TEMP TABLE {} AS SELECT * FROM {} WHERE {}", table.source(), table.name, table.rows);
        sqlx::query(AssertSqlSafe(make)).execute(&mut connection).await?;
        let columns: Vec<String> =
            sqlx::query_scalar("SELECT name FROM pragma_table_info(?1)").bind(table.name).fetch_all(&mut connection).await?;
        statements.push(table.statement(&columns, made));
    }
    for copy in 1..=filling.copies {
        if copy % TOGETHER == 1 {
            sqlx::query("BEGIN").execute(&mut connection).await?;
        }
        for statement in &statements {
            sqlx::query(AssertSqlSafe(format!("{statement} WHERE ?1 IS NOT NULL AND ?2 IS NOT NULL AND ?3 IS NOT NULL")))
                .bind(filling.beginning(copy))
                .bind(Filling::prefix(copy))
                .bind(filling.later_us(copy))
                .execute(&mut connection)
                .await?;
        }
        if copy % TOGETHER == 0 || copy == filling.copies {
            sqlx::query("COMMIT").execute(&mut connection).await?;
        }
    }
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

fn made(column: &str, becomes: Becomes) -> String {
    match becomes {
        Becomes::Id => format!("CASE WHEN length({column}) = 16 THEN unhex(?1 || substr(hex({column}), 13)) ELSE {column} END"),
        Becomes::Number => format!("?2 || {column}"),
        Becomes::Moment => format!("{column} + ?3"),
        Becomes::Body => {
            format!("replace(replace({column}, '\"BN0', '\"' || ?2 || 'BN0'), '\"BW0', '\"' || ?2 || 'BW0')")
        }
        Becomes::Nothing => "NULL".to_owned(),
    }
}
