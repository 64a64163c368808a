//! Keeping what came from customs, as received.

use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::rows::{Result, column, count, from_json};
use crate::{
    archive::{Archives, Part},
    clock::Timestamp,
    declaration::DocumentId,
    queue::Lease,
    store::{Arrival, KeptReceipt, LeasedArrival, retaining::text},
};

/// Keeps arrivals; the same bytes under the same name by the same road are kept once.
pub(super) async fn keep(connection: &mut PgConnection, now: Timestamp, many: &[Arrival]) -> Result<()> {
    sqlx::query(
        "WITH kept AS (INSERT INTO arrivals (id, road, name, digest, lease_token, lease_until, at, state) \
           SELECT j.*, $6, 'kept' FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $7::uuid[], $8::bigint[]) \
             AS j (id, road, name, digest, lease_token, lease_until) \
           ORDER BY j.digest, j.road, j.name ON CONFLICT DO NOTHING RETURNING id) \
         INSERT INTO arrival_bytes (arrival, bytes) SELECT id, ($5::bytea[])[array_position($1, id)] FROM kept",
    )
    .bind(column(many, |arrival| arrival.id))
    .bind(column(many, |arrival| arrival.road.as_str()))
    .bind(column(many, |arrival| arrival.name.as_str()))
    .bind(column(many, |arrival| arrival.digest))
    .bind(column(many, |arrival| arrival.bytes.as_slice()))
    .bind(now.0)
    .bind(column(many, |arrival| arrival.reserved.map(|reserved| reserved.token)))
    .bind(column(many, |arrival| arrival.reserved.map_or(0, |reserved| reserved.until.0)))
    .execute(connection)
    .await?;
    Ok(())
}

/// How many bytes of arrivals one lease brings into memory, unless the first alone is larger.
const LEASED_BYTES: i64 = 64 << 20;

pub(super) async fn lease(
    connection: &mut PgConnection,
    now: Timestamp,
    lease: Lease,
    own: Option<Uuid>,
    limit: u32,
    unsure: bool,
) -> Result<Vec<LeasedArrival>> {
    if unsure {
        let mine = leased(connection, lease.token).await?;
        if !mine.is_empty() {
            return Ok(mine);
        }
    }
    // First the rows, locked, then how much of them fits: no sum is taken of rows while they are being locked.
    let rows = sqlx::query(
        "WITH early AS MATERIALIZED ( \
           SELECT id, at, name FROM arrivals WHERE state = 'kept' AND (lease_until <= $3 OR lease_token = $6) \
           ORDER BY at, name LIMIT $4 FOR UPDATE SKIP LOCKED \
         ), sized AS ( \
           SELECT e.id, row_number() OVER early AS place, coalesce(sum(b.size) OVER early, 0) AS total FROM early e \
           LEFT JOIN LATERAL (SELECT octet_length(bytes) AS size FROM arrival_bytes WHERE arrival = e.id LIMIT 1) b ON true \
           WINDOW early AS (ORDER BY e.at, e.name, e.id ROWS UNBOUNDED PRECEDING) \
         ) \
         UPDATE arrivals a SET lease_token = $1, lease_until = $2, attempt = a.attempt + 1 WHERE a.id = ANY(ARRAY(SELECT id FROM sized WHERE place = 1 OR total <= $5)) \
         RETURNING a.id, a.road, a.name, a.at, a.attempt, (SELECT b.bytes FROM arrival_bytes b WHERE b.arrival = a.id) AS bytes",
    )
    .bind(lease.token)
    .bind(lease.until.0)
    .bind(now.0)
    .bind(i64::from(limit))
    .bind(LEASED_BYTES)
    .bind(own)
    .fetch_all(connection)
    .await?;
    let mut arrivals = rows.into_iter().map(arrival).collect::<Result<Vec<_>>>()?;
    arrivals.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    Ok(arrivals)
}

/// What is leased under a token.
async fn leased(connection: &mut PgConnection, token: Uuid) -> Result<Vec<LeasedArrival>> {
    let rows = sqlx::query(
        "SELECT a.id, a.road, a.name, a.at, a.attempt, b.bytes FROM arrivals a LEFT JOIN arrival_bytes b ON b.arrival = a.id \
         WHERE a.state = 'kept' AND a.lease_token = $1 ORDER BY a.at, a.name",
    )
    .bind(token)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(arrival).collect()
}

// Row by row and by value, so that no more than one stands in memory twice.
fn arrival(row: PgRow) -> Result<LeasedArrival> {
    Ok(LeasedArrival {
        id: row.try_get("id")?,
        road: row.try_get("road")?,
        name: row.try_get("name")?,
        bytes: row.try_get::<Option<Vec<u8>>, _>("bytes")?.unwrap_or_default(),
        at: Timestamp(row.try_get("at")?),
        attempt: count("arrivals", row.try_get("attempt")?)?,
    })
}

pub(super) const RECEIPT: &str = "arrival, ordinal, at, document, effect, body";

pub(super) fn receipt(archives: &Archives, row: &PgRow) -> Result<KeptReceipt> {
    const TABLE: &str = "receipts";
    let (arrival, ordinal): (Uuid, _) = (row.try_get("arrival")?, count(TABLE, row.try_get("ordinal")?)?);
    let document: Uuid = row.try_get("document")?;
    let key = || format!("{arrival}/{ordinal}/{document}");
    Ok(KeptReceipt {
        arrival,
        ordinal,
        at: Timestamp(row.try_get("at")?),
        receipt: from_json(TABLE, &text(archives, Part::Receipt, key, row.try_get("body")?)?)?,
        document: Some(document).filter(|id| !id.is_nil()).map(DocumentId),
        effect: row.try_get("effect")?,
    })
}

/// Receipts that match nothing of ours, newest first.
pub(super) async fn unmatched(connection: &mut PgConnection, limit: u32) -> Result<Vec<KeptReceipt>> {
    let statement = format!("SELECT {RECEIPT} FROM receipts WHERE document = $2 ORDER BY arrival DESC, ordinal LIMIT $1");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(i64::from(limit)).bind(Uuid::nil()).fetch_all(connection).await?;
    rows.iter().map(|row| receipt(&Archives::default(), row)).collect()
}
