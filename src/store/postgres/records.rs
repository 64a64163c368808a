//! What sellers record, and what is to be decided again because of it.

use std::sync::Arc;

use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    follow_ups::touch,
    rows::{Result, column, digest, from_json, insert_entries, json, take_back, tenant},
};
use crate::{
    clock::Timestamp,
    declaration::DeclarationId,
    dossier::Dossier,
    exemption::Seller,
    party::Tenant,
    queue::Lease,
    store::{
        KeptRecord, KeptSeller, RecordKept, Recording, Redecision, RedecisionEnd, SellerFilter, Sellers, Written,
        recording::{Answer, Question, cause, profile},
    },
};

/// Adds what is recorded about declarations.
pub(super) async fn fill(connection: &mut PgConnection, dossiers: &mut [Dossier]) -> Result<()> {
    let asked = Question::of(dossiers);
    let lines = "SELECT l.* FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT declaration, line, body FROM record_lines WHERE declaration = j.id ORDER BY ordinal OFFSET 0) l";
    let sellers = "SELECT s.* FROM unnest($1::text[], $2::text[]) AS j (tenant, code) \
         CROSS JOIN LATERAL (SELECT tenant, code, body FROM sellers WHERE tenant = j.tenant AND code = j.code LIMIT 1) s";
    let periods = "SELECT p.* FROM unnest($1::text[], $2::text[]) AS j (tenant, code) \
         CROSS JOIN LATERAL (SELECT tenant, seller, kind, from_day, to_day, on_day FROM seller_periods \
           WHERE tenant = j.tenant AND seller = j.code ORDER BY ordinal OFFSET 0) p";
    let returned = "SELECT f.declaration, f.body FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT m.declaration, m.follow_up FROM follow_up_members m WHERE m.declaration = j.id OFFSET 0) m \
         CROSS JOIN LATERAL (SELECT m.declaration, b.id, b.body FROM follow_ups b WHERE b.id = m.follow_up AND b.kind = 213 LIMIT 1) f \
         CROSS JOIN LATERAL (SELECT state FROM documents WHERE id = f.id LIMIT 1) d WHERE d.state IN ('released', 'closed') ORDER BY f.id";
    let answer = Answer {
        returned: sqlx::query_as(returned).bind(&asked.declarations).fetch_all(&mut *connection).await?,
        lines: sqlx::query_as(lines).bind(&asked.declarations).fetch_all(&mut *connection).await?,
        sellers: sqlx::query_as(sellers).bind(&asked.tenants).bind(&asked.codes).fetch_all(&mut *connection).await?,
        periods: sqlx::query_as(periods).bind(&asked.tenants).bind(&asked.codes).fetch_all(connection).await?,
    };
    Ok(answer.put(dossiers)?)
}

/// The profiles that are recorded for each pair of a tenant and the codes of those who may sell.
pub(super) async fn profiles(connection: &mut PgConnection, asked: &[(&str, [&str; 2])]) -> Result<Vec<Vec<Arc<Seller>>>> {
    let statement = "SELECT j.place, s.body FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS j (tenant, one, other, place) \
         CROSS JOIN LATERAL (SELECT body FROM sellers WHERE tenant = j.tenant AND code IN (j.one, j.other) LIMIT 2) s";
    let rows: Vec<(i64, String)> = sqlx::query_as(statement)
        .bind(column(asked, |(tenant, _)| *tenant))
        .bind(column(asked, |(_, [one, _])| *one))
        .bind(column(asked, |(_, [_, other])| *other))
        .fetch_all(connection)
        .await?;
    let mut found = vec![Vec::new(); asked.len()];
    for (place, body) in rows {
        let place = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
        if let Some(of_one) = place.and_then(|place| found.get_mut(place)) {
            of_one.push(profile(&body)?);
        }
    }
    Ok(found)
}

pub(super) async fn record(connection: &mut PgConnection, now: Timestamp, recording: &Recording) -> Result<RecordKept> {
    let keep = "INSERT INTO records (id, tenant, recorded_at, kind, key, digest, body) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT DO NOTHING";
    let kept = sqlx::query(keep)
        .bind(recording.id)
        .bind(recording.tenant.as_str())
        .bind(now.0)
        .bind(recording.kind.as_str())
        .bind(recording.key.as_str())
        .bind(recording.digest)
        .bind(recording.body.as_str())
        .execute(&mut *connection)
        .await?;
    if kept.rows_affected() == 0 {
        return known(connection, recording).await;
    }
    if !touch(connection, &recording.expected).await? {
        take_back(connection).await?;
        return Ok(RecordKept::Stale);
    }
    let bodies = recording.lines.iter().map(|(_, _, said)| json(said)).collect::<crate::store::Result<Vec<_>>>()?;
    // Two that record about the same at once get the same ordinal, and the second is begun anew.
    let lines = "INSERT INTO record_lines (declaration, ordinal, line, record, body) SELECT j.declaration, \
         (SELECT coalesce(max(l.ordinal), -1) + 1 FROM record_lines l WHERE l.declaration = j.declaration), j.line, $4, j.body \
         FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS j (declaration, line, body)";
    sqlx::query(lines)
        .bind(column(&recording.lines, |(declaration, ..)| declaration.0))
        .bind(column(&recording.lines, |(_, line, _)| i64::from(*line)))
        .bind(bodies)
        .bind(recording.id)
        .execute(&mut *connection)
        .await?;
    of_seller(connection, recording).await?;
    if let Some(again) = &recording.again {
        ask(connection, again).await?;
    }
    let entries: Vec<_> = recording.entries.iter().collect();
    insert_entries(connection, now, &entries).await?;
    Ok(RecordKept::New)
}

/// What became of the request that has the key.
async fn known(connection: &mut PgConnection, recording: &Recording) -> Result<RecordKept> {
    let statement = "SELECT id, digest, recorded_at FROM records WHERE tenant = $1 AND key = $2";
    let row = sqlx::query(statement).bind(recording.tenant.as_str()).bind(recording.key.as_str()).fetch_one(connection).await?;
    if digest("records", row.try_get("digest")?)? != recording.digest {
        return Ok(RecordKept::KeyConflict);
    }
    let id: Uuid = row.try_get("id")?;
    // That an earlier try was committed was not told.
    Ok(if id == recording.id { RecordKept::New } else { RecordKept::Again(id, Timestamp(row.try_get("recorded_at")?)) })
}

async fn of_seller(connection: &mut PgConnection, recording: &Recording) -> Result<()> {
    if let Some(seller) = &recording.seller {
        let put = "INSERT INTO sellers (record, tenant, code, body) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, code) DO UPDATE SET record = excluded.record, body = excluded.body";
        let put = sqlx::query(put).bind(recording.id).bind(recording.tenant.as_str()).bind(seller.code.as_str());
        put.bind(json(seller)?).execute(&mut *connection).await?;
    }
    if let Some(said) = &recording.period {
        let keep = "INSERT INTO seller_periods (record, tenant, seller, ordinal, kind, from_day, to_day, on_day) SELECT $1, $2, $3, \
             (SELECT coalesce(max(ordinal), -1) + 1 FROM seller_periods WHERE tenant = $2 AND seller = $3), $4, $5, $6, $7";
        sqlx::query(keep)
            .bind(recording.id)
            .bind(recording.tenant.as_str())
            .bind(said.seller.as_str())
            .bind(said.kind.as_str())
            .bind(said.from.to_string())
            .bind(said.to.to_string())
            .bind(said.on.to_string())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Asks for something to be decided again; what is asked for already begins anew, whoever is at it.
pub(super) async fn ask(connection: &mut PgConnection, again: &Redecision) -> Result<()> {
    let ask = "INSERT INTO redecisions (id, tenant, seller, cause, why, seen, at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (id) DO UPDATE SET \
         why = excluded.why, seen = excluded.seen, due_at = excluded.due_at, lease_token = NULL, lease_until = 0";
    sqlx::query(ask)
        .bind(again.id)
        .bind(again.tenant.as_ref().map(Tenant::as_str))
        .bind(again.seller.as_deref())
        .bind(again.cause.as_str())
        .bind(again.why.as_str())
        .bind(again.seen.map(|id| id.0))
        .bind(again.at.0)
        .bind(again.first_due().0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn note_basis(connection: &mut PgConnection, basis: [u8; 32], again: &Redecision) -> Result<bool> {
    let note = "INSERT INTO decision_bases (digest, at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let noted = sqlx::query(note).bind(basis).bind(again.at.0).execute(&mut *connection).await?;
    if noted.rows_affected() == 0 {
        return Ok(false);
    }
    ask(connection, again).await?;
    Ok(true)
}

/// Under the same token the same one is leased again: what an earlier try may have committed without anybody being told.
pub(super) async fn lease(connection: &mut PgConnection, now: Timestamp, lease: Lease) -> Result<Option<Redecision>> {
    let row = sqlx::query(
        "UPDATE redecisions SET lease_token = $1, lease_until = $2 WHERE id = ANY(ARRAY( \
           SELECT id FROM redecisions WHERE due_at <= $3 AND (lease_until <= $3 OR lease_token = $1) ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)) \
         RETURNING id, tenant, seller, cause, why, seen, at",
    )
    .bind(lease.token)
    .bind(lease.until.0)
    .bind(now.0)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(redecision).transpose()
}

fn redecision(row: &PgRow) -> Result<Redecision> {
    const TABLE: &str = "redecisions";
    Ok(Redecision {
        id: row.try_get("id")?,
        tenant: row.try_get::<Option<&str>, _>("tenant")?.map(|name| tenant(TABLE, name)).transpose()?,
        seller: row.try_get("seller")?,
        cause: cause(row.try_get("cause")?)?,
        why: row.try_get("why")?,
        seen: row.try_get::<Option<Uuid>, _>("seen")?.map(DeclarationId),
        at: Timestamp(row.try_get("at")?),
    })
}

pub(super) async fn settle(connection: &mut PgConnection, token: Uuid, asked: Uuid, end: RedecisionEnd, unsure: bool) -> Result<Written> {
    let done = match end {
        RedecisionEnd::Done => {
            sqlx::query("DELETE FROM redecisions WHERE id = $1 AND lease_token = $2").bind(asked).bind(token).execute(connection).await?
        }
        RedecisionEnd::Later(seen, due_at) => {
            let later = "UPDATE redecisions SET seen = coalesce($3, seen), due_at = $4, lease_token = NULL, lease_until = 0 \
                 WHERE id = $1 AND lease_token = $2";
            sqlx::query(later).bind(asked).bind(token).bind(seen.map(|id| id.0)).bind(due_at.0).execute(connection).await?
        }
    };
    // Of what may have been committed before, nothing is left to do.
    Ok(if done.rows_affected() == 1 || unsure { Written::Done } else { Written::Stale })
}

/// The declarations of a record's lines, or the one with that id; a page.
pub(super) async fn ids_of(connection: &mut PgConnection, record: Uuid, after: Uuid, limit: u32) -> Result<Vec<Uuid>> {
    let page = "SELECT declaration FROM record_lines WHERE record = $1 AND declaration > $2 \
         UNION SELECT id FROM declarations WHERE id = $1 AND id > $2 ORDER BY 1 LIMIT $3";
    Ok(sqlx::query_scalar(page).bind(record).bind(after).bind(i64::from(limit)).fetch_all(connection).await?)
}

/// Sellers' profiles by tenant and code, and what was recorded last.
pub(super) async fn sellers(connection: &mut PgConnection, filter: &SellerFilter) -> Result<Sellers> {
    let (tenant, code) = filter.after.clone().unwrap_or_default();
    let rows = sqlx::query(
        "SELECT s.tenant, s.body, (SELECT r.recorded_at FROM records r WHERE r.id = s.record) AS at, p.* FROM sellers s \
         CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE kind = 'statement') AS statements, max(to_day) FILTER (WHERE kind = 'statement') AS stated, \
           count(*) FILTER (WHERE kind = 'filing') AS filings, max(to_day) FILTER (WHERE kind = 'filing') AS filed \
           FROM seller_periods WHERE tenant = s.tenant AND seller = s.code) p \
         WHERE (s.tenant, s.code) > ($1, $2) AND ($3::text IS NULL OR s.tenant = $3) ORDER BY s.tenant, s.code LIMIT $4",
    )
    .bind(tenant)
    .bind(code)
    .bind(filter.tenant.as_ref().map(Tenant::as_str))
    .bind(i64::from(filter.limit))
    .fetch_all(&mut *connection)
    .await?;
    let read = |row: &PgRow| {
        Ok(KeptSeller {
            tenant: row.try_get("tenant")?,
            seller: from_json("sellers", row.try_get("body")?)?,
            at: Timestamp(row.try_get::<Option<i64>, _>("at")?.unwrap_or_default()),
            statements: (row.try_get("statements")?, row.try_get("stated")?),
            filings: (row.try_get("filings")?, row.try_get("filed")?),
        })
    };
    let sellers = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let latest =
        sqlx::query("SELECT id, tenant, kind, recorded_at FROM records WHERE ($1::text IS NULL OR tenant = $1) ORDER BY id DESC LIMIT $2");
    let rows = latest.bind(filter.tenant.as_ref().map(Tenant::as_str)).bind(i64::from(filter.limit)).fetch_all(connection).await?;
    let read = |row: &PgRow| {
        let at = Timestamp(row.try_get("recorded_at")?);
        Ok(KeptRecord { id: row.try_get("id")?, tenant: row.try_get("tenant")?, kind: row.try_get("kind")?, at })
    };
    Ok(Sellers { sellers, records: rows.iter().map(read).collect::<Result<Vec<_>>>()? })
}
