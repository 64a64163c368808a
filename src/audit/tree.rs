//! The tree as it grows: its right edge, and the tiles (C2SP tlog-tiles) that become full on the way.

use std::ops::Range;

use super::hash::{Hash, node_hash};

/// How many hashes a full tile has, and how many levels of the tree it spans (C2SP tlog-tiles).
pub(super) const TILE_WIDTH: u64 = 256;
pub(super) const TILE_HEIGHT: u32 = 8;

/// Names a tile: its level and its place in the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    /// 0 for leaves; at level n each hash is the root of a full tile of level n - 1.
    pub level: u8,
    /// Counted from 0 within the level.
    pub index: u64,
}

impl TileId {
    /// How many hashes a full tile has.
    pub const WIDTH: u64 = TILE_WIDTH;

    /// How many hashes this tile has in a tree of `size` leaves.
    #[must_use]
    pub fn width_in(self, size: u64) -> u64 {
        let on_level = size.checked_shr(TILE_HEIGHT * u32::from(self.level)).unwrap_or(0);
        let before = self.index.saturating_mul(TILE_WIDTH);
        on_level.saturating_sub(before).clamp(0, TILE_WIDTH)
    }
}

/// A run of hashes of one level: 256 if it is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// 0 for leaves; at level n each hash is the root of a full tile of level n - 1.
    pub level: u8,
    /// Counted from 0 within the level.
    pub index: u64,
    /// The hashes, left to right.
    pub hashes: Vec<Hash>,
}

impl Tile {
    /// How many bytes a full tile is kept in.
    pub const FULL_BYTES: usize = 256 * Hash::LENGTH;

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> TileId {
        TileId { level: self.level, index: self.index }
    }

    /// The hashes one after another, as kept and as served.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(Hash::as_bytes).copied().collect()
    }

    /// Reads the first hashes of a tile, so many, as served; nothing if they are not as many.
    #[must_use]
    pub fn from_bytes_of(id: TileId, bytes: &[u8], width: u64) -> Option<Self> {
        let length = usize::try_from(width).ok()?.checked_mul(Hash::LENGTH)?;
        let hashes = (bytes.len() == length).then(|| bytes.chunks_exact(Hash::LENGTH).filter_map(Hash::from_slice).collect())?;
        Some(Self { level: id.level, index: id.index, hashes })
    }

    /// Reads a full tile as kept; nothing if it is not 256 hashes.
    #[must_use]
    pub fn from_bytes(id: TileId, bytes: &[u8]) -> Option<Self> {
        Self::from_bytes_of(id, bytes, TILE_WIDTH)
    }

    /// The root of the subtree whose leaves its hashes are.
    #[must_use]
    pub fn root(&self) -> Hash {
        root_of(&self.hashes)
    }
}

/// The root over hashes of one level (RFC 6962 §2.1).
pub(super) fn root_of(hashes: &[Hash]) -> Hash {
    Peaks::over(hashes).root()
}

/// The roots of the complete subtrees a tree consists of, the biggest first: one for each bit that is set in its size.
#[derive(Debug, Clone, Default)]
struct Peaks {
    hashes: Vec<Hash>,
    size: u64,
}

impl Peaks {
    fn over(hashes: &[Hash]) -> Self {
        let mut peaks = Self::default();
        for &hash in hashes {
            peaks.push(hash, |_, _| ());
        }
        peaks
    }

    /// Adds a leaf and tells of every complete subtree that it ends, by height.
    fn push(&mut self, leaf: Hash, mut made: impl FnMut(u32, Hash)) {
        let mut hash = leaf;
        made(0, hash);
        for height in 1..=self.size.trailing_ones() {
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(left, hash);
            made(height, hash);
        }
        self.hashes.push(hash);
        self.size = self.size.saturating_add(1);
    }

    fn root(&self) -> Hash {
        self.hashes.iter().rev().copied().reduce(|right, left| node_hash(left, right)).unwrap_or(Hash::EMPTY_ROOT)
    }
}

/// Full tiles of one level, by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileRun {
    /// Their level.
    pub level: u8,
    /// Their indexes.
    pub indexes: Range<u64>,
}

/// What must be read to build a [`Tree`] again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The positions of the leaf hashes after the last full tile.
    pub leaves: Range<u64>,
    /// The full tiles that no full tile above them covers, level by level; at most 255 of each.
    pub tiles: Vec<TileRun>,
}

impl Edge {
    /// The edge of a tree of `size` leaves.
    #[must_use]
    pub fn of(size: u64) -> Self {
        let mut tiles = Vec::new();
        let mut count = size / TILE_WIDTH;
        for level in 0.. {
            if count == 0 {
                break;
            }
            tiles.push(TileRun { level, indexes: count - count % TILE_WIDTH..count });
            count /= TILE_WIDTH;
        }
        Self { leaves: size - size % TILE_WIDTH..size, tiles }
    }
}

/// What was read is not the edge of a tree of that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Leaf hashes are missing or too many.
    #[error("the tree of {size} entries needs {} leaf hashes after its last full tile, not {found}", size % TILE_WIDTH)]
    Leaves {
        /// The size asked for.
        size: u64,
        /// How many there were.
        found: usize,
    },
    /// A tile is missing, out of order, too many or not full.
    #[error("tile {} of level {} is not what stands there", expected.index, expected.level)]
    Tile {
        /// The one that should have come.
        expected: TileId,
    },
    /// There are tiles after the last that the edge has.
    #[error("there are more tiles than the edge of the tree has")]
    TooManyTiles,
}

/// What a batch of new leaves made of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequenced {
    /// The position of the first; the others follow one by one.
    pub first: u64,
    /// The hash of each leaf.
    pub leaves: Vec<Hash>,
    /// The tiles that became full, to be kept in the same transaction.
    pub tiles: Vec<Tile>,
}

/// A tree that grows: what is needed of it to append and to tell its root, and nothing more.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    peaks: Peaks,
    /// The tile of each level that is not full yet.
    partial: Vec<Vec<Hash>>,
}

impl Tree {
    /// A tree without leaves.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Builds it again from its [`Edge`]: the leaf hashes in order, the tiles ordered by level and index.
    ///
    /// # Errors
    /// What was read is not the edge of a tree of that size.
    pub fn restore(size: u64, leaves: &[Hash], tiles: &[Tile]) -> Result<Self, Misfit> {
        let edge = Edge::of(size);
        if u64::try_from(leaves.len()) != Ok(edge.leaves.end - edge.leaves.start) {
            return Err(Misfit::Leaves { size, found: leaves.len() });
        }
        let mut partial = vec![leaves.to_vec()];
        let mut tiles = tiles.iter();
        for run in edge.tiles {
            let mut roots = Vec::new();
            for index in run.indexes {
                let expected = TileId { level: run.level, index };
                let tile = tiles.next().filter(|tile| tile.id() == expected && is_full(&tile.hashes));
                roots.push(tile.ok_or(Misfit::Tile { expected })?.root());
            }
            partial.push(roots);
        }
        if tiles.next().is_some() {
            return Err(Misfit::TooManyTiles);
        }
        let hashes = partial.iter().rev().flat_map(|level| Peaks::over(level).hashes).collect();
        Ok(Self { peaks: Peaks { hashes, size }, partial })
    }

    /// Appends a leaf; gives the tiles that became full by it, the lowest first.
    pub fn append(&mut self, leaf: Hash) -> Vec<Tile> {
        let size = self.size().saturating_add(1);
        let partial = &mut self.partial;
        let mut full = Vec::new();
        self.peaks.push(leaf, |height, hash| {
            if height % TILE_HEIGHT == 0 {
                full.extend(fill(partial, height / TILE_HEIGHT, hash, size));
            }
        });
        full
    }

    /// Gives entries their place: appends the leaf of each.
    pub fn sequence(&mut self, leaves: impl IntoIterator<Item = Hash>) -> Sequenced {
        let mut done = Sequenced { first: self.size(), leaves: Vec::new(), tiles: Vec::new() };
        for leaf in leaves {
            done.leaves.push(leaf);
            done.tiles.extend(self.append(leaf));
        }
        done
    }

    /// How many leaves it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.peaks.size
    }

    /// The root over all of them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.peaks.root()
    }

    /// The tile of a level that is not full yet, if it has any hashes: what proofs need beside the full ones.
    #[must_use]
    pub fn partial(&self, level: u8) -> Option<Tile> {
        let hashes = self.partial.get(usize::from(level)).filter(|hashes| !hashes.is_empty())?;
        let index = self.size().checked_shr(TILE_HEIGHT * (u32::from(level) + 1)).unwrap_or(0);
        Some(Tile { level, index, hashes: hashes.clone() })
    }
}

fn is_full(hashes: &[Hash]) -> bool {
    u64::try_from(hashes.len()) == Ok(TILE_WIDTH)
}

/// Adds a hash to the unfinished tile of its level; gives the tile once it is full.
fn fill(partial: &mut Vec<Vec<Hash>>, level: u32, hash: Hash, size: u64) -> Option<Tile> {
    let place = usize::try_from(level).ok()?;
    if partial.len() <= place {
        partial.resize_with(place + 1, Vec::new);
    }
    let hashes = partial.get_mut(place)?;
    hashes.push(hash);
    if !is_full(hashes) {
        return None;
    }
    let index = size.checked_shr(TILE_HEIGHT * (level + 1)).unwrap_or(0).saturating_sub(1);
    Some(Tile { level: u8::try_from(level).ok()?, index, hashes: std::mem::take(hashes) })
}

#[cfg(test)]
mod tests {
    use super::{
        super::hash::{leaf_hash, vectors},
        *,
    };

    fn leaf(number: u64) -> Hash {
        leaf_hash(&number.to_be_bytes())
    }

    /// MTH as RFC 6962 §2.1 writes it.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::EMPTY_ROOT,
            [only] => *only,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(by_definition(left), by_definition(right))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_reference() {
        let mut tree = Tree::empty();
        assert_eq!(tree.root(), vectors::hex(vectors::ROOTS[0]));
        for (body, root) in vectors::LEAVES.iter().zip(&vectors::ROOTS[1..]) {
            assert!(tree.append(leaf_hash(body)).is_empty());
            assert_eq!(tree.root(), vectors::hex(root));
        }
        assert_eq!(tree.size(), 8);
    }

    #[test]
    fn roots_follow_the_definition_at_any_size() {
        let leaves: Vec<Hash> = (0..700).map(leaf).collect();
        let mut tree = Tree::empty();
        for (size, &leaf) in (1..).zip(&leaves) {
            tree.append(leaf);
            if size % 37 == 0 || [255, 256, 257, 512, 513].contains(&size) {
                assert_eq!(tree.root(), by_definition(&leaves[..size]), "{size}");
            }
        }
    }

    #[test]
    fn tiles_become_full_one_level_after_another() {
        let mut tree = Tree::empty();
        let tiles: Vec<Tile> = (0..70_000).flat_map(|number| tree.append(leaf(number))).collect();
        let (low, high): (Vec<_>, Vec<_>) = tiles.into_iter().partition(|tile| tile.level == 0);
        assert_eq!(low.iter().map(|tile| tile.index).collect::<Vec<_>>(), (0..273).collect::<Vec<_>>(), "the example of tlog-tiles");
        let [high] = high.as_slice() else { panic!("one tile of level 1") };
        assert_eq!((high.level, high.index), (1, 0));
        assert_eq!(high.hashes, low[..256].iter().map(Tile::root).collect::<Vec<_>>());
        let widths = [0, 1, 2].map(|level| tree.partial(level).map_or(0, |tile| tile.hashes.len()));
        assert_eq!(widths, [112, 17, 1], "the example of tlog-tiles");
        assert_eq!(tree.partial(0).unwrap().index, 273);
        assert_eq!(low[7].hashes[3], leaf(7 * 256 + 3));
        assert_eq!(Tile::from_bytes(high.id(), &high.to_bytes()).as_ref(), Some(high));
        assert_eq!(Tile::from_bytes(high.id(), &high.to_bytes()[1..]), None);
    }

    #[test]
    fn a_tree_restored_from_its_edge_grows_as_the_old_one() {
        let mut tree = Tree::empty();
        let mut tiles: Vec<Tile> = Vec::new();
        let stops = [0, 1, 255, 256, 257, 1_500, 65_535, 65_536, 66_000];
        for number in 0..=66_000 {
            if stops.contains(&number) {
                let edge = Edge::of(number);
                let kept: Vec<Tile> = edge
                    .tiles
                    .iter()
                    .flat_map(|run| tiles.iter().filter(|tile| tile.level == run.level && run.indexes.contains(&tile.index)))
                    .cloned()
                    .collect();
                let leaves: Vec<Hash> = edge.leaves.map(leaf).collect();
                let mut again = Tree::restore(number, &leaves, &kept).unwrap();
                let mut old = tree.clone();
                assert_eq!(again.root(), old.root(), "{number}");
                for more in 0..300 {
                    assert_eq!(again.append(leaf(more)), old.append(leaf(more)), "{number}");
                }
                assert_eq!((again.root(), again.size()), (old.root(), old.size()), "{number}");
            }
            tiles.extend(tree.append(leaf(number)));
        }
    }

    #[test]
    fn an_edge_that_does_not_fit_is_refused() {
        let mut tree = Tree::empty();
        let tiles: Vec<Tile> = (0..600).flat_map(|number| tree.append(leaf(number))).collect();
        let leaves: Vec<Hash> = (512..600).map(leaf).collect();
        assert!(Tree::restore(600, &leaves, &tiles).is_ok());
        assert_eq!(Tree::restore(600, &leaves[1..], &tiles).unwrap_err(), Misfit::Leaves { size: 600, found: 87 });
        let swapped = [tiles[1].clone(), tiles[0].clone()];
        assert_eq!(Tree::restore(600, &leaves, &swapped).unwrap_err(), Misfit::Tile { expected: TileId { level: 0, index: 0 } });
        assert_eq!(Tree::restore(600, &leaves, &tiles[..1]).unwrap_err(), Misfit::Tile { expected: TileId { level: 0, index: 1 } });
        assert_eq!(Tree::restore(344, &leaves, &tiles).unwrap_err(), Misfit::TooManyTiles);
    }

    #[test]
    fn a_batch_is_given_places_and_leaves() {
        let mut tree = Tree::empty();
        tree.append(leaf(0));
        let done = tree.sequence((1..300).map(leaf));
        assert_eq!((done.first, done.leaves.len(), done.tiles.len()), (1, 299, 1));
        assert_eq!(done.leaves[0], leaf(1));
        assert_eq!(tree.size(), 300);
    }
}
