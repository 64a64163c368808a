//! What only the store on PostgreSQL has to do, and how a test gets a database of its own.

use tongguan::store::{
    Error,
    postgres::{Options, Postgres, migrate},
};

use crate::rig::postgres::{Server, shared};

/// Connections of a handle: enough for the races, few enough for all tests at once.
const CONNECTIONS: u32 = 6;

pub fn options(url: &str) -> Options {
    Options { connections: CONNECTIONS, ..Options::at(url) }
}

/// An empty database of the present schema on a server: its name, and how it is reached.
pub async fn database(server: &Server) -> (String, Options) {
    let template = server.template(async |url| migrate(&options(&url)).await.unwrap()).await;
    let name = server.create(Some(&template)).await;
    let options = options(&server.url(&name));
    (name, options)
}

/// Empties every table of a database but those that tell of its schema.
pub async fn empty(server: &Server, name: &str) {
    const DELETE: &str = "DO $$ DECLARE t text; BEGIN \
         FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('_sqlx_migrations', 'migrating') \
         LOOP EXECUTE format('DELETE FROM %I', t); END LOOP; END $$";
    server.run(name, DELETE).await;
}

#[tokio::test]
async fn a_database_is_served_only_once_it_was_migrated() {
    let server = shared();
    let options = options(&server.url(&server.create(None).await));
    assert!(matches!(Postgres::open(&options).await.map(drop), Err(Error::Schema(_))));
    let (first, second) = tokio::join!(migrate(&options), migrate(&options));
    first.unwrap();
    second.unwrap();
    migrate(&options).await.unwrap();
    assert!(Postgres::open(&options).await.is_ok());
}
