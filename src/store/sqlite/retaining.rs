//! What is kept for years: how much there is, legal holds, archives.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    Sqlite,
    bulk::Script,
    retiring,
    rows::{digest, inconsistent, insert_entries, json, tenant},
};
use crate::{
    archive::{Name, Span},
    audit::Entry,
    clock::Timestamp,
    party::Tenant,
    retention::Class,
    store::{
        ArchiveState, Exchange, Held, HoldChange, KeptArchive, KeptMonth, LegalHold, Result, Retaining, Ripe, RipeFilter, Written,
        retaining::{MonthRow, kept_month},
    },
};

#[async_trait]
impl Retaining for Sqlite {
    async fn kept_by_month(&self) -> Result<Vec<KeptMonth>> {
        kept(&mut *self.readers.acquire().await?).await
    }

    async fn legal_holds_on(&self, tenant: &Tenant, any: &[Held]) -> Result<Vec<LegalHold>> {
        holds_on(&mut *self.readers.acquire().await?, tenant, any).await
    }

    async fn legal_holds(&self, tenant: Option<&Tenant>) -> Result<Vec<LegalHold>> {
        holds(&mut *self.readers.acquire().await?, tenant).await
    }

    async fn change_legal_holds(&self, now: Timestamp, changes: Vec<HoldChange>) -> Result<Vec<bool>> {
        let changed =
            self.writer()?.write(move |connection| Box::pin(async move { change_holds(connection, now, &changes).await })).await?;
        self.hints.sequence.tell();
        Ok(changed)
    }

    async fn staying(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        retiring::staying(&mut *self.readers.acquire().await?, ids).await
    }

    async fn ripe(&self, filter: RipeFilter) -> Result<Ripe> {
        let mut connection = self.readers.acquire().await?;
        let mut snapshot = connection.begin().await?;
        let ripe = retiring::ripe(&mut snapshot, filter).await?;
        snapshot.commit().await?;
        Ok(ripe)
    }

    async fn archives(&self) -> Result<Vec<KeptArchive>> {
        archives(&mut *self.readers.acquire().await?).await
    }

    async fn note_archive(&self, _now: Timestamp, archive: KeptArchive, entry: Entry) -> Result<Written> {
        let noted = self.writer()?.write(move |connection| Box::pin(async move { note(connection, &archive, &entry).await })).await?;
        self.hints.sequence.tell();
        Ok(noted)
    }

    async fn exchange(&self, archive: Name, many: Vec<Exchange>) -> Result<()> {
        self.writer()?.write(move |connection| Box::pin(async move { exchange(connection, archive, &many).await })).await
    }

    async fn move_archive(&self, _now: Timestamp, name: Name, to: ArchiveState, entry: Option<Entry>) -> Result<Written> {
        let moved =
            self.writer()?.write(move |connection| Box::pin(async move { advance(connection, name, to, entry.as_ref()).await })).await?;
        self.hints.sequence.tell();
        Ok(moved)
    }

    async fn forget_attempts(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.writer()?.write(move |connection| Box::pin(retiring::forget_attempts(connection, before, limit))).await
    }

    async fn sweep(&self, now: Timestamp, proposals_before: Timestamp, limit: u32) -> Result<u64> {
        self.writer()?.write(move |connection| Box::pin(retiring::sweep(connection, now, proposals_before, limit))).await
    }

    async fn tell(&self, _now: Timestamp, entry: Entry) -> Result<()> {
        self.writer()?.write(move |connection| Box::pin(async move { tell(connection, Some(&entry)).await })).await?;
        self.hints.sequence.tell();
        Ok(())
    }
}

/// What there is of each class: when, how many bytes, and whether an archive has it.
const KEPT: [(Class, &str); 9] = [
    (
        Class::Declarations,
        "SELECT accepted_at AS at, octet_length(body) AS bytes, substr(body, 1, 13) = '{\"archived\":\"' AS gone FROM declarations \
         UNION ALL SELECT until, octet_length(body), substr(body, 1, 13) = '{\"archived\":\"' FROM revisions \
         UNION ALL SELECT accepted_at, octet_length(body), 0 FROM waybills UNION ALL SELECT until, octet_length(body), 0 FROM waybill_revisions \
         UNION ALL SELECT accepted_at, octet_length(body), 0 FROM follow_ups UNION ALL SELECT recorded_at, octet_length(body), 0 FROM records",
    ),
    (
        Class::Decisions,
        "SELECT decided_at AS at, octet_length(body) AS bytes, substr(body, 1, 13) = '{\"archived\":\"' AS gone FROM assessments",
    ),
    (
        Class::Messages,
        "SELECT m.sealed_at AS at, octet_length(s.bytes) AS bytes, substr(s.bytes, 1, 4) = x'00544741' AS gone FROM sealed s \
         JOIN messages m ON m.id = s.message",
    ),
    (
        Class::Arrivals,
        "SELECT a.at AS at, octet_length(b.bytes) AS bytes, substr(b.bytes, 1, 4) = x'00544741' AS gone FROM arrival_bytes b \
         JOIN arrivals a ON a.id = b.arrival",
    ),
    (Class::Receipts, "SELECT at, octet_length(body) AS bytes, substr(body, 1, 13) = '{\"archived\":\"' AS gone FROM receipts"),
    (Class::Entries, "SELECT at, octet_length(body) AS bytes, substr(body, 1, 4) = x'00544741' AS gone FROM audit_entries"),
    (Class::Attempts, "SELECT started_at AS at, octet_length(coalesce(detail, '')) AS bytes, 0 AS gone FROM attempts"),
    (Class::Proposals, "SELECT at, octet_length(items) + octet_length(preview) AS bytes, 0 AS gone FROM proposals"),
    (Class::Sessions, "SELECT born AS at, octet_length(id) AS bytes, 0 AS gone FROM sessions"),
];

async fn kept(connection: &mut SqliteConnection) -> Result<Vec<KeptMonth>> {
    let mut found = Vec::new();
    for (class, each) in KEPT {
        let statement = format!(
            "SELECT strftime('%Y-%m', at / 1000000 + 28800, 'unixepoch') AS month, count(*), sum(gone), sum(bytes) FROM ({each}) GROUP BY month ORDER BY month"
        );
        let rows: Vec<MonthRow> = sqlx::query_as(AssertSqlSafe(statement)).fetch_all(&mut *connection).await?;
        found.extend(rows.into_iter().filter_map(|row| kept_month(class, row)));
    }
    Ok(found)
}

async fn holds(connection: &mut SqliteConnection, of: Option<&Tenant>) -> Result<Vec<LegalHold>> {
    let statement =
        "SELECT kind, target, tenant, at, by, why FROM legal_holds WHERE ?1 IS NULL OR tenant = ?1 ORDER BY at, kind, target, tenant";
    let rows = sqlx::query(statement).bind(of.map(Tenant::as_str)).fetch_all(connection).await?;
    rows.iter().map(hold).collect()
}

async fn holds_on(connection: &mut SqliteConnection, of: &Tenant, any: &[Held]) -> Result<Vec<LegalHold>> {
    let asked: Vec<_> = any.iter().map(|held| (held.kind(), held.target())).collect();
    let statement = "SELECT l.kind, l.target, l.tenant, l.at, l.by, l.why FROM json_each(?1) j CROSS JOIN legal_holds l \
         ON l.kind = j.value->>0 AND l.target = j.value->>1 AND l.tenant IN ('', ?2) ORDER BY l.at, l.kind, l.target, l.tenant";
    let rows = sqlx::query(statement).bind(json(&asked)?).bind(of.as_str()).fetch_all(connection).await?;
    rows.iter().map(hold).collect()
}

fn hold(row: &SqliteRow) -> Result<LegalHold> {
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

async fn change_holds(connection: &mut SqliteConnection, now: Timestamp, changes: &[HoldChange]) -> Result<Vec<bool>> {
    let mut changed = Vec::with_capacity(changes.len());
    for change in changes {
        let hold = &change.hold;
        let whose = hold.tenant.as_ref().map_or("", Tenant::as_str);
        let done = if change.lifted {
            let lift = "DELETE FROM legal_holds WHERE kind = ?1 AND target = ?2 AND tenant = ?3";
            sqlx::query(lift).bind(hold.held.kind()).bind(hold.held.target()).bind(whose).execute(&mut *connection).await?
        } else {
            let (from, to) = hold.held.span();
            let place = "INSERT INTO legal_holds (kind, target, tenant, from_at, to_at, at, by, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                 ON CONFLICT DO NOTHING";
            let place = sqlx::query(place).bind(hold.held.kind()).bind(hold.held.target()).bind(whose).bind(from).bind(to);
            place.bind(now.0).bind(&hold.by).bind(&hold.why).execute(&mut *connection).await?
        };
        changed.push(done.rows_affected() > 0);
        tell(connection, Some(&change.entry).filter(|_| done.rows_affected() > 0)).await?;
    }
    Ok(changed)
}

async fn tell(connection: &mut SqliteConnection, entry: Option<&Entry>) -> Result<()> {
    let mut script = Script::default();
    insert_entries(&mut script, entry.into_iter());
    script.run(connection).await
}

async fn archives(connection: &mut SqliteConnection) -> Result<Vec<KeptArchive>> {
    const TABLE: &str = "archives";
    let statement = "SELECT name, digest, made_at, state, first, last, items, bytes FROM archives ORDER BY made_at, name";
    let rows = sqlx::query(statement).fetch_all(connection).await?;
    let archive = |row: &SqliteRow| {
        let number = |column| Ok::<_, crate::store::Error>(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default());
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

async fn exchange(connection: &mut SqliteConnection, archive: Name, many: &[Exchange]) -> Result<()> {
    let statement = "SELECT EXISTS (SELECT 1 FROM archives WHERE name = ?1 AND state = 'written')";
    let is_written: bool = sqlx::query_scalar(statement).bind(archive.to_string()).fetch_one(&mut *connection).await?;
    if is_written { retiring::exchange(connection, many).await } else { Ok(()) }
}

async fn note(connection: &mut SqliteConnection, archive: &KeptArchive, entry: &Entry) -> Result<Written> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let (first, last) = archive.span_columns();
    let keep = "INSERT INTO archives (name, digest, made_at, state, first, last, items, bytes) VALUES (?1, ?2, ?3, 'written', ?4, ?5, ?6, ?7) \
         ON CONFLICT DO NOTHING";
    let kept = sqlx::query(keep).bind(archive.name.to_string()).bind(archive.digest.as_slice()).bind(archive.made_at.0);
    let kept = kept.bind(first).bind(last).bind(number(archive.items)).bind(number(archive.bytes)).execute(&mut *connection).await?;
    if kept.rows_affected() > 0 {
        tell(connection, Some(entry)).await?;
        return Ok(Written::Done);
    }
    let same = "SELECT EXISTS (SELECT 1 FROM archives WHERE name = ?1 AND digest = ?2)";
    let same: bool = sqlx::query_scalar(same).bind(archive.name.to_string()).bind(archive.digest.as_slice()).fetch_one(connection).await?;
    Ok(if same { Written::Done } else { Written::Stale })
}

async fn advance(connection: &mut SqliteConnection, name: Name, to: ArchiveState, entry: Option<&Entry>) -> Result<Written> {
    let from = to.comes_from();
    let moved = sqlx::query("UPDATE archives SET state = ?2 WHERE name = ?1 AND state = ?3")
        .bind(name.to_string())
        .bind(to.as_str())
        .bind(from.as_str())
        .execute(&mut *connection)
        .await?;
    if moved.rows_affected() == 0 {
        return Ok(Written::Stale);
    }
    tell(connection, entry).await?;
    Ok(Written::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_counted() {
        assert_eq!(KEPT.map(|(class, _)| class), Class::ALL);
    }
}
