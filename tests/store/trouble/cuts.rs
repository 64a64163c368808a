//! Every request that a command sends may be lost, and every answer, that to its COMMIT too. Wherever the connection is cut, the command
//! is done, once, and says so.

use tongguan::{
    audit::Tree,
    declaration::{DocumentId, MessageId},
    queue::Lease,
    state::State,
    store::{Change, Disposition, Outcome, Settlement, WaybillAccepted},
};
use uuid::Uuid;

use super::{super::log::place, *};

/// Runs a command again and again, cut one request later each time, until it is not cut any more; tells how often it was cut.
async fn cut_everywhere(scene: &Scene, mut command: impl AsyncFnMut(u32)) -> u32 {
    let (mut runs, mut cuts) = (0, 0);
    for answers in [false, true] {
        for requests in 0.. {
            // Whole before it: what is counted are its own requests.
            recovers(|| scene.store.stopped()).await;
            if answers {
                scene.proxy.lose_answer_after(requests);
            } else {
                scene.proxy.lose_request_after(requests);
            }
            timeout(BOUND, command(runs)).await.expect("it ends");
            runs += 1;
            if scene.proxy.take_back() {
                break;
            }
            cuts += 1;
            assert!(cuts < 200, "it never ends");
        }
    }
    assert!(cuts >= 2, "a command sends something");
    cuts
}

async fn scene() -> Scene {
    Scene::with(shared(), |options| Options { patience_ms: 10_000, ..options }).await
}

async fn versions(scene: &Scene, id: DeclarationId) -> Document {
    scene.direct.show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().clone()
}

/// An order that is due, kept by the good way.
async fn due(scene: &Scene, name: &str) -> DeclarationId {
    let acceptance = scene.maker.acceptance(name, None);
    let id = acceptance.id;
    scene.direct.accept(START, vec![acceptance]).await.unwrap();
    id
}

/// An order that is leased, by the good way.
async fn leased(scene: &Scene, name: &str) -> (DeclarationId, DocumentId, Lease) {
    let (id, lease) = (due(scene, name).await, scene.maker.lease());
    scene.direct.lease_documents(START, lease, 10).await.unwrap();
    (id, versions(scene, id).await.id, lease)
}

/// A message of one order, by the good way.
async fn packed(scene: &Scene, name: &str) -> (DeclarationId, MessageId) {
    let (id, document, lease) = leased(scene, name).await;
    let packing = scene.maker.packing(vec![document], Kind::Order);
    let message = packing.id;
    assert_eq!(scene.direct.pack(START, lease.token, packing).await.unwrap(), Written::Done);
    (id, message)
}

async fn told(scene: &Scene, subject: Uuid) -> usize {
    let filter = EntryFilter { subjects: Some(vec![subject]), pending: true, limit: 100, ..EntryFilter::default() };
    scene.direct.entries(filter).await.unwrap().len()
}

#[tokio::test]
async fn orders_and_waybills_are_accepted_once_wherever_the_connection_is_cut() {
    let scene = scene().await;
    let accepting = async |n: u32| {
        let acceptance = scene.maker.acceptance(&format!("O{n}"), Some(&format!("W{n}")));
        let id = acceptance.id;
        let answer = scene.store.accept(START, vec![acceptance]).await.unwrap();
        assert!(matches!(answer[..], [Accepted::New(kept) | Accepted::Again(kept)] if kept == id), "{answer:?}");
        assert_eq!(told(&scene, id.0).await, 1);
        assert_eq!(scene.direct.show(None, id).await.unwrap().unwrap().assessments.len(), 1);
    };
    let cuts = cut_everywhere(&scene, accepting).await;
    assert!(cuts >= 8, "it asks, begins, writes and commits: {cuts}");
    let pushing = async |n: u32| {
        let waybill = scene.maker.waybill(&format!("W{n}"));
        let (id, subject) = (waybill.id, waybill.id.0);
        let answer = scene.store.accept_waybills(START, vec![waybill]).await.unwrap();
        assert!(
            matches!(answer[..], [WaybillAccepted::New { id: kept, declaration: _ } | WaybillAccepted::Again { id: kept, declaration: _ }] if kept == id),
            "{answer:?}"
        );
        assert_eq!(told(&scene, subject).await, 1);
    };
    cut_everywhere(&scene, pushing).await;
}

#[tokio::test]
async fn documents_are_leased_packed_and_given_back_once_wherever_the_connection_is_cut() {
    let scene = scene().await;
    let leasing = async |n: u32| {
        let (id, lease) = (due(&scene, &format!("L{n}")).await, scene.maker.lease());
        let batches = scene.store.lease_documents(START, lease, 10).await.unwrap();
        let documents: Vec<_> = batches.iter().flat_map(|batch| &batch.documents).map(|leased| leased.document.clone()).collect();
        assert_eq!(documents.iter().map(|document| document.declaration).collect::<Vec<_>>(), [Some(id)], "what it leased, it is told");
        let packing = scene.maker.packing(vec![documents[0].id], Kind::Order);
        assert_eq!(scene.direct.pack(START, lease.token, packing).await.unwrap(), Written::Done);
    };
    cut_everywhere(&scene, leasing).await;
    let packing = async |n: u32| {
        let (id, document, lease) = leased(&scene, &format!("P{n}")).await;
        let packing = scene.maker.packing(vec![document], Kind::Order);
        assert_eq!(scene.store.pack(START, lease.token, packing).await.unwrap(), Written::Done);
        assert_eq!((versions(&scene, id).await.packed, versions(&scene, id).await.version, told(&scene, document.0).await), (1, 1, 1));
    };
    cut_everywhere(&scene, packing).await;
    let giving_back = async |n: u32| {
        let (_, document, lease) = leased(&scene, &format!("G{n}")).await;
        scene.store.give_back(lease.token, vec![document], START).await.unwrap();
        let again = scene.direct.lease_documents(START, scene.maker.lease(), 10).await.unwrap();
        assert_eq!(again.iter().map(|batch| batch.documents.len()).sum::<usize>(), 1);
    };
    cut_everywhere(&scene, giving_back).await;
}

#[tokio::test]
async fn messages_are_leased_and_settled_once_wherever_the_connection_is_cut() {
    let scene = scene().await;
    let later = START + Duration::from_secs(5);
    let end = |message, attempt, outcome, entries| vec![Settlement { message, attempt, outcome, entries }];
    let leasing = async |n: u32| {
        let (_, message) = packed(&scene, &format!("L{n}")).await;
        let lease = scene.maker.lease();
        let deliveries = scene.store.lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
        assert_eq!(deliveries.iter().map(|delivery| (delivery.message, delivery.attempt)).collect::<Vec<_>>(), [(message, 1)]);
        let outcome = Outcome::Delivered { silent_at: later };
        assert_eq!(scene.direct.settle(START, lease.token, end(message, 1, outcome, Vec::new())).await.unwrap(), [Written::Done]);
    };
    cut_everywhere(&scene, leasing).await;
    let settling = async |n: u32| {
        let (id, message) = packed(&scene, &format!("S{n}")).await;
        let lease = scene.maker.lease();
        scene.direct.lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
        let outcome = Outcome::Delivered { silent_at: later };
        let entries = vec![scene.maker.entry("deliver", message.0)];
        assert_eq!(scene.store.settle(START, lease.token, end(message, 1, outcome, entries)).await.unwrap(), [Written::Done]);
        let order = versions(&scene, id).await;
        assert_eq!((order.state, order.version, told(&scene, message.0).await), (State::Delivered, 2, 1));
    };
    cut_everywhere(&scene, settling).await;
}

#[tokio::test]
async fn arrivals_are_kept_leased_and_applied_once_wherever_the_connection_is_cut() {
    let scene = scene().await;
    let keeping = async |n: u32| {
        scene.store.keep(START, vec![scene.maker.arrival(&format!("K{n}"))]).await.unwrap();
        let lease = scene.maker.lease();
        let arrivals = scene.store.lease_arrivals(START, lease, None, 10).await.unwrap();
        assert_eq!(arrivals.iter().map(|arrival| (arrival.attempt, arrival.bytes.len())).collect::<Vec<_>>(), [(1, 4)]);
        let read = Application { token: Some(lease.token), arrivals: vec![(arrivals[0].id, Disposition::Read)], ..Application::default() };
        assert_eq!(scene.direct.apply(START, read).await.unwrap(), Written::Done);
    };
    cut_everywhere(&scene, keeping).await;
    let applying = async |n: u32| {
        let id = due(&scene, &format!("A{n}")).await;
        scene.direct.keep(START, vec![scene.maker.arrival(&format!("A{n}"))]).await.unwrap();
        let lease = scene.maker.lease();
        let arrival = scene.direct.lease_arrivals(START, lease, None, 10).await.unwrap()[0].id;
        let order = versions(&scene, id).await;
        let change = Change {
            expected: vec![(order.id, order.version)],
            documents: vec![Document { state: State::Declaring, ..order }],
            assessment: Some((id, "{}".into())),
            entries: vec![scene.maker.entry("receipt", id.0)],
            ..Change::default()
        };
        let (arrivals, changes) = (vec![(arrival, Disposition::Read)], vec![change]);
        let application = Application { token: Some(lease.token), arrivals, changes, ..Application::default() };
        assert_eq!(scene.store.apply(START, application).await.unwrap(), Written::Done);
        let shown = scene.direct.show(None, id).await.unwrap().unwrap();
        assert_eq!((versions(&scene, id).await.version, shown.assessments.len(), told(&scene, id.0).await), (1, 2, 2));
    };
    cut_everywhere(&scene, applying).await;
}

#[tokio::test]
async fn places_and_roles_are_given_once_wherever_the_connection_is_cut() {
    let scene = scene().await;
    let mut tree = Tree::empty();
    let sequencing = async |n: u32| {
        due(&scene, &format!("S{n}")).await;
        let pending = scene.direct.pending_entries(10).await.unwrap();
        assert_eq!(pending.len(), 1);
        assert_eq!(scene.store.sequence(START, place(&mut tree, &pending)).await.unwrap(), Written::Done);
        let last = scene.direct.last_checkpoint().await.unwrap().unwrap();
        assert_eq!((last.size, last.root.as_slice()), (i64::try_from(tree.size()).unwrap(), tree.root().as_bytes().as_slice()));
    };
    cut_everywhere(&scene, sequencing).await;
    let until = START + Duration::from_secs(5);
    let taking = async |n: u32| {
        assert!(scene.store.take_role(START, &format!("role{n}"), Uuid::from_u128(1), until).await.unwrap());
    };
    cut_everywhere(&scene, taking).await;
    let resuming = async |n: u32| {
        let sender = format!("sender{n}");
        let stop = Application { stops: vec![(sender.clone(), "1002".into())], ..Application::default() };
        scene.direct.apply(START, stop).await.unwrap();
        let subject = scene.maker.clockwork.id();
        let entries = vec![scene.maker.entry("resume", subject)];
        let changes = vec![Change { entries, ..Change::default() }];
        scene.store.apply(START, Application { resumed: vec![sender], changes, ..Application::default() }).await.unwrap();
        assert_eq!((scene.direct.stopped().await.unwrap().len(), told(&scene, subject).await), (0, 1));
    };
    cut_everywhere(&scene, resuming).await;
}
