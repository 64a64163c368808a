//! The same on PostgreSQL, whose statements lead by indexes whatever statistics say: each is prepared and explained as the store runs it.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Row};

use super::{GROWING, statements};
use crate::{rig::postgres::shared, store::postgres::database};

/// Tables that only this store has, and that grow with every declaration.
const HERE: [&str; 7] =
    ["audit_runs", "audit_places", "audit_subjects", "audit_traces", "waybill_declarations", "revisions", "waybill_revisions"];
/// The beginnings of statements that may: `retention report` goes through everything.
const MAY: [&str; 5] = [
    "SELECT m.sealed_at AS at, octet_length",
    "SELECT a.at AS at, octet_length",
    "SELECT u.at, octet_length",
    "SELECT started_at AS at, octet_length",
    "SELECT at, octet_length(items)",
];
const AT_LEAST: usize = 150;

/// Where a plan goes through a whole table that grows: by no index, or by one without a condition and without an end.
fn scans(plan: &Value, partial: &BTreeSet<String>, is_limited: bool) -> Vec<String> {
    let text = |name: &str| plan[name].as_str().unwrap_or_default();
    let is_limited = is_limited || text("Node Type") == "Limit";
    let grows = GROWING.iter().chain(&HERE).any(|table| *table == text("Relation Name"));
    let is_open = plan["Index Cond"].is_null() && !is_limited && !partial.contains(text("Index Name"));
    let is_scan = text("Node Type") == "Seq Scan" || text("Node Type").starts_with("Index") && is_open;
    let own = (grows && is_scan).then(|| format!("{} of {}", text("Node Type"), text("Relation Name")));
    let below = plan["Plans"].as_array().into_iter().flatten().flat_map(|plan| scans(plan, partial, is_limited));
    own.into_iter().chain(below).collect()
}

#[tokio::test]
async fn no_statement_goes_through_a_table_that_grows() {
    let (name, _) = database(shared()).await;
    let mut connection = shared().connect(&name).await;
    let settings = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan", "enable_material", "jit"];
    let settings: String = settings.iter().map(|setting| format!("SET {setting} = off; ")).collect();
    sqlx::raw_sql(AssertSqlSafe(settings + "SET plan_cache_mode = force_generic_plan")).execute(&mut connection).await.unwrap();
    // An index of what is open holds little, however much is kept.
    let partial = "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL";
    let partial: BTreeSet<String> = sqlx::query_scalar(partial).fetch_all(&mut connection).await.unwrap().into_iter().collect();
    let (mut explained, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/postgres")).unwrap() {
        let path = entry.unwrap().path();
        for statement in statements(&fs::read_to_string(&path).unwrap()) {
            // Pieces of statements are none.
            if sqlx::raw_sql(AssertSqlSafe(format!("PREPARE asked AS {statement}"))).execute(&mut connection).await.is_err() {
                continue;
            }
            let many = "SELECT coalesce(cardinality(parameter_types), 0) FROM pg_prepared_statements WHERE name = 'asked'";
            let many: i32 = sqlx::query_scalar(many).fetch_one(&mut connection).await.unwrap();
            let nothing = vec!["NULL"; usize::try_from(many).unwrap()].join(", ");
            let nothing = if many == 0 { nothing } else { format!("({nothing})") };
            let asked = format!("EXPLAIN (FORMAT JSON) EXECUTE asked {nothing}");
            let row = sqlx::query(AssertSqlSafe(asked)).persistent(false).fetch_one(&mut connection).await.unwrap();
            // Of the type json, which is text.
            let plan: Value = serde_json::from_str(row.get_unchecked(0)).unwrap();
            explained += 1;
            let found = scans(&plan[0]["Plan"], &partial, false);
            if !found.is_empty() && !MAY.iter().any(|may| statement.starts_with(may)) {
                wrong.push(format!("{}: {statement}\n  {}", path.display(), found.join("\n  ")));
            }
            sqlx::raw_sql("DEALLOCATE asked").execute(&mut connection).await.unwrap();
        }
    }
    connection.close().await.unwrap();
    assert!(explained >= AT_LEAST, "only {explained} statements were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
