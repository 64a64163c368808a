//! Bringing what is kept raw under the vault's first key.

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::rows::id;
use crate::{
    store::{Resealed, Result, guarding},
    vault::{Place, Vault},
};

const MESSAGES: (&str, &str) = (
    "SELECT message AS id, bytes FROM sealed WHERE message > ?1 ORDER BY message LIMIT ?2",
    "UPDATE sealed SET bytes = ?2 WHERE message = ?1",
);
const ARRIVALS: (&str, &str) = (
    "SELECT arrival AS id, bytes FROM arrival_bytes WHERE arrival > ?1 ORDER BY arrival LIMIT ?2",
    "UPDATE arrival_bytes SET bytes = ?2 WHERE arrival = ?1",
);
const ACCOUNTS: (&str, &str) = (
    "SELECT id, secret AS bytes FROM accounts WHERE secret IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2",
    "UPDATE accounts SET secret = ?2 WHERE id = ?1",
);

pub(super) async fn reseal(connection: &mut SqliteConnection, vault: &Vault, from: Place, limit: u32) -> Result<Resealed> {
    let ((look, write), after) = match from {
        Place::Message(after) => (MESSAGES, after),
        Place::Arrival(after) => (ARRIVALS, after),
        Place::Account(after) => (ACCOUNTS, after),
    };
    let rows = sqlx::query(look).bind(after.as_bytes().as_slice()).bind(limit).fetch_all(&mut *connection).await?;
    let rows = rows.iter().map(|row| Ok((id("sealed", row, "id")?, row.try_get("bytes")?))).collect::<Result<Vec<_>>>()?;
    let (anew, done) = match from {
        Place::Message(_) => guarding::renewed(vault, rows, limit, Place::Message, Some(Place::Arrival(Uuid::nil()))),
        Place::Arrival(_) => guarding::renewed(vault, rows, limit, Place::Arrival, Some(Place::Account(Uuid::nil()))),
        Place::Account(_) => guarding::renewed(vault, rows, limit, Place::Account, None),
    };
    for (id, bytes) in anew {
        sqlx::query(write).bind(id.as_bytes().as_slice()).bind(bytes).execute(&mut *connection).await?;
    }
    Ok(done)
}
