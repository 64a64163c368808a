//! Another waybill's number for a declaration.

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    follow_ups::touch,
    matching,
    numbers::{self, NumberRow},
    rows::{Result, insert_entries},
    waybills,
};
use crate::{
    clock::Timestamp,
    store::{NumberKind, Relabel, Relabelled, accepting::WAYBILL_NUMBER_LIFE},
};

pub(super) async fn relabel(connection: &mut PgConnection, now: Timestamp, asked: &Relabel) -> Result<Relabelled> {
    let id = asked.declaration.0;
    let statement = "SELECT waybill_no FROM declarations WHERE id = $1 FOR UPDATE";
    let known: Option<Option<String>> = sqlx::query_scalar(statement).bind(id).fetch_optional(&mut *connection).await?;
    let Some(old) = known else { return Ok(Relabelled::Stale) };
    if old.as_deref() == Some(asked.waybill_no.as_str()) {
        return Ok(Relabelled::Done);
    }
    let statement =
        "SELECT at, declaration, document FROM numbers WHERE number = $1 AND kind = 'waybill' AND scope = $2 AND holder = $3 FOR UPDATE";
    let used = sqlx::query(statement)
        .bind(asked.waybill_no.as_str())
        .bind(asked.carrier.as_str())
        .bind(Uuid::nil())
        .fetch_optional(&mut *connection)
        .await?;
    let (mut waybill, mut joins, mut expired) = (None::<Uuid>, false, false);
    if let Some(row) = used {
        expired = Timestamp(row.try_get("at")?) + WAYBILL_NUMBER_LIFE < now;
        if !expired && row.try_get::<Option<Uuid>, _>("declaration")?.is_some() {
            return Ok(Relabelled::Taken);
        }
        waybill = row.try_get::<Option<Uuid>, _>("document")?.filter(|_| !expired);
        joins = !expired;
    }
    if !touch(connection, &asked.expected).await? {
        return Ok(Relabelled::Stale);
    }
    if expired {
        numbers::retire_waybills(connection, &[(asked.carrier.clone(), asked.waybill_no.clone())]).await?;
    }
    matching::release(connection, asked).await?;
    unbind(connection, asked, old.as_deref().unwrap_or_default()).await?;
    let row = NumberRow::of_declaration(NumberKind::Waybill, &asked.waybill_no, asked.carrier.clone(), asked.tenant.as_str(), id);
    if joins {
        numbers::join_declarations(connection, now, &[row]).await?;
    } else {
        numbers::insert(connection, now, vec![row]).await?;
    }
    let name = "UPDATE declarations SET waybill_no = $2 WHERE id = $1";
    sqlx::query(name).bind(id).bind(asked.waybill_no.as_str()).execute(&mut *connection).await?;
    if let Some(waybill) = waybill {
        waybills::bind(connection, &[(waybill, id)]).await?;
    }
    // A packer that has it finds its lease gone: what it read names the old waybill.
    let inventories = "SELECT id FROM documents WHERE declaration = $1 AND kind = 603";
    let inventories: Vec<Uuid> = sqlx::query_scalar(inventories).bind(id).fetch_all(&mut *connection).await?;
    let revoke = "UPDATE due SET lease_token = NULL, lease_until = 0 WHERE document = ANY($1)";
    sqlx::query(revoke).bind(inventories).execute(&mut *connection).await?;
    waybills::wake(connection, now, &[id]).await?;
    insert_entries(connection, now, &[&asked.entry]).await?;
    Ok(Relabelled::Done)
}

/// Sets the declaration's present waybill free. Its number stays one by which the declaration is found, as one that it had.
async fn unbind(connection: &mut PgConnection, asked: &Relabel, old: &str) -> Result<()> {
    const OF_IT: &str = "WHERE number = $2 AND kind = 'waybill' AND scope = $3 AND holder = $4 AND declaration = $1";
    for statement in [
        format!(
            "INSERT INTO numbers (number, kind, scope, holder, at, tenant, declaration) \
             SELECT number, kind, scope, declaration, at, tenant, declaration FROM numbers {OF_IT} ON CONFLICT DO NOTHING"
        ),
        format!("DELETE FROM numbers {OF_IT} AND document IS NULL"),
        format!("UPDATE numbers SET declaration = NULL, tenant = NULL {OF_IT}"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(asked.declaration.0)
            .bind(old)
            .bind(asked.carrier.as_str())
            .bind(Uuid::nil())
            .execute(&mut *connection)
            .await?;
    }
    for statement in [
        "UPDATE gates SET declaration = NULL WHERE document IN (SELECT waybill FROM waybill_declarations WHERE declaration = $1)",
        "DELETE FROM waybill_declarations WHERE declaration = $1",
        "DELETE FROM waybill_orders WHERE declaration = $1",
        "UPDATE documents SET declaration = NULL, version = version + 1 WHERE declaration = $1 AND kind = 505",
    ] {
        sqlx::query(statement).bind(asked.declaration.0).execute(&mut *connection).await?;
    }
    Ok(())
}
