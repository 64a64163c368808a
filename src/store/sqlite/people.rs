//! People at the console: accounts, sessions, proposals.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    Sqlite,
    bulk::Script,
    rows::{count, digest, from_json, id, inconsistent, insert_entries, json, optional_id, readable, tenant},
};
use crate::{
    audit::Entry,
    clock::Timestamp,
    store::{
        AccountChange, Ending, Holder, KeptAccount, KeptProposal, KeptSession, MOST_ACCOUNTS, MOST_SESSIONS, People, ProposalEnd,
        ProposalState, Result, Written, people,
    },
};

const ACCOUNT: &str = "a.id, a.version, a.name, a.tenant, a.role, a.enabled, a.password, a.one_time_until, a.secret, a.enrolled, a.last_step, \
     a.recovery, a.failures, a.locked_until, a.made_at, a.signed_in_at";
const PROPOSAL: &str = "id, act, items, preview, why, actor, person, at, until, state, ended_at, ended_by";

#[async_trait]
impl People for Sqlite {
    async fn account(&self, name: &str) -> Result<Option<KeptAccount>> {
        let statement = format!("SELECT {ACCOUNT} FROM accounts a WHERE a.name = ?1");
        let row = sqlx::query(AssertSqlSafe(statement)).bind(name).fetch_optional(&mut *self.readers.acquire().await?).await?;
        row.as_ref().map(|row| Ok(people::unlock_account(&self.vault, account(row)?))).transpose()
    }

    async fn accounts(&self) -> Result<Vec<KeptAccount>> {
        let statement = format!("SELECT {ACCOUNT} FROM accounts a ORDER BY a.name LIMIT ?1");
        let rows = sqlx::query(AssertSqlSafe(statement)).bind(MOST_ACCOUNTS).fetch_all(&mut *self.readers.acquire().await?).await?;
        Ok(rows.iter().filter_map(|row| readable(account(row))).map(|account| people::unlock_account(&self.vault, account)).collect())
    }

    async fn put_account(&self, now: Timestamp, change: AccountChange) -> Result<Written> {
        let change = AccountChange { account: people::lock_account(&self.vault, change.account), ..change };
        let written = self.writer()?.write(move |connection| Box::pin(async move { put(connection, now, &change).await })).await?;
        self.hints.sequence.tell();
        Ok(written)
    }

    async fn begin_session(&self, now: Timestamp, session: KeptSession, entry: Entry) -> Result<()> {
        self.writer()?
            .write(move |connection| {
                Box::pin(async move {
                    begin(connection, now, &session).await?;
                    tell(connection, &[entry]).await
                })
            })
            .await?;
        self.hints.sequence.tell();
        Ok(())
    }

    async fn session(&self, now: Timestamp, asked: [u8; 32]) -> Result<Option<(KeptSession, Option<KeptAccount>)>> {
        let statement = format!(
            "SELECT s.id AS session, s.account, s.key, s.born, s.seen, s.until, {ACCOUNT} FROM sessions s LEFT JOIN accounts a ON a.id = s.account \
             WHERE s.id = ?1 AND s.until > ?2"
        );
        let asked = sqlx::query(AssertSqlSafe(statement)).bind(asked.to_vec()).bind(now.0);
        let Some(row) = asked.fetch_optional(&mut *self.readers.acquire().await?).await? else { return Ok(None) };
        let session = session(&row)?;
        let account = match session.holder {
            // One whose account is gone is nobody's.
            Holder::Account(_) if row.try_get::<Option<&[u8]>, _>("id")?.is_none() => return Ok(None),
            Holder::Account(_) => Some(people::unlock_account(&self.vault, account(&row)?)),
            Holder::Key(_) | Holder::Anybody => None,
        };
        Ok(Some((session, account)))
    }

    async fn touch_session(&self, now: Timestamp, id: [u8; 32]) -> Result<()> {
        self.writer()?
            .write(move |connection| {
                Box::pin(async move {
                    let statement = "UPDATE sessions SET seen = ?2 WHERE id = ?1 AND seen < ?2";
                    sqlx::query(statement).bind(id.to_vec()).bind(now.0).execute(connection).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn end_sessions(&self, ending: Ending) -> Result<()> {
        self.writer()?.write(move |connection| Box::pin(async move { end(connection, ending).await })).await
    }

    async fn propose(&self, _: Timestamp, proposal: KeptProposal, entry: Entry) -> Result<()> {
        self.writer()?.write(move |connection| Box::pin(async move { propose(connection, &proposal, entry).await })).await?;
        self.hints.sequence.tell();
        Ok(())
    }

    async fn proposals(&self, now: Timestamp, limit: u32) -> Result<Vec<KeptProposal>> {
        let statement = format!("SELECT {PROPOSAL} FROM proposals WHERE state = 'open' AND until > ?1 ORDER BY id DESC LIMIT ?2");
        let asked = sqlx::query(AssertSqlSafe(statement)).bind(now.0).bind(limit);
        let rows = asked.fetch_all(&mut *self.readers.acquire().await?).await?;
        Ok(rows.iter().filter_map(|row| readable(proposal(row))).collect())
    }

    async fn proposal(&self, id: Uuid) -> Result<Option<KeptProposal>> {
        let statement = format!("SELECT {PROPOSAL} FROM proposals WHERE id = ?1");
        let asked = sqlx::query(AssertSqlSafe(statement)).bind(id.as_bytes().to_vec());
        asked.fetch_optional(&mut *self.readers.acquire().await?).await?.as_ref().map(proposal).transpose()
    }

    async fn end_proposal(&self, now: Timestamp, end: ProposalEnd, entry: Entry) -> Result<Written> {
        let written = self
            .writer()?
            .write(move |connection| {
                Box::pin(async move {
                    if !is_open(connection, now, end.id).await? {
                        return Ok(Written::Stale);
                    }
                    let mut script = Script::default();
                    end_proposal(&mut script, now, &end);
                    insert_entries(&mut script, std::iter::once(&entry));
                    script.run(connection).await.map(|()| Written::Done)
                })
            })
            .await?;
        self.hints.sequence.tell();
        Ok(written)
    }
}

async fn tell(connection: &mut SqliteConnection, entries: &[Entry]) -> Result<()> {
    let mut script = Script::default();
    insert_entries(&mut script, entries.iter());
    script.run(connection).await
}

async fn put(connection: &mut SqliteConnection, now: Timestamp, change: &AccountChange) -> Result<Written> {
    let account = &change.account;
    let statement = if account.version == 0 {
        "INSERT INTO accounts (id, version, name, tenant, role, enabled, password, one_time_until, secret, enrolled, last_step, recovery, \
         failures, locked_until, made_at, signed_in_at) VALUES (?1, ?2 + 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
         ON CONFLICT DO NOTHING"
    } else {
        "UPDATE accounts SET version = ?2 + 1, name = ?3, tenant = ?4, role = ?5, enabled = ?6, password = ?7, one_time_until = ?8, \
         secret = ?9, enrolled = ?10, last_step = ?11, recovery = ?12, failures = ?13, locked_until = ?14, made_at = ?15, \
         signed_in_at = ?16 WHERE id = ?1 AND version = ?2"
    };
    let written = sqlx::query(statement)
        .bind(account.id.as_bytes().as_slice())
        .bind(account.version)
        .bind(&account.name)
        .bind(account.tenant.as_str())
        .bind(account.role.as_str())
        .bind(account.enabled)
        .bind(&account.password)
        .bind(account.one_time_until.map(|at| at.0))
        .bind(account.secret.as_deref())
        .bind(account.enrolled)
        .bind(account.last_step)
        .bind(json(&account.recovery)?)
        .bind(account.failures)
        .bind(account.locked_until.map(|at| at.0))
        .bind(account.made_at.0)
        .bind(account.signed_in_at.map(|at| at.0))
        .execute(&mut *connection)
        .await?;
    if written.rows_affected() != 1 {
        return Ok(Written::Stale);
    }
    if change.ends {
        end(connection, Ending::Of(Holder::Account(account.id))).await?;
    }
    if let Some(session) = &change.begins {
        begin(connection, now, session).await?;
    }
    tell(connection, &change.entries).await.map(|()| Written::Done)
}

async fn begin(connection: &mut SqliteConnection, now: Timestamp, session: &KeptSession) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE until <= ?1").bind(now.0).execute(&mut *connection).await?;
    let oldest = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions ORDER BY seen DESC LIMIT -1 OFFSET ?1)";
    sqlx::query(oldest).bind(MOST_SESSIONS - 1).execute(&mut *connection).await?;
    let (account, key) = session.holder.columns();
    sqlx::query("INSERT INTO sessions (id, account, key, born, seen, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING")
        .bind(session.id.to_vec())
        .bind(account.map(|id| id.as_bytes().to_vec()))
        .bind(key)
        .bind(session.born.0)
        .bind(session.seen.0)
        .bind(session.until.0)
        .execute(connection)
        .await?;
    Ok(())
}

async fn end(connection: &mut SqliteConnection, ending: Ending) -> Result<()> {
    let ended = match ending {
        Ending::One(id) => sqlx::query("DELETE FROM sessions WHERE id = ?1").bind(id.to_vec()),
        Ending::Of(Holder::Account(id)) => sqlx::query("DELETE FROM sessions WHERE account = ?1").bind(id.as_bytes().to_vec()),
        Ending::Of(Holder::Key(key)) => sqlx::query("DELETE FROM sessions WHERE key = ?1").bind(key.to_vec()),
        Ending::Of(Holder::Anybody) => sqlx::query("DELETE FROM sessions WHERE account IS NULL AND key IS NULL"),
    };
    ended.execute(connection).await?;
    Ok(())
}

fn account(row: &SqliteRow) -> Result<KeptAccount> {
    const TABLE: &str = "accounts";
    let time = |name| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(Timestamp));
    Ok(KeptAccount {
        id: id(TABLE, row, "id")?,
        version: row.try_get("version")?,
        name: row.try_get("name")?,
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        role: people::role(row.try_get("role")?).ok_or_else(|| inconsistent(TABLE, "a role"))?,
        enabled: row.try_get("enabled")?,
        password: row.try_get("password")?,
        one_time_until: time("one_time_until")?,
        secret: row.try_get("secret")?,
        enrolled: row.try_get("enrolled")?,
        last_step: row.try_get("last_step")?,
        recovery: from_json(TABLE, row.try_get("recovery")?)?,
        failures: count(TABLE, row.try_get("failures")?)?,
        locked_until: time("locked_until")?,
        made_at: Timestamp(row.try_get("made_at")?),
        signed_in_at: time("signed_in_at")?,
    })
}

fn session(row: &SqliteRow) -> Result<KeptSession> {
    const TABLE: &str = "sessions";
    let holder = match (optional_id(TABLE, row, "account")?, row.try_get::<Option<&[u8]>, _>("key")?) {
        (Some(account), _) => Holder::Account(account),
        (None, Some(key)) => Holder::Key(digest(TABLE, key)?),
        (None, None) => Holder::Anybody,
    };
    Ok(KeptSession {
        id: digest(TABLE, row.try_get("session")?)?,
        holder,
        born: Timestamp(row.try_get("born")?),
        seen: Timestamp(row.try_get("seen")?),
        until: Timestamp(row.try_get("until")?),
    })
}

async fn propose(connection: &mut SqliteConnection, proposal: &KeptProposal, entry: Entry) -> Result<()> {
    sqlx::query(
        "INSERT INTO proposals (id, act, items, preview, why, actor, person, at, until, state) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'open') ON CONFLICT DO NOTHING",
    )
    .bind(proposal.id.as_bytes().as_slice())
    .bind(&proposal.act)
    .bind(json(&proposal.items)?)
    .bind(&proposal.preview)
    .bind(&proposal.why)
    .bind(json(&proposal.actor)?)
    .bind(&proposal.person)
    .bind(proposal.at.0)
    .bind(proposal.until.0)
    .execute(&mut *connection)
    .await?;
    tell(connection, &[entry]).await
}

/// Whether a proposal can still be decided.
pub(super) async fn is_open(connection: &mut SqliteConnection, now: Timestamp, id: Uuid) -> Result<bool> {
    let statement = "SELECT count(*) FROM proposals WHERE id = ?1 AND state = 'open' AND until > ?2";
    let open: i64 = sqlx::query_scalar(statement).bind(id.as_bytes().as_slice()).bind(now.0).fetch_one(connection).await?;
    Ok(open == 1)
}

pub(super) fn end_proposal(script: &mut Script, now: Timestamp, end: &ProposalEnd) {
    let statement = sqlx::query("UPDATE proposals SET state = ?2, ended_at = ?3, ended_by = ?4 WHERE id = ?1 AND state = 'open'");
    script.add(statement.bind(end.id.as_bytes().to_vec()).bind(end.state.as_str()).bind(now.0).bind(end.by.clone()));
}

fn proposal(row: &SqliteRow) -> Result<KeptProposal> {
    const TABLE: &str = "proposals";
    let state = ProposalState::parse(row.try_get("state")?).ok_or_else(|| inconsistent(TABLE, "a state"))?;
    let by: Option<String> = row.try_get("ended_by")?;
    Ok(KeptProposal {
        id: id(TABLE, row, "id")?,
        act: row.try_get("act")?,
        items: from_json(TABLE, row.try_get("items")?)?,
        preview: row.try_get("preview")?,
        why: row.try_get("why")?,
        actor: from_json(TABLE, row.try_get("actor")?)?,
        person: row.try_get("person")?,
        at: Timestamp(row.try_get("at")?),
        until: Timestamp(row.try_get("until")?),
        state,
        ended: by.zip(row.try_get::<Option<i64>, _>("ended_at")?.map(Timestamp)),
    })
}
