//! Bringing what is kept raw under the vault's first key.

use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{Result, column};
use crate::{
    store::{Resealed, guarding},
    vault::{Place, Vault},
};

const MESSAGES: (&str, &str) = (
    "SELECT message, bytes FROM sealed WHERE message > $1 ORDER BY message LIMIT $2",
    "UPDATE sealed s SET bytes = j.bytes FROM unnest($1::uuid[], $2::bytea[]) AS j (id, bytes) WHERE s.message = j.id",
);
const ARRIVALS: (&str, &str) = (
    "SELECT arrival, bytes FROM arrival_bytes WHERE arrival > $1 ORDER BY arrival LIMIT $2",
    "UPDATE arrival_bytes a SET bytes = j.bytes FROM unnest($1::uuid[], $2::bytea[]) AS j (id, bytes) WHERE a.arrival = j.id",
);
const ACCOUNTS: (&str, &str) = (
    "SELECT id, secret FROM accounts WHERE secret IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
    "UPDATE accounts a SET secret = j.bytes FROM unnest($1::uuid[], $2::bytea[]) AS j (id, bytes) WHERE a.id = j.id",
);

pub(super) async fn reseal(connection: &mut PgConnection, vault: &Vault, from: Place, limit: u32) -> Result<Resealed> {
    let ((look, write), after) = match from {
        Place::Message(after) => (MESSAGES, after),
        Place::Arrival(after) => (ARRIVALS, after),
        Place::Account(after) => (ACCOUNTS, after),
    };
    let rows = sqlx::query_as(look).bind(after).bind(i64::from(limit)).fetch_all(&mut *connection).await?;
    let (anew, done) = match from {
        Place::Message(_) => guarding::renewed(vault, rows, limit, Place::Message, Some(Place::Arrival(Uuid::nil()))),
        Place::Arrival(_) => guarding::renewed(vault, rows, limit, Place::Arrival, Some(Place::Account(Uuid::nil()))),
        Place::Account(_) => guarding::renewed(vault, rows, limit, Place::Account, None),
    };
    if !anew.is_empty() {
        let bytes = column(&anew, |(_, bytes)| bytes.as_slice());
        sqlx::query(write).bind(column(&anew, |(id, _)| *id)).bind(bytes).execute(connection).await?;
    }
    Ok(done)
}
