//! Documents submitted on their own that came before the declarations they are about.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::rows::{Result, column, dossiers, inconsistent, kind};
use crate::{
    clock::Timestamp,
    declaration::DocumentId,
    store::{Change, Matching, Named, NumberKind, Overtaking, Relabel, accepting::WAYBILL_NUMBER_LIFE, matching::SETTLED, papers::Papers},
};

/// Keeps what is waited for.
pub(super) async fn wait(connection: &mut PgConnection, now: Timestamp, rows: &[(DocumentId, &Named)]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO follow_up_awaited (number, kind, carrier, follow_up, look_at) \
         SELECT j.*, $5 FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) j ON CONFLICT DO NOTHING",
    )
    .bind(column(rows, |(_, named)| named.number.as_str()))
    .bind(column(rows, |(_, named)| named.kind.as_str()))
    .bind(column(rows, |(_, named)| named.carrier.as_str()))
    .bind(column(rows, |(follow_up, _)| follow_up.0))
    .bind((now + SETTLED).0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Has whoever waits for numbers looked at that declarations have now. Rows are locked in one order, so that two nodes wait for each
/// other in one direction only.
pub(super) async fn tell(connection: &mut PgConnection, now: Timestamp, numbers: &[String]) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "WITH told AS MATERIALIZED (SELECT number, kind, carrier, follow_up FROM follow_up_awaited WHERE number = ANY($1) \
           ORDER BY number, kind, carrier, follow_up FOR UPDATE) \
         UPDATE follow_up_awaited a SET look_at = $2 FROM told t \
         WHERE a.number = t.number AND a.kind = t.kind AND a.carrier = t.carrier AND a.follow_up = t.follow_up",
    )
    .bind(numbers)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn overtaken(connection: &mut PgConnection, papers: &Papers, now: Timestamp, limit: u32) -> Result<Vec<Overtaking>> {
    let rows = sqlx::query(
        "SELECT a.number, a.kind AS named, a.carrier, a.follow_up, a.look_at, f.whole, f.kind, f.bill_no, f.cut_off, n.declaration \
         FROM (SELECT number, kind, carrier, follow_up, look_at FROM follow_up_awaited WHERE look_at <= $1 ORDER BY look_at LIMIT $3) a \
         CROSS JOIN LATERAL (SELECT whole, kind, bill_no, cut_off, accepted_at FROM follow_ups WHERE id = a.follow_up LIMIT 1) f \
         LEFT JOIN LATERAL (SELECT n.declaration FROM numbers n WHERE n.number = a.number AND n.kind = a.kind AND n.declaration IS NOT NULL \
           AND f.accepted_at >= $2 AND (a.kind = 'bill' OR (n.scope = a.carrier AND n.holder = $4)) \
           AND EXISTS (SELECT 1 FROM declarations d WHERE d.id = n.declaration AND d.carrier = a.carrier) \
           AND NOT EXISTS (SELECT 1 FROM follow_up_members m WHERE m.declaration = n.declaration AND m.follow_up = a.follow_up) OFFSET 0) n ON true \
         ORDER BY a.look_at, a.follow_up, a.number, n.declaration LIMIT $3",
    )
    .bind(now.0)
    .bind((now - WAYBILL_NUMBER_LIFE).0)
    .bind(i64::from(limit))
    .bind(Uuid::nil())
    .fetch_all(&mut *connection)
    .await?;
    let mut ids = Vec::new();
    for row in &rows {
        ids.extend(row.try_get::<Option<Uuid>, _>("declaration")?);
    }
    ids.sort_unstable();
    ids.dedup();
    let known: HashMap<_, _> = dossiers(connection, papers, &ids).await?.into_iter().map(|dossier| (dossier.id.0, dossier)).collect();
    let read = |row: &PgRow| {
        const TABLE: &str = "follow_up_awaited";
        let named = match row.try_get("named")? {
            "waybill" => NumberKind::Waybill,
            "bill" => NumberKind::Bill,
            _ => return Err(inconsistent(TABLE, "a kind").into()),
        };
        Ok(Overtaking {
            follow_up: DocumentId(row.try_get("follow_up")?),
            whole: DocumentId(row.try_get("whole")?),
            kind: kind("follow_ups", row.try_get("kind")?)?,
            bill_no: row.try_get("bill_no")?,
            cut_off: row.try_get::<Option<i64>, _>("cut_off")?.map(Timestamp),
            named: Named { kind: named, number: row.try_get("number")?, carrier: row.try_get("carrier")? },
            look_at: Timestamp(row.try_get("look_at")?),
            found: row.try_get::<Option<Uuid>, _>("declaration")?.and_then(|id| known.get(&id).cloned()),
        })
    };
    rows.iter().map(read).collect()
}

/// Writes down what looks came to. A waybill that was found is waited for no more; a bill goes on being looked at until none is new.
pub(super) async fn write(connection: &mut PgConnection, changes: &[Change]) -> Result<()> {
    let (found, none): (Vec<_>, Vec<_>) = changes.iter().flat_map(|change| &change.matched).partition(|matching| matching.member.is_some());
    let mut members: Vec<_> =
        found.iter().filter_map(|matching| matching.member.as_ref().map(|(id, _)| (id.0, matching.follow_up.0))).collect();
    members.sort_unstable();
    if !members.is_empty() {
        sqlx::query(
            "INSERT INTO follow_up_members (declaration, follow_up) SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING",
        )
        .bind(column(&members, |(declaration, _)| *declaration))
        .bind(column(&members, |(_, follow_up)| *follow_up))
        .execute(&mut *connection)
        .await?;
    }
    let waybills: Vec<_> = found.into_iter().filter(|matching| matching.named.kind == NumberKind::Waybill).collect();
    settle(connection, waybills, "DELETE FROM follow_up_awaited a USING j WHERE j.look_at IS NOT NULL AND").await?;
    settle(connection, none, "UPDATE follow_up_awaited a SET look_at = NULL FROM j WHERE a.look_at = j.look_at AND").await
}

async fn settle(connection: &mut PgConnection, mut rows: Vec<&Matching>, what: &'static str) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_unstable_by_key(|row| (&row.named.number, row.named.kind.as_str(), &row.named.carrier, row.follow_up));
    let statement = format!(
        "WITH j AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::bigint[]) \
           AS j (number, kind, carrier, follow_up, look_at)) \
         {what} a.number = j.number AND a.kind = j.kind AND a.carrier = j.carrier AND a.follow_up = j.follow_up"
    );
    sqlx::query(AssertSqlSafe(statement))
        .bind(column(&rows, |row| row.named.number.as_str()))
        .bind(column(&rows, |row| row.named.kind.as_str()))
        .bind(column(&rows, |row| row.named.carrier.as_str()))
        .bind(column(&rows, |row| row.follow_up.0))
        .bind(column(&rows, |row| row.look_at.0))
        .execute(connection)
        .await?;
    Ok(())
}

/// What a declaration's old waybill brought it goes with that: a manifest, an arrival or a departure waits again for whoever gets that
/// number, and the manifest's bill is no longer the declaration's.
pub(super) async fn release(connection: &mut PgConnection, asked: &Relabel) -> Result<()> {
    // Which of the documents told of a whole bill is known by their waiting for it.
    const MOVING: &str = "FROM follow_up_members m CROSS JOIN LATERAL (SELECT id, kind, bill_no FROM follow_ups WHERE id = m.follow_up LIMIT 1) f \
         CROSS JOIN LATERAL (SELECT waybill_no, body::json->'inventory'->>'bill_no' AS bill_no FROM declarations WHERE id = m.declaration LIMIT 1) d \
         WHERE m.declaration = $1 AND f.kind IN (507, 509, 607)";
    const BY_BILL: &str =
        "EXISTS (SELECT 1 FROM follow_up_awaited a WHERE a.number = f.bill_no AND a.kind = 'bill' AND a.follow_up = f.id)";
    for statement in [
        format!(
            "INSERT INTO follow_up_awaited (number, kind, carrier, follow_up) SELECT d.waybill_no, 'waybill', $2, f.id {MOVING} \
             AND NOT {BY_BILL} AND d.waybill_no IS NOT NULL ON CONFLICT DO NOTHING"
        ),
        format!(
            "DELETE FROM numbers WHERE declaration = $1 AND kind = 'bill' AND $2 IS NOT NULL AND number = ANY(ARRAY( \
             SELECT f.bill_no {MOVING} AND f.kind = 607 AND f.bill_no IS DISTINCT FROM d.bill_no))"
        ),
        format!(
            "DELETE FROM follow_up_members WHERE declaration = $1 AND $2 IS NOT NULL AND follow_up = ANY(ARRAY( \
             SELECT f.id {MOVING} AND NOT ({BY_BILL} AND f.bill_no IS NOT DISTINCT FROM d.bill_no)))"
        ),
        "DELETE FROM deadlines WHERE declaration = $1 AND kind = 'cut_off' AND $2 IS NOT NULL".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(statement)).bind(asked.declaration.0).bind(asked.carrier.as_str()).execute(&mut *connection).await?;
    }
    Ok(())
}
