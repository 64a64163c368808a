//! How things stand, counted.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::rows::{hex, json, optional_id, state};
use crate::{
    clock::Timestamp,
    declaration::DeclarationId,
    party::Tenant,
    store::{
        Backlog, DueBy, MOST_DUE, OfficeCount, Overview, OverviewAsked, Pulse, Result, RoadQueue,
        desk::made_at,
        overview::{MINUTE, distribute, first_made_at, made_in},
    },
};

pub(super) async fn overview(connection: &mut SqliteConnection, asked: &OverviewAsked) -> Result<Overview> {
    Ok(Overview {
        offices: offices(connection, asked).await?,
        backlog: backlog(connection).await?,
        roads: roads(connection).await?,
        pulses: pulses(connection, &asked.minutes).await?,
        due: due(connection).await?,
    })
}

async fn roads(connection: &mut SqliteConnection) -> Result<Vec<RoadQueue>> {
    let rows = sqlx::query(
        "SELECT road, count(*) AS queued, sum(failed > 0) AS failing, min(sealed_at) AS oldest FROM messages \
         WHERE due_at IS NOT NULL AND state = 'queued' GROUP BY road ORDER BY road",
    )
    .fetch_all(connection)
    .await?;
    let read = |row: &SqliteRow| {
        let oldest = row.try_get::<Option<i64>, _>("oldest")?.map(Timestamp);
        Ok(RoadQueue { road: row.try_get("road")?, queued: row.try_get("queued")?, failing: row.try_get("failing")?, oldest })
    };
    rows.iter().map(read).collect()
}

async fn due(connection: &mut SqliteConnection) -> Result<Vec<DueBy>> {
    let rows = sqlx::query(
        "SELECT needed_by / ?2 * ?2 AS minute, count(*) AS count, min(declaration) AS declaration FROM documents \
         WHERE state = 'due' AND on_hold = 0 GROUP BY 1 ORDER BY 1 LIMIT ?1",
    )
    .bind(MOST_DUE)
    .bind(MINUTE)
    .fetch_all(connection)
    .await?;
    let read = |row: &SqliteRow| {
        let declaration = optional_id("documents", row, "declaration")?.map(DeclarationId);
        Ok(DueBy { minute: Timestamp(row.try_get("minute")?), count: row.try_get("count")?, declaration })
    };
    rows.iter().map(read).collect()
}

/// What moved in some minutes: by ranges of ids, which are made in the order of time, and by the times at which roads took messages.
async fn pulses(connection: &mut SqliteConnection, minutes: &[Timestamp]) -> Result<Vec<Pulse>> {
    let spans: Vec<_> = minutes.iter().map(|minute| (*minute, made_in(*minute))).collect();
    let spans: Vec<_> = spans.iter().map(|(minute, (from, to))| (minute.0, minute.0 + MINUTE, hex(*from), hex(*to))).collect();
    let spans = json(&spans)?;
    let rows = sqlx::query(
        "SELECT j.value->>0 AS minute, \
         (SELECT count(*) FROM declarations d WHERE d.id >= unhex(j.value->>2) AND d.id < unhex(j.value->>3)) AS accepted, \
         (SELECT count(*) FROM arrivals a WHERE a.id >= unhex(j.value->>2) AND a.id < unhex(j.value->>3)) AS arrived, \
         (SELECT sum(json_array_length(s.members)) FROM attempts t JOIN sealed s ON s.message = t.message \
            WHERE t.outcome = 'delivered' AND t.ended_at >= j.value->>0 AND t.ended_at < j.value->>1) AS sent \
         FROM json_each(?1) j ORDER BY j.key",
    )
    .bind(&spans)
    .fetch_all(&mut *connection)
    .await?;
    let read = |row: &SqliteRow| {
        let sent = row.try_get::<Option<i64>, _>("sent")?.unwrap_or(0);
        let minute = Timestamp(row.try_get("minute")?);
        Ok(Pulse { minute, accepted: row.try_get("accepted")?, sent, arrived: row.try_get("arrived")?, ..Pulse::default() })
    };
    let mut pulses = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let sending = "SELECT j.key, (t.ended_at - m.sealed_at) / 1000 FROM json_each(?1) j \
         CROSS JOIN attempts t ON t.outcome = 'delivered' AND t.ended_at >= j.value->>0 AND t.ended_at < j.value->>1 \
         CROSS JOIN messages m ON m.id = t.message";
    distribute(&mut pulses, sqlx::query_as(sending).bind(&spans).fetch_all(&mut *connection).await?, |pulse| &mut pulse.sending_ms);
    let answering = "SELECT j.key, (min(r.at) - t.ended_at) / 1000 FROM json_each(?1) j \
         CROSS JOIN attempts t ON t.outcome = 'delivered' AND t.ended_at >= j.value->>0 AND t.ended_at < j.value->>1 \
         CROSS JOIN sealed s ON s.message = t.message \
         CROSS JOIN receipts r ON r.document = unhex(s.members->>0) AND r.at >= t.ended_at GROUP BY t.message, t.attempt";
    distribute(&mut pulses, sqlx::query_as(answering).bind(&spans).fetch_all(connection).await?, |pulse| &mut pulse.answering_ms);
    Ok(pulses)
}

/// Inventories by office and state.
async fn offices(connection: &mut SqliteConnection, asked: &OverviewAsked) -> Result<Vec<OfficeCount>> {
    let rows = sqlx::query(
        "SELECT d.office, c.state, count(*) AS count FROM documents c JOIN declarations d ON d.id = c.declaration \
         WHERE c.id >= ?2 AND c.kind = 603 AND (?1 IS NULL OR c.tenant = ?1) GROUP BY d.office, c.state ORDER BY d.office, c.state",
    )
    .bind(asked.tenant.as_ref().map(Tenant::as_str))
    .bind(first_made_at(asked.since).as_bytes().as_slice())
    .fetch_all(connection)
    .await?;
    let count = |row: &SqliteRow| {
        Ok(OfficeCount { office: row.try_get("office")?, state: state(row.try_get("state")?)?, count: row.try_get("count")? })
    };
    rows.iter().map(count).collect()
}

/// How much waits, and since when.
async fn backlog(connection: &mut SqliteConnection) -> Result<Backlog> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM documents WHERE state = 'due' AND on_hold = 0) AS due, \
         (SELECT min(id) FROM documents WHERE state = 'due' AND on_hold = 0) AS oldest_due, \
         (SELECT count(*) FROM documents WHERE on_hold = 1) AS on_hold, \
         (SELECT count(*) FROM messages WHERE due_at IS NOT NULL AND state = 'queued') AS queued, \
         (SELECT min(sealed_at) FROM messages WHERE due_at IS NOT NULL AND state = 'queued') AS oldest_queued, \
         (SELECT count(*) FROM messages m WHERE m.due_at >= ?1 AND EXISTS (SELECT 1 FROM documents d WHERE d.message = m.id AND d.state IN ('packed', 'delivered'))) + (SELECT count(*) FROM messages WHERE state = 'shelved') AS given_up, \
         (SELECT count(*) FROM arrivals WHERE state = 'kept') AS unread, (SELECT min(at) FROM arrivals WHERE state = 'kept') AS oldest_unread, \
         (SELECT count(*) FROM arrivals WHERE state = 'quarantined') AS quarantined",
    )
    .bind(Timestamp::NEVER.0)
    .fetch_one(connection)
    .await?;
    let time = |name| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(Timestamp));
    Ok(Backlog {
        due: row.try_get("due")?,
        oldest_due: optional_id("documents", &row, "oldest_due")?.and_then(made_at),
        on_hold: row.try_get("on_hold")?,
        queued: row.try_get("queued")?,
        oldest_queued: time("oldest_queued")?,
        given_up: row.try_get("given_up")?,
        unread: row.try_get("unread")?,
        oldest_unread: time("oldest_unread")?,
        quarantined: row.try_get("quarantined")?,
    })
}
