//! Documents submitted on their own that came before the declarations they are about.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    bulk::{Bound, Bulk, Script},
    papers::Papers,
    rows::{bind_id, dossiers, hex, id, inconsistent, json, kind, optional_id},
};
use crate::{
    clock::Timestamp,
    declaration::DocumentId,
    store::{Change, Matching, Named, NumberKind, Overtaking, Relabel, Result, accepting::WAYBILL_NUMBER_LIFE, matching::SETTLED},
};

/// Keeps what is waited for.
pub(super) fn wait(script: &mut Script, now: Timestamp, rows: &[(DocumentId, &Named)]) {
    const INSERT: Bulk = Bulk {
        before: "INSERT INTO follow_up_awaited (number, kind, carrier, follow_up, look_at) ",
        columns: 5,
        after: " ON CONFLICT DO NOTHING",
    };
    let at = now + SETTLED;
    let bind = |query: Bound, (follow_up, named): &(DocumentId, &Named)| {
        let query = query.bind(named.number.clone()).bind(named.kind.as_str()).bind(named.carrier.clone());
        bind_id(query, follow_up.0).bind(at.0)
    };
    script.rows(&INSERT, rows, bind);
}

/// Has whoever waits for numbers looked at that declarations have now.
pub(super) fn tell(now: Timestamp, numbers: String) -> Bound {
    let statement = "UPDATE follow_up_awaited SET look_at = ?2 WHERE number IN (SELECT value FROM json_each(?1))";
    sqlx::query(statement).bind(numbers).bind(now.0)
}

pub(super) async fn overtaken(connection: &mut SqliteConnection, papers: &Papers, now: Timestamp, limit: u32) -> Result<Vec<Overtaking>> {
    let rows = sqlx::query(
        "SELECT a.number, a.kind AS named, a.carrier, a.follow_up, a.look_at, f.whole, f.kind, f.bill_no, f.cut_off, n.declaration \
         FROM follow_up_awaited a CROSS JOIN follow_ups f ON f.id = a.follow_up \
         LEFT JOIN numbers n ON n.number = a.number AND n.kind = a.kind AND n.declaration IS NOT NULL AND f.accepted_at >= ?2 \
           AND (a.kind = 'bill' OR (n.scope = a.carrier AND n.holder = x'')) \
           AND EXISTS (SELECT 1 FROM declarations d WHERE d.id = n.declaration AND d.carrier = a.carrier) \
           AND NOT EXISTS (SELECT 1 FROM follow_up_members m WHERE m.declaration = n.declaration AND m.follow_up = a.follow_up) \
         WHERE a.look_at <= ?1 ORDER BY a.look_at, a.follow_up, a.number, n.declaration LIMIT ?3",
    )
    .bind(now.0)
    .bind((now - WAYBILL_NUMBER_LIFE).0)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    let mut ids = rows.iter().filter_map(|row| optional_id("numbers", row, "declaration").transpose()).collect::<Result<Vec<_>>>()?;
    ids.sort_unstable();
    ids.dedup();
    let known: HashMap<_, _> = dossiers(connection, papers, &ids).await?.into_iter().map(|dossier| (dossier.id.0, dossier)).collect();
    let read = |row: &SqliteRow| {
        const TABLE: &str = "follow_up_awaited";
        let named = match row.try_get("named")? {
            "waybill" => NumberKind::Waybill,
            "bill" => NumberKind::Bill,
            _ => return Err(inconsistent(TABLE, "a kind")),
        };
        Ok(Overtaking {
            follow_up: DocumentId(id(TABLE, row, "follow_up")?),
            whole: DocumentId(id("follow_ups", row, "whole")?),
            kind: kind("follow_ups", row.try_get("kind")?)?,
            bill_no: row.try_get("bill_no")?,
            cut_off: row.try_get::<Option<i64>, _>("cut_off")?.map(Timestamp),
            named: Named { kind: named, number: row.try_get("number")?, carrier: row.try_get("carrier")? },
            look_at: Timestamp(row.try_get("look_at")?),
            found: optional_id("numbers", row, "declaration")?.and_then(|id| known.get(&id).cloned()),
        })
    };
    rows.iter().map(read).collect()
}

/// Writes down what looks came to. A waybill that was found is waited for no more; a bill goes on being looked at until none is new.
pub(super) fn write(script: &mut Script, changes: &[Change]) -> Result<()> {
    let (found, none): (Vec<_>, Vec<_>) = changes.iter().flat_map(|change| &change.matched).partition(|matching| matching.member.is_some());
    const MEMBERS: Bulk =
        Bulk { before: "INSERT INTO follow_up_members (declaration, follow_up) ", columns: 2, after: " ON CONFLICT DO NOTHING" };
    let members: Vec<_> =
        found.iter().filter_map(|matching| matching.member.as_ref().map(|(id, _)| (id.0, matching.follow_up.0))).collect();
    script.rows(&MEMBERS, &members, |query, (declaration, follow_up)| bind_id(bind_id(query, *declaration), *follow_up));
    let key = |matching: &&Matching| {
        let named = &matching.named;
        (named.number.clone(), named.kind.as_str(), named.carrier.clone(), hex(matching.follow_up.0), matching.look_at.0)
    };
    const OF_IT: &str = "(number, kind, carrier, follow_up) IN \
         (SELECT value->>0, value->>1, value->>2, unhex(value->>3) FROM json_each(?1))";
    let waybills: Vec<_> = found.iter().filter(|matching| matching.named.kind == NumberKind::Waybill).map(key).collect();
    if !waybills.is_empty() {
        let statement = format!("DELETE FROM follow_up_awaited WHERE {OF_IT}");
        script.add(sqlx::query(sqlx::AssertSqlSafe(statement)).bind(json(&waybills)?));
    }
    let seen: Vec<_> = none.iter().map(key).collect();
    if !seen.is_empty() {
        let statement = "UPDATE follow_up_awaited AS a SET look_at = NULL FROM json_each(?1) j WHERE a.number = j.value->>0 \
             AND a.kind = j.value->>1 AND a.carrier = j.value->>2 AND a.follow_up = unhex(j.value->>3) AND a.look_at = j.value->>4";
        script.add(sqlx::query(statement).bind(json(&seen)?));
    }
    Ok(())
}

/// What a declaration's old waybill brought it goes with that: a manifest, an arrival or a departure waits again for whoever gets that
/// number, and the manifest's bill is no longer the declaration's.
pub(super) async fn release(connection: &mut SqliteConnection, asked: &Relabel) -> Result<()> {
    // Which of the documents told of a whole bill is known by their waiting for it.
    const MOVING: &str = "FROM follow_up_members m CROSS JOIN follow_ups f ON f.id = m.follow_up CROSS JOIN declarations d ON d.id = m.declaration \
         WHERE m.declaration = ?1 AND f.kind IN (507, 509, 607)";
    const BY_BILL: &str =
        "EXISTS (SELECT 1 FROM follow_up_awaited a WHERE a.number = f.bill_no AND a.kind = 'bill' AND a.follow_up = f.id)";
    for statement in [
        format!(
            "INSERT INTO follow_up_awaited (number, kind, carrier, follow_up) SELECT d.waybill_no, 'waybill', ?2, f.id {MOVING} \
             AND NOT {BY_BILL} AND d.waybill_no IS NOT NULL ON CONFLICT DO NOTHING"
        ),
        format!(
            "DELETE FROM numbers WHERE declaration = ?1 AND kind = 'bill' AND ?2 IS NOT NULL AND number IN \
             (SELECT f.bill_no {MOVING} AND f.kind = 607 AND f.bill_no IS NOT d.body->'inventory'->>'bill_no')"
        ),
        format!(
            "DELETE FROM follow_up_members WHERE declaration = ?1 AND ?2 IS NOT NULL AND follow_up IN \
             (SELECT f.id {MOVING} AND NOT ({BY_BILL} AND f.bill_no IS d.body->'inventory'->>'bill_no'))"
        ),
        "DELETE FROM deadlines WHERE declaration = ?1 AND kind = 'cut_off' AND ?2 IS NOT NULL".to_owned(),
    ] {
        bind_id(sqlx::query(sqlx::AssertSqlSafe(statement)), asked.declaration.0)
            .bind(asked.carrier.clone())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
