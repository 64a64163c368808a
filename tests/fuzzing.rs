//! Replays what fuzzing keeps, and some thousand seeded changes of it. The fuzzer itself is started by `tests/fuzz/run`.

use std::{fs, path::PathBuf};

#[path = "fuzz/targets.rs"]
mod targets;

/// Words that break readers.
const WORDS: [&[u8]; 16] = [
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"<?xml version=\"1.0\" encoding=\"GBK\"?>",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"&#13;",
    b"&lt;",
    b"&b;",
    b" xmlns=\"http://www.chinaport.gov.cn/dxp\"",
    b" xmlns:ceb=\"\"",
    b" xsi:type=\"x\"",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xe4\xb8",
    b"/>",
];

/// Numbers by chance, the same for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    /// One or several changes of `bytes`; `other` lends a piece.
    fn change(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let (from, length) = (self.below(bytes.len() + 1), self.below(40));
            let to = bytes.len().min(from + length);
            match self.below(6) {
                0 if from < bytes.len() => bytes[from] = u8::try_from(self.below(256)).unwrap(),
                1 => drop(bytes.drain(from..to)),
                2 => {
                    let piece = bytes[from..to].to_vec();
                    let at = self.below(bytes.len() + 1);
                    bytes.splice(at..at, piece);
                }
                3 => drop(bytes.splice(from..from, WORDS[self.below(WORDS.len())].iter().copied())),
                4 => {
                    let (start, end) = (self.below(other.len() + 1), self.below(other.len() + 1));
                    bytes.splice(from..to, other[start.min(end)..start.max(end)].iter().copied());
                }
                _ => bytes.truncate(from),
            }
        }
        bytes
    }
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn replay(name: &str, changes: usize) {
    let (_, target) = targets::TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    let corpus = corpus(name);
    assert!(corpus.len() >= 3);
    let attempt = |what: &str, bytes: &[u8]| {
        let tried = std::panic::catch_unwind(|| target(bytes));
        assert!(tried.is_ok(), "{what}: {:?}", String::from_utf8_lossy(bytes));
    };
    for (path, bytes) in &corpus {
        attempt(&path.display().to_string(), bytes);
    }
    let mut chance = Chance(20_261_123);
    for number in 0..changes {
        let (_, bytes) = &corpus[chance.below(corpus.len())];
        let (_, other) = &corpus[chance.below(corpus.len())];
        let bytes = chance.change(bytes, other);
        attempt(&format!("change {number}"), &bytes);
    }
}

#[test]
fn the_reader_holds() {
    replay("xml", 3_000);
}

#[test]
fn the_validator_holds() {
    replay("validator", 3_000);
}

#[test]
fn receipts_hold() {
    replay("receipts", 3_000);
}

#[test]
fn the_folder_holds() {
    replay("folder", 60);
}

#[test]
fn the_corpus_stays_small() {
    let sizes = targets::TARGETS.iter().flat_map(|(name, _)| corpus(name)).map(|(_, bytes)| bytes.len());
    assert!(sizes.sum::<usize>() < 300_000);
}
