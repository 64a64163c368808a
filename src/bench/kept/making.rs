//! Making the store.

use std::{fs, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Options;
use crate::{
    audit::{Entry, LogKey, LogVerifier},
    bench::{Error, life},
    clock::{Clockwork, Timestamp},
    config::Config,
    declaration::Kind,
    dossier::Dossier,
    sequencer::{self, Sequencer},
    store::{
        Application, Change, EntryFilter, ListFilter, Store,
        filling::Filling,
        postgres::{self, Postgres},
        sqlite::{self, Sqlite},
    },
    task::Task,
};

/// Lives that are run.
const LIVES: usize = 400;
/// Entries that are kept of each: the first of what was done to it, and the last.
const ENTRIES: usize = 5;
/// Entries in a commit.
const TOGETHER: usize = 2_000;
/// Microseconds in which all was accepted: three days.
const SPAN_US: i64 = 3 * 86_400 * 1_000_000;
/// How long the sequencer's longest pass may be.
const BATCH: u32 = 65_536;
/// Beside the store: what was kept of the lives that are its pattern.
pub const FILE: &str = "filled.json";

/// The numbers of one life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// The declaration.
    pub id: Uuid,
    /// Its order.
    pub order_no: String,
    /// Its waybill.
    pub waybill_no: String,
    /// copNo of its inventory.
    pub enterprise_no: String,
    /// preNo.
    pub port_no: String,
    /// invtNo.
    pub inventory_no: String,
}

/// How a store was filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    copies: u32,
    apart_us: i64,
    from_ms: u64,
    /// The moment of the last copy, in milliseconds since 1970.
    pub(super) until_ms: i64,
    lives: Vec<Life>,
}

impl Filled {
    const fn filling(&self) -> Filling {
        Filling { copies: self.copies, apart_us: self.apart_us, from_ms: self.from_ms }
    }

    /// How many declarations there are.
    #[must_use]
    pub fn declarations(&self) -> usize {
        self.lives.len() * (usize::try_from(self.copies).unwrap_or(usize::MAX) + 1)
    }

    /// One of all that were copied, another for each number.
    pub(super) fn one(&self, number: usize) -> Option<Life> {
        // Scattered over all of them, the same in each run.
        let place = number.wrapping_mul(2_654_435_761) % (self.lives.len() * usize::try_from(self.copies).ok()?);
        let life = self.lives.get(place % self.lives.len())?;
        let copy = u32::try_from(place / self.lives.len()).ok()? + 1;
        let prefix = Filling::prefix(copy);
        let of = |number: &str| format!("{prefix}{number}");
        Some(Life {
            id: copied(life.id, &self.filling(), copy),
            order_no: of(&life.order_no),
            waybill_no: of(&life.waybill_no),
            enterprise_no: of(&life.enterprise_no),
            port_no: of(&life.port_no),
            inventory_no: of(&life.inventory_no),
        })
    }
}

/// An id as a copy has it.
fn copied(id: Uuid, filling: &Filling, copy: u32) -> Uuid {
    let text = filling.beginning(copy) + id.simple().to_string().get(12..).unwrap_or_default();
    Uuid::try_parse(&text).unwrap_or_default()
}

/// The store of the folder: the one from before, or one that is made now.
pub(super) async fn filled(options: &Options, config: &Config, clockwork: &Clockwork) -> Result<Filled, Error> {
    let file = options.dir.join(FILE);
    if file.exists() {
        return serde_json::from_str(&fs::read_to_string(&file)?).map_err(|error| Error::Wrong(format!("{FILE}: {error}")));
    }
    let (dir, declarations) = (options.dir.clone(), LIVES);
    life::run(&life::Options { declarations, rate: None, dir, nodes: 1, without_log: false }, config, clockwork).await?;
    let (lives, entries) = pattern(config).await?;
    let copies = (options.declarations / LIVES).saturating_sub(1);
    let copies = u32::try_from(copies).map_err(|_| Error::Wrong("too many".to_owned()))?;
    let apart_us = SPAN_US / i64::from(copies.max(1));
    let from_ms = u64::try_from(clockwork.now().0 / 1_000).unwrap_or(0);
    let until_ms = clockwork.now().0 / 1_000 + SPAN_US / 1_000;
    let filled = Filled { copies, apart_us, from_ms, until_ms, lives };
    match &config.store.postgres {
        Some(postgres) => postgres::filling::fill(postgres, &filled.filling()).await?,
        None => sqlite::filling::fill(&config.store.file, &filled.filling()).await?,
    }
    tell(config, &entries, &filled.filling()).await?;
    fs::write(&file, serde_json::to_string(&filled).map_err(|error| Error::Wrong(error.to_string()))?)?;
    Ok(filled)
}

async fn open(config: &Config) -> Result<Arc<dyn Store>, Error> {
    Ok(match &config.store.postgres {
        Some(options) => Arc::new(Postgres::open(options).await?),
        None => Arc::new(Sqlite::open(&config.store.file).await?),
    })
}

/// The store without a right to write, and the key by which its log is checked.
pub(super) async fn looking(config: &Config) -> Result<(Arc<dyn Store>, LogVerifier), Error> {
    let store: Arc<dyn Store> = match &config.store.postgres {
        Some(options) => Arc::new(Postgres::open_read_only(options).await?),
        None => Arc::new(Sqlite::open_read_only(&config.store.file).await?),
    };
    Ok((store, log_key(&config.audit.key)?.verifier()))
}

fn log_key(file: &Path) -> Result<LogKey, Error> {
    LogKey::parse(fs::read_to_string(file)?.trim()).map_err(|error| Error::Wrong(error.to_string()))
}

/// What there is of the lives that were run: their numbers, and a few entries of each.
async fn pattern(config: &Config) -> Result<(Vec<Life>, Vec<Entry>), Error> {
    let store = open(config).await?;
    let listed = store.list(ListFilter { limit: u32::try_from(LIVES).unwrap_or(u32::MAX), ..ListFilter::default() }).await?;
    let lives: Option<Vec<_>> = listed.dossiers.iter().map(life_of).collect();
    let lives = lives.filter(|lives| lives.len() == LIVES).ok_or_else(|| Error::Wrong("a life has no number".to_owned()))?;
    let mut entries = Vec::new();
    for life in &lives {
        let filter = EntryFilter { subjects: Some(vec![life.id]), pending: true, limit: u32::MAX, ..EntryFilter::default() };
        let mut own: Vec<_> = store.entries(filter).await?.into_iter().map(|placed| placed.entry).collect();
        let last = own.split_off(own.len().saturating_sub(2));
        own.truncate(ENTRIES - 2);
        entries.extend(own.into_iter().chain(last));
    }
    // One process at a time opens a file for writing, this one included: it is let go of here.
    store.close().await;
    Ok((lives, entries))
}

fn life_of(dossier: &Dossier) -> Option<Life> {
    let inventory = dossier.documents.iter().find(|document| document.kind == Kind::Inventory)?;
    Some(Life {
        id: dossier.id.0,
        order_no: dossier.declaration.order.order_no.clone(),
        waybill_no: dossier.waybill_no.clone()?,
        enterprise_no: inventory.enterprise_no.as_ref()?.0.clone(),
        port_no: inventory.port_no.as_ref()?.0.clone(),
        inventory_no: inventory.inventory_no.as_ref()?.0.clone(),
    })
}

/// Writes the entries of every copy, and has the sequencer give them their places.
async fn tell(config: &Config, pattern: &[Entry], filling: &Filling) -> Result<(), Error> {
    let store = open(config).await?;
    let clockwork = Clockwork::system();
    let options = sequencer::Options { batch: BATCH, ..sequencer::Options::default() };
    let sequencer = Sequencer::new(Arc::clone(&store), clockwork.clone(), Arc::new(log_key(&config.audit.key)?), options);
    for copy in 1..=filling.copies {
        for some in pattern.chunks(TOGETHER) {
            let copied = |entry: &Entry| Entry {
                id: copied(entry.id, filling, copy),
                at: Timestamp(entry.at.0.saturating_add(filling.later_us(copy))),
                subject: copied(entry.subject, filling, copy),
                ..entry.clone()
            };
            let change = Change { entries: some.iter().map(copied).collect(), ..Change::default() };
            store.apply(clockwork.now(), Application { changes: vec![change], ..Application::default() }).await?;
        }
        if copy % 32 == 0 || copy == filling.copies {
            while sequencer.pass().await.map_err(|error| Error::Wrong(error.to_string()))? > 0 {}
        }
    }
    store.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_ids_and_numbers_of_its_own() {
        let id = Uuid::try_parse("01900000-0000-7abc-8def-0123456789ab").unwrap();
        let life = |order: &str| Life {
            id,
            order_no: order.into(),
            waybill_no: "W".into(),
            enterprise_no: "E".into(),
            port_no: "P".into(),
            inventory_no: "I".into(),
        };
        let filled = Filled { copies: 9, apart_us: 1_000_000, from_ms: 0x0190_0000_0000, until_ms: 0, lives: vec![life("A"), life("B")] };
        assert_eq!(filled.declarations(), 20);
        let all: std::collections::BTreeSet<_> = (0..18).map(|number| filled.one(number).unwrap().order_no).collect();
        assert_eq!(all.len(), 18);
        assert!(all.contains("C1-A") && all.contains("C9-B"));
        assert_eq!(copied(id, &filled.filling(), 2).to_string(), "01900000-07d0-7abc-8def-0123456789ab");
    }
}
