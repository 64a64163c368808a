//! What the database says, in our words.

use super::Error;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { index, source } => {
                Self::Inconsistent { table: "unknown", what: format!("column {index}: {source}") }
            }
            // What the schema forbids will not succeed later.
            sqlx::Error::Database(error) if error.kind() != sqlx::error::ErrorKind::Other => {
                Self::Inconsistent { table: "unknown", what: format!("a rule of the schema: {error}") }
            }
            other => Self::Unavailable(Box::new(other)),
        }
    }
}
