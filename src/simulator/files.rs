//! Files: listed, read within bounds, moved, and written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use crate::clock::Timestamp;

/// The largest file that is read: well above 100 documents in their envelope.
const LARGEST_BYTES: u64 = 64 << 20;

/// Under which name a file was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Its own.
    UnderItsName,
    /// Another: something else had its name already.
    UnderAnotherName,
    /// It was there already.
    Already,
}

/// Makes a folder if it is not there.
pub fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// The whole files of a folder by name, at most `most`; those that are being written are passed over.
pub fn list(folder: &Path, most: usize) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let whole = !name.starts_with('.') && !name.ends_with(".part") && !name.ends_with(".tmp");
        if whole && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort_unstable();
    found.truncate(most);
    Ok(found)
}

/// Reads a file; of one that is too large only so much that it cannot be taken for whole.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST_BYTES) {
        bytes.truncate(1_024);
    }
    Ok(bytes)
}

/// Dates a file by when it was taken: after a restart that is known by nothing else.
pub fn date(path: &Path, at: Timestamp) -> io::Result<()> {
    let since = Duration::from_micros(u64::try_from(at.0).unwrap_or(0));
    File::options().write(true).open(path)?.set_modified(UNIX_EPOCH + since)
}

/// When a file was taken.
pub fn dated(path: &Path) -> io::Result<Timestamp> {
    let since = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp(i64::try_from(since.as_micros()).unwrap_or(0)))
}

/// Moves a file to where what was taken is kept, once for the same bytes; other bytes under the same name get a number.
pub fn keep(path: &Path, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<Kept> {
    for number in 1_u32.. {
        let suffix = if number == 1 { String::new() } else { format!("_{number}") };
        let target = folder.join(format!("{name}{suffix}.xml"));
        match read(&target) {
            Ok(there) if there == bytes => return fs::remove_file(path).map(|()| Kept::Already),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::rename(path, &target)?;
                return Ok(if number == 1 { Kept::UnderItsName } else { Kept::UnderAnotherName });
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Moves a file aside, with the reason beside it.
pub fn set_aside(path: &Path, folder: &Path, why: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    fs::rename(path, folder.join(name))?;
    let mut note = name.to_owned();
    note.push(".reason.txt");
    fs::write(folder.join(note), why)
}

/// Writes a file into `folder`, and first under the same name into `copy` if there is one; whole or not at all, and on the disk.
/// What is killed between the two is written again after a restart, never forgotten.
pub fn write(folder: &Path, copy: Option<&Path>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let part = folder.join(format!(".{name}.part"));
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    if let Some(copy) = copy {
        let part_copy = copy.join(format!(".{name}.part"));
        link(&part, &part_copy)?;
        fs::rename(&part, folder.join(name))?;
        return fs::rename(part_copy, copy.join(name));
    }
    fs::rename(part, folder.join(name))
}

/// Gives a file a second name, or makes a copy where there is none: a file that is whole is only ever read, moved and removed.
fn link(file: &Path, second: &Path) -> io::Result<()> {
    // What a write that was cut off left under that name.
    match fs::remove_file(second) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::hard_link(file, second).or_else(|_| fs::copy(file, second).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        list(folder, 10).unwrap().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_same_is_kept_once_and_another_beside_it() {
        let place = tempfile::tempdir().unwrap();
        let (out, sent) = (place.path().join("out"), place.path().join("sent"));
        make(&out).unwrap();
        make(&sent).unwrap();
        let take = |bytes: &[u8]| {
            let path = out.join("m.xml");
            fs::write(&path, bytes).unwrap();
            let kept = keep(&path, &sent, "M_1", bytes).unwrap();
            assert!(!path.exists());
            kept
        };
        assert_eq!(take(b"a"), Kept::UnderItsName);
        assert_eq!(take(b"a"), Kept::Already);
        assert_eq!(take(b"b"), Kept::UnderAnotherName);
        assert_eq!(take(b"b"), Kept::Already);
        assert_eq!(names(&sent), ["M_1.xml", "M_1_2.xml"]);
    }

    #[test]
    fn what_is_written_is_whole_and_in_both_places() {
        let place = tempfile::tempdir().unwrap();
        let (inward, received) = (place.path().join("in"), place.path().join("received"));
        make(&inward).unwrap();
        make(&received).unwrap();
        write(&inward, Some(&received), "R.xml", b"x").unwrap();
        write(&inward, None, "G.xml", b"y").unwrap();
        fs::write(inward.join(".H.xml.part"), b"half").unwrap();
        assert_eq!(names(&inward), ["G.xml", "R.xml"]);
        assert_eq!(names(&received), ["R.xml"]);
    }
}
