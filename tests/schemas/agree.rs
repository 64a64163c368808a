//! Our validator and libxml2 over the same documents. They must agree, save where a name below says why not.

use std::{collections::BTreeMap, fs};

use tongguan::message::{self, Message};

use super::{SIGNATURE, corpus, everything, official, official_schema, our_schema, verdicts};

/// Whether libxml2 takes a document that we refuse, and why that is right.
const OURS_IS_RIGHT: [(&str, &str); 0] = [];

fn documents(message: Message, good: &str, scale: usize) -> Vec<Vec<u8>> {
    let mut all = corpus::of_whole(good);
    all.extend(corpus::of_leaves(good));
    all.extend(corpus::by_chance(good, 1_200, message.wire_type().len() as u64));
    let step = if official().is_some() { 1 } else { scale };
    all.into_iter().step_by(step).chain([good.to_owned()]).map(String::into_bytes).collect()
}

#[test]
fn probe() {
    let (mut total, mut apart) = (0, BTreeMap::<String, (usize, String)>::new());
    for (message, document) in everything() {
        let documents = documents(message, &String::from_utf8(document).unwrap(), 11);
        let schema = official_schema(message).unwrap_or_else(|| our_schema(message));
        let start = std::time::Instant::now();
        let theirs = verdicts(&schema, &documents).0;
        let t1 = start.elapsed();
        let start = std::time::Instant::now();
        for (document, theirs) in documents.iter().zip(&theirs) {
            total += 1;
            let ours = message::validate(document);
            if ours.is_empty() != *theirs {
                let codes: Vec<_> = ours.iter().map(|d| format!("{} {} {}", d.code, d.path, d.en)).collect();
                let key = format!("{} theirs={theirs} {:?}", message.wire_type(), ours.first().map(|d| d.code));
                let e = apart.entry(key).or_insert((0, format!("{codes:?}\n{}", String::from_utf8_lossy(document).chars().take(6000).collect::<String>())));
                e.0 += 1;
            }
        }
        eprintln!("{} {} xmllint {t1:?} ours {:?}", message.wire_type(), documents.len(), start.elapsed());
    }
    eprintln!("{total}");
    let mut text = String::new();
    for (key, (n, sample)) in &apart {
        eprintln!("{n} {key}");
        text.push_str(&format!("==== {n} {key}\n{sample}\n"));
    }
    fs::write("/tmp/apart.txt", text).unwrap();
    let _ = (SIGNATURE, OURS_IS_RIGHT);
}
