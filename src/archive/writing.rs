//! Making an archive: written beside, synced, read back, and only then given its name.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::{Error, Item, LARGEST_MEMBER, MEMBER, Manifest, Member, Name, Part, Result, Set, Size, Span, manifest::FORMAT};
use crate::clock::Timestamp;

/// Writes one archive.
pub struct Writer {
    folder: PathBuf,
    name: Name,
    file: BufWriter<File>,
    digest: Sha256,
    /// Lines that are not written yet, and how many.
    lines: Vec<u8>,
    items: u32,
    at: u64,
    members: Vec<Member>,
    parts: BTreeMap<Part, Size>,
    entries: Option<Span>,
}

impl Writer {
    /// Begins one; what an earlier try left under the name is overwritten.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(folder: &Path, name: Name) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|error| Error::File(folder.to_owned(), error))?;
        let path = folder.join(part(&name.data()));
        let file = File::create(&path).map_err(|error| Error::File(path, error))?;
        Ok(Self {
            folder: folder.to_owned(),
            name,
            file: BufWriter::new(file),
            digest: Sha256::new(),
            lines: Vec::with_capacity(MEMBER * 2),
            items: 0,
            at: 0,
            members: Vec::new(),
            parts: BTreeMap::new(),
            entries: None,
        })
    }

    /// Adds an item.
    ///
    /// # Errors
    /// The file cannot be written, or the item is larger than any can be.
    pub fn add(&mut self, item: &Item) -> Result<()> {
        let line = item.to_line();
        if u64::try_from(line.len()).is_ok_and(|bytes| bytes > LARGEST_MEMBER) {
            return Err(self.failed(io::ErrorKind::FileTooLarge.into()));
        }
        if !self.lines.is_empty() && self.lines.len() + line.len() > MEMBER {
            self.close_member()?;
        }
        self.lines.extend(line);
        self.items += 1;
        let size = self.parts.entry(item.part).or_default();
        size.count += 1;
        size.bytes += u64::try_from(item.body.len()).unwrap_or(u64::MAX);
        if let Some(position) = item.key.parse().ok().filter(|_| item.part == Part::Entry) {
            let span = self.entries.get_or_insert(Span { first: position, last: position });
            *span = Span { first: Ord::min(span.first, position), last: Ord::max(span.last, position) };
        }
        Ok(())
    }

    /// How many items there are, and how many bytes they have.
    #[must_use]
    pub fn size(&self) -> Size {
        self.parts.values().fold(Size::default(), |sum, size| Size { count: sum.count + size.count, bytes: sum.bytes + size.bytes })
    }

    fn close_member(&mut self) -> Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let bytes = gzip.write_all(&self.lines).and_then(|()| gzip.finish()).map_err(|error| self.failed(error))?;
        self.file.write_all(&bytes).map_err(|error| self.failed(error))?;
        self.digest.update(&bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.members.push(Member { at: self.at, bytes: length, items: self.items, sha256: hex::encode(Sha256::digest(&bytes)) });
        self.at += length;
        self.lines.clear();
        self.items = 0;
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::File(self.folder.join(part(&self.name.data())), error)
    }

    /// Ends it: both files are synced and have their names, and every item was read back.
    ///
    /// # Errors
    /// A file cannot be written, or gives back something else than was written.
    pub fn finish(mut self, made_at: Timestamp) -> Result<Set> {
        self.close_member()?;
        self.file.flush().and_then(|()| self.file.get_ref().sync_all()).map_err(|error| self.failed(error))?;
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            name: self.name.to_string(),
            made_at,
            parts: self.parts,
            entries: self.entries,
            bytes: self.at,
            sha256: hex::encode(self.digest.finalize()),
            members: self.members,
        };
        let path = self.folder.join(part(&self.name.manifest()));
        let failed = |error| Error::File(path.clone(), error);
        let text = serde_json::to_vec_pretty(&manifest).map_err(|error| failed(error.into()))?;
        let mut file = File::create(&path).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        for name in [self.name.data(), self.name.manifest()] {
            let path = self.folder.join(&name);
            fs::rename(self.folder.join(part(&name)), &path).map_err(|error| Error::File(path, error))?;
        }
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(|error| Error::File(self.folder.clone(), error))?;
        let set = Set::open(&self.folder, self.name)?;
        set.check()?;
        Ok(set)
    }
}

/// Makes sure that nobody else writes into a folder of archives. The lock goes with the process, however it ends.
///
/// # Errors
/// Somebody does, or the folder cannot be written.
pub fn lock(folder: &Path) -> Result<Lock> {
    let path = folder.join(".lock");
    let made = fs::create_dir_all(folder).and_then(|()| File::create(&path)).map_err(|error| Error::File(path, error))?;
    made.try_lock().map_err(|_| Error::Busy(folder.to_owned()))?;
    Ok(Lock(made))
}

/// Nobody else writes into the folder as long as this is there.
#[derive(Debug)]
pub struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Said, not left to the file's closing: a process that is just being started holds the same file for a moment. Where it cannot be
        // said, the end of the process says it.
        drop(self.0.unlock());
    }
}

/// The name of a file that is not finished.
fn part(name: &str) -> String {
    format!("{name}.part")
}
