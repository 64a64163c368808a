//! What sellers record, and what is to be decided again because of it.

use std::sync::Arc;

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    bulk::{Bound, Bulk, Script},
    follow_ups::touch,
    rows::{bind_id, digest, from_json, hex, id, insert_entries, json, optional_id, tenant},
};
use crate::{
    clock::Timestamp,
    declaration::DeclarationId,
    dossier::Dossier,
    exemption::{OfPeriod, Seller},
    party::Tenant,
    queue::Lease,
    store::{
        KeptRecord, KeptSeller, RecordKept, Recording, Redecision, RedecisionEnd, Result, SellerFilter, Sellers, Written,
        recording::{Answer, Question, cause, profile},
    },
};

/// Adds what is recorded about declarations.
pub(super) async fn fill(connection: &mut SqliteConnection, dossiers: &mut [Dossier]) -> Result<()> {
    let asked = Question::of(dossiers);
    let ids = json(&asked.declarations.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let pairs = json(&asked.tenants.iter().zip(&asked.codes).collect::<Vec<_>>())?;
    let mut answer = Answer::default();
    let returned = "SELECT m.declaration, f.body FROM json_each(?1) j CROSS JOIN follow_up_members m ON m.declaration = unhex(j.value) \
         CROSS JOIN follow_ups f ON f.id = m.follow_up AND f.kind = 213 CROSS JOIN documents d ON d.id = f.id AND d.state IN ('released', 'closed') \
         ORDER BY m.declaration, f.id";
    for row in sqlx::query(returned).bind(&ids).fetch_all(&mut *connection).await? {
        answer.returned.push((id("follow_up_members", &row, "declaration")?, row.try_get("body")?));
    }
    let lines = "SELECT l.declaration, l.line, l.body FROM json_each(?1) j CROSS JOIN record_lines l ON l.declaration = unhex(j.value) \
         ORDER BY l.declaration, l.ordinal";
    for row in sqlx::query(lines).bind(ids).fetch_all(&mut *connection).await? {
        answer.lines.push((id("record_lines", &row, "declaration")?, row.try_get("line")?, row.try_get("body")?));
    }
    answer.sellers = sqlx::query_as(
        "SELECT s.tenant, s.code, s.body FROM json_each(?1) j CROSS JOIN sellers s ON s.tenant = j.value->>0 AND s.code = j.value->>1",
    )
    .bind(&pairs)
    .fetch_all(&mut *connection)
    .await?;
    answer.periods = sqlx::query_as(
        "SELECT p.tenant, p.seller, p.kind, p.from_day, p.to_day, p.on_day FROM json_each(?1) j \
         CROSS JOIN seller_periods p ON p.tenant = j.value->>0 AND p.seller = j.value->>1 ORDER BY p.tenant, p.seller, p.ordinal",
    )
    .bind(&pairs)
    .fetch_all(connection)
    .await?;
    answer.put(dossiers)
}

/// The profiles that are recorded for each pair of a tenant and the codes of those who may sell.
pub(super) async fn profiles(connection: &mut SqliteConnection, asked: &[(&str, [&str; 2])]) -> Result<Vec<Vec<Arc<Seller>>>> {
    let rows = sqlx::query(
        "SELECT j.key AS place, s.body FROM json_each(?1) j CROSS JOIN sellers s ON s.tenant = j.value->>0 AND s.code IN (j.value->1->>0, j.value->1->>1)",
    )
    .bind(json(&asked)?)
    .fetch_all(connection)
    .await?;
    let mut found = vec![Vec::new(); asked.len()];
    for row in &rows {
        let place: i64 = row.try_get("place")?;
        if let Some(of_one) = usize::try_from(place).ok().and_then(|place| found.get_mut(place)) {
            of_one.push(profile(row.try_get("body")?)?);
        }
    }
    Ok(found)
}

pub(super) async fn record(connection: &mut SqliteConnection, now: Timestamp, recording: &Recording) -> Result<RecordKept> {
    let known = sqlx::query("SELECT id, digest, recorded_at FROM records WHERE tenant = ?1 AND key = ?2")
        .bind(recording.tenant.as_str())
        .bind(recording.key.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = known {
        if digest("records", row.try_get("digest")?)? != recording.digest {
            return Ok(RecordKept::KeyConflict);
        }
        return Ok(match id("records", &row, "id")? {
            same if same == recording.id => RecordKept::New,
            other => RecordKept::Again(other, Timestamp(row.try_get("recorded_at")?)),
        });
    }
    if !touch(connection, &recording.expected).await? {
        return Ok(RecordKept::Stale);
    }
    let mut script = Script::default();
    let keep = "INSERT INTO records (id, tenant, recorded_at, kind, key, digest, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    script.add(
        bind_id(sqlx::query(keep), recording.id)
            .bind(recording.tenant.as_str().to_owned())
            .bind(now.0)
            .bind(recording.kind.as_str())
            .bind(recording.key.clone())
            .bind(recording.digest.to_vec())
            .bind(recording.body.clone()),
    );
    lines(&mut script, recording)?;
    if let Some(seller) = &recording.seller {
        let put = "INSERT INTO sellers (record, tenant, code, body) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (tenant, code) DO UPDATE SET record = excluded.record, body = excluded.body";
        let put = bind_id(sqlx::query(put), recording.id).bind(recording.tenant.as_str().to_owned());
        script.add(put.bind(seller.code.clone()).bind(json(seller)?));
    }
    if let Some(said) = &recording.period {
        script.add(period(recording, said));
    }
    if let Some(again) = &recording.again {
        script.add(asking(again));
    }
    insert_entries(&mut script, recording.entries.iter());
    script.run(connection).await?;
    Ok(RecordKept::New)
}

fn lines(script: &mut Script, recording: &Recording) -> Result<()> {
    const INSERT: Bulk = Bulk {
        before: "WITH j (record, declaration, line, body) AS (",
        columns: 4,
        after: ") INSERT INTO record_lines (declaration, ordinal, line, record, body) SELECT j.declaration, \
                (SELECT coalesce(max(l.ordinal), -1) + 1 FROM record_lines l WHERE l.declaration = j.declaration), j.line, j.record, j.body FROM j",
    };
    let mut rows = Vec::with_capacity(recording.lines.len());
    for (declaration, line, said) in &recording.lines {
        rows.push((declaration.0, *line, json(said)?));
    }
    let bind = |query: Bound, (declaration, line, body): &(Uuid, u32, String)| {
        bind_id(bind_id(query, recording.id), *declaration).bind(*line).bind(body.clone())
    };
    script.rows(&INSERT, &rows, bind);
    Ok(())
}

fn period(recording: &Recording, said: &OfPeriod) -> Bound {
    let keep = "INSERT INTO seller_periods (record, tenant, seller, ordinal, kind, from_day, to_day, on_day) SELECT ?1, ?2, ?3, \
         (SELECT coalesce(max(ordinal), -1) + 1 FROM seller_periods WHERE tenant = ?2 AND seller = ?3), ?4, ?5, ?6, ?7";
    bind_id(sqlx::query(keep), recording.id)
        .bind(recording.tenant.as_str().to_owned())
        .bind(said.seller.clone())
        .bind(said.kind.as_str())
        .bind(said.from.to_string())
        .bind(said.to.to_string())
        .bind(said.on.to_string())
}

/// Asks for something to be decided again; what is asked for already begins anew, whoever is at it.
pub(super) fn asking(again: &Redecision) -> Bound {
    let ask = "INSERT INTO redecisions (id, tenant, seller, cause, why, seen, at, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET \
         why = excluded.why, seen = excluded.seen, due_at = excluded.due_at, lease_token = NULL, lease_until = 0";
    bind_id(sqlx::query(ask), again.id)
        .bind(again.tenant.as_ref().map(|tenant| tenant.as_str().to_owned()))
        .bind(again.seller.clone())
        .bind(again.cause.as_str())
        .bind(again.why.clone())
        .bind(again.seen.map(|id| id.0.as_bytes().to_vec()))
        .bind(again.at.0)
        .bind(again.first_due().0)
}

pub(super) async fn note_basis(connection: &mut SqliteConnection, basis: [u8; 32], again: &Redecision) -> Result<bool> {
    let noted = sqlx::query("INSERT INTO decision_bases (digest, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        .bind(basis.to_vec())
        .bind(again.at.0)
        .execute(&mut *connection)
        .await?;
    if noted.rows_affected() == 0 {
        return Ok(false);
    }
    asking(again).execute(connection).await?;
    Ok(true)
}

pub(super) async fn lease(connection: &mut SqliteConnection, now: Timestamp, lease: Lease) -> Result<Option<Redecision>> {
    let row = sqlx::query(
        "UPDATE redecisions SET lease_token = ?1, lease_until = ?2 \
         WHERE id = (SELECT id FROM redecisions WHERE due_at <= ?3 AND lease_until <= ?3 ORDER BY due_at, id LIMIT 1) \
         RETURNING id, tenant, seller, cause, why, seen, at",
    )
    .bind(lease.token.as_bytes().to_vec())
    .bind(lease.until.0)
    .bind(now.0)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(redecision).transpose()
}

fn redecision(row: &SqliteRow) -> Result<Redecision> {
    const TABLE: &str = "redecisions";
    Ok(Redecision {
        id: id(TABLE, row, "id")?,
        tenant: row.try_get::<Option<&str>, _>("tenant")?.map(|name| tenant(TABLE, name)).transpose()?,
        seller: row.try_get("seller")?,
        cause: cause(row.try_get("cause")?)?,
        why: row.try_get("why")?,
        seen: optional_id(TABLE, row, "seen")?.map(DeclarationId),
        at: Timestamp(row.try_get("at")?),
    })
}

pub(super) async fn settle(connection: &mut SqliteConnection, token: Uuid, asked: Uuid, end: RedecisionEnd) -> Result<Written> {
    let statement = match end {
        RedecisionEnd::Done => {
            bind_id(sqlx::query("DELETE FROM redecisions WHERE id = ?1 AND lease_token = ?2"), asked).bind(token.as_bytes().to_vec())
        }
        RedecisionEnd::Later(seen, due_at) => {
            let later = "UPDATE redecisions SET seen = coalesce(?3, seen), due_at = ?4, lease_token = NULL, lease_until = 0 \
                 WHERE id = ?1 AND lease_token = ?2";
            bind_id(sqlx::query(later), asked).bind(token.as_bytes().to_vec()).bind(seen.map(|id| id.0.as_bytes().to_vec())).bind(due_at.0)
        }
    };
    let done = statement.execute(connection).await?.rows_affected();
    Ok(if done == 1 { Written::Done } else { Written::Stale })
}

/// The declarations of a record's lines, or the one with that id; a page.
pub(super) async fn ids_of(connection: &mut SqliteConnection, record: Uuid, after: Uuid, limit: u32) -> Result<Vec<Uuid>> {
    let page = "SELECT declaration FROM record_lines WHERE record = ?1 AND declaration > ?2 \
         UNION SELECT id FROM declarations WHERE id = ?1 AND id > ?2 ORDER BY 1 LIMIT ?3";
    let rows = bind_id(bind_id(sqlx::query(page), record), after).bind(limit).fetch_all(connection).await?;
    rows.iter().map(|row| id("record_lines", row, "declaration")).collect()
}

/// Sellers' profiles by tenant and code, and what was recorded last.
pub(super) async fn sellers(connection: &mut SqliteConnection, filter: &SellerFilter) -> Result<Sellers> {
    let (tenant, code) = filter.after.clone().unwrap_or_default();
    let rows = sqlx::query(
        "SELECT s.tenant, s.body, (SELECT r.recorded_at FROM records r WHERE r.id = s.record) AS at, \
         (SELECT count(*) FROM seller_periods p WHERE p.tenant = s.tenant AND p.seller = s.code AND p.kind = 'statement') AS statements, \
         (SELECT max(p.to_day) FROM seller_periods p WHERE p.tenant = s.tenant AND p.seller = s.code AND p.kind = 'statement') AS stated, \
         (SELECT count(*) FROM seller_periods p WHERE p.tenant = s.tenant AND p.seller = s.code AND p.kind = 'filing') AS filings, \
         (SELECT max(p.to_day) FROM seller_periods p WHERE p.tenant = s.tenant AND p.seller = s.code AND p.kind = 'filing') AS filed \
         FROM sellers s WHERE (s.tenant, s.code) > (?1, ?2) AND (?3 IS NULL OR s.tenant = ?3) ORDER BY s.tenant, s.code LIMIT ?4",
    )
    .bind(tenant)
    .bind(code)
    .bind(filter.tenant.as_ref().map(Tenant::as_str))
    .bind(filter.limit)
    .fetch_all(&mut *connection)
    .await?;
    let read = |row: &SqliteRow| {
        Ok(KeptSeller {
            tenant: row.try_get("tenant")?,
            seller: from_json("sellers", row.try_get("body")?)?,
            at: Timestamp(row.try_get::<Option<i64>, _>("at")?.unwrap_or_default()),
            statements: (row.try_get("statements")?, row.try_get("stated")?),
            filings: (row.try_get("filings")?, row.try_get("filed")?),
        })
    };
    let sellers = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    // Every id is greater than none: so the index is gone through from its end.
    let latest = sqlx::query(
        "SELECT id, tenant, kind, recorded_at FROM records WHERE id > x'' AND (?1 IS NULL OR tenant = ?1) ORDER BY id DESC LIMIT ?2",
    );
    let rows = latest.bind(filter.tenant.as_ref().map(Tenant::as_str)).bind(filter.limit).fetch_all(connection).await?;
    let read = |row: &SqliteRow| {
        let at = Timestamp(row.try_get("recorded_at")?);
        Ok(KeptRecord { id: id("records", row, "id")?, tenant: row.try_get("tenant")?, kind: row.try_get("kind")?, at })
    };
    Ok(Sellers { sellers, records: rows.iter().map(read).collect::<Result<Vec<_>>>()? })
}
