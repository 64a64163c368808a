//! Reading archives: an item by its reference, or all of them.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use super::{Error, Item, LARGEST_MANIFEST, LARGEST_MEMBER, Manifest, Name, Part, Reference, Result, manifest::FORMAT};

/// Archives and members that are remembered.
const SETS: usize = 16;
const MEMBERS: usize = 16;

/// An archive that is at hand.
#[derive(Debug)]
pub struct Set {
    /// Its name.
    pub name: Name,
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's bytes.
    pub digest: [u8; 32],
    path: PathBuf,
    data: File,
}

/// Whether the files of an archive are in a folder; what is in them is not looked at.
#[must_use]
pub fn is_at_hand(folder: &Path, name: Name) -> bool {
    [name.manifest(), name.data()].iter().all(|file| folder.join(file).is_file())
}

impl Set {
    /// Opens one.
    ///
    /// # Errors
    /// It is not there, or its manifest is none.
    pub fn open(folder: &Path, name: Name) -> Result<Self> {
        let away = |path: &Path, error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::Away(name.to_string()),
            _ => Error::File(path.to_owned(), error),
        };
        let path = folder.join(name.manifest());
        let mut text = Vec::new();
        let file = File::open(&path).map_err(|error| away(&path, error))?;
        file.take(LARGEST_MANIFEST).read_to_end(&mut text).map_err(|error| away(&path, error))?;
        let altered = |what: &str| Error::Altered(name.to_string(), what.to_owned());
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| altered(&format!("{}: {error}", name.manifest())))?;
        if manifest.format != FORMAT || manifest.name != name.to_string() {
            return Err(altered("the manifest is of another archive or format"));
        }
        let path = folder.join(name.data());
        let data = File::open(&path).map_err(|error| away(&path, error))?;
        Ok(Self { name, manifest, digest: Sha256::digest(&text).into(), path, data })
    }

    /// The digest in hexadecimal, as the audit log has it.
    #[must_use]
    pub fn digest_text(&self) -> String {
        hex::encode(self.digest)
    }

    /// What stands in the store for an item.
    #[must_use]
    pub fn reference(&self, member: u32, item: u32) -> Reference {
        Reference { name: self.name, pin: Reference::pin(&self.digest), member, item }
    }

    /// The items of a member.
    ///
    /// # Errors
    /// It cannot be read, or is not what it was.
    pub fn member(&self, number: u32) -> Result<Vec<Item>> {
        let altered = |what: &str| Error::Altered(self.name.to_string(), format!("member {number}: {what}"));
        let place = usize::try_from(number).ok().and_then(|number| self.manifest.members.get(number));
        let member = place.ok_or_else(|| altered("there is none"))?;
        if member.bytes > LARGEST_MEMBER {
            return Err(altered("it is too large"));
        }
        let mut bytes = vec![0; usize::try_from(member.bytes).map_err(|_| altered("it is too large"))?];
        self.data.read_exact_at(&mut bytes, member.at).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => altered("the file ends before it"),
            _ => Error::File(self.path.clone(), error),
        })?;
        if hex::encode(Sha256::digest(&bytes)) != member.sha256 {
            return Err(altered("its digest is another"));
        }
        let mut lines = Vec::new();
        GzDecoder::new(bytes.as_slice()).take(LARGEST_MEMBER).read_to_end(&mut lines).map_err(|_| altered("it is not compressed"))?;
        let items: Option<Vec<_>> = lines.split_inclusive(|byte| *byte == b'\n').map(Item::of_line).collect();
        let items = items.ok_or_else(|| altered("a line is no item"))?;
        if u32::try_from(items.len()) == Ok(member.items) { Ok(items) } else { Err(altered("it holds more or fewer items")) }
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// Something is not what it was.
    pub fn check(&self) -> Result<()> {
        let length = self.data.metadata().map_err(|error| Error::File(self.path.clone(), error))?.len();
        let ends = self.manifest.members.last().map_or(0, |member| member.at.saturating_add(member.bytes));
        if length != self.manifest.bytes || length != ends {
            return Err(Error::Altered(self.name.to_string(), format!("it has {length} bytes, not {}", self.manifest.bytes)));
        }
        for number in 0..self.members() {
            self.member(number)?;
        }
        Ok(())
    }

    /// How many members it has.
    #[must_use]
    pub fn members(&self) -> u32 {
        u32::try_from(self.manifest.members.len()).unwrap_or(u32::MAX)
    }

    /// Removes its files, the manifest last: what tells of the others goes when they are gone.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove(folder: &Path, name: Name) -> Result<()> {
        for path in [folder.join(name.data()), folder.join(name.manifest())] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::File(path, error)),
                _ => {}
            }
        }
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| Error::File(folder.to_owned(), error))
    }
}

/// Archives in a folder, or none at hand. Read while whoever asks waits: a member is small, and the same few are asked for.
#[derive(Debug, Clone, Default)]
pub struct Archives {
    folder: Option<Arc<Path>>,
    remembered: Arc<Mutex<Remembered>>,
}

#[derive(Debug, Default)]
struct Remembered {
    sets: VecDeque<Arc<Set>>,
    members: VecDeque<(Reference, Arc<Vec<Item>>)>,
}

impl Archives {
    /// Those in a folder.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: Some(folder.into()), remembered: Arc::default() }
    }

    /// The body of a row.
    ///
    /// # Errors
    /// The archive is not at hand, or not what it was.
    pub fn fetch(&self, reference: &Reference, part: Part, key: &str) -> Result<Vec<u8>> {
        let member = self.member(reference)?;
        let item = usize::try_from(reference.item).ok().and_then(|item| member.get(item));
        let item = item.filter(|item| item.part == part && item.key == key);
        item.map(|item| item.body.clone())
            .ok_or_else(|| Error::Altered(reference.name.to_string(), format!("{reference} is not {} {key}", part.as_str())))
    }

    fn member(&self, reference: &Reference) -> Result<Arc<Vec<Item>>> {
        let whole = Reference { item: 0, ..reference.clone() };
        if let Some((_, items)) = self.remembered().members.iter().find(|(known, _)| *known == whole) {
            return Ok(Arc::clone(items));
        }
        let items = Arc::new(self.set(reference)?.member(reference.member)?);
        let mut remembered = self.remembered();
        remembered.members.push_back((whole, Arc::clone(&items)));
        if remembered.members.len() > MEMBERS {
            remembered.members.pop_front();
        }
        Ok(items)
    }

    fn set(&self, reference: &Reference) -> Result<Arc<Set>> {
        let known = self.remembered().sets.iter().find(|set| set.name == reference.name && is_meant(set, reference)).cloned();
        if let Some(set) = known {
            return Ok(set);
        }
        let folder = self.folder.as_ref().ok_or_else(|| Error::Away(reference.name.to_string()))?;
        let set = Arc::new(Set::open(folder, reference.name)?);
        if !is_meant(&set, reference) {
            return Err(Error::Altered(reference.name.to_string(), "its manifest is not the one that was written".to_owned()));
        }
        let mut remembered = self.remembered();
        remembered.sets.push_back(Arc::clone(&set));
        if remembered.sets.len() > SETS {
            remembered.sets.pop_front();
        }
        Ok(set)
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_meant(set: &Set, reference: &Reference) -> bool {
    Reference::pin(&set.digest) == reference.pin
}
