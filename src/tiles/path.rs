//! The names of what is served, and the form of entry bundles (C2SP tlog-tiles).

use crate::audit::TileId;

/// The levels that a tree of 2^64 entries can have.
const MOST_LEVELS: u8 = 8;
/// The longest path: seven groups of three digits hold 2^64.
const LONGEST_PATH: usize = 64;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// The newest checkpoint.
    Checkpoint,
    /// The first `width` hashes of a tile.
    Tile { id: TileId, width: u64 },
    /// The entries under the first `width` hashes of a tile of level 0.
    Entries { index: u64, width: u64 },
}

impl Resource {
    /// Reads a path; each resource has exactly one.
    pub(super) fn parse(path: &str) -> Option<Self> {
        if path == "/checkpoint" {
            return Some(Self::Checkpoint);
        }
        let rest = path.strip_prefix("/tile/").filter(|rest| rest.len() <= LONGEST_PATH)?;
        let (level, number) = rest.split_once('/')?;
        let (index, width) = parse_tile(number)?;
        let resource = if level == "entries" {
            Self::Entries { index, width }
        } else {
            let level: u8 = level.parse().ok().filter(|level| *level < MOST_LEVELS)?;
            Self::Tile { id: TileId { level, index }, width }
        };
        // 00, +1, x000/001: there is one way to write each.
        (resource.path() == path).then_some(resource)
    }

    /// Its path.
    pub(super) fn path(self) -> String {
        match self {
            Self::Checkpoint => "/checkpoint".to_owned(),
            Self::Tile { id, width } => format!("/tile/{}/{}", id.level, tile_name(id.index, width)),
            Self::Entries { index, width } => format!("/tile/entries/{}", tile_name(index, width)),
        }
    }
}

fn parse_tile(text: &str) -> Option<(u64, u64)> {
    let (number, width) = match text.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok().filter(|width| (1..TileId::WIDTH).contains(width))?),
        None => (text, TileId::WIDTH),
    };
    let mut index: u64 = 0;
    for group in number.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
    }
    Some((index, width))
}

/// 1234067 is x001/x234/067.
fn tile_name(index: u64, width: u64) -> String {
    let mut name = format!("{:03}", index % 1_000);
    let mut left = index / 1_000;
    while left > 0 {
        name = format!("x{:03}/{name}", left % 1_000);
        left /= 1_000;
    }
    if width < TileId::WIDTH { format!("{name}.p/{width}") } else { name }
}

/// Entries one after another, each after its length in two bytes; nothing if one is longer than that holds.
pub(super) fn bundle(entries: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(u16::try_from(entry.len()).ok()?.to_be_bytes());
        bytes.extend(entry);
    }
    Some(bytes)
}

/// Takes a bundle apart; nothing if it is not one.
pub(super) fn unbundle(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification_and_each_has_one_form() {
        let tile = |level, index, width| Resource::Tile { id: TileId { level, index }, width };
        for (path, resource) in [
            ("/checkpoint", Resource::Checkpoint),
            ("/tile/0/x001/x234/067", tile(0, 1_234_067, 256)),
            ("/tile/0/273.p/112", tile(0, 273, 112)),
            ("/tile/1/000", tile(1, 0, 256)),
            ("/tile/entries/x001/000.p/1", Resource::Entries { index: 1_000, width: 1 }),
            ("/tile/7/x018/x446/x744/x073/x709/x551/615", tile(7, u64::MAX, 256)),
        ] {
            assert_eq!(Resource::parse(path), Some(resource), "{path}");
            assert_eq!(resource.path(), path);
        }
        for path in [
            "",
            "/",
            "/checkpoint/",
            "/tile/0/1",
            "/tile/0/0001",
            "/tile/00/001",
            "/tile/+0/001",
            "/tile/8/001",
            "/tile/-1/001",
            "/tile/0/x000/001",
            "/tile/0/x001",
            "/tile/0/001/002",
            "/tile/0/001.p/0",
            "/tile/0/001.p/256",
            "/tile/0/001.p/01",
            "/tile/0/001.p/+1",
            "/tile/0/../001",
            "/tile/0/x018/x446/x744/x073/x709/x551/616",
            "/tile/0/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/999",
            "/tile/entries/",
            "/tile/data/001",
            "/tile/0/００１",
        ] {
            assert_eq!(Resource::parse(path), None, "{path}");
        }
    }

    #[test]
    fn bundles_read_back_and_cut_ones_do_not() {
        let entries = vec![b"a".to_vec(), Vec::new(), vec![7; 65_535]];
        let bytes = bundle(&entries).unwrap();
        assert_eq!(unbundle(&bytes), Some(entries));
        assert_eq!(unbundle(&bytes[..bytes.len() - 1]), None);
        assert_eq!(unbundle(&[0]), None);
        assert_eq!(bundle(&[vec![0; 65_536]]), None);
    }
}
