//! Fills a database for a measurement; see [`crate::store::filling`].

use sqlx::{AssertSqlSafe, Connection};

use super::{
    options::Options,
    pool::{Pool, Purpose},
    trying::Failed,
};
use crate::store::{
    Result,
    filling::{Becomes, Filling, TABLES},
};

/// Writes the copies.
pub(crate) async fn fill(options: &Options, filling: &Filling) -> Result<()> {
    let pool = Pool::open(options.setting()?, Purpose::Writing, 1).await?;
    let mut held = pool.take().await.map_err(Failed::told)?;
    let connection = &mut held.connection;
    sqlx::raw_sql("SET synchronous_commit = off; SET statement_timeout = 0; SET enable_seqscan = on").execute(&mut *connection).await?;
    let mut statements = Vec::new();
    for table in TABLES {
        let make = format!("CREATE TEMP TABLE {} AS SELECT * FROM {} WHERE {}", table.source(), table.name, table.rows);
        sqlx::query(AssertSqlSafe(make)).execute(&mut *connection).await?;
        let columns = "SELECT column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
        let columns: Vec<String> = sqlx::query_scalar(columns).bind(table.name).fetch_all(&mut *connection).await?;
        statements.push(table.statement(&columns, made));
    }
    for copy in 1..=filling.copies {
        let mut transaction = connection.begin().await?;
        for statement in &statements {
            // Whatever a copy of a table leaves out is bound all the same.
            sqlx::query(AssertSqlSafe(format!("{statement} WHERE ($1::text, $2::text, $3::bigint) IS NOT NULL")))
                .bind(filling.beginning(copy))
                .bind(Filling::prefix(copy))
                .bind(filling.later_us(copy))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
    sqlx::raw_sql("ANALYZE").execute(&mut *connection).await?;
    Ok(())
}

fn made(column: &str, becomes: Becomes) -> String {
    match becomes {
        Becomes::Id => format!(
            "CASE WHEN {column} = '00000000-0000-0000-0000-000000000000' THEN {column} \
             ELSE ($1::text || substr(replace({column}::text, '-', ''), 13))::uuid END"
        ),
        Becomes::Number => format!("$2::text || {column}"),
        Becomes::Moment => format!("{column} + $3::bigint"),
        Becomes::Body => format!("replace(replace({column}, '\"BN0', '\"' || $2::text || 'BN0'), '\"BW0', '\"' || $2::text || 'BW0')"),
        Becomes::Nothing => "NULL".to_owned(),
    }
}
