//! Keys and certificates as they are compared.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Caller, Error, Known, Options, Presented, RateOptions};
use crate::{
    clock::{Timestamp, last_moment},
    party::{Actor, Role, Tenant},
};

const LONGEST_KEY: usize = 200;
const LONGEST_NAME: usize = 60;

/// Who comes in with what.
#[derive(Debug)]
pub(super) struct Principal {
    /// How it is told.
    by: By,
    pub(super) until: Option<Timestamp>,
    pub(super) caller: Caller,
}

#[derive(Debug)]
enum By {
    Key([u8; 32]),
    Subject(String),
    Name(String),
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) principals: Vec<Principal>,
    pub(super) rate: RateOptions,
}

impl Held {
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        let mut principals: Vec<Principal> = Vec::with_capacity(options.keys.len() + options.certificates.len());
        for key in &options.keys {
            let by = By::Key(key_digest(&key.sha256).ok_or_else(|| Error::Digest(key.name.clone()))?);
            let principal = Principal::new(by, &key.name, &key.tenant, key.role, key.until.as_deref())?.of(key.person.as_deref())?;
            principals.push(principal);
        }
        for certificate in &options.certificates {
            let unclear = || Error::Certificate(certificate.name.clone());
            let by = match (&certificate.subject, &certificate.san) {
                (Some(subject), None) => By::Subject(subject.clone()),
                (None, Some(name)) => By::Name(name.clone()),
                (Some(_), Some(_)) | (None, None) => return Err(unclear()),
            };
            let role = certificate.role.ok_or_else(unclear)?;
            let principal = Principal::new(by, &certificate.name, &certificate.tenant, role, certificate.until.as_deref())?;
            principals.push(principal.of(certificate.person.as_deref())?);
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = principals.iter().find(|principal| !names.insert(principal.caller.actor.name.as_str())) {
            return Err(Error::Name(twice.caller.actor.name.clone()));
        }
        Ok(Self { principals, rate: options.rate })
    }

    pub(super) fn of_key(&self, authorization: &str) -> Option<&Principal> {
        let (scheme, key) = authorization.split_once(' ')?;
        let key = key.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || key.len() > LONGEST_KEY {
            return None;
        }
        self.of_digest(&digest(key))
    }

    pub(super) fn of_digest(&self, digest: &[u8; 32]) -> Option<&Principal> {
        // Every key is compared, each in full: the time taken tells nothing of a match.
        let mut found = None;
        for principal in &self.principals {
            if matches!(&principal.by, By::Key(known) if same(known, digest)) {
                found = Some(principal);
            }
        }
        found
    }

    pub(super) fn of_certificate(&self, presented: &Presented) -> Option<&Principal> {
        self.principals.iter().find(|principal| match &principal.by {
            By::Key(_) => false,
            By::Subject(subject) => *subject == presented.subject,
            By::Name(name) => presented.names.contains(name),
        })
    }
}

impl Principal {
    pub(super) fn known(&self) -> Known {
        Known { actor: self.caller.actor.clone(), by_certificate: !matches!(self.by, By::Key(_)), until: self.until }
    }

    fn new(by: By, name: &str, tenant: &str, role: Role, until: Option<&str>) -> Result<Self, Error> {
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(Error::Name(name.to_owned()));
        }
        if role == Role::Gateway {
            return Err(Error::Role(name.to_owned()));
        }
        let tenant = Tenant::parse(tenant).ok_or_else(|| Error::Tenant(name.to_owned()))?;
        let until = until.map(|day| last_moment(day).ok_or_else(|| Error::Until(name.to_owned()))).transpose()?;
        let scope = (!sees_everything(role)).then(|| tenant.clone());
        Ok(Self { by, until, caller: Caller { actor: Actor::new(tenant, role, name), scope, person: None } })
    }

    /// The same, as that person's.
    fn of(mut self, person: Option<&str>) -> Result<Self, Error> {
        let is_one = |name: &str| !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME;
        if person.is_some_and(|person| !is_one(person)) {
            return Err(Error::Person(self.caller.actor.name));
        }
        self.caller.person = person.map(|person| person.trim().to_owned());
        Ok(self)
    }
}

const fn sees_everything(role: Role) -> bool {
    matches!(role, Role::Operator | Role::Auditor | Role::Administrator)
}

pub(super) fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

/// A digest as it is written in configuration.
fn key_digest(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}
