//! What measurements ask of a database.

use sqlx::Row;

use super::{
    Options,
    pool::{Pool, Purpose},
    trying::Failed,
};
use crate::store::{Result, reading::inconsistent};

/// A database from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The process of the server that answered, on its machine.
    pub process: u32,
    /// What is kept, with its indexes, in bytes.
    pub bytes: u64,
}

/// Looks at a database from outside.
///
/// # Errors
/// It cannot be reached.
pub async fn about(options: &Options) -> Result<About> {
    let pool = Pool::open(options.setting()?, Purpose::Writing, 1).await?;
    let mut held = pool.take().await.map_err(Failed::told)?;
    let statement = "SELECT pg_backend_pid()::bigint AS process, coalesce(sum(pg_total_relation_size(oid)), 0)::bigint AS bytes \
         FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace";
    let row = sqlx::query(statement).persistent(false).fetch_one(&mut held.connection).await?;
    let number = |column: &str| row.try_get::<i64, _>(column);
    let odd = || inconsistent("pg_class", "a number out of range");
    Ok(About { process: u32::try_from(number("process")?).map_err(|_| odd())?, bytes: u64::try_from(number("bytes")?).map_err(|_| odd())? })
}
