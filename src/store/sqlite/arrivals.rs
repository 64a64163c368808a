//! Keeping what came from customs, as received.

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::rows::{count, from_json, hex, hex_bytes, id, json, optional_id};
use crate::{
    archive::{Archives, Part},
    clock::Timestamp,
    declaration::DocumentId,
    queue::Lease,
    store::{Arrival, KeptReceipt, LeasedArrival, Result, retaining::text},
};

/// Keeps arrivals; the same bytes under the same name by the same road are kept once.
pub(super) async fn keep(connection: &mut SqliteConnection, now: Timestamp, many: &[Arrival]) -> Result<()> {
    let row = |arrival: &Arrival| {
        let (token, until) = arrival.reserved.map_or((None, 0), |reserved| (Some(hex(reserved.token)), reserved.until.0));
        (hex(arrival.id), arrival.road.clone(), arrival.name.clone(), hex_bytes(&arrival.digest), token, until)
    };
    let rows = json(&many.iter().map(row).collect::<Vec<_>>())?;
    let kept = sqlx::query(
        "INSERT INTO arrivals (id, road, name, digest, lease_token, lease_until, at, state) \
         SELECT unhex(value->>0), value->>1, value->>2, unhex(value->>3), unhex(value->>4), value->>5, ?2, 'kept' FROM json_each(?1) WHERE true \
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(rows)
    .bind(now.0)
    .fetch_all(&mut *connection)
    .await?;
    for row in &kept {
        let arrival_id = id("arrivals", row, "id")?;
        let Some(arrival) = many.iter().find(|arrival| arrival.id == arrival_id) else { continue };
        sqlx::query("INSERT INTO arrival_bytes (arrival, bytes) VALUES (?1, ?2)")
            .bind(arrival_id.as_bytes().as_slice())
            .bind(arrival.bytes.as_slice())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// How many bytes of arrivals one lease brings into memory, unless the first alone is larger.
const LEASED_BYTES: i64 = 64 << 20;

pub(super) async fn lease(
    connection: &mut SqliteConnection,
    now: Timestamp,
    lease: Lease,
    own: Option<Uuid>,
    limit: u32,
) -> Result<Vec<LeasedArrival>> {
    let rows = sqlx::query(
        "UPDATE arrivals SET lease_token = ?1, lease_until = ?2, attempt = attempt + 1 WHERE id IN ( \
           SELECT id FROM ( \
             SELECT c.id, row_number() OVER early AS place, coalesce(sum(length(b.bytes)) OVER early, 0) AS total FROM ( \
               SELECT id, at, name FROM arrivals WHERE state = 'kept' AND (lease_until <= ?3 OR lease_token = ?6) \
               ORDER BY at, name LIMIT ?4 \
             ) c LEFT JOIN arrival_bytes b ON b.arrival = c.id WINDOW early AS (ORDER BY c.at, c.name, c.id ROWS UNBOUNDED PRECEDING) \
           ) WHERE place = 1 OR total <= ?5 \
         ) RETURNING id, road, name, at, attempt, (SELECT bytes FROM arrival_bytes WHERE arrival = arrivals.id) AS bytes",
    )
    .bind(lease.token.as_bytes().as_slice())
    .bind(lease.until.0)
    .bind(now.0)
    .bind(limit)
    .bind(LEASED_BYTES)
    .bind(own.map(|own| own.as_bytes().to_vec()))
    .fetch_all(connection)
    .await?;
    // Row by row, so that no more than one stands in memory twice.
    let mut arrivals = rows
        .into_iter()
        .map(|row| {
            let row = &row;
            Ok(LeasedArrival {
                id: id("arrivals", row, "id")?,
                road: row.try_get("road")?,
                name: row.try_get("name")?,
                bytes: row.try_get::<Option<Vec<u8>>, _>("bytes")?.unwrap_or_default(),
                at: Timestamp(row.try_get("at")?),
                attempt: count("arrivals", row.try_get("attempt")?)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    arrivals.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    Ok(arrivals)
}

pub(super) const RECEIPT: &str = "arrival, ordinal, at, document, effect, body";

pub(super) fn receipt(archives: &Archives, row: &sqlx::sqlite::SqliteRow) -> Result<KeptReceipt> {
    const TABLE: &str = "receipts";
    let (arrival, ordinal) = (id(TABLE, row, "arrival")?, count(TABLE, row.try_get("ordinal")?)?);
    let document = optional_id(TABLE, row, "document")?;
    let key = || format!("{arrival}/{ordinal}/{}", document.unwrap_or_default());
    Ok(KeptReceipt {
        arrival,
        ordinal,
        at: Timestamp(row.try_get("at")?),
        receipt: from_json(TABLE, &text(archives, Part::Receipt, key, row.try_get("body")?)?)?,
        document: document.map(DocumentId),
        effect: row.try_get("effect")?,
    })
}

/// Receipts that match nothing of ours, newest first.
pub(super) async fn unmatched(connection: &mut SqliteConnection, limit: u32) -> Result<Vec<KeptReceipt>> {
    let statement = format!("SELECT {RECEIPT} FROM receipts WHERE document IS NULL ORDER BY arrival DESC, ordinal LIMIT ?1");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(limit).fetch_all(connection).await?;
    rows.iter().map(|row| receipt(&Archives::default(), row)).collect()
}
