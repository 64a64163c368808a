//! Checkpoints and proofs over gRPC, verified with nothing but the public key.

use std::sync::Arc;

use tongguan::{
    audit::{
        Checkpoint, Hash, LogKey, leaf_hash,
        proof::{verify_consistency, verify_inclusion},
    },
    grpc::proto::{
        CheckpointRequest, DocumentKind, ProveConsistencyRequest, ProveInclusionRequest, SearchRequest, SubmitRequest,
        prove_inclusion_request::Entry,
    },
    party::Role,
    sequencer::Sequencer,
    task::Task,
};
use tonic::Code;

use super::{
    samples::submit,
    world::{World, world},
};

fn hashes(path: &[Vec<u8>]) -> Vec<Hash> {
    path.iter().map(|hash| Hash::from_slice(hash).unwrap()).collect()
}

fn hash(bytes: &[u8]) -> Hash {
    Hash::from_slice(bytes).unwrap()
}

async fn grown(world: &World, sequencer: &Sequencer, numbers: std::ops::Range<u32>) {
    for n in numbers {
        let request: SubmitRequest = submit(&format!("A{n}"), &format!("W{n}"));
        world.declarations("acme").submit(request).await.unwrap();
    }
    while sequencer.pass().await.unwrap() > 0 {}
}

async fn staffed() -> (World, Arc<LogKey>, Sequencer) {
    let keys = [("acme", "acme", Role::Seller), ("audit", "house", Role::Auditor), ("van", "van", Role::Carrier)];
    let (world, key) = (world(&keys).await, Arc::new(LogKey::new("test.example/log", &[3; 32]).unwrap()));
    let sequencer = world.sequencer(&key);
    (world, key, sequencer)
}

#[tokio::test]
async fn what_is_in_the_log_is_proven_to_who_has_only_the_public_key() {
    let (world, key, sequencer) = staffed().await;
    let mut log = world.audit_log("audit");
    assert_eq!(log.checkpoint(CheckpointRequest::default()).await.unwrap_err().code(), Code::NotFound);
    let ask = |position| ProveInclusionRequest { entry: Some(Entry::Position(position)), ..ProveInclusionRequest::default() };
    assert_eq!(log.prove_inclusion(ask(0)).await.unwrap_err().code(), Code::NotFound);
    grown(&world, &sequencer, 0..3).await;
    let first = log.checkpoint(CheckpointRequest::default()).await.unwrap().into_inner();
    let old = Checkpoint::open(&first.note, &key.verifier()).unwrap();
    assert_eq!((i64::try_from(old.size).unwrap(), old.root), (first.size, hash(&first.root)));
    grown(&world, &sequencer, 3..8).await;
    let last = log.checkpoint(CheckpointRequest::default()).await.unwrap().into_inner();
    let head = Checkpoint::open(&last.note, &key.verifier()).unwrap();
    let again = log.checkpoint(CheckpointRequest { size: Some(1) }).await.unwrap().into_inner();
    assert_eq!((again.size, again.note == first.note), (3, true));

    for position in 0..8 {
        let proven = log.prove_inclusion(ask(position)).await.unwrap().into_inner();
        assert_eq!((proven.size, &proven.note), (8, &last.note));
        let position = u64::try_from(position).unwrap();
        assert!(verify_inclusion(leaf_hash(&proven.leaf), position, head.size, head.root, &hashes(&proven.path)), "{position}");
    }
    // By id, in an earlier tree, and in one that no checkpoint was signed of.
    let found = log.search(SearchRequest { number: "A1".into(), ..Default::default() }).await.unwrap().into_inner().entries.remove(0);
    for (size, is_signed) in [(3, true), (5, false)] {
        let entry = Some(Entry::EntryId(found.id.clone()));
        let asked = ProveInclusionRequest { entry, subject: found.subject.clone(), size: Some(size) };
        let proven = log.prove_inclusion(asked).await.unwrap().into_inner();
        let size = u64::try_from(size).unwrap();
        let position = u64::try_from(proven.position).unwrap();
        assert!(verify_inclusion(leaf_hash(&proven.leaf), position, size, hash(&proven.root), &hashes(&proven.path)));
        assert_eq!((Some(proven.position), !proven.note.is_empty()), (found.position, is_signed));
        let body: serde_json::Value = serde_json::from_slice(&proven.leaf).unwrap();
        assert_eq!(body["id"], found.id.as_str());
    }
    for from in 0..=8 {
        let proven = log.prove_consistency(ProveConsistencyRequest { from_size: from, to_size: None }).await.unwrap().into_inner();
        let from = u64::try_from(from).unwrap();
        assert!(verify_consistency(from, hash(&proven.from_root), head.size, head.root, &hashes(&proven.path)), "{from}");
        assert_eq!(proven.note, last.note);
        if from == 3 {
            assert_eq!(hash(&proven.from_root), old.root);
        }
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_what_is_not_there_is_not_found() {
    let (world, _, sequencer) = staffed().await;
    grown(&world, &sequencer, 0..2).await;
    let mut log = world.audit_log("audit");
    let id = |id: &str, subject: &str| ProveInclusionRequest {
        entry: Some(Entry::EntryId(id.into())),
        subject: subject.into(),
        ..ProveInclusionRequest::default()
    };
    let at = |position, size| ProveInclusionRequest { entry: Some(Entry::Position(position)), size, ..ProveInclusionRequest::default() };
    let nobody = "01900000-0000-7000-8000-000000000000";
    for (asked, code) in [
        (ProveInclusionRequest::default(), Code::InvalidArgument),
        (at(-1, None), Code::InvalidArgument),
        (at(0, Some(-1)), Code::InvalidArgument),
        (at(2, None), Code::NotFound),
        (at(i64::MAX, None), Code::NotFound),
        (at(0, Some(3)), Code::NotFound),
        (at(1, Some(1)), Code::NotFound),
        (at(0, Some(0)), Code::NotFound),
        (id(nobody, ""), Code::InvalidArgument),
        (id("x", nobody), Code::InvalidArgument),
        (id(nobody, nobody), Code::NotFound),
    ] {
        let told = format!("{asked:?}");
        assert_eq!(log.prove_inclusion(asked).await.unwrap_err().code(), code, "{told}");
    }
    for (from_size, to_size, code) in [
        (-1, None, Code::InvalidArgument),
        (2, Some(1), Code::InvalidArgument),
        (3, None, Code::InvalidArgument),
        (1, Some(3), Code::NotFound),
    ] {
        let asked = ProveConsistencyRequest { from_size, to_size };
        assert_eq!(log.prove_consistency(asked).await.unwrap_err().code(), code, "{asked:?}");
    }
    assert_eq!(log.checkpoint(CheckpointRequest { size: Some(3) }).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(log.checkpoint(CheckpointRequest { size: Some(-3) }).await.unwrap_err().code(), Code::InvalidArgument);
    for name in ["acme", "van"] {
        let mut log = world.audit_log(name);
        assert_eq!(log.checkpoint(CheckpointRequest::default()).await.unwrap_err().code(), Code::PermissionDenied);
        assert_eq!(log.prove_inclusion(at(0, None)).await.unwrap_err().code(), Code::PermissionDenied);
        assert_eq!(log.prove_consistency(ProveConsistencyRequest::default()).await.unwrap_err().code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn entries_are_searched_by_kind_and_outcome() {
    let (world, _, sequencer) = staffed().await;
    grown(&world, &sequencer, 0..4).await;
    let mut log = world.audit_log("audit");
    let mut count = async |kind: DocumentKind, outcome: &str| {
        let asked = SearchRequest { kind: kind.into(), outcome: outcome.into(), ..Default::default() };
        log.search(asked).await.unwrap().into_inner().entries.len()
    };
    assert_eq!(count(DocumentKind::Inventory, "waiting").await, 4);
    assert_eq!(count(DocumentKind::Order, "waiting").await, 0, "an order is due at once");
    assert_eq!(count(DocumentKind::Order, "").await, 4);
    assert_eq!(count(DocumentKind::Manifest, "").await, 0);
    assert_eq!(count(DocumentKind::Unspecified, "released").await, 0);
    let strange = SearchRequest { kind: 999, ..Default::default() };
    assert_eq!(log.search(strange).await.unwrap_err().code(), Code::InvalidArgument);
    let long = SearchRequest { outcome: "x".repeat(101), ..Default::default() };
    assert_eq!(log.search(long).await.unwrap_err().code(), Code::InvalidArgument);
}
