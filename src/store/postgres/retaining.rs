//! What is kept for years: how much there is, legal holds, archives.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    Postgres, retiring,
    rows::{Result, digest, inconsistent, insert_entries, is_told, tenant},
    trying::tried,
};
use crate::{
    archive::{Name, Span},
    audit::Entry,
    clock::Timestamp,
    party::Tenant,
    retention::Class,
    store::{
        self, ArchiveState, Exchange, Held, HoldChange, KeptArchive, KeptMonth, LegalHold, Retaining, Ripe, RipeFilter, Written,
        retaining::{MonthRow, kept_month},
    },
};

#[async_trait]
impl Retaining for Postgres {
    async fn kept_by_month(&self) -> store::Result<Vec<KeptMonth>> {
        tried!(&self.pool, Snapshot, |connection| kept(connection))
    }

    async fn legal_holds_on(&self, tenant: &Tenant, any: &[Held]) -> store::Result<Vec<LegalHold>> {
        tried!(&self.pool, Single, |connection| holds_on(connection, tenant, any))
    }

    async fn legal_holds(&self, tenant: Option<&Tenant>) -> store::Result<Vec<LegalHold>> {
        tried!(&self.pool, Single, |connection| holds(connection, tenant))
    }

    async fn change_legal_holds(&self, now: Timestamp, changes: Vec<HoldChange>) -> store::Result<Vec<bool>> {
        let changed = tried!(self.may_write()?, Together, |connection, unsure| change_holds(connection, now, &changes, unsure))?;
        self.hints.sequence.tell();
        Ok(changed)
    }

    async fn staying(&self, ids: &[Uuid]) -> store::Result<Vec<Uuid>> {
        tried!(&self.pool, Snapshot, |connection| retiring::staying(connection, ids))
    }

    async fn ripe(&self, filter: RipeFilter) -> store::Result<Ripe> {
        tried!(&self.pool, Snapshot, |connection| retiring::ripe(connection, filter))
    }

    async fn archives(&self) -> store::Result<Vec<KeptArchive>> {
        tried!(&self.pool, Single, |connection| archives(connection))
    }

    async fn note_archive(&self, now: Timestamp, archive: KeptArchive, entry: Entry) -> store::Result<Written> {
        let noted = tried!(self.may_write()?, Together, |connection| note(connection, now, &archive, &entry))?;
        self.hints.sequence.tell();
        Ok(noted)
    }

    async fn exchange(&self, archive: Name, many: Vec<Exchange>) -> store::Result<()> {
        tried!(self.may_write()?, Together, |connection| exchange(connection, archive, &many))
    }

    async fn move_archive(&self, now: Timestamp, name: Name, to: ArchiveState, entry: Option<Entry>) -> store::Result<Written> {
        let moved = tried!(self.may_write()?, Together, |connection, unsure| advance(connection, now, (name, to), entry.as_ref(), unsure))?;
        self.hints.sequence.tell();
        Ok(moved)
    }

    async fn forget_attempts(&self, before: Timestamp, limit: u32) -> store::Result<u64> {
        tried!(self.may_write()?, Together, |connection| retiring::forget_attempts(connection, before, limit))
    }

    async fn sweep(&self, now: Timestamp, proposals_before: Timestamp, limit: u32) -> store::Result<u64> {
        tried!(self.may_write()?, Together, |connection| retiring::sweep(connection, now, proposals_before, limit))
    }

    async fn tell(&self, now: Timestamp, entry: Entry) -> store::Result<()> {
        tried!(self.may_write()?, Together, |connection, unsure| tell(connection, now, &entry, unsure))?;
        self.hints.sequence.tell();
        Ok(())
    }
}

/// What there is of each class: when, how many bytes, and whether an archive has it.
const KEPT: [(Class, &str); 9] = [
    (
        Class::Declarations,
        "SELECT accepted_at AS at, octet_length(body) AS bytes, starts_with(body, '{\"archived\":\"') AS gone FROM declarations \
         UNION ALL SELECT until, octet_length(body), starts_with(body, '{\"archived\":\"') FROM revisions \
         UNION ALL SELECT accepted_at, octet_length(body), false FROM waybills UNION ALL SELECT until, octet_length(body), false FROM waybill_revisions \
         UNION ALL SELECT accepted_at, octet_length(body), false FROM follow_ups UNION ALL SELECT recorded_at, octet_length(body), false FROM records",
    ),
    (
        Class::Decisions,
        "SELECT decided_at AS at, octet_length(body) AS bytes, starts_with(body, '{\"archived\":\"') AS gone FROM assessments",
    ),
    (
        Class::Messages,
        "SELECT m.sealed_at AS at, octet_length(s.bytes) AS bytes, substring(s.bytes FROM 1 FOR 4) = '\\x00544741'::bytea AS gone FROM sealed s \
         JOIN messages m ON m.id = s.message",
    ),
    (
        Class::Arrivals,
        "SELECT a.at AS at, octet_length(b.bytes) AS bytes, substring(b.bytes FROM 1 FOR 4) = '\\x00544741'::bytea AS gone FROM arrival_bytes b \
         JOIN arrivals a ON a.id = b.arrival",
    ),
    (Class::Receipts, "SELECT at, octet_length(body) AS bytes, starts_with(body, '{\"archived\":\"') AS gone FROM receipts"),
    (
        Class::Entries,
        "SELECT u.at, octet_length(u.body) AS bytes, substring(u.body FROM 1 FOR 4) = '\\x00544741'::bytea AS gone FROM audit_runs r \
         CROSS JOIN LATERAL unnest(r.ats, r.bodies) AS u (at, body)",
    ),
    (Class::Attempts, "SELECT started_at AS at, octet_length(coalesce(detail, '')) AS bytes, false AS gone FROM attempts"),
    (Class::Proposals, "SELECT at, octet_length(items) + octet_length(preview) AS bytes, false AS gone FROM proposals"),
    (Class::Sessions, "SELECT born AS at, octet_length(id) AS bytes, false AS gone FROM sessions"),
];

async fn kept(connection: &mut PgConnection) -> Result<Vec<KeptMonth>> {
    // All of it, however it is reached.
    sqlx::raw_sql("SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on").execute(&mut *connection).await?;
    let mut found = Vec::new();
    for (class, each) in KEPT {
        let statement = format!(
            "SELECT to_char(to_timestamp(at / 1000000 + 28800) AT TIME ZONE 'UTC', 'YYYY-MM') AS month, count(*), \
             count(*) FILTER (WHERE gone), sum(bytes)::bigint FROM ({each}) k GROUP BY month ORDER BY month"
        );
        let rows: Vec<MonthRow> = sqlx::query_as(AssertSqlSafe(statement)).persistent(false).fetch_all(&mut *connection).await?;
        found.extend(rows.into_iter().filter_map(|row| kept_month(class, row)));
    }
    Ok(found)
}

async fn holds(connection: &mut PgConnection, of: Option<&Tenant>) -> Result<Vec<LegalHold>> {
    let statement =
        "SELECT kind, target, tenant, at, by, why FROM legal_holds WHERE $1::text IS NULL OR tenant = $1 ORDER BY at, kind, target, tenant";
    let rows = sqlx::query(statement).bind(of.map(Tenant::as_str)).fetch_all(connection).await?;
    rows.iter().map(hold).collect()
}

async fn holds_on(connection: &mut PgConnection, of: &Tenant, any: &[Held]) -> Result<Vec<LegalHold>> {
    let statement = "SELECT l.kind, l.target, l.tenant, l.at, l.by, l.why FROM unnest($1::text[], $2::text[]) j (kind, target) JOIN legal_holds l \
         ON l.kind = j.kind AND l.target = j.target AND l.tenant IN ('', $3) ORDER BY l.at, l.kind, l.target, l.tenant";
    let rows = sqlx::query(statement)
        .bind(any.iter().map(Held::kind).collect::<Vec<_>>())
        .bind(any.iter().map(Held::target).collect::<Vec<_>>())
        .bind(of.as_str())
        .fetch_all(connection)
        .await?;
    rows.iter().map(hold).collect()
}

fn hold(row: &PgRow) -> Result<LegalHold> {
    const TABLE: &str = "legal_holds";
    let whose: &str = row.try_get("tenant")?;
    Ok(LegalHold {
        held: Held::parse(row.try_get("kind")?, row.try_get("target")?).ok_or_else(|| inconsistent(TABLE, "what is held"))?,
        tenant: if whose.is_empty() { None } else { Some(tenant(TABLE, whose)?) },
        at: Timestamp(row.try_get("at")?),
        by: row.try_get("by")?,
        why: row.try_get("why")?,
    })
}

async fn change_holds(connection: &mut PgConnection, now: Timestamp, changes: &[HoldChange], unsure: bool) -> Result<Vec<bool>> {
    let mut changed = Vec::with_capacity(changes.len());
    for change in changes {
        if unsure && is_told(connection, &change.entry).await? {
            changed.push(true);
            continue;
        }
        let hold = &change.hold;
        let whose = hold.tenant.as_ref().map_or("", Tenant::as_str);
        let done = if change.lifted {
            let lift = "DELETE FROM legal_holds WHERE kind = $1 AND target = $2 AND tenant = $3";
            sqlx::query(lift).bind(hold.held.kind()).bind(hold.held.target()).bind(whose).execute(&mut *connection).await?
        } else {
            let (from, to) = hold.held.span();
            let place = "INSERT INTO legal_holds (kind, target, tenant, from_at, to_at, at, by, why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                 ON CONFLICT DO NOTHING";
            let place = sqlx::query(place).bind(hold.held.kind()).bind(hold.held.target()).bind(whose).bind(from).bind(to);
            place.bind(now.0).bind(&hold.by).bind(&hold.why).execute(&mut *connection).await?
        };
        changed.push(done.rows_affected() > 0);
        if done.rows_affected() > 0 {
            insert_entries(connection, now, &[&change.entry]).await?;
        }
    }
    Ok(changed)
}

async fn archives(connection: &mut PgConnection) -> Result<Vec<KeptArchive>> {
    const TABLE: &str = "archives";
    let statement = "SELECT name, digest, made_at, state, first, last, items, bytes FROM archives ORDER BY made_at, name";
    let rows = sqlx::query(statement).fetch_all(connection).await?;
    let archive = |row: &PgRow| {
        let number = |column| Ok::<_, sqlx::Error>(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default());
        let position =
            |column| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.and_then(|position| u64::try_from(position).ok()));
        Ok(KeptArchive {
            name: Name::parse(row.try_get("name")?).ok_or_else(|| inconsistent(TABLE, "a name"))?,
            digest: digest(TABLE, row.try_get("digest")?)?,
            made_at: Timestamp(row.try_get("made_at")?),
            state: ArchiveState::parse(row.try_get("state")?).ok_or_else(|| inconsistent(TABLE, "a state"))?,
            span: position("first")?.zip(position("last")?).map(|(first, last)| Span { first, last }),
            items: number("items")?,
            bytes: number("bytes")?,
        })
    };
    rows.iter().map(archive).collect()
}

async fn note(connection: &mut PgConnection, now: Timestamp, archive: &KeptArchive, entry: &Entry) -> Result<Written> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let (first, last) = archive.span_columns();
    let keep = "INSERT INTO archives (name, digest, made_at, state, first, last, items, bytes) VALUES ($1, $2, $3, 'written', $4, $5, $6, $7) \
         ON CONFLICT DO NOTHING";
    let kept = sqlx::query(keep).bind(archive.name.to_string()).bind(archive.digest.as_slice()).bind(archive.made_at.0);
    let kept = kept.bind(first).bind(last).bind(number(archive.items)).bind(number(archive.bytes)).execute(&mut *connection).await?;
    if kept.rows_affected() > 0 {
        insert_entries(connection, now, &[entry]).await?;
        return Ok(Written::Done);
    }
    let same = "SELECT EXISTS (SELECT 1 FROM archives WHERE name = $1 AND digest = $2)";
    let same: bool = sqlx::query_scalar(same).bind(archive.name.to_string()).bind(archive.digest.as_slice()).fetch_one(connection).await?;
    Ok(if same { Written::Done } else { Written::Stale })
}

async fn exchange(connection: &mut PgConnection, archive: Name, many: &[Exchange]) -> Result<()> {
    let written = "SELECT 1 FROM archives WHERE name = $1 AND state = 'written' FOR SHARE";
    if sqlx::query(written).bind(archive.to_string()).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(());
    }
    retiring::exchange(connection, many).await
}

async fn advance(
    connection: &mut PgConnection,
    now: Timestamp,
    (name, to): (Name, ArchiveState),
    entry: Option<&Entry>,
    unsure: bool,
) -> Result<Written> {
    let moved = sqlx::query("UPDATE archives SET state = $2 WHERE name = $1 AND state = $3")
        .bind(name.to_string())
        .bind(to.as_str())
        .bind(to.comes_from().as_str())
        .execute(&mut *connection)
        .await?;
    if moved.rows_affected() > 0 {
        if let Some(entry) = entry {
            insert_entries(connection, now, &[entry]).await?;
        }
        return Ok(Written::Done);
    }
    let there = "SELECT EXISTS (SELECT 1 FROM archives WHERE name = $1 AND state = $2)";
    let done: bool = sqlx::query_scalar(there).bind(name.to_string()).bind(to.as_str()).fetch_one(&mut *connection).await?;
    Ok(if unsure && done { Written::Done } else { Written::Stale })
}

async fn tell(connection: &mut PgConnection, now: Timestamp, entry: &Entry, unsure: bool) -> Result<()> {
    if unsure && is_told(connection, entry).await? {
        return Ok(());
    }
    insert_entries(connection, now, &[entry]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_counted() {
        assert_eq!(KEPT.map(|(class, _)| class), Class::ALL);
    }
}
