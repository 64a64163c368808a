//! Many rows in one statement, each value bound. Rows that travel as JSON are written, parsed and written again within SQLite, which
//! for wide or long rows is most of what they cost.

use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use crate::store::Result;

/// A statement to which the values of rows are bound.
pub(super) type Bound = Query<'static, Sqlite, SqliteArguments>;

/// Rows of the longest statement. Rows go in statements of 128, 64, 32 … of them, all of which are kept prepared: taking the text of one
/// apart anew costs more than the way to the connection's thread and back.
const LONGEST: usize = 128;
/// Statements that a connection keeps prepared: eight lengths of each of a dozen, and those of one length.
pub(super) const STATEMENTS_KEPT: usize = 256;

/// A statement with a place for rows.
pub(super) struct Bulk {
    /// What stands before `VALUES (…), …`.
    pub before: &'static str,
    /// Values in a row.
    pub columns: usize,
    /// What stands behind it.
    pub after: &'static str,
}

/// Statements with their values: made ready by whoever asks, so that the writer, for whom everybody waits, has only to run them.
#[derive(Default)]
pub(super) struct Script(Vec<Bound>);

impl Script {
    /// Adds a statement with its values.
    pub(super) fn add(&mut self, statement: Bound) {
        self.0.push(statement);
    }

    /// Adds rows, in a few statements.
    pub(super) fn rows<R>(&mut self, bulk: &Bulk, rows: &[R], bind: impl Fn(Bound, &R) -> Bound) {
        let mut left = rows;
        while let Some((some, rest)) = left.split_at_checked(length(left.len())).filter(|(some, _)| !some.is_empty()) {
            self.0.push(some.iter().fold(sqlx::query(AssertSqlSafe(bulk.text(some.len()))), &bind));
            left = rest;
        }
    }

    /// Runs the statements in their order.
    pub(super) async fn run(self, connection: &mut SqliteConnection) -> Result<()> {
        for statement in self.0 {
            statement.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

/// How many of so many rows go into the next statement: the largest power of two.
fn length(rows: usize) -> usize {
    rows.checked_ilog2().map_or(0, |power| 1 << power).clamp(0, LONGEST)
}

impl Bulk {
    fn text(&self, rows: usize) -> String {
        let mut row = "(".to_owned() + &"?,".repeat(self.columns);
        row.pop();
        row.push_str("),");
        let mut rows = row.repeat(rows);
        rows.pop();
        format!("{}VALUES {rows}{}", self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    #[tokio::test]
    async fn more_rows_than_go_into_one_statement_all_arrive() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::query("CREATE TABLE t (a INTEGER, b TEXT)").execute(&mut connection).await.unwrap();
        let rows: Vec<(i64, String)> = (0..2_003).map(|n| (n, format!("row {n}"))).collect();
        let bulk = Bulk { before: "INSERT INTO t (a, b) ", columns: 2, after: "" };
        let none: [(i64, String); 0] = [];
        let mut script = Script::default();
        script.rows(&bulk, &rows, |query, (a, b)| query.bind(*a).bind(b.as_str()));
        script.rows(&bulk, &none, |query, _| query);
        let update = Bulk { before: "WITH j (a, b) AS (", columns: 2, after: ") UPDATE t SET b = j.b FROM j WHERE t.a = j.a" };
        script.rows(&update, &[(7_i64, "seven")], |query, (a, b)| query.bind(*a).bind(*b));
        script.run(&mut connection).await.unwrap();
        let many: i64 = sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(&mut connection).await.unwrap();
        assert_eq!(many, 2_003);
        let seven: String = sqlx::query_scalar("SELECT b FROM t WHERE a = 7").fetch_one(&mut connection).await.unwrap();
        assert_eq!(seven, "seven");
    }
}
