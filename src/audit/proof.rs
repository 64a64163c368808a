//! Proofs (RFC 6962 §2.1.1, §2.1.2) that an entry is in the tree, and that a later tree only added to an earlier one.
//!
//! They are made from complete subtrees, so that kept tiles are enough: ask which tiles a proof needs, read them into
//! [`Tiles`], make the proof.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    hash::{Hash, node_hash},
    tree::{TILE_HEIGHT, TILE_WIDTH, Tile, TileId, root_of},
};

/// Why there is no such proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The position or the size asked for is not in the tree.
    #[error("{asked} is beyond a tree of {size} entries")]
    Beyond {
        /// The position or the size.
        asked: u64,
        /// The size of the tree.
        size: u64,
    },
    /// Hashes that are needed were not given.
    #[error("the hashes of tile {} of level {} are not at hand", .0.index, .0.level)]
    Missing(TileId),
}

/// Where proofs take their hashes from.
pub trait Hashes {
    /// The root of the complete subtree of 2^height leaves that starts at leaf `index` * 2^height.
    ///
    /// # Errors
    /// The hashes for it are not at hand.
    fn subtree(&self, height: u32, index: u64) -> Result<Hash, ProofError>;
}

/// The tile that holds the hashes of a subtree, where they begin in it, and how many they are.
fn place(height: u32, index: u64) -> (TileId, u64, u64) {
    let width = 1_u64 << (height % TILE_HEIGHT);
    let start = index.saturating_mul(width);
    let level = u8::try_from(height / TILE_HEIGHT).unwrap_or(u8::MAX);
    (TileId { level, index: start / TILE_WIDTH }, start % TILE_WIDTH, width)
}

fn cut(hashes: &[Hash], start: u64, width: u64) -> Option<Hash> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(width).ok()?)?;
    hashes.get(start..end).map(root_of)
}

/// Tiles at hand, full or not.
#[derive(Debug, Clone, Default)]
pub struct Tiles(BTreeMap<TileId, Vec<Hash>>);

impl Extend<Tile> for Tiles {
    fn extend<T: IntoIterator<Item = Tile>>(&mut self, tiles: T) {
        self.0.extend(tiles.into_iter().map(|tile| (tile.id(), tile.hashes)));
    }
}

impl FromIterator<Tile> for Tiles {
    fn from_iter<T: IntoIterator<Item = Tile>>(tiles: T) -> Self {
        let mut at_hand = Self::default();
        at_hand.extend(tiles);
        at_hand
    }
}

impl Hashes for Tiles {
    fn subtree(&self, height: u32, index: u64) -> Result<Hash, ProofError> {
        let (id, start, width) = place(height, index);
        self.0.get(&id).and_then(|hashes| cut(hashes, start, width)).ok_or(ProofError::Missing(id))
    }
}

/// All leaf hashes, in memory.
impl Hashes for [Hash] {
    fn subtree(&self, height: u32, index: u64) -> Result<Hash, ProofError> {
        let width = 1_u64.checked_shl(height).unwrap_or(u64::MAX);
        cut(self, index.saturating_mul(width), width).ok_or(ProofError::Missing(place(height, index).0))
    }
}

/// Notes which tiles are asked for.
#[derive(Default)]
struct Asked(RefCell<BTreeSet<TileId>>);

impl Hashes for Asked {
    fn subtree(&self, height: u32, index: u64) -> Result<Hash, ProofError> {
        self.0.borrow_mut().insert(place(height, index).0);
        Ok(Hash::EMPTY_ROOT)
    }
}

/// The biggest power of two below `size`, which is at least 2.
fn split_of(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The root over the leaves from `start` to before `end`, which is a subtree of some tree: `start` is a multiple of a power of two
/// that is not less than their number.
fn root_between<H: Hashes + ?Sized>(hashes: &H, start: u64, end: u64) -> Result<Hash, ProofError> {
    let width = end - start;
    if width == 0 {
        return Ok(Hash::EMPTY_ROOT);
    }
    if width.is_power_of_two() {
        let height = width.trailing_zeros();
        return hashes.subtree(height, start >> height);
    }
    let split = start + split_of(width);
    Ok(node_hash(root_between(hashes, start, split)?, root_between(hashes, split, end)?))
}

/// The root of the tree when it had `size` leaves.
///
/// # Errors
/// Hashes that are needed are not at hand.
pub fn root_at<H: Hashes + ?Sized>(hashes: &H, size: u64) -> Result<Hash, ProofError> {
    root_between(hashes, 0, size)
}

/// Proves that the leaf at `position` is in the tree of `size` leaves.
///
/// # Errors
/// The position is not in the tree, or hashes that are needed are not at hand.
pub fn inclusion_proof<H: Hashes + ?Sized>(hashes: &H, position: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
    if position >= size {
        return Err(ProofError::Beyond { asked: position, size });
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let split = start + split_of(end - start);
        if position < split {
            proof.push(root_between(hashes, split, end)?);
            end = split;
        } else {
            proof.push(root_between(hashes, start, split)?);
            start = split;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proves that the tree of `size` leaves begins with the tree of `old` leaves; nothing needs to be shown for `old` = 0 or `old` = `size`.
///
/// # Errors
/// `old` is more than `size`, or hashes that are needed are not at hand.
pub fn consistency_proof<H: Hashes + ?Sized>(hashes: &H, old: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
    if old > size {
        return Err(ProofError::Beyond { asked: old, size });
    }
    let mut proof = Vec::new();
    if old == 0 {
        return Ok(proof);
    }
    let (mut start, mut end, mut known) = (0, size, true);
    while old != end {
        let split = start + split_of(end - start);
        if old <= split {
            proof.push(root_between(hashes, split, end)?);
            end = split;
        } else {
            proof.push(root_between(hashes, start, split)?);
            start = split;
            known = false;
        }
    }
    // The old root itself is known to the verifier; a subtree of it is not.
    if !known {
        proof.push(root_between(hashes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The tiles that [`root_at`] reads.
///
/// # Errors
/// None: every tree has a root.
pub fn tiles_of_root(size: u64) -> Result<BTreeSet<TileId>, ProofError> {
    let asked = Asked::default();
    root_at(&asked, size)?;
    Ok(asked.0.into_inner())
}

/// The tiles that [`inclusion_proof`] reads.
///
/// # Errors
/// The position is not in the tree.
pub fn tiles_of_inclusion(position: u64, size: u64) -> Result<BTreeSet<TileId>, ProofError> {
    let asked = Asked::default();
    inclusion_proof(&asked, position, size)?;
    Ok(asked.0.into_inner())
}

/// The tiles that [`consistency_proof`] reads.
///
/// # Errors
/// `old` is more than `size`.
pub fn tiles_of_consistency(old: u64, size: u64) -> Result<BTreeSet<TileId>, ProofError> {
    let asked = Asked::default();
    consistency_proof(&asked, old, size)?;
    Ok(asked.0.into_inner())
}

/// Goes up from a node that is a last one until it is a right child or the root.
fn climb(node: &mut u64, last: &mut u64) {
    while *node != 0 && *node & 1 == 0 {
        *node >>= 1;
        *last >>= 1;
    }
}

/// Tells whether `proof` shows that `leaf` stands at `position` of the tree of `size` leaves with that root (RFC 9162 §2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: Hash, position: u64, size: u64, root: Hash, proof: &[Hash]) -> bool {
    if position >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (position, size - 1, leaf);
    for &sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, hash);
            climb(&mut node, &mut last);
        } else {
            hash = node_hash(hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// Tells whether `proof` shows that the tree of `size` leaves begins with the tree of `old` leaves (RFC 9162 §2.1.4.2).
#[must_use]
pub fn verify_consistency(old: u64, old_root: Hash, size: u64, root: Hash, proof: &[Hash]) -> bool {
    if old == size {
        return proof.is_empty() && old_root == root;
    }
    if old == 0 {
        return proof.is_empty() && old_root == Hash::EMPTY_ROOT;
    }
    if old > size || proof.is_empty() {
        return false;
    }
    let (mut node, mut last) = (old - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    // A complete old tree is a subtree of the new one: its root is where the path begins.
    let begin = old.is_power_of_two().then_some(old_root);
    let mut path = begin.into_iter().chain(proof.iter().copied());
    let Some(first) = path.next() else { return false };
    let (mut before, mut after) = (first, first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            before = node_hash(sibling, before);
            after = node_hash(sibling, after);
            climb(&mut node, &mut last);
        } else {
            after = node_hash(after, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && before == old_root && after == root
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            hash::{leaf_hash, vectors},
            tree::Tree,
        },
        *,
    };

    /// transparency-dev/merkle, testonly/reference_test.go: position, size, proof.
    const INCLUSION: [(u64, u64, &[&str]); 7] = [
        (0, 1, &[]),
        (0, 2, &["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"]),
        (1, 2, &["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"]),
        (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1,
            5,
            &[
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
    ];

    /// transparency-dev/merkle, testonly/reference_test.go: old size, size, proof.
    const CONSISTENCY: [(u64, u64, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
    ];

    fn reference() -> Vec<Hash> {
        vectors::LEAVES.iter().map(|body| leaf_hash(body)).collect()
    }

    fn root(size: u64) -> Hash {
        vectors::hex(vectors::ROOTS[usize::try_from(size).unwrap()])
    }

    #[test]
    fn proofs_are_those_of_the_reference() {
        let leaves = reference();
        for (position, size, expected) in INCLUSION {
            let expected: Vec<Hash> = expected.iter().map(|text| vectors::hex(text)).collect();
            assert_eq!(inclusion_proof(leaves.as_slice(), position, size).unwrap(), expected, "{position} in {size}");
            let leaf = leaves[usize::try_from(position).unwrap()];
            assert!(verify_inclusion(leaf, position, size, root(size), &expected), "{position} in {size}");
        }
        for (old, size, expected) in CONSISTENCY {
            let expected: Vec<Hash> = expected.iter().map(|text| vectors::hex(text)).collect();
            assert_eq!(consistency_proof(leaves.as_slice(), old, size).unwrap(), expected, "{old} to {size}");
            assert!(verify_consistency(old, root(old), size, root(size), &expected), "{old} to {size}");
        }
    }

    #[test]
    fn what_is_not_so_is_not_proven() {
        let leaves = reference();
        for size in 1..=8 {
            for position in 0..size {
                let proof = inclusion_proof(leaves.as_slice(), position, size).unwrap();
                let leaf = leaves[usize::try_from(position).unwrap()];
                assert!(verify_inclusion(leaf, position, size, root(size), &proof));
                assert!(!verify_inclusion(leaf, position + 1, size, root(size), &proof));
                assert!(!verify_inclusion(Hash::EMPTY_ROOT, position, size, root(size), &proof));
                assert!(!verify_inclusion(leaf, position, size, root(size - 1), &proof));
                let longer: Vec<Hash> = proof.iter().copied().chain([leaf]).collect();
                assert!(!verify_inclusion(leaf, position, size, root(size), &longer));
                assert!(proof.is_empty() || !verify_inclusion(leaf, position, size, root(size), &proof[1..]));
            }
            for old in 1..size {
                let proof = consistency_proof(leaves.as_slice(), old, size).unwrap();
                assert!(verify_consistency(old, root(old), size, root(size), &proof));
                assert!(!verify_consistency(old, root(old - 1), size, root(size), &proof));
                assert!(!verify_consistency(old, root(old), size, root(old), &proof));
                assert!(!verify_consistency(old, root(old), size, root(size), &proof[1..]));
                assert!(!verify_consistency(size, root(size), old, root(old), &proof));
            }
        }
        assert_eq!(inclusion_proof(leaves.as_slice(), 8, 8), Err(ProofError::Beyond { asked: 8, size: 8 }));
        assert_eq!(consistency_proof(leaves.as_slice(), 9, 8), Err(ProofError::Beyond { asked: 9, size: 8 }));
        assert!(matches!(inclusion_proof(leaves.as_slice(), 7, 9), Err(ProofError::Missing(_))));
    }

    #[test]
    fn tiles_give_the_same_proofs_and_only_the_named_ones_are_read() {
        let leaves: Vec<Hash> = (0..1_500_u64).map(|number| leaf_hash(&number.to_be_bytes())).collect();
        let mut tree = Tree::empty();
        let mut tiles: Vec<Tile> = leaves.iter().flat_map(|&leaf| tree.append(leaf)).collect();
        tiles.extend((0..2).filter_map(|level| tree.partial(level)));
        let all: Tiles = tiles.iter().cloned().collect();
        let only = |ids: BTreeSet<TileId>| -> Tiles { tiles.iter().filter(|tile| ids.contains(&tile.id())).cloned().collect() };
        assert_eq!(root_at(&all, 1_500), Ok(tree.root()));
        for (a, b) in [(0, 1_500), (255, 256), (256, 257), (511, 1_024), (777, 1_500), (1_499, 1_500), (1_023, 1_025), (3, 1_280)] {
            let proof = inclusion_proof(leaves.as_slice(), a, b).unwrap();
            assert_eq!(inclusion_proof(&only(tiles_of_inclusion(a, b).unwrap()), a, b).unwrap(), proof);
            let leaf = leaves[usize::try_from(a).unwrap()];
            assert!(verify_inclusion(leaf, a, b, root_at(&all, b).unwrap(), &proof));
            let proof = consistency_proof(leaves.as_slice(), a, b).unwrap();
            assert_eq!(consistency_proof(&only(tiles_of_consistency(a, b).unwrap()), a, b).unwrap(), proof);
            assert!(verify_consistency(a, root_at(&all, a).unwrap(), b, root_at(&all, b).unwrap(), &proof));
        }
        assert!(tiles_of_inclusion(777, 1_500).unwrap().len() <= 4);
    }
}
