//! Packs: what messages are at a time. A pack is a folder of `schemas/` with a `manifest.toml`; the build takes in whatever folders
//! there are, so that a new one needs no code. The manifest holds as data what the writer and the text's rules must know apart.
//!
//! Which pack a message is written and judged by follows from its own date, or is named by the road that it takes. What is not an
//! enterprise's or customs' own (900, envelopes) is always of the newest.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{LazyLock, OnceLock},
};

use serde::Deserialize;
use time::Date;

use super::{
    Message,
    schema::{Model, Refusal},
    strict::{Held, Rule, RuleChanges},
};
use crate::clock::parse_day;

mod sources {
    include!(concat!(env!("OUT_DIR"), "/packs.rs"));
}

/// A pack.
pub struct Pack {
    name: &'static str,
    zh: String,
    en: String,
    from: Date,
    until: Option<Date>,
    files: Vec<(&'static str, &'static str)>,
    pub(super) differences: Differences,
    pub(super) rules: Vec<Rule>,
    required: HashMap<String, Vec<&'static str>>,
    model: OnceLock<Result<Model, Refusal>>,
    pub(super) held: OnceLock<Vec<Held>>,
}

/// What a manifest says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    zh: String,
    en: String,
    from: String,
    until: Option<String>,
    files: Vec<String>,
    #[serde(default)]
    writer: Differences,
    #[serde(default)]
    rules: RuleChanges,
    required: BTreeMap<String, String>,
}

/// What the writer must know apart.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Differences {
    /// msgCount and msgSeqNo of a deletion are 0.
    pub zero_parts_when_deleting: bool,
}

/// A manifest that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("schemas/{folder}/manifest.toml: {what}")]
struct Unfit {
    folder: &'static str,
    what: String,
}

static PACKS: LazyLock<Result<Vec<Pack>, Refusal>> = LazyLock::new(|| {
    let read =
        |(folder, text): &(&'static str, &'static str)| read(folder, text).map_err(|unfit| Refusal::of_manifest(unfit.folder, unfit.what));
    let mut packs = sources::MANIFESTS.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    packs.sort_by_key(|pack| pack.from);
    match packs.last() {
        Some(newest) if newest.until.is_none() => Ok(packs),
        _ => Err(Refusal::of_manifest("*", "there is no pack that holds today".to_owned())),
    }
});

fn read(folder: &'static str, text: &str) -> Result<Pack, Unfit> {
    let unfit = |what: String| Unfit { folder, what };
    let manifest: Manifest = toml::from_str(text).map_err(|error| unfit(error.to_string()))?;
    let day = |text: &str| parse_day(text).ok_or_else(|| unfit(format!("{text:?} is no day")));
    if manifest.name != folder {
        return Err(unfit(format!("named {:?}", manifest.name)));
    }
    let lasting = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let words = |text: String| lasting(text).split_ascii_whitespace().collect();
    Ok(Pack {
        name: folder,
        zh: manifest.zh,
        en: manifest.en,
        from: day(&manifest.from)?,
        until: manifest.until.as_deref().map(day).transpose()?,
        files: manifest.files.iter().map(|name| file(folder, name).map_err(unfit)).collect::<Result<_, _>>()?,
        differences: manifest.writer,
        rules: manifest.rules.apply().map_err(unfit)?,
        required: manifest.required.into_iter().map(|(block, fields)| (block, words(fields))).collect(),
        model: OnceLock::new(),
        held: OnceLock::new(),
    })
}

/// A file of a pack, which may be another pack's: its name without a folder, and its text.
fn file(folder: &str, name: &str) -> Result<(&'static str, &'static str), String> {
    let path = name.strip_prefix("../").map_or_else(|| format!("{folder}/{name}"), str::to_owned);
    let found = sources::FILES.iter().find(|(known, _)| *known == path);
    let (path, text) = found.ok_or_else(|| format!("there is no file {name}"))?;
    Ok((path.rsplit_once('/').map_or(path, |(_, name)| name), text))
}

/// Every pack, the oldest first; none if a manifest is not taken, which [`load`](super::load_schemas) tells.
pub fn packs() -> &'static [Pack] {
    PACKS.as_deref().unwrap_or_default()
}

/// Whether every manifest is taken.
pub(super) fn loaded() -> Result<&'static [Pack], Refusal> {
    PACKS.as_deref().map_err(Clone::clone)
}

impl Pack {
    /// The newest: that of everything that is not dated.
    #[must_use]
    pub fn newest() -> Option<&'static Self> {
        packs().last()
    }

    /// The pack of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        packs().iter().find(|pack| pack.name == name)
    }

    /// The pack of messages of that day; the oldest for what is older than any.
    #[must_use]
    pub fn at(day: Date) -> Option<&'static Self> {
        packs().iter().rev().find(|pack| pack.from <= day).or_else(|| packs().first())
    }

    /// The pack of a message by the date that it bears: appTime, returnTime or opDate, the first that stands in it.
    #[must_use]
    pub fn of(xml: &[u8]) -> Option<&'static Self> {
        let dated = || date(xml).and_then(Self::at).filter(|pack| !pack.is_newest());
        match dated() {
            Some(older) if is_of_a_pack(xml) => Some(older),
            Some(_) | None => Self::newest(),
        }
    }

    fn is_newest(&self) -> bool {
        self.until.is_none()
    }

    /// Its name: the folder's.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it is, in Chinese and in English.
    #[must_use]
    pub fn title(&self) -> (&str, &str) {
        (&self.zh, &self.en)
    }

    /// The first and the last day of its messages.
    #[must_use]
    pub const fn days(&self) -> (Date, Option<Date>) {
        (self.from, self.until)
    }

    /// Its schema files by name.
    #[must_use]
    pub fn files(&self) -> &[(&'static str, &'static str)] {
        &self.files
    }

    /// Whether it has that message.
    #[must_use]
    pub fn has(&'static self, message: Message) -> bool {
        self.model().is_ok_and(|model| model.has_root(message.wire_type()))
    }

    /// Its schemas compiled, at first use.
    pub(super) fn model(&'static self) -> Result<&'static Model, &'static Refusal> {
        self.model.get_or_init(|| Model::compile(&self.files)).as_ref()
    }

    /// Whether the text requires that field of a block: then it must not be empty.
    #[must_use]
    pub fn requires(&self, block: &str, field: &str) -> bool {
        self.required(block).contains(&field)
    }

    /// The fields of a block that must not be empty.
    pub(super) fn required(&self, block: &str) -> &[&'static str] {
        self.required.get(block).map_or(&[], Vec::as_slice)
    }
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pack").field(&self.name).finish()
    }
}

/// The day of a message, read without understanding it.
fn date(xml: &[u8]) -> Option<Date> {
    const NAMES: [&[u8]; 3] = [b"appTime>", b"returnTime>", b"opDate>"];
    // A message says it near its beginning; what is written otherwise is of the newest pack.
    let head = xml.get(..4_096).unwrap_or(xml);
    let after = |name: &[u8]| head.windows(name.len()).position(|window| window == name).and_then(|at| head.get(at + name.len()..));
    let start = NAMES.into_iter().find_map(after)?;
    parse_day(std::str::from_utf8(start.get(..8)?).ok()?)
}

/// Whether packs have a message: not so the refusal of a whole message, and envelopes.
fn is_of_a_pack(xml: &[u8]) -> bool {
    let head = xml.get(..1_024).unwrap_or(xml);
    let start = head.windows(3).position(|window| window == b"CEB").and_then(|at| head.get(at..));
    start.is_some_and(|start| !start.starts_with(b"CEB900"))
}
