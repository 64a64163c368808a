//! Where the database is, and how it is reached.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;

use crate::store::{Error, Result, told_if_asked};

/// How PostgreSQL is reached, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// `postgres://user:password@host:port,host:port/database?sslmode=verify-full&schema=…`. Of several hosts the one that takes writes is
    /// found by asking. `schema` names the schema that holds the tables; without it the first of the search path does.
    pub url: Address,
    /// A file with nothing but the password, so that the address need not hold it.
    pub password_file: Option<PathBuf>,
    /// A file with the certificates that the server's is checked against (`sslmode=verify-full`); without it those of public authorities.
    pub root_certificate: Option<PathBuf>,
    /// Connections at most.
    pub connections: u32,
    /// Milliseconds that a statement may take.
    pub statement_ms: u64,
    /// Milliseconds that a command waits for a connection before its caller is told that the store is busy.
    pub patience_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: Address::default(),
            password_file: None,
            root_certificate: None,
            connections: 16,
            statement_ms: 10_000,
            patience_ms: 5_000,
        }
    }
}

/// The address of a database. It may hold a password: shown, it does not.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(pub String);

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

impl Address {
    /// Whether a text is such an address, and no file's name.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        SCHEMES.iter().any(|scheme| text.starts_with(scheme))
    }

    /// User with password (both may be empty), the hosts, and the rest: database and parameters.
    fn parts(&self) -> Option<(&str, Vec<&str>, &str)> {
        let rest = SCHEMES.iter().find_map(|scheme| self.0.strip_prefix(scheme))?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        Some((user, hosts.split(',').collect(), rest))
    }

    /// The rest without our own parameter, and its value.
    fn schema(rest: &str) -> (String, Option<&str>) {
        let Some((database, parameters)) = rest.split_once('?') else { return (rest.to_owned(), None) };
        let (ours, others): (Vec<_>, Vec<_>) = parameters.split('&').partition(|parameter| parameter.starts_with("schema="));
        let schema = ours.first().and_then(|parameter| parameter.strip_prefix("schema="));
        (format!("{database}?{}", others.join("&")), schema)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((user, hosts, rest)) = self.parts() else { return f.write_str("postgres://") };
        let user = user.split(':').next().filter(|user| !user.is_empty()).map(|user| format!("{user}@")).unwrap_or_default();
        // Parameters may hold a password, too.
        let (database, schema) = Self::schema(rest);
        let database = database.split('?').next().unwrap_or_default();
        let schema = schema.map(|schema| format!("?schema={schema}")).unwrap_or_default();
        write!(f, "postgres://{user}{}{database}{schema}", hosts.join(","))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What every connection of a store is opened with.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub hosts: Vec<PgConnectOptions>,
    pub schema: Option<String>,
    pub statement: Duration,
    pub patience: Duration,
}

impl Options {
    /// The options of an address, all else as usual.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    pub(super) fn setting(&self) -> Result<Setting> {
        let wrong = |why: &str| Error::Schema(format!("{}: {why}", self.url));
        let (user, hosts, rest) = self.url.parts().ok_or_else(|| wrong("no address of a PostgreSQL database"))?;
        let (rest, schema) = Address::schema(rest);
        let schema = schema.map(str::to_owned);
        let is_name = |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if schema.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(wrong("a schema's name is of a-z, 0-9 and _"));
        }
        let password = self.password_file.as_ref().map(std::fs::read_to_string).transpose();
        let password = password.map_err(|error| Error::Unavailable(Box::new(error)))?;
        let connect = |host: &&str| {
            let at = if user.is_empty() { String::new() } else { format!("{user}@") };
            // The parser's own words might repeat the password.
            let options = PgConnectOptions::from_str(&format!("postgres://{at}{host}{rest}"))
                .map_err(|_| wrong("not an address; special characters are written as %xx"))?;
            let options = password.iter().fold(options, |options, password| options.password(password.trim_end_matches(['\r', '\n'])));
            let options = self.root_certificate.iter().fold(options, |options, file| options.ssl_root_cert(file));
            Ok(told_if_asked(options.application_name("tongguan")))
        };
        let (statement, patience) = (Duration::from_millis(self.statement_ms), Duration::from_millis(self.patience_ms));
        Ok(Setting { hosts: hosts.iter().map(connect).collect::<Result<_>>()?, schema, statement, patience })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_password() {
        let address = Address::from("postgres://clerk:s3cret@db1:5432,db2/tg?password=s3cret&schema=gate");
        assert_eq!(address.to_string(), "postgres://clerk@db1:5432,db2/tg?schema=gate");
        let options = Options { url: address, ..Options::default() };
        assert!(!format!("{options:?}").contains("s3cret"));
        assert!(!format!("{:?}", Address::from("postgres://clerk:s3@cret@db1/tg")).contains("s3@cret"));
    }

    #[test]
    fn every_host_is_tried_and_the_schema_is_ours() {
        let setting = Options::at("postgresql://clerk@db1:5433,db2/tg?schema=gate_1&sslmode=require").setting().unwrap();
        let seen: Vec<_> = setting.hosts.iter().map(|host| (host.get_host().to_owned(), host.get_port())).collect();
        assert_eq!(seen, [("db1".to_owned(), 5433), ("db2".to_owned(), 5432)]);
        assert_eq!(setting.schema.as_deref(), Some("gate_1"));
        assert_eq!(setting.hosts[1].get_database(), Some("tg"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for url in ["tongguan.db", "postgres://clerk:s3cret@db:port/tg", "postgres://clerk@db/tg?schema=a;b"] {
            let Err(error) = Options::at(url).setting() else { panic!("{url}") };
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        assert!(Address::is_one("postgresql://x") && !Address::is_one("/var/lib/tongguan.db"));
    }
}
