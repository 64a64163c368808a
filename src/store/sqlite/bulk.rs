//! Many rows in one statement, each value bound. Rows that travel as JSON are written, parsed and written again within SQLite, which
//! for wide or long rows is most of what they cost.

use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use crate::store::Result;

/// A statement to which the values of rows are bound.
pub(super) type Bound = Query<'static, Sqlite, SqliteArguments>;

/// Rows of a statement that is kept prepared. Taking the text of a longer one apart anew costs more than the way to the connection's
/// thread and back.
const KEPT: usize = 128;

/// A statement with a place for rows.
pub(super) struct Bulk {
    /// What stands before `VALUES (…), …`.
    pub before: &'static str,
    /// Values in a row.
    pub columns: usize,
    /// What stands behind it.
    pub after: &'static str,
}

impl Bulk {
    /// Runs it with all rows, in a few statements; tells how many rows it wrote.
    pub(super) async fn run<R>(&self, connection: &mut SqliteConnection, rows: &[R], bind: impl Fn(Bound, &R) -> Bound) -> Result<u64> {
        let mut written = 0;
        for chunk in rows.chunks(KEPT) {
            let query = sqlx::query(AssertSqlSafe(self.text(chunk.len()))).persistent(chunk.len() == KEPT);
            written += chunk.iter().fold(query, &bind).execute(&mut *connection).await?.rows_affected();
        }
        Ok(written)
    }

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
        let rows: Vec<(i64, String)> = (0..2_000).map(|n| (n, format!("row {n}"))).collect();
        let bulk = Bulk { before: "INSERT INTO t (a, b) ", columns: 2, after: "" };
        let written = bulk.run(&mut connection, &rows, |query, (a, b)| query.bind(*a).bind(b.as_str())).await.unwrap();
        assert_eq!(written, 2_000);
        let none: [(i64, String); 0] = [];
        assert_eq!(bulk.run(&mut connection, &none, |query, _| query).await.unwrap(), 0);
        let update = Bulk { before: "WITH j (a, b) AS (", columns: 2, after: ") UPDATE t SET b = j.b FROM j WHERE t.a = j.a" };
        let written = update.run(&mut connection, &[(7_i64, "seven")], |query, (a, b)| query.bind(*a).bind(*b)).await.unwrap();
        assert_eq!(written, 1);
        let seven: String = sqlx::query_scalar("SELECT b FROM t WHERE a = 7").fetch_one(&mut connection).await.unwrap();
        assert_eq!(seven, "seven");
    }
}
