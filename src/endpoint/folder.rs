//! The folder road: messages are put into `out`, answers lie in `in`. Whoever serves the other side takes files from the one
//! and puts files into the other; a file under its own name is whole.

use std::{
    collections::{HashMap, HashSet},
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use tracing::warn;

use super::{Endpoint, Options, Received, Shipment};
use crate::{
    clock::meter::{Work, measured},
    queue::Fault,
};

const LONGEST_NAME: usize = 200;
/// Files of one name that are put aside; the next ones are left.
const MOST_OF_A_NAME: u32 = 1_000;
/// How many bytes one call of `receive` brings into memory, unless the first file alone is larger.
const RECEIVED_BYTES: u64 = 64 << 20;

/// A road that is a folder with `out` and `in`.
#[derive(Debug, Clone)]
pub struct Folder {
    road: String,
    places: Arc<Places>,
}

#[derive(Debug)]
struct Places {
    out: PathBuf,
    inward: PathBuf,
    rejected: PathBuf,
    largest_bytes: u64,
    /// What each file looked like when it was read: one that has changed since is not removed.
    seen: Mutex<HashMap<String, Look>>,
    /// Files in `in` of which the log has been told that they cannot be read or put aside.
    unread: Mutex<HashSet<OsString>>,
}

/// What tells whether a file is still the one that was read: another that takes its place within one tick of the clock and has the
/// same length is still another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    length: u64,
    modified: Option<SystemTime>,
    file: u64,
}

impl Look {
    fn of(metadata: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let file = 0;
        Self { length: metadata.len(), modified: metadata.modified().ok(), file }
    }
}

impl Folder {
    /// The road over the folder that the options name; nothing is touched yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let places = Places {
            out: options.folder.join("out"),
            inward: options.folder.join("in"),
            rejected: options.folder.join("in").join("rejected"),
            largest_bytes: options.largest_bytes,
            seen: Mutex::default(),
            unread: Mutex::default(),
        };
        Self { road: options.road.clone(), places: Arc::new(places) }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        kind: Work,
        work: impl FnOnce(&Places) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let places = Arc::clone(&self.places);
        let done = tokio::task::spawn_blocking(move || measured(kind, || work(&places))).await;
        done.unwrap_or_else(|_| Err(Fault::Unknown("the work was cut off".into())))
    }
}

#[async_trait]
impl Endpoint for Folder {
    fn road(&self) -> &str {
        &self.road
    }

    async fn send(&self, item: &Shipment) -> Result<(), Fault> {
        let (name, bytes) = (item.name.clone(), item.bytes.clone());
        self.blocking(Work::Deliver, move |places| put(&places.out, &name, &bytes)).await
    }

    async fn receive(&self, limit: usize) -> Result<Vec<Received>, Fault> {
        self.blocking(Work::Receive, move |places| places.receive(limit)).await
    }

    async fn acknowledge(&self, names: &[String]) -> Result<(), Fault> {
        let names = names.to_vec();
        self.blocking(Work::Receive, move |places| places.acknowledge(&names)).await
    }
}

/// Puts bytes into a folder under a name, whole or not at all, and on the disk before it says so. The same name with the same
/// length is already there: nothing is written again.
///
/// # Errors
/// `Permanent`: no name for a file. `Transient`: nothing stands under the name. `Unknown`: something may.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Fault> {
    if !is_name(name) {
        return Err(Fault::Permanent("the name is not fit for a file".into()));
    }
    let file = folder.join(name);
    let part = folder.join(format!(".{name}.part"));
    if !already_there(&file, bytes) {
        let written = fs::create_dir_all(folder).and_then(|()| write_through(&part, bytes));
        if let Err(error) = written {
            // Best effort: what is left under the temporary name is written over by the next try.
            drop(fs::remove_file(&part));
            return Err(Fault::Transient(kind_of(&error)));
        }
        fs::rename(&part, &file).map_err(|error| Fault::Unknown(kind_of(&error)))?;
    }
    sync_folder(folder).map_err(|error| Fault::Unknown(kind_of(&error)))
}

/// Only the kind: the full text would carry paths into rows and logs.
fn kind_of(error: &io::Error) -> String {
    error.kind().to_string()
}

fn already_there(file: &Path, bytes: &[u8]) -> bool {
    fs::symlink_metadata(file).is_ok_and(|found| found.is_file() && u64::try_from(bytes.len()) == Ok(found.len()))
        && fs::read(file).is_ok_and(|found| found == bytes)
}

fn write_through(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Plain names only: nothing that leaves the folder, hides, or means something to a shell.
fn is_name(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    plain && !name.starts_with('.') && (1..=LONGEST_NAME).contains(&name.len())
}

/// Whether a file in `in` is one that is whole: temporary names are passed over.
fn is_answer(name: &str) -> bool {
    !name.starts_with('.') && name.get(name.len().saturating_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case(".xml"))
}

/// A name that nothing has in the folder: the wanted one, or that with a number before it.
fn free_name(folder: &Path, wanted: &OsStr) -> io::Result<OsString> {
    let numbered = (1..MOST_OF_A_NAME).map(|number| {
        let mut name = OsString::from(format!("{number}_"));
        name.push(wanted);
        name
    });
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    let free = |name: &OsString| fs::symlink_metadata(folder.join(name)).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    names.find(free).ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))
}

impl Places {
    fn receive(&self, limit: usize) -> Result<Vec<Received>, Fault> {
        let transient = |error: io::Error| Fault::Transient(kind_of(&error));
        fs::create_dir_all(&self.inward).map_err(transient)?;
        let (mut names, mut strange) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.inward).map_err(transient)? {
            let entry = entry.map_err(transient)?;
            match entry.file_name().into_string() {
                Ok(name) if is_answer(&name) => names.push(name),
                Ok(_) => {}
                Err(name) if entry.file_type().is_ok_and(|kind| kind.is_file()) => strange.push(name),
                Err(_) => {}
            }
        }
        names.sort_unstable();
        let is_there = |name: &str| names.binary_search_by(|known| known.as_str().cmp(name)).is_ok();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| is_there(name));
        let still = |name: &OsString| name.to_str().map_or_else(|| strange.contains(name), is_there);
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).retain(still);
        for name in &strange {
            self.reject(name, "the name is not UTF-8");
        }
        let mut received = Vec::new();
        let mut room = RECEIVED_BYTES;
        for name in names {
            if received.len() >= limit || room == 0 {
                break;
            }
            match self.read(&name) {
                Ok(Some(item)) => {
                    room = room.saturating_sub(u64::try_from(item.bytes.len()).unwrap_or(u64::MAX));
                    received.push(item);
                }
                Ok(None) => {}
                Err(error) => self.leave(OsStr::new(&name), &error),
            }
        }
        Ok(received)
    }

    /// Reads one file; nothing if it is gone, is no file, or is too large (then it is put aside unread).
    fn read(&self, name: &str) -> io::Result<Option<Received>> {
        let path = self.inward.join(name);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        if metadata.len() <= self.largest_bytes {
            let file = File::open(&path)?;
            // What was a file may have become a link meanwhile: it is looked at again next time.
            if Look::of(&file.metadata()?).file != Look::of(&metadata).file {
                return Ok(None);
            }
            file.take(self.largest_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if metadata.len() > self.largest_bytes || length > self.largest_bytes {
            self.reject(OsStr::new(name), "the file is larger than files may be");
            return Ok(None);
        }
        let look = Look { length, ..Look::of(&metadata) };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), look);
        Ok(Some(Received { name: name.to_owned(), bytes }))
    }

    /// One file that cannot be read holds up nobody and stays where it is: whoever put it there may still give leave to read it.
    /// It is looked at every time, but the log is told once.
    fn leave(&self, name: &OsStr, error: &io::Error) {
        if self.unread.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned()) {
            let name = name.to_string_lossy();
            warn!(road.folder = "in", file.name = %name, error = kind_of(error), "file cannot be read or put aside now and is left there");
        }
    }

    /// Moves a file to `in/rejected` and writes the reason beside it; an earlier one of the same name stays.
    fn reject(&self, name: &OsStr, reason: &str) {
        let moved = fs::create_dir_all(&self.rejected).and_then(|()| free_name(&self.rejected, name)).and_then(|free| {
            let mut note = free.clone();
            note.push(".reason.txt");
            fs::rename(self.inward.join(name), self.rejected.join(free))?;
            // A name may leave no room for what is appended; then the log alone has the reason.
            drop(fs::write(self.rejected.join(note), reason));
            Ok(())
        });
        match moved {
            Ok(()) => warn!(file.name = %name.to_string_lossy(), file.reason = reason, "file was put aside unread"),
            Err(error) => self.leave(name, &error),
        }
    }

    fn acknowledge(&self, names: &[String]) -> Result<(), Fault> {
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            let path = self.inward.join(name);
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            // A file that was still being written when it was read is left: the whole of it comes as another arrival.
            if seen != Some(Look::of(&metadata)) {
                continue;
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Fault::Transient(kind_of(&error))),
                _ => {}
            }
        }
        sync_folder(&self.inward).map_err(|error| Fault::Transient(kind_of(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn road() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        let options = Options { folder: place.path().to_owned(), largest_bytes: 100, ..Options::default() };
        let folder = Folder::new(&options);
        fs::create_dir_all(place.path().join("in")).unwrap();
        (place, folder)
    }

    fn shipment(name: &str, bytes: &[u8]) -> Shipment {
        Shipment { name: name.into(), bytes: bytes.into(), cop_msg_id: String::new() }
    }

    fn listed(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_message_is_put_there_whole_and_once() {
        let (place, road) = road();
        let out = place.path().join("out");
        for _ in 0..2 {
            road.send(&shipment("M_1.xml", b"sealed")).await.unwrap();
        }
        assert_eq!(listed(&out), ["M_1.xml"]);
        assert_eq!(fs::read(out.join("M_1.xml")).unwrap(), b"sealed");
    }

    #[tokio::test]
    async fn what_a_crash_left_under_a_temporary_name_is_written_over() {
        let (place, road) = road();
        let out = place.path().join("out");
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join(".M_1.xml.part"), b"sea").unwrap();
        road.send(&shipment("M_1.xml", b"sealed")).await.unwrap();
        assert_eq!(listed(&out), ["M_1.xml"]);
    }

    #[tokio::test]
    async fn faults_say_whether_anything_may_have_been_sent() {
        let (place, road) = road();
        for name in ["../M.xml", "a/b.xml", ".M.xml", "", "a b.xml"] {
            assert!(matches!(road.send(&shipment(name, b"")).await, Err(Fault::Permanent(_))), "{name}");
        }
        fs::write(place.path().join("out"), b"a file where the folder should be").unwrap();
        assert!(matches!(road.send(&shipment("M.xml", b"x")).await, Err(Fault::Transient(_))));
        fs::remove_file(place.path().join("out")).unwrap();
        fs::create_dir_all(place.path().join("out/M.xml")).unwrap();
        let fault = road.send(&shipment("M.xml", b"x")).await.unwrap_err();
        assert!(matches!(&fault, Fault::Unknown(why) if !why.contains(place.path().to_str().unwrap())), "{fault}");
    }

    #[tokio::test]
    async fn only_whole_files_are_received_in_order_and_until_acknowledged() {
        let (place, road) = road();
        let inward = place.path().join("in");
        for name in ["b.xml", "a.XML", "c.xml.part", ".d.xml", "e.tmp", "f.txt"] {
            fs::write(inward.join(name), name).unwrap();
        }
        fs::create_dir(inward.join("folder.xml")).unwrap();
        let names = |items: Vec<Received>| items.into_iter().map(|item| item.name).collect::<Vec<_>>();
        assert_eq!(names(road.receive(1).await.unwrap()), ["a.XML"]);
        assert_eq!(names(road.receive(10).await.unwrap()), ["a.XML", "b.xml"]);
        road.acknowledge(&["a.XML".into(), "gone.xml".into(), "../a.XML".into()]).await.unwrap();
        assert_eq!(names(road.receive(10).await.unwrap()), ["b.xml"]);
    }

    #[tokio::test]
    async fn a_file_that_grew_after_it_was_read_is_not_removed() {
        let (place, road) = road();
        let file = place.path().join("in/a.xml");
        fs::write(&file, "hal").unwrap();
        road.receive(10).await.unwrap();
        fs::write(&file, "half and the rest").unwrap();
        road.acknowledge(&["a.xml".into()]).await.unwrap();
        assert_eq!(road.receive(10).await.unwrap()[0].bytes, b"half and the rest");
        road.acknowledge(&["a.xml".into()]).await.unwrap();
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_is_put_aside_with_its_reason() {
        let (place, road) = road();
        fs::write(place.path().join("in/a.xml"), [b'x'; 101]).unwrap();
        fs::write(place.path().join("in/b.xml"), [b'x'; 100]).unwrap();
        let received = road.receive(10).await.unwrap();
        assert_eq!(received.len(), 1);
        assert_eq!(listed(&place.path().join("in/rejected")), ["a.xml", "a.xml.reason.txt"]);
    }

    #[tokio::test]
    async fn a_file_that_is_put_aside_leaves_an_earlier_one_of_its_name() {
        let (place, road) = road();
        for byte in [b'x', b'y', b'z'] {
            fs::write(place.path().join("in/a.xml"), [byte; 101]).unwrap();
            road.receive(10).await.unwrap();
        }
        let rejected = place.path().join("in/rejected");
        let names = ["1_a.xml", "1_a.xml.reason.txt", "2_a.xml", "2_a.xml.reason.txt", "a.xml", "a.xml.reason.txt"];
        assert_eq!(listed(&rejected), names);
        assert_eq!(fs::read(rejected.join("a.xml")).unwrap(), [b'x'; 101]);
        assert_eq!(fs::read(rejected.join("2_a.xml")).unwrap(), [b'z'; 101]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_may_not_be_read_stays_until_it_may() {
        use std::os::unix::fs::PermissionsExt;
        let (place, road) = road();
        let file = place.path().join("in/a.xml");
        fs::write(&file, "later").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
        // Some users may read everything.
        let all_readable = File::open(&file).is_ok();
        for _ in 0..2 {
            assert_eq!(road.receive(10).await.unwrap().is_empty(), !all_readable);
        }
        road.places.leave(OsStr::new("a.xml"), &io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(file.exists() && !place.path().join("in/rejected").exists());
        assert!(road.places.unread.lock().unwrap().contains(OsStr::new("a.xml")));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(road.receive(10).await.unwrap()[0].bytes, b"later");
        road.acknowledge(&["a.xml".into()]).await.unwrap();
        road.receive(10).await.unwrap();
        assert!(road.places.unread.lock().unwrap().is_empty(), "what is gone is forgotten");
    }
}
