//! How things stand, counted.

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::rows::{Result, state};
use crate::{
    clock::Timestamp,
    declaration::DeclarationId,
    party::Tenant,
    store::{
        Backlog, DueBy, MOST_DUE, OfficeCount, Overview, OverviewAsked, Pulse, RoadQueue,
        desk::made_at,
        overview::{MINUTE, distribute, first_made_at, made_in},
    },
};

pub(super) async fn overview(connection: &mut PgConnection, asked: &OverviewAsked) -> Result<Overview> {
    Ok(Overview {
        offices: offices(connection, asked).await?,
        backlog: backlog(connection).await?,
        roads: roads(connection).await?,
        pulses: pulses(connection, &asked.minutes).await?,
        due: due(connection).await?,
    })
}

async fn roads(connection: &mut PgConnection) -> Result<Vec<RoadQueue>> {
    let rows = sqlx::query(
        "SELECT road, count(*) AS queued, count(*) FILTER (WHERE failed > 0) AS failing, min(sealed_at) AS oldest FROM messages \
         WHERE due_at IS NOT NULL AND state = 'queued' GROUP BY road ORDER BY road",
    )
    .fetch_all(connection)
    .await?;
    let read = |row: &PgRow| {
        let oldest = row.try_get::<Option<i64>, _>("oldest")?.map(Timestamp);
        Ok(RoadQueue { road: row.try_get("road")?, queued: row.try_get("queued")?, failing: row.try_get("failing")?, oldest })
    };
    rows.iter().map(read).collect()
}

async fn due(connection: &mut PgConnection) -> Result<Vec<DueBy>> {
    let rows = sqlx::query(
        "SELECT m.minute, m.count, (SELECT d.declaration FROM documents d WHERE d.id = m.document) AS declaration FROM ( \
           SELECT needed_by / $2 * $2 AS minute, count(*) AS count, (array_agg(document ORDER BY document))[1] AS document \
           FROM due GROUP BY 1 ORDER BY 1 LIMIT $1 \
         ) m ORDER BY m.minute",
    )
    .bind(i64::from(MOST_DUE))
    .bind(MINUTE)
    .fetch_all(connection)
    .await?;
    let read = |row: &PgRow| {
        let declaration = row.try_get::<Option<Uuid>, _>("declaration")?.map(DeclarationId);
        Ok(DueBy { minute: Timestamp(row.try_get("minute")?), count: row.try_get("count")?, declaration })
    };
    rows.iter().map(read).collect()
}

/// The minutes that are asked for, each with its place, its ends in time, and the ids that were made in it.
const SPANS: &str = "unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::uuid[]) WITH ORDINALITY AS j (begins, ends, first, beyond, place)";

/// What moved in some minutes: by ranges of ids, which are made in the order of time, and by the times at which roads took messages.
async fn pulses(connection: &mut PgConnection, minutes: &[Timestamp]) -> Result<Vec<Pulse>> {
    let begins: Vec<_> = minutes.iter().map(|minute| minute.0).collect();
    let ends: Vec<_> = minutes.iter().map(|minute| minute.0 + MINUTE).collect();
    let (first, beyond): (Vec<_>, Vec<_>) = minutes.iter().map(|minute| made_in(*minute)).unzip();
    let counted = format!(
        "SELECT j.begins, \
         (SELECT count(*) FROM declarations d WHERE d.id >= j.first AND d.id < j.beyond) AS accepted, \
         (SELECT count(*) FROM arrivals a WHERE a.id >= j.first AND a.id < j.beyond) AS arrived, \
         (SELECT sum(cardinality(s.members))::bigint FROM attempts t JOIN sealed s ON s.message = t.message \
            WHERE t.outcome = 'delivered' AND t.ended_at >= j.begins AND t.ended_at < j.ends) AS sent \
         FROM {SPANS} ORDER BY j.place"
    );
    let asked = sqlx::query(AssertSqlSafe(counted)).bind(&begins).bind(&ends).bind(&first).bind(&beyond);
    let rows = asked.fetch_all(&mut *connection).await?;
    let read = |row: &PgRow| {
        let sent = row.try_get::<Option<i64>, _>("sent")?.unwrap_or(0);
        let minute = Timestamp(row.try_get("begins")?);
        Ok(Pulse { minute, accepted: row.try_get("accepted")?, sent, arrived: row.try_get("arrived")?, ..Pulse::default() })
    };
    let mut pulses = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let sending = format!(
        "SELECT j.place - 1, (t.ended_at - m.sealed_at) / 1000 FROM {SPANS} \
         JOIN attempts t ON t.outcome = 'delivered' AND t.ended_at >= j.begins AND t.ended_at < j.ends JOIN messages m ON m.id = t.message"
    );
    let asked = sqlx::query_as(AssertSqlSafe(sending)).bind(&begins).bind(&ends).bind(&first).bind(&beyond);
    distribute(&mut pulses, asked.fetch_all(&mut *connection).await?, |pulse| &mut pulse.sending_ms);
    let answering = format!(
        "SELECT j.place - 1, (r.at - t.ended_at) / 1000 FROM {SPANS} \
         JOIN attempts t ON t.outcome = 'delivered' AND t.ended_at >= j.begins AND t.ended_at < j.ends \
         JOIN sealed s ON s.message = t.message \
         CROSS JOIN LATERAL (SELECT min(at) AS at FROM receipts WHERE document = s.members[1] AND at >= t.ended_at) r WHERE r.at IS NOT NULL"
    );
    let asked = sqlx::query_as(AssertSqlSafe(answering)).bind(&begins).bind(&ends).bind(&first).bind(&beyond);
    distribute(&mut pulses, asked.fetch_all(connection).await?, |pulse| &mut pulse.answering_ms);
    Ok(pulses)
}

/// Inventories by office and state.
async fn offices(connection: &mut PgConnection, asked: &OverviewAsked) -> Result<Vec<OfficeCount>> {
    // All of them, however they are reached.
    sqlx::raw_sql("SET LOCAL enable_seqscan = on").execute(&mut *connection).await?;
    let rows = sqlx::query(
        "SELECT d.office, c.state, count(*) AS count FROM documents c JOIN declarations d ON d.id = c.declaration \
         WHERE c.id >= $2 AND c.kind = 603 AND ($1::text IS NULL OR c.tenant = $1) GROUP BY d.office, c.state ORDER BY d.office, c.state",
    )
    .bind(asked.tenant.as_ref().map(Tenant::as_str))
    .bind(first_made_at(asked.since))
    .fetch_all(connection)
    .await?;
    let count = |row: &PgRow| {
        Ok(OfficeCount { office: row.try_get("office")?, state: state(row.try_get("state")?)?, count: row.try_get("count")? })
    };
    rows.iter().map(count).collect()
}

/// How much waits, and since when.
async fn backlog(connection: &mut PgConnection) -> Result<Backlog> {
    // All of them, however they are reached.
    sqlx::raw_sql("SET LOCAL enable_seqscan = on").execute(&mut *connection).await?;
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM due) AS due, (SELECT document FROM due ORDER BY document LIMIT 1) AS oldest_due, \
         (SELECT count(*) FROM documents WHERE on_hold) AS on_hold, \
         (SELECT count(*) FROM messages WHERE due_at IS NOT NULL AND state = 'queued') AS queued, \
         (SELECT min(sealed_at) FROM messages WHERE due_at IS NOT NULL AND state = 'queued') AS oldest_queued, \
         (SELECT count(*) FROM messages m WHERE m.due_at >= $1 AND EXISTS (SELECT 1 FROM sealed s JOIN documents d ON d.id = ANY(s.members) WHERE s.message = m.id AND d.message = m.id AND d.state IN ('packed', 'delivered'))) + (SELECT count(*) FROM messages WHERE state = 'shelved') AS given_up, \
         (SELECT count(*) FROM arrivals WHERE state = 'kept') AS unread, (SELECT min(at) FROM arrivals WHERE state = 'kept') AS oldest_unread, \
         (SELECT count(*) FROM arrivals WHERE state = 'quarantined') AS quarantined",
    )
    .bind(Timestamp::NEVER.0)
    .fetch_one(connection)
    .await?;
    let time = |name| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(Timestamp));
    Ok(Backlog {
        due: row.try_get("due")?,
        oldest_due: row.try_get::<Option<Uuid>, _>("oldest_due")?.and_then(made_at),
        on_hold: row.try_get("on_hold")?,
        queued: row.try_get("queued")?,
        oldest_queued: time("oldest_queued")?,
        given_up: row.try_get("given_up")?,
        unread: row.try_get("unread")?,
        oldest_unread: time("oldest_unread")?,
        quarantined: row.try_get("quarantined")?,
    })
}
