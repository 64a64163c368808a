//! Another waybill's number for a declaration.

use sqlx::{Row, SqliteConnection};

use super::{
    bulk::Script,
    follow_ups::touch,
    matching,
    numbers::{self, NumberRow},
    rows::{bind_id, insert_entries, optional_id},
};
use crate::{
    clock::Timestamp,
    store::{NumberKind, Relabel, Relabelled, Result, accepting::WAYBILL_NUMBER_LIFE},
};

pub(super) async fn relabel(connection: &mut SqliteConnection, now: Timestamp, asked: &Relabel) -> Result<Relabelled> {
    let id = asked.declaration.0;
    let known: Option<Option<String>> = bind_id(sqlx::query("SELECT waybill_no FROM declarations WHERE id = ?1"), id)
        .fetch_optional(&mut *connection)
        .await?
        .map(|row| row.try_get("waybill_no"))
        .transpose()?;
    let Some(old) = known else { return Ok(Relabelled::Stale) };
    if old.as_deref() == Some(asked.waybill_no.as_str()) {
        return Ok(Relabelled::Done);
    }
    let used =
        sqlx::query("SELECT at, declaration, document FROM numbers WHERE number = ?1 AND kind = 'waybill' AND scope = ?2 AND holder = x''")
            .bind(asked.waybill_no.as_str())
            .bind(asked.carrier.as_str())
            .fetch_optional(&mut *connection)
            .await?;
    let (mut waybill, mut expired) = (None, false);
    if let Some(row) = used {
        expired = Timestamp(row.try_get("at")?) + WAYBILL_NUMBER_LIFE < now;
        if !expired && optional_id("numbers", &row, "declaration")?.is_some() {
            return Ok(Relabelled::Taken);
        }
        waybill = optional_id("numbers", &row, "document")?.filter(|_| !expired);
    }
    if !touch(connection, &asked.expected).await? {
        return Ok(Relabelled::Stale);
    }
    if expired {
        numbers::retire_waybills(connection, &[(asked.carrier.clone(), asked.waybill_no.clone())]).await?;
    }
    matching::release(connection, asked).await?;
    unbind(connection, asked).await?;
    let mut script = Script::default();
    let row = NumberRow::of_declaration(NumberKind::Waybill, &asked.waybill_no, asked.carrier.clone(), asked.tenant.as_str(), id);
    numbers::insert(&mut script, now, &[row])?;
    let name = "UPDATE declarations SET waybill_no = ?2 WHERE id = ?1";
    script.add(bind_id(sqlx::query(name), id).bind(asked.waybill_no.clone()));
    if let Some(waybill) = waybill {
        for statement in [
            // One without a document is looked at: the declaration tells who transmits it.
            "UPDATE waybills SET declaration = ?1, look_at = CASE WHEN EXISTS (SELECT 1 FROM documents WHERE id = ?2) THEN look_at ELSE ?3 END WHERE id = ?2",
            "UPDATE documents SET declaration = ?1, version = version + 1 WHERE id = ?2 AND ?3 IS NOT NULL",
            "UPDATE documents SET declaration = ?1, version = version + 1 \
             WHERE id IN (SELECT document FROM waybill_documents WHERE waybill = ?2) AND ?3 IS NOT NULL",
            "DELETE FROM waybill_orders WHERE waybill = ?2 AND ?1 IS NOT NULL AND ?3 IS NOT NULL",
        ] {
            script.add(bind_id(bind_id(sqlx::query(statement), id), waybill).bind(now.0));
        }
    }
    // A packer that has it finds its lease gone: what it read names the old waybill.
    let wake = "UPDATE documents SET gate_at = CASE state WHEN 'waiting' THEN ?2 ELSE gate_at END, lease_token = NULL, lease_until = 0 \
         WHERE declaration = ?1 AND kind = 603";
    script.add(bind_id(sqlx::query(wake), id).bind(now.0));
    insert_entries(&mut script, std::iter::once(&asked.entry));
    script.run(connection).await?;
    Ok(Relabelled::Done)
}

/// Sets the declaration's present waybill free. Its number stays one by which the declaration is found, as one that it had.
async fn unbind(connection: &mut SqliteConnection, asked: &Relabel) -> Result<()> {
    for statement in [
        "INSERT INTO numbers (number, kind, scope, holder, at, tenant, declaration) \
         SELECT number, kind, scope, declaration, at, tenant, declaration FROM numbers \
         WHERE declaration = ?1 AND kind = 'waybill' AND scope = ?2 AND holder = x'' AND number = (SELECT waybill_no FROM declarations WHERE id = ?1) \
         ON CONFLICT DO NOTHING",
        "DELETE FROM numbers WHERE declaration = ?1 AND document IS NULL AND kind = 'waybill' AND scope = ?2 AND holder = x'' \
         AND number = (SELECT waybill_no FROM declarations WHERE id = ?1)",
        "UPDATE numbers SET declaration = NULL, tenant = NULL WHERE declaration = ?1 AND kind = 'waybill' AND scope = ?2 AND holder = x'' \
         AND number = (SELECT waybill_no FROM declarations WHERE id = ?1)",
        "UPDATE waybills SET declaration = NULL WHERE declaration = ?1 AND ?2 IS NOT NULL",
        "UPDATE documents SET declaration = NULL, version = version + 1 WHERE declaration = ?1 AND kind = 505 AND ?2 IS NOT NULL",
    ] {
        bind_id(sqlx::query(statement), asked.declaration.0).bind(asked.carrier.clone()).execute(&mut *connection).await?;
    }
    Ok(())
}
